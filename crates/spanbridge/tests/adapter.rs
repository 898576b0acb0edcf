//! What an adapter gets for describing its messages: relations, age, capture, settlements, batches and drivers.
#![cfg(feature = "record")]

mod support;

use futures_util::FutureExt;
use spanbridge::adapter::{
    self, Describe, DrivenJob, Handoff, HandoffStatus, Job, Step, Transaction, Values, Waited, Work, drive_one,
};
use spanbridge::carrier::Extract;
use spanbridge::messaging::*;
use spanbridge::observe::{self, SpanBuilder};
use spanbridge::record::{Body, Diagnostic, Record};
use spanbridge::{Failure, Status, semconv};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;
use support::{Seen, by_name, record, spans};

const SENDER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// A message of a transport in memory.
struct Letter {
    headers: HashMap<String, String>,
    body: &'static str,
    waited: Waited,
}

impl Letter {
    fn new(body: &'static str) -> Self {
        let headers =
            HashMap::from([("traceparent".to_owned(), SENDER.to_owned()), ("x-tenant".into(), "acme".into())]);
        Letter { headers, body, waited: Waited::Known(Duration::from_millis(1500)) }
    }
}

struct Post;

impl MessageView for Post {
    type View<'m> = &'m Letter;
}

impl Describe for Letter {
    type View = Post;

    fn headers(&self) -> impl Extract {
        &self.headers
    }

    fn view(&self) -> &Letter {
        self
    }

    fn run_name(&self, _: &mut Values<'_>) -> String {
        "process letters".to_owned()
    }

    fn describe(&self, values: &mut Values<'_>) -> SpanBuilder {
        let span = adapter::span("post", Step::Process, "process", "letters");
        values.attribute(span, PartKind::MessageKey, semconv::KAFKA_MESSAGE_KEY, self.body.as_bytes())
    }

    fn waited(&self) -> Waited {
        self.waited
    }

    fn payload(&self) -> Option<&[u8]> {
        Some(self.body.as_bytes())
    }

    fn content_type(&self) -> &str {
        "text/plain"
    }

    fn each_header(&self, each: &mut dyn FnMut(&str, &[u8])) {
        self.headers.iter().for_each(|(name, value)| each(name, value.as_bytes()))
    }
}

type Options = ReceiveOptions<Post>;

/// What the postman was told.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Disposition {
    Keep,
    Return,
    Burn,
}

struct Delivered {
    letter: Letter,
    work: Work,
    told: Mutex<Vec<Disposition>>,
}

impl Delivered {
    fn new(letter: Letter, options: &Options) -> Self {
        let work = Work::receive(&letter, options);
        Delivered { letter, work, told: Mutex::default() }
    }
}

impl Job for Delivered {
    type Message = Letter;

    fn message(&self) -> &Letter {
        &self.letter
    }

    fn work(&self) -> &Work {
        &self.work
    }

    fn describe_batch(jobs: &[Self]) -> SpanBuilder {
        adapter::span("post", Step::Process, "process", "letters").attribute(semconv::MESSAGING_BATCH_COUNT, jobs.len())
    }
}

impl DrivenJob for Delivered {
    type Disposition = Disposition;

    async fn settle(&self, disposition: Disposition) {
        let span = |_: &mut Values<'_>| adapter::span("post", Step::Settle, "tell", "letters");
        let tell = || async {
            self.told.lock().unwrap().push(disposition);
            Ok::<_, &str>(())
        };
        let _ = self.work.settle(span, tell, |_| None).await;
    }
}

fn attribute<'a>(span: &'a Seen, key: &str) -> Option<&'a str> {
    span.attributes.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
}

