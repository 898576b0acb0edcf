//! What a consumer makes of what comes with its messages: relations, trust, baggage, capture, batches.
#![cfg(feature = "record")]

mod support;

use spanbridge::adapter::{Describe, Job, Message, Step, Values, Work};
use spanbridge::carrier::Extract;
use spanbridge::carrier::inject;
use spanbridge::messaging::*;
use spanbridge::observe::{self, Span, SpanBuilder};
use spanbridge::record::{Body, Diagnostic, Record, RunStart};
use spanbridge::w3c::TRACESTATE;
use spanbridge::{Context, Primitive, Recorder, RunId, Sampler, Status, TraceId};
use std::collections::HashMap;
use std::time::Duration;
use support::{Seen, by_name, flush, lifecycle, record, spans, with};

type Headers = HashMap<String, String>;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SENDER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

fn headers() -> Headers {
    let pairs = [("traceparent", SENDER), ("tracestate", "a=1"), ("baggage", "tenant=acme,secret=s3,tier=gold")];
    pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).into()
}

fn received(receiving: ReceiveOptions) -> Received {
    Received::new(&headers()).with(&receiving, MessageInfo::new().run_name(&|| "process orders".to_owned()))
}

fn related(relation: Relation) -> Received {
    received(ReceiveOptions::new().relation(relation))
}

/// Works on a message, which sends another one: what went out.
fn work(received: &Received) -> Headers {
    let span = received.process(|| observe::span("process").open());
    let mut sent = Headers::new();
    inject(span.context(), &mut sent);
    span.end();
    sent
}

fn sender() -> (TraceId, RunId) {
    let trace = TRACE.parse().unwrap();
    (trace, RunId::of_trace(trace))
}

fn diagnostics(records: &[Record<'_>]) -> Vec<String> {
    let told = records.iter().filter_map(|r| match &r.body {
        Body::Diagnostic(Diagnostic { code, message, .. }) => Some(format!("{code}: {message}")),
        _ => None,
    });
    told.collect()
}

fn attribute<'a>(span: &'a Seen, key: &str) -> Option<&'a str> {
    span.attributes.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str())
}

#[test]
fn a_child_run_is_an_execution_record_of_its_own() {
    let mut sent = Headers::new();
    let records = record(|| sent = work(&related(Relation::NewRun)));
    let (trace, run) = sender();
    let all = spans(&records);
    let span = by_name(&all, "process");
    assert_eq!((span.trace, span.parent.unwrap().to_string().as_str()), (trace, "00f067aa0ba902b7"));
    assert_ne!(span.run, run, "its own");
    assert_eq!(attribute(span, "spanbridge.relation"), Some("new_run"));
    let start = records.iter().find_map(|r| match &r.body {
        Body::RunStart(RunStart { name, parent_run_id, triggered_by_span_id, root_primitive, .. }) => {
            Some((r.run_id, name.to_string(), *parent_run_id, *triggered_by_span_id, root_primitive.clone()))
        }
        _ => None,
    });
    let primitive = Some("messaging.process".into());
    assert_eq!(start, Some((Some(span.run), "process orders".to_owned(), Some(run), span.parent, primitive)));
    assert_eq!(lifecycle(&records), ["start process orders", "end ok"]);
    // What it sends on belongs to it, and has the baggage.
    assert_eq!(sent[TRACESTATE], format!("sb=r:{},a=1", span.run));
    assert_eq!((&sent["baggage"], &sent["traceparent"][3..35]), (&headers()["baggage"], TRACE));
}

#[test]
fn a_child_run_is_the_kind_of_step_that_was_said() {
    let records = record(|| {
        let receiving = <ReceiveOptions>::new().relation(Relation::NewRun);
        let arrival = MessageInfo::new().run_name(&|| "score".to_owned()).primitive(Primitive::FUNCTION_HANDLE);
        work(&Received::new(&headers()).with(&receiving, arrival));
    });
    let primitives = records.iter().filter_map(|r| match &r.body {
        Body::RunStart(RunStart { root_primitive, .. }) => root_primitive.clone(),
        _ => None,
    });
    assert_eq!(primitives.collect::<Vec<_>>(), ["function.handle"]);
}

