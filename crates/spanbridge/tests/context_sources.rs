//! Contexts of other libraries: what is current there is sent, and what came is current there.

#[cfg(feature = "record")]
mod support;

use futures_util::FutureExt;
use spanbridge::adapter::*;
use spanbridge::carrier::{Budget, Extract};
use spanbridge::messaging::{MessageInfo, ReceiveOptions, Received, Relation, Trust};
use spanbridge::observe::{self, Span, SpanBuilder};
use spanbridge::w3c::{Baggage, TraceParent};
use spanbridge::{Context, RunId};
#[cfg(feature = "record")]
use spanbridge::{SpanId, TraceId};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::task::{Poll, Waker};

type Headers = HashMap<String, String>;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SENDER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// What is current in one of the two libraries: the headers' texts.
#[derive(Clone, Debug, Default, PartialEq)]
struct Theirs {
    parent: Option<String>,
    state: String,
    baggage: String,
}

/// How a library misbehaves.
#[derive(Clone, Copy, Default, PartialEq)]
enum Fault {
    #[default]
    None,
    Current,
    Scope,
    EnterBefore,
    EnterAfter,
    NeverCalls,
    CallsTwice,
    Sends,
}

thread_local! {
    static CURRENT: [RefCell<Theirs>; 2] = const { [const { RefCell::new(Theirs { parent: None, state: String::new(), baggage: String::new() }) }; 2] };
    static FAULT: Cell<Fault> = const { Cell::new(Fault::None) };
}

/// A library, by its number.
struct Library(usize);

struct Scope(usize, Theirs);

fn current(library: usize) -> Theirs {
    CURRENT.with(|current| current[library].borrow().clone())
}

fn replace(library: usize, theirs: Theirs) -> Theirs {
    CURRENT.with(|current| current[library].replace(theirs))
}

/// Calls `f` inside of a span of a library.
fn inside<R>(library: usize, theirs: Theirs, f: impl FnOnce() -> R) -> R {
    struct Back(usize, Theirs);
    impl Drop for Back {
        fn drop(&mut self) {
            replace(self.0, std::mem::take(&mut self.1));
        }
    }
    let _back = Back(library, replace(library, theirs));
    f()
}

fn fails(fault: Fault) {
    assert!(FAULT.get() != fault, "their fault")
}

impl ContextSource for Library {
    fn current(&self) -> Option<SourceContext> {
        fails(Fault::Current);
        if FAULT.get() == Fault::Sends {
            FAULT.set(Fault::None);
            sent();
            FAULT.set(Fault::Sends)
        }
        let Theirs { parent, state, baggage } = current(self.0);
        let parent = parent.map(|text| TraceParent::parse(text.as_bytes()).unwrap());
        if parent.is_none() && baggage.is_empty() {
            return None;
        }
        Some(SourceContext::new(parent).trace_state(state).baggage(Baggage::parse(baggage.as_bytes()).0))
    }

    fn scope(&self, context: &Context) -> Box<dyn SourceScope> {
        fails(Fault::Scope);
        let mut state = String::new();
        let run = context.run_id().filter(|run| Some(*run) != context.trace_id().map(RunId::of_trace));
        context.trace_state().write(run, &mut state);
        let parent = context.trace_parent().map(|parent| parent.to_string());
        Box::new(Scope(self.0, Theirs { parent, state, baggage: context.baggage().as_str().to_owned() }))
    }
}

impl SourceScope for Scope {
    fn enter(&self, f: &mut dyn FnMut()) {
        inside(self.0, self.1.clone(), || {
            fails(Fault::EnterBefore);
            if FAULT.get() == Fault::Sends {
                sent();
            }
            match FAULT.get() {
                Fault::NeverCalls => {}
                Fault::CallsTwice => [(), ()].into_iter().for_each(|()| f()),
                _ => f(),
            }
            fails(Fault::EnterAfter)
        })
    }
}

/// The first one counts first.
fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| install_sources(vec![Box::new(Library(0)), Box::new(Library(1))]).unwrap());
    FAULT.set(Fault::None)
}

fn span_of(library: usize, trace: &str, id: u64) -> (usize, Theirs) {
    let parent = Some(format!("00-{trace}-{id:016x}-01"));
    (library, Theirs { parent, ..current(library) })
}

struct Letter(Headers);

impl Describe for Letter {
    type View = ();
    fn view(&self) {}
    fn headers(&self) -> impl Extract {
        &self.0
    }
    fn run_name(&self, _: &mut Values<'_>) -> String {
        "process letters".to_owned()
    }
    fn describe(&self, _: &mut Values<'_>) -> SpanBuilder {
        span("post", Step::Process, "process", "letters")
    }
    fn payload(&self) -> Option<&[u8]> {
        None
    }
}