fn told(records: &[Record<'_>]) -> Vec<String> {
    let told = records.iter().filter_map(|record| match &record.body {
        Body::Diagnostic(Diagnostic { code, message, .. }) => Some(format!("{code}: {message}")),
        Body::Artifact(artifact) => {
            Some(format!("{} {} {}", artifact.kind, artifact.content_type, artifact.size_bytes))
        }
        _ => None,
    });
    told.collect()
}

/// Work with the default options, in everything that the core adds to a description.
#[test]
fn work_is_described_and_run() {
    let records = record(|| {
        let job = Delivered::new(Letter::new("hello"), &Options::new());
        assert_eq!(job.work.context().span_id().unwrap().to_string(), "00f067aa0ba902b7");
        let work = job.work.run(&job.letter, || {
            assert!(observe::active_span().is_some(), "the work is called inside");
            async { observe::span("pack").in_scope(|| Err::<(), _>("no paper")) }
        });
        assert!(work.now_or_never().unwrap().is_err());
        job.settle(Disposition::Keep).now_or_never().unwrap();
    });
    let all = spans(&records);
    let process = by_name(&all, "process letters");
    assert_eq!(process.parent.unwrap().to_string(), "00f067aa0ba902b7");
    assert_eq!((process.status, process.error.as_deref()), (Some(Status::Error), Some("no paper")));
    for (key, value) in [
        (semconv::QUEUE_TIME_MS, "1500"),
        (semconv::MESSAGING_BODY_SIZE, "5"),
        (semconv::KAFKA_MESSAGE_KEY, "hello"),
        (semconv::MESSAGING_OPERATION_TYPE, "process"),
    ] {
        assert_eq!(attribute(process, key), Some(value), "{key}");
    }
    for inside in ["pack", "tell letters"] {
        assert_eq!(by_name(&all, inside).parent, Some(process.id), "{inside}");
    }
    assert_eq!(told(&records), [""; 0]);
}

#[test]
fn work_that_is_not_async_ends_its_span() {
    let records = record(|| {
        let job = Delivered::new(Letter::new(""), &Options::new());
        assert!(job.work.in_scope(&job.letter, || Err::<(), _>("late")).is_err());
        let panics = || job.work.in_scope(&job.letter, || panic!("on purpose") as ());
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(panics)).is_err());
        let span = |_: &mut Values<'_>| adapter::span("post", Step::Settle, "tell", "letters");
        let refused = job.work.settle_in_scope(span, || Err::<(), _>("closed"), |r| r.as_ref().err().map(Failure::new));
        assert!(refused.is_err());
    });
    let all = spans(&records);
    let ends: Vec<_> = all.iter().map(|s| (s.status.unwrap(), s.error.clone().unwrap_or_default())).collect();
    assert_eq!(ends[0], (Status::Error, "late".into()));
    assert!(ends[1].0 == Status::Panicked && ends[1].1.starts_with("on purpose"), "{ends:?}");
    assert_eq!(ends[2], (Status::Error, "closed".into()));
}

/// Each message is asked about by its own type; what is said about one counts before what is said about all.
#[test]
fn options_choose_by_message() {
    let options = Options::new()
        .relation(Relation::Auto { max_age: Duration::from_secs(1) })
        .relation_by(|letter| {
            if letter.body == "new" { Relation::NewRun } else { Relation::Auto { max_age: Duration::from_secs(1) } }
        })
        .allow_baggage(["tenant"]);
    let records = record(|| {
        for (body, waited) in [
            ("new", Waited::Unknown),
            ("old", Waited::Known(Duration::from_secs(2))),
            ("fresh", Waited::Known(Duration::ZERO)),
        ] {
            let job = Delivered::new(Letter { waited, ..Letter::new(body) }, &options.clone());
            assert!(job.work.run_value(&job.letter, || async {}).now_or_never().is_some());
        }
    });
    let related: Vec<_> = spans(&records).iter().map(|s| attribute(s, semconv::RELATION).map(str::to_owned)).collect();
    assert_eq!(related, [Some("new_run".to_owned()), Some("link".to_owned()), None]);
}