#[test]
fn a_child_run_ends_as_its_work_does() {
    let records = record(|| {
        let open = || related(Relation::NewRun).process(|| observe::span("process").open());
        open().error("no paper");
        drop(open());
        let panics = open();
        let work = std::panic::catch_unwind(move || {
            futures_util::FutureExt::now_or_never(panics.run(async || panic!("on purpose")))
        });
        assert!(work.is_err());
        let twice = related(Relation::NewRun);
        work_is(&twice, Ok(()));
        work_is(&twice, Err("again"));
    });
    fn work_is(received: &Received, result: Result<(), &str>) {
        received.process(|| observe::span("process").open()).end_with(&result)
    }
    let ends: Vec<_> = lifecycle(&records).into_iter().filter(|l| l.starts_with("end")).collect();
    let panicked = "end error: panicked: on purpose";
    assert_eq!(ends, ["end error: no paper", "end cancelled", panicked, "end ok", "end error: again"]);
    let all = spans(&records);
    let mut runs: Vec<_> = all.iter().map(|s| s.run).collect();
    runs.dedup();
    assert_eq!(runs.len(), 5, "each attempt is a run");
    let statuses: Vec<_> = all.iter().filter_map(|s| s.status).collect();
    assert_eq!(statuses, [Status::Error, Status::Cancelled, Status::Panicked, Status::Ok, Status::Error]);
}

#[test]
fn a_linked_trace_belongs_to_the_sender_s_run() {
    let mut sent = Headers::new();
    let records = record(|| sent = work(&related(Relation::Link)));
    let (trace, run) = sender();
    let all = spans(&records);
    let span = by_name(&all, "process");
    assert_ne!(span.trace, trace, "its own");
    assert_eq!((span.run, span.parent), (run, None), "the run is whole");
    assert_eq!(span.links, [(trace, "00f067aa0ba902b7".parse().unwrap())]);
    assert_eq!(attribute(span, "spanbridge.relation"), Some("link"));
    assert_eq!(lifecycle(&records), [""; 0], "nobody here owns the run");
    // What it sends on belongs to the run, and has the baggage; the tracestate was the other trace's.
    assert_eq!((&sent[TRACESTATE], &sent["baggage"]), (&format!("sb=r:{run}"), &headers()["baggage"]));
    assert_eq!(sent["traceparent"][3..35], span.trace.to_string());
}

#[test]
fn by_age() {
    let hour = Duration::from_secs(3600);
    let auto = <ReceiveOptions>::new().relation(Relation::Auto { max_age: hour });
    let of = |age| Received::new(&headers()).with(&auto, MessageInfo::new().age(age));
    let records = record(|| {
        for age in [None, Some(Duration::ZERO), Some(hour), Some(hour + Duration::from_millis(1))] {
            work(&of(age));
        }
        // What is said about a message comes before what is said about all.
        let arrival = MessageInfo::new().relation(Relation::Link);
        work(&Received::new(&headers()).with(&auto, arrival));
    });
    let links: Vec<_> = spans(&records).iter().map(|s| s.links.len()).collect();
    assert_eq!(links, [0, 0, 0, 1, 1]);
}

#[test]
fn without_a_context_nothing_is_related() {
    for (relation, expected) in [(Relation::Link, vec![]), (Relation::NewRun, vec!["start process orders", "end ok"])] {
        let records = record(|| {
            observe::span("loop").in_scope(|| {
                let receiving = <ReceiveOptions>::new().relation(relation);
                let arrival = MessageInfo::new().run_name(&|| "process orders".to_owned());
                work(&Received::new(&Headers::new()).with(&receiving, arrival));
            })
        });
        let all = spans(&records);
        let span = by_name(&all, "process");
        assert_eq!((span.parent, span.links.len(), span.run), (None, 0, RunId::of_trace(span.trace)), "{relation:?}");
        assert_eq!(lifecycle(&records), expected);
    }
}