fn letter() -> Letter {
    let pairs = [
        ("traceparent", SENDER),
        ("tracestate", "sb=r:11111111111111112222222222222222,a=1"),
        ("baggage", "k=v%20w;p=1"),
    ];
    Letter(pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).into())
}

/// As it came.
fn came() -> Theirs {
    let of = |name: &str| letter().0[name].clone();
    Theirs { parent: Some(of("traceparent")), state: of("tracestate"), baggage: of("baggage") }
}

fn work(options: &ReceiveOptions) -> Work {
    Work::receive(&letter(), options)
}

/// What is sent now carries.
fn sent() -> Headers {
    let mut headers = Headers::new();
    let handoff = under_current(|| {
        let span = span("post", Step::Send, "send", "letters");
        send(span, &Values::of(None), &mut headers, |_, _| Budget::UNLIMITED)
    });
    handoff.ended(HandoffStatus::Sent);
    headers
}

fn parent(headers: &Headers) -> Option<&str> {
    headers.get("traceparent").map(String::as_str)
}

#[test]
fn a_send_carries_their_span_as_it_is() {
    install();
    let parent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00".to_owned());
    let theirs = Theirs {
        parent: parent.clone(),
        state: "sb=r:0123456789abcdef0123456789abcdef,b=2".into(),
        baggage: "x=1".into(),
    };
    let headers = inside(0, theirs, sent);
    assert_eq!(headers.get("traceparent"), parent.as_ref());
    assert_eq!(headers["tracestate"], "sb=r:0123456789abcdef0123456789abcdef,b=2");
    assert_eq!(headers["baggage"], "x=1");
    assert_eq!(sent(), Headers::new(), "nothing is current");
    let only_baggage = Theirs { baggage: "x=1".into(), ..Theirs::default() };
    assert_eq!(inside(1, only_baggage, sent), Headers::from([("baggage".to_owned(), "x=1".to_owned())]));
}

#[test]
fn the_first_that_has_a_span_counts() {
    install();
    let other = "0af7651916cd43dd8448eb211c80319c";
    let (first, second) = (span_of(0, TRACE, 1), span_of(1, other, 2));
    let headers = inside(1, second.1.clone(), sent);
    assert_eq!(headers["traceparent"], second.1.parent.clone().unwrap());
    let headers = inside(0, first.1.clone(), || inside(1, second.1, sent));
    assert_eq!(headers["traceparent"], first.1.parent.unwrap());
}

/// In both libraries, whichever way the work is run, and never after it.
#[test]
fn the_sender_is_current_there_in_the_work() {
    install();
    let both = || [current(0), current(1)];
    let seen = [came(), came()];
    let (work, letter) = (work(&ReceiveOptions::new()), letter());
    assert_eq!(work.run_value(&letter, || async { both() }).now_or_never(), Some(seen.clone()));
    let mut at_the_call = None;
    drop(work.run_value(&letter, || {
        at_the_call = Some(both());
        async {}
    }));
    assert_eq!(at_the_call, Some(seen.clone()));
    work.in_scope(&letter, || assert_eq!(both(), seen));
    work.begin(&letter).in_scope(|| assert_eq!(both(), seen));
    let mut span = work.begin(&letter);
    assert_eq!(in_open_span(&mut span, both), seen);
    assert_eq!(unrecorded_span(work.context().clone()).in_scope(both), seen);
    let restored = Restored::of(&span);
    assert_eq!(restored.around(async { both() }).now_or_never(), Some(seen));
    assert_eq!(both(), [Theirs::default(), Theirs::default()]);
}

/// Each poll, on whichever thread; cancelled, in the destructor.
#[test]
fn it_moves_with_the_work() {
    install();
    struct SeenAtDrop;
    impl Drop for SeenAtDrop {
        fn drop(&mut self) {
            assert_eq!(current(0), came())
        }
    }
    let (work, letter) = (work(&ReceiveOptions::new()), letter());
    let future = work.run_value(&letter, || async {
        let _at_drop = SeenAtDrop;
        loop {
            assert_eq!([current(0), current(1)], [came(), came()]);
            tokio::task::yield_now().await
        }
    });
    let mut future = Box::pin(future);
    for _ in 0..3 {
        future = std::thread::spawn(move || {
            let mut cx = std::task::Context::from_waker(Waker::noop());
            assert!(matches!(future.as_mut().poll(&mut cx), Poll::<()>::Pending));
            assert_eq!(current(0), Theirs::default());
            future
        })
        .join()
        .unwrap()
    }
    drop(future);
    assert_eq!([current(0), current(1)], [Theirs::default(), Theirs::default()])
}