#[test]
fn capture_and_clock_skew_are_recorded() {
    let capture = CapturePolicy::from(CaptureMode::Inline { max: 3 }).headers(CaptureMode::Reference);
    let options = Options::new().capture(capture);
    let ahead = Waited::Ahead(Duration::from_secs(60));
    let records = record(|| {
        let job = Delivered::new(Letter { waited: ahead, ..Letter::new("hello") }, &options);
        job.work.begin(&job.letter).end();
        let off = Delivered::new(Letter::new("hello"), &Options::new().capture(CaptureMode::Off));
        off.work.begin(&off.letter).error("not to be told");
    });
    assert_eq!(
        told(&records),
        [
            "clock.skew: the message's timestamp lies 60000 ms in the future",
            "input text/plain 5",
            "input.headers application/json 19"
        ]
    );
    let off = &spans(&records)[1];
    assert_eq!(
        (attribute(off, semconv::MESSAGING_BODY_SIZE), attribute(off, semconv::KAFKA_MESSAGE_KEY)),
        (None, None)
    );
    assert_eq!(off.error.as_deref().unwrap_or_default(), "");
}

/// The context of the process span is found again without a lock, and in every relation.
#[test]
fn settlements_find_their_process_span() {
    record(|| {
        for relation in [Relation::Parent, Relation::NewRun, Relation::Link] {
            let job = Delivered::new(Letter::new(""), &Options::new().relation(relation));
            assert_eq!(&job.work.received().settling(), job.work.context(), "before there is one");
            for _ in 0..2 {
                let span = job.work.begin(&job.letter);
                let settling = job.work.received().settling();
                assert_eq!((settling.span_id(), settling.trace_id()), (span.id(), span.context().trace_id()));
                assert_eq!(job.work.span().unwrap().id(), span.id(), "the last one");
                span.end()
            }
        }
    });
}

const POLICY: SettlePolicy<Disposition> =
    SettlePolicy::new(Disposition::Keep, Disposition::Return).on_panic(Disposition::Burn);

/// Drives one letter, and gives the statuses of its process spans, what was told, and the error.
fn drive(handler: impl JobHandler<Delivered>, retries: u32) -> (Vec<Status>, Vec<Disposition>, Option<String>) {
    let (mut error, mut told) = (None, vec![]);
    let records = record(|| {
        let job = Arc::new(Delivered::new(Letter::new("hello"), &Options::new()));
        let options = DriverOptions::new(POLICY).retries(retries);
        let driven = drive_one(&job, &handler, &options).now_or_never().unwrap();
        error = driven.into_error().map(|e| e.to_string());
        told = job.told.lock().unwrap().clone();
    });
    let all = spans(&records);
    let process = all.iter().filter(|s| s.name == "process letters");
    (process.filter_map(|s| s.status).collect(), told, error)
}

#[test]
fn a_driver_settles_by_its_policy() {
    let ok =
        drive(|job: Arc<Delivered>| async move { if job.letter.body == "hello" { Ok(()) } else { Err("what?") } }, 3);
    assert_eq!(ok, (vec![Status::Ok], vec![Disposition::Keep], None));
    let failed = drive(|_: Arc<Delivered>| async { Err("no paper") }, 2);
    assert_eq!(failed, (vec![Status::Error; 3], vec![Disposition::Return], Some("no paper".to_owned())));
    let attempts = AtomicUsize::new(0);
    let second = |_: Arc<Delivered>| {
        let attempt = attempts.fetch_add(1, SeqCst);
        async move { if attempt == 0 { Err("once") } else { Ok(()) } }
    };
    assert_eq!(drive(second, 9), (vec![Status::Error, Status::Ok], vec![Disposition::Keep], None));
}

struct Bad;

impl Drop for Bad {
    fn drop(&mut self) {
        panic!("in the destructor")
    }
}

impl std::fmt::Debug for Bad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("bad")
    }
}

impl std::fmt::Display for Bad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("bad")
    }
}

impl std::error::Error for Bad {}