/// This holds for every relation.
#[test]
fn an_unsampled_sender_stays_so() {
    let unsampled = || Headers::from([("traceparent".to_owned(), SENDER.replace("-01", "-00"))]);
    let (recorder, memory) = with(|b| b.on_flush_only().sampler(Sampler::parent_based(1.0)));
    recorder.in_scope(|| {
        for relation in [Relation::Parent, Relation::NewRun, Relation::Link] {
            let receiving = <ReceiveOptions>::new().relation(relation);
            let sent = work(&Received::new(&unsampled()).with(&receiving, MessageInfo::new()));
            assert_eq!(&sent["traceparent"][53..], "00");
            assert_eq!(relation == Relation::Link, sent["traceparent"][3..35] != *TRACE, "{relation:?}");
        }
    });
    flush(&recorder);
    assert!(memory.records().is_empty());
}

/// This holds for every relation.
#[test]
fn contexts_travel_where_nobody_records() {
    for relation in [Relation::Parent, Relation::NewRun, Relation::Link] {
        let sent = work(&related(relation));
        assert_eq!((&sent["traceparent"], &sent["baggage"]), (&SENDER.to_owned(), &headers()["baggage"]));
    }
}

#[test]
fn ids_only() {
    let mut sent = Headers::new();
    let (recorder, memory) = with(|b| b.on_flush_only().sampler(Sampler::parent_based(0.0)));
    recorder.in_scope(|| {
        let receiving = <ReceiveOptions>::new().trust(Trust::IdsOnly);
        let received = Received::new(&headers()).with(&receiving, MessageInfo::new());
        assert!(received.context().baggage().is_empty());
        sent = work(&received);
    });
    flush(&recorder);
    assert!(memory.records().is_empty(), "that the sender is recorded is no reason here");
    assert_eq!((sent["traceparent"].as_str(), sent[TRACESTATE].as_str()), (&*SENDER.replace("-01", "-00"), "a=1"));
    assert!(!sent.contains_key("baggage"));

    let records = record(|| {
        work(&received(<ReceiveOptions>::new().trust(Trust::IdsOnly)));
    });
    assert_eq!(spans(&records)[0].trace, sender().0);
    assert_eq!(diagnostics(&records), ["baggage.filtered: the sender is trusted for its ids only: 31 bytes left out"]);
}

/// The work is a trace of its own, which says what the sender claimed.
#[test]
fn an_ignored_sender_is_only_named() {
    let mut sent = Headers::new();
    let records = record(|| {
        let received = received(<ReceiveOptions>::new().trust(Trust::Ignore));
        assert!(received.context().is_empty());
        observe::span("loop").in_scope(|| sent = work(&received));
    });
    let all = spans(&records);
    let span = by_name(&all, "process");
    assert_eq!((span.parent, span.run), (None, RunId::of_trace(span.trace)));
    assert_eq!(span.links, [(sender().0, "00f067aa0ba902b7".parse().unwrap())]);
    assert_eq!(diagnostics(&records), [format!("context.ignored: the sender is not trusted: it said {SENDER}")]);
    assert_eq!(sent.len(), 1, "neither baggage nor tracestate: {sent:?}");
}

#[test]
fn baggage_that_is_not_on_the_list_is_left_out() {
    let mut sent = Headers::new();
    let records = record(|| {
        sent = work(&received(ReceiveOptions::new().allow_baggage(["tenant", "absent"])));
    });
    assert_eq!(sent["baggage"], "tenant=acme");
    assert_eq!(diagnostics(&records), ["baggage.filtered: 2 members are not on the list"]);
    // Nothing to say where nothing was left out.
    let records = record(|| {
        work(&received(ReceiveOptions::new().allow_baggage(["tenant", "secret", "tier"])));
    });
    assert_eq!(diagnostics(&records), [""; 0]);
}