#[test]
fn a_panic_leaves_what_was_current() {
    install();
    let (outer, letter) = (span_of(0, TRACE, 7).1, letter());
    inside(0, outer.clone(), || {
        let work = work(&ReceiveOptions::new());
        let panic = catch_unwind(AssertUnwindSafe(|| work.in_scope(&letter, || -> () { panic!("in the handler") })));
        assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"in the handler"));
        let future = work.run_value(&letter, || async { panic!("in a poll") });
        assert!(catch_unwind(AssertUnwindSafe(|| future.now_or_never())).is_err());
        assert_eq!(current(0), outer)
    })
}

/// Forwarded as it came, unless they have begun a span since.
#[test]
fn a_send_in_a_handler_is_of_its_trace() {
    install();
    let sent_by = |begin: Option<u64>| {
        work(&ReceiveOptions::new())
            .run_value(&letter(), || async move {
                match begin.map(|id| span_of(1, TRACE, id)) {
                    Some((library, theirs)) => inside(library, theirs, sent),
                    None => sent(),
                }
            })
            .now_or_never()
            .unwrap()
    };
    assert_eq!(sent_by(None), letter().0);
    let below = sent_by(Some(9));
    assert_eq!(parent(&below), Some(&*format!("00-{TRACE}-{:016x}-01", 9)));
    assert_eq!([&below["tracestate"], &below["baggage"]], [&letter().0["tracestate"], &letter().0["baggage"]]);
}

/// That of the library whose span counts, if it was changed there; else of any that has changed it.
#[test]
fn the_baggage_that_was_changed_is_sent() {
    install();
    let with = |theirs: Theirs| Theirs { baggage: "x=2".into(), ..theirs };
    let sent_by = |send: &dyn Fn() -> Headers| {
        let headers = work(&ReceiveOptions::new()).in_scope_value(&letter(), send);
        [headers["traceparent"].clone(), headers["baggage"].clone()]
    };
    let below = || span_of(1, TRACE, 9).1;
    let expected = [below().parent.unwrap(), "x=2".to_owned()];
    assert_eq!(sent_by(&|| inside(1, with(below()), sent)), expected);
    assert_eq!(sent_by(&|| inside(0, with(current(0)), || inside(1, below(), sent))), expected);
    for library in [0, 1] {
        assert_eq!(sent_by(&|| inside(library, with(current(library)), sent)), [SENDER, "x=2"])
    }
}

/// What they have is only what came with the message, so ours is newer.
#[test]
fn baggage_that_we_change_is_sent() {
    install();
    let headers = work(&ReceiveOptions::new()).in_scope_value(&letter(), || {
        let changed = observe::current_context().with_baggage(Baggage::parse(b"x=2").0);
        let (library, below) = span_of(1, TRACE, 9);
        observe::in_scope(&changed, || [sent(), inside(library, below, sent)])
    });
    assert_eq!(headers.map(|headers| headers["baggage"].clone()), ["x=2", "x=2"])
}

/// Whatever the consumer's own span is.
#[test]
fn a_message_without_context_is_under_nothing() {
    install();
    let (library, theirs) = span_of(0, TRACE, 5);
    inside(library, theirs, || {
        let letter = Letter(Headers::new());
        let seen = Work::receive(&letter, &ReceiveOptions::new()).run_value(&letter, || async { (current(0), sent()) });
        assert_eq!(seen.now_or_never(), Some((Theirs::default(), Headers::new())))
    })
}

#[test]
fn relation_and_trust_count_there() {
    install();
    let seen = |options: ReceiveOptions| work(&options).in_scope_value(&letter(), || current(0));
    let options = ReceiveOptions::new;
    let baggage = Theirs { baggage: came().baggage, ..Theirs::default() };
    assert_eq!(seen(options().relation(Relation::NewRun)), came());
    assert_eq!(seen(options().relation(Relation::Link)), baggage, "a trace of its own, with the baggage");
    assert_eq!(seen(options().trust(Trust::IdsOnly)), Theirs { baggage: String::new(), ..came() });
    assert_eq!(seen(options().trust(Trust::Ignore)), Theirs::default());
    assert_eq!(seen(options().allow_baggage(["other"])), Theirs { baggage: String::new(), ..came() });
}

trait InScope {
    fn in_scope_value<R>(&self, letter: &Letter, f: impl FnOnce() -> R) -> R;
}

impl InScope for Work {
    fn in_scope_value<R>(&self, letter: &Letter, f: impl FnOnce() -> R) -> R {
        in_scope_with_span(self.begin(letter), f, |_| None)
    }
}