/// Whatever a handler does, the driver goes on: panics before there is a future, in it, in what it drops, in what a panic
/// carried, in an error that is dropped.
#[test]
fn nothing_a_handler_does_ends_a_driver() {
    let burnt = |(statuses, told, error): (Vec<Status>, Vec<Disposition>, Option<String>)| {
        assert_eq!((statuses, told), (vec![Status::Panicked], vec![Disposition::Burn]));
        let error = error.unwrap();
        assert!(error.starts_with("the handler panicked: "), "{error}");
    };
    fn at_once(_: Arc<Delivered>) -> std::future::Ready<Result<(), BoxError>> {
        panic!("before there is a future")
    }
    burnt(drive(at_once, 0));
    burnt(drive(|_: Arc<Delivered>| async { panic!("in it") as Result<(), BoxError> }, 0));
    burnt(drive(|_: Arc<Delivered>| async { std::panic::panic_any(Bad) as Result<(), BoxError> }, 0));
    struct Fails;
    impl JobHandler<Delivered> for Fails {
        async fn handle(&self, _: Arc<Delivered>) -> Result<(), BoxError> {
            Err(Bad.into())
        }
    }
    let job = Arc::new(Delivered::new(Letter::new("hello"), &Options::new()));
    let driven = drive_one(&job, &Fails, &DriverOptions::new(POLICY).retries(1)).now_or_never().unwrap();
    drop(driven);
    assert_eq!(*job.told.lock().unwrap(), [Disposition::Return]);
    burnt(drive(Torn, 0));
}

/// Its future fails with an error that may not be dropped, and may not be dropped itself.
struct Torn;

impl JobHandler<Delivered> for Torn {
    fn handle(&self, _: Arc<Delivered>) -> impl Future<Output = Result<(), BoxError>> + Send {
        struct Fails(Bad);
        impl Future for Fails {
            type Output = Result<(), BoxError>;

            fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
                Poll::Ready(Err(Bad.into()))
            }
        }
        Fails(Bad)
    }
}

/// A driver that is dropped drops what is under way. A panic in that would keep it from the rest.
#[test]
fn work_may_panic_when_a_driver_is_dropped() {
    struct Waits;
    impl JobHandler<Delivered> for Waits {
        async fn handle(&self, _: Arc<Delivered>) -> Result<(), BoxError> {
            let _bad = Bad;
            std::future::pending().await
        }
    }
    let records = record(|| {
        let job = Arc::new(Delivered::new(Letter::new("hello"), &Options::new()));
        assert!(drive_one(&job, &Waits, &POLICY.into()).now_or_never().is_none(), "it was polled once, and dropped");
        assert!(job.told.lock().unwrap().is_empty());
    });
    let all = spans(&records);
    let process = by_name(&all, "process letters");
    assert_eq!(process.status, Some(Status::Panicked));
}

/// What sends in a transaction may be kept for longer than that.
#[test]
fn a_send_after_a_transaction_is_no_part_of_it() {
    for (end, status) in [(HandoffStatus::Committed, "committed"), (HandoffStatus::RolledBack, "rolled_back")] {
        let records = record(|| {
            let send = |name| Handoff::new(observe::span(name).open());
            let mut transaction = Transaction::new(observe::span("transaction").open());
            let inside = transaction.inside().clone();
            let during = inside.sends(send("during"));
            transaction.ended(end);
            during.ended(HandoffStatus::Sent);
            inside.sends(send("after")).ended(HandoffStatus::Sent)
        });
        let all = spans(&records);
        let said = |name: &str| all.iter().find(|s| s.name == name).map(|s| attribute(s, semconv::HANDOFF_STATUS));
        assert_eq!(
            [said("transaction"), said("during"), said("after")],
            [status, status, "sent"].map(|s| Some(Some(s)))
        );
    }
}