/// What a capture records of a message, in words.
fn captured(capturing: CapturePolicy, payload: &[u8]) -> Vec<String> {
    told(|span| {
        let message = Message::new(Step::Process, payload).content_type("text/plain");
        capturing.record(span, &message, |each| {
            each("traceparent", SENDER.as_bytes());
            each("x-\"tenant\"", b"acme");
            each("authorization", b"Bearer \xff");
        });
    })
}

/// The artifacts and diagnostics that come with a span, in words.
fn told(tell: impl FnOnce(&Span)) -> Vec<String> {
    let records = record(|| {
        let span = observe::span("process").open();
        tell(&span);
        span.end()
    });
    let shown = records.iter().filter_map(|r| match &r.body {
        Body::Artifact(a) => Some(format!(
            "{} {} {} {} {} {}",
            a.kind,
            a.content_type,
            a.size_bytes,
            a.hash.as_deref().unwrap_or("-"),
            a.encoding,
            a.preview.as_deref().unwrap_or("-")
        )),
        Body::Diagnostic(Diagnostic { code, message, .. }) => Some(format!("{code}: {message}")),
        _ => None,
    });
    shown.collect()
}

#[test]
fn as_much_is_captured_as_was_asked_for() {
    let payload = b"{\"card\":\"4111\"}";
    assert_eq!(captured(CapturePolicy::default(), payload), [""; 0]);
    assert_eq!(captured(CaptureMode::Off.into(), payload), [""; 0]);
    assert_eq!(
        captured(CapturePolicy::default().hashed(), b""),
        ["input text/plain 0 xxh3:99aa06d3014798d86001c324468d497f utf-8 -"], // as its specification has it
    );
    assert_eq!(captured(CaptureMode::Inline { max: 7 }.into(), payload), ["input text/plain 15 - utf-8 {\"card\""]);
    assert_eq!(captured(CaptureMode::Inline { max: 7 }.into(), b"\xff\xfe"), ["input text/plain 2 - hex fffe"]);
    assert_eq!(
        captured(CapturePolicy::from(CaptureMode::Off).headers(CaptureMode::Inline { max: 999 }), payload),
        [
            "input.headers application/json 52 - utf-8 {\"x-\\\"tenant\\\"\":\"acme\",\"authorization\":\"Bearer \u{fffd}\"}"
        ]
    );
    assert_eq!(
        captured(CapturePolicy::from(CaptureMode::Off).headers(CaptureMode::Reference), payload),
        ["input.headers application/json 52 - utf-8 -"]
    );
}

/// What is no message has no attribute for its size.
#[test]
fn only_messages_have_a_size() {
    let call = |capturing: CapturePolicy| {
        told(|span| {
            capturing.record_payload(span, "input", "application/json", b"{}");
            capturing.record_headers(span, "input.headers", |each| each("a", b"1"))
        })
    };
    assert_eq!(call(CaptureMode::Off.into()), [""; 0]);
    assert_eq!(call(CapturePolicy::from(CaptureMode::Off).hashed()), [""; 0]);
    assert_eq!(call(CaptureMode::Reference.into()), ["input application/json 2 - utf-8 -"]);
    assert_eq!(
        call(CapturePolicy::from(CaptureMode::Inline { max: 1 }).headers(CaptureMode::Reference)),
        ["input application/json 2 - utf-8 {", "input.headers application/json 9 - utf-8 -"]
    );
    let fails = CapturePolicy::default().headers(CaptureMode::Reference).redact(|_| Err("no"));
    assert!(call(fails).iter().all(|told| told.starts_with("redaction.failed: ")));
    // What is not recorded is not asked for, nor shown to the hook.
    let hook = CapturePolicy::default()
        .headers(CaptureMode::Reference)
        .redact(|_| -> Result<(), &str> { panic!("not recorded") });
    let span = observe::span("of nobody").open();
    hook.record_payload(&span, "input", "application/json", b"{}");
    hook.record_headers(&span, "input.headers", |_| panic!("not recorded"));
}