/// The work runs once, whatever they do, and what it returns and panics with is its own.
#[test]
fn their_faults_are_theirs() {
    install();
    for fault in [
        Fault::Current,
        Fault::Scope,
        Fault::EnterBefore,
        Fault::EnterAfter,
        Fault::NeverCalls,
        Fault::CallsTwice,
        Fault::Sends,
    ] {
        FAULT.set(fault);
        let mut calls = 0;
        let headers = work(&ReceiveOptions::new()).in_scope_value(&letter(), || {
            calls += 1;
            sent()
        });
        FAULT.set(Fault::None);
        assert_eq!((calls, headers), (1, letter().0));
        assert_eq!([current(0), current(1)], [Theirs::default(), Theirs::default()])
    }
}

#[test]
fn a_batch_keeps_what_is_current_there() {
    install();
    struct LetterJob(Letter, Work);
    impl Job for LetterJob {
        type Message = Letter;
        fn message(&self) -> &Letter {
            &self.0
        }
        fn work(&self) -> &Work {
            &self.1
        }
        fn describe_batch(_: &[Self]) -> SpanBuilder {
            span("post", Step::Process, "process", "letters")
        }
    }
    let (library, theirs) = span_of(0, "0af7651916cd43dd8448eb211c80319c", 3);
    let job = || LetterJob(letter(), work(&ReceiveOptions::new()));
    let batch = Batch::new(vec![job(), job()]);
    inside(library, theirs.clone(), || {
        let done = batch.run(|| async {
            assert_eq!(current(0), theirs);
            batch[0].work().run_value(batch[0].message(), || async { assert_eq!(current(0), came()) }).await
        });
        done.now_or_never().unwrap()
    })
}

/// By hand, without an adapter.
#[test]
fn a_received_message_restores_too() {
    install();
    let received = Received::new(&letter().0).with(&<ReceiveOptions>::new(), MessageInfo::new());
    let span: Span = received.process(|| observe::span("process").open());
    assert_eq!(span.run_value(|| async { current(1) }).now_or_never(), Some(came()));
}

#[test]
fn sources_are_set_once() {
    install();
    let error = install_sources(vec![Box::new(Library(0))]).unwrap_err();
    assert_eq!(error.to_string(), "install context sources: this process has some already")
}

/// With a recorder it is one tree: their spans are under the process span, and ours under theirs.
#[cfg(feature = "record")]
#[test]
fn with_a_recorder_it_is_one_tree() {
    install();
    let id = |headers: &Headers| TraceParent::parse(headers["traceparent"].as_bytes()).unwrap().span_id;
    let mut seen = None;
    let records = support::record(|| {
        seen = Some(work(&ReceiveOptions::new()).in_scope_value(&letter(), || {
            let process = observe::active_span().unwrap().id().unwrap();
            assert_eq!(current(0), Theirs { parent: Some(format!("00-{TRACE}-{process}-01")), ..came() });
            let in_ours = observe::span("step").in_scope_value(sent);
            let (library, theirs) = span_of(1, TRACE, 9);
            (process, in_ours, inside(library, theirs, sent))
        }))
    });
    let (process, in_ours, in_theirs) = seen.unwrap();
    let all = support::spans(&records);
    let parent_of = |id: SpanId| all.iter().find(|span| span.id == id).unwrap().parent;
    let step = support::by_name(&all, "step");
    assert_eq!([step.parent, parent_of(id(&in_ours))], [Some(process), Some(step.id)]);
    assert_eq!(parent_of(id(&in_theirs)), SpanId::new(9));
    assert_eq!([&in_theirs["tracestate"], &in_theirs["baggage"]], [&letter().0["tracestate"], &letter().0["baggage"]]);
    let run: RunId = "11111111111111112222222222222222".parse().unwrap();
    assert!(all.iter().all(|span| span.run == run && span.trace == TRACE.parse::<TraceId>().unwrap()), "{all:#?}");
}

/// Their span still has the run that came with the message. What is sent is of the run that has begun here since.
#[cfg(feature = "record")]
#[test]
fn a_run_inside_of_their_span_is_sent() {
    install();
    let mut seen = None;
    let records = support::record(|| {
        seen = Some(work(&ReceiveOptions::new()).in_scope_value(&letter(), || {
            let (library, theirs) = span_of(1, TRACE, 9);
            inside(library, theirs, || {
                observe::run("child").open().in_scope(|| (observe::current_context().run_id(), sent()))
            })
        }))
    });
    let (run, headers) = seen.unwrap();
    assert_eq!(headers["tracestate"], format!("sb=r:{},a=1", run.unwrap()));
    let id = TraceParent::parse(headers["traceparent"].as_bytes()).unwrap().span_id;
    let sent = support::spans(&records).into_iter().find(|span| span.id == id).unwrap();
    assert_eq!((Some(sent.run), sent.parent), (run, SpanId::new(9)));
}