/// A driver's future may be spawned, with closures, functions and handlers of your own.
#[test]
fn drivers_can_be_spawned() {
    fn spawnable<F: Future + Send + 'static>(_: F) {}
    async fn ship(body: &str) -> Result<(), std::fmt::Error> {
        std::future::ready(()).await;
        if body.is_empty() { Err(std::fmt::Error) } else { Ok(()) }
    }
    async fn driver(handler: impl JobHandler<Delivered>) {
        let job = Arc::new(Delivered::new(Letter::new("hello"), &Options::new()));
        drive_one(&job, &handler, &POLICY.into()).await.into_error();
    }
    async fn function(job: Arc<Delivered>) -> Result<(), std::fmt::Error> {
        ship(job.letter.body).await
    }
    let shared = Arc::new(String::from("captured"));
    spawnable(driver(function));
    spawnable(driver(move |job: Arc<Delivered>| {
        let shared = shared.clone();
        async move { ship(job.letter.body).await.map_err(|e| format!("{shared}: {e}")) }
    }));
}

/// A batch ends what its messages have not ended themselves.
#[test]
fn batches_work_on_jobs() {
    let records = record(|| {
        let jobs = (0..3).map(|_| Delivered::new(Letter::new("hello"), &Options::new())).collect();
        let batch = Batch::new(jobs);
        let work = batch.run(|| async {
            let first = &batch[0];
            first.work.run(&first.letter, || async { Err::<(), _>("torn") }).await.map_err(|_| ()).ok();
            Ok::<_, &str>(())
        });
        assert!(work.now_or_never().unwrap().is_ok());
    });
    let all = spans(&records);
    let batch = all.iter().find(|s| attribute(s, semconv::MESSAGING_BATCH_COUNT) == Some("3")).unwrap();
    let mut jobs: Vec<_> = all.iter().filter(|s| s.parent.is_some()).collect();
    jobs.sort_by_key(|s| s.status != Some(Status::Error));
    assert_eq!(jobs.iter().filter_map(|s| s.status).collect::<Vec<_>>(), [Status::Error, Status::Ok, Status::Ok]);
    assert!(jobs.iter().all(|s| s.links == [(batch.trace, batch.id)]));
    assert_eq!((batch.links.len(), batch.status), (3, Some(Status::Ok)));
}

/// What comes behind jobs is for the next call: an error, a panic over a message, the end.
#[test]
fn a_batch_keeps_what_ends_it() {
    let mut steps = ["a", "b", "pending", "c", "error", "d", "panic", "e", "end"].into_iter().peekable();
    let mut stream = futures_util::stream::poll_fn(move |_| {
        if steps.next_if_eq(&"panic").is_some() {
            panic!("no relation")
        }
        match steps.next() {
            Some("error") => Poll::Ready(Some(Err("gone"))),
            Some("pending") => Poll::Pending,
            Some("end") | None => Poll::Ready(None),
            Some(body) => Poll::Ready(Some(Ok(Delivered::new(Letter::new(body), &Options::new())))),
        }
    });
    let mut kept = vec![];
    let mut collect = |limit| {
        let batch = Batch::collect(&mut stream, limit, |_, last| kept.push(last)).now_or_never().expect("a batch");
        batch.map(|batch| batch.map(|batch| batch.iter().map(|job| job.letter.body).collect::<String>()))
    };
    assert_eq!(collect(1), Some(Ok("a".to_owned())));
    for expected in ["b", "c", "d", "e"] {
        assert_eq!(collect(9), Some(Ok(expected.to_owned())));
    }
    assert_eq!(collect(9), None);
    assert_eq!(kept, [Some("gone"), None]);
}

/// It is the application's, and what it panicked over is not lost.
#[test]
fn a_relation_that_panics_gives_the_message_back() {
    let options = Options::new().relation_by(|_| panic!("no relation"));
    let mut unread = None;
    let receive = || Work::receive_or(Letter::new("hello"), &options, |letter| unread = Some(letter)).1;
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(receive)).unwrap_err();
    assert_eq!(panic.downcast_ref(), Some(&"no relation"));
    assert_eq!(unread.map(|letter| letter.body), Some("hello"));
}