#[test]
fn redaction_sees_all_and_fails_closed() {
    let all = || CapturePolicy::from(CaptureMode::Inline { max: 99 }).headers(CaptureMode::Inline { max: 99 });
    let redacted = all().hashed().redact(|part| {
        match part.header() {
            Some("authorization") => part.replace("***"),
            Some(_) => {}
            None => {
                assert_eq!(part.bytes(), b"4111");
                part.replace(b"****".as_slice())
            }
        }
        Ok::<_, std::fmt::Error>(())
    });
    let shown = captured(redacted, b"4111");
    assert!(shown[0].starts_with("input text/plain 4 xxh3:") && shown[0].ends_with(" utf-8 ****"), "{shown:?}");
    assert!(shown[1].ends_with("{\"x-\\\"tenant\\\"\":\"acme\",\"authorization\":\"***\"}"), "{shown:?}");
    let same = captured(CapturePolicy::from(CaptureMode::Inline { max: 99 }).hashed(), b"****");
    assert_eq!(shown[0], same[0], "the hash is of what is left");

    let fails = all().redact(|part| if part.header().is_none() { Err("4111 is a card") } else { Ok(()) });
    assert_eq!(
        captured(fails, b"4111"),
        [
            "redaction.failed: nothing of the payload was recorded: the redaction hook failed",
            "input.headers application/json 52 - utf-8 {\"x-\\\"tenant\\\"\":\"acme\",\"authorization\":\"Bearer \u{fffd}\"}"
        ]
    );
    let panics = all().redact(|part| match part.header() {
        Some("authorization") => panic!("on purpose"),
        _ => Ok::<_, std::fmt::Error>(()),
    });
    assert_eq!(
        captured(panics, b"{}")[1],
        "redaction.failed: nothing of the headers was recorded: the redaction hook failed"
    );
}

/// A message of the in-memory transport, with the headers of every other test.
struct Letter;

impl Describe for Letter {
    type View = ();

    fn headers(&self) -> impl Extract {
        headers()
    }

    fn view(&self) {}

    fn run_name(&self, _: &mut Values<'_>) -> String {
        "process orders".to_owned()
    }

    fn describe(&self, _: &mut Values<'_>) -> SpanBuilder {
        observe::span("process")
    }

    fn payload(&self) -> Option<&[u8]> {
        None
    }
}

struct Delivered(Letter, Work);

impl Delivered {
    fn related(relation: Relation) -> Self {
        let work = Work::receive(&Letter, &ReceiveOptions::new().relation(relation));
        Delivered(Letter, work)
    }
}

impl Job for Delivered {
    type Message = Letter;

    fn message(&self) -> &Letter {
        &self.0
    }

    fn work(&self) -> &Work {
        &self.1
    }

    fn describe_batch(jobs: &[Self]) -> SpanBuilder {
        observe::span("batch").attribute("count", jobs.len())
    }
}

#[test]
fn a_batch_ends_what_is_left_of_it() {
    let (recorder, memory) = support::recorder();
    let letters = |relation| (0..3).map(move |_| Delivered::related(relation)).collect::<Vec<_>>();
    let now = |recorder: &Recorder, relation, work: fn(&Batch<Delivered>) -> Result<(), &'static str>| {
        recorder.in_scope(|| {
            let batch = Batch::new(letters(relation));
            let result = futures_util::FutureExt::now_or_never(batch.run(async || work(&batch)));
            assert!(result.is_some());
        });
        flush(recorder);
        spans(&memory.take())
    };
    let all = now(&recorder, Relation::Parent, |batch| {
        // One by itself.
        batch[1].1.received().process(|| unreachable!("the batch has begun it")).error("no paper");
        Ok(())
    });
    let batch = by_name(&all, "batch");
    assert_eq!(
        (batch.links.len(), batch.links.first().map(|l| l.0), batch.status),
        (3, Some(sender().0), Some(Status::Ok))
    );
    let each: Vec<_> = all.iter().filter(|s| s.name == "process").collect();
    let statuses: Vec<_> = each.iter().filter_map(|s| s.status).collect();
    assert_eq!(statuses, [Status::Ok, Status::Error, Status::Ok]);
    for span in each {
        assert_eq!((span.trace, span.links.as_slice()), (sender().0, &[(batch.trace, batch.id)][..]));
    }
    // In other relations, too.
    let all = now(&recorder, Relation::Link, |_| Err("all of it"));
    let each: Vec<_> = all.iter().filter(|s| s.name == "process").collect();
    assert!(each.iter().all(|s| s.status == Some(Status::Error) && s.links.len() == 2 && s.run == sender().1));
    // Given up.
    recorder.in_scope(|| drop(Batch::new(letters(Relation::Parent)).run(std::future::pending::<()>)));
    flush(&recorder);
    let all = spans(&memory.take());
    assert!(all.len() == 4 && all.iter().all(|s| s.status == Some(Status::Cancelled)), "{all:?}");
}

/// It is the work's own panic that counts, and not one that the batch is dropped by.
#[test]
fn a_batch_panics_as_its_work_does() {
    let (recorder, memory) = support::recorder();
    for (own, expected) in [(true, Status::Panicked), (false, Status::Cancelled)] {
        recorder.in_scope(|| {
            let batch = Batch::new((0..2).map(|_| Delivered::related(Relation::Parent)).collect());
            let poll = std::panic::AssertUnwindSafe(|| {
                let work = batch.run(async || {
                    assert!(!own, "on purpose");
                    std::future::pending::<()>().await
                });
                let beside = async { panic!("on purpose") as () };
                futures_util::FutureExt::now_or_never(futures_util::future::join(work, beside))
            });
            std::panic::catch_unwind(poll).unwrap_err();
        });
        flush(&recorder);
        let all = spans(&memory.take());
        assert!(all.len() == 3 && all.iter().all(|s| s.status == Some(expected)), "{own}: {all:?}");
    }
}

/// What the closure of a batch makes is inside the batch; a panic of it ends the batch, and every message of it.
#[test]
fn the_work_of_a_batch_is_made_inside() {
    let (recorder, memory) = support::recorder();
    let batch = || Batch::new((0..2).map(|_| Delivered::related(Relation::Parent)).collect());
    recorder.in_scope(|| {
        let pack = || observe::span("pack").run(async || ());
        assert_eq!(futures_util::FutureExt::now_or_never(batch().run(pack)), Some(()));
    });
    flush(&recorder);
    let all = spans(&memory.take());
    assert_eq!(by_name(&all, "pack").parent, Some(by_name(&all, "batch").id));
    recorder.in_scope(|| {
        let panics = || -> std::future::Ready<()> { panic!("on purpose") };
        let call = std::panic::AssertUnwindSafe(|| drop(batch().run(panics)));
        std::panic::catch_unwind(call).unwrap_err();
    });
    flush(&recorder);
    let all = spans(&memory.take());
    assert!(all.len() == 3 && all.iter().all(|s| s.status == Some(Status::Panicked)), "{all:?}");
}

/// This holds for every relation.
#[test]
fn settlements_belong_to_the_work() {
    record(|| {
        for relation in [Relation::Parent, Relation::NewRun, Relation::Link] {
            let received = related(relation);
            assert_eq!(&received.settling(), received.context(), "before there is a process span");
            let span = received.process(|| observe::span("process").open());
            let inside = |c: &Context| (c.trace_id(), c.run_id(), c.span_id());
            assert_eq!(inside(&received.settling()), inside(span.context()));
            assert_eq!(received.span().and_then(|s| s.id()), span.id());
            span.end()
        }
    });
}
