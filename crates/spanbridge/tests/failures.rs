//! What is said of work that failed: the text of errors and of panics, and that it is said whatever the application's code
//! does then.
#![cfg(feature = "record")]

mod support;

use spanbridge::record::Record;
use spanbridge::{Failure, Outcome, Sampler, Status, observe};
use std::error::Error;
use std::fmt::{self, Display};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use support::*;

/// An error with a cause.
#[derive(Debug)]
struct Because(&'static str, Option<&'static Because>);

impl Display for Because {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Because {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.1.map(|cause| cause as &dyn Error)
    }
}

static REFUSED: Because = Because("connection refused", None);
const SEND: Because = Because("send the order", Some(&REFUSED));

fn error_of(all: &[Record<'_>], name: &str) -> String {
    by_name(&spans(all), name).error.clone().unwrap_or_default()
}

#[test]
fn an_error_is_told_with_its_causes() {
    let records = record(|| {
        observe::span("root").in_scope(|| {
            let report = || anyhow::Error::from(SEND).context("place the order");
            assert!(observe::span("report").in_scope(|| Err::<(), _>(report())).is_err());
            assert!(observe::span("box").in_scope(|| Err::<(), Box<dyn Error>>(SEND.into())).is_err());
            let boxed = Err::<(), Box<dyn Error + Send + Sync>>(report().into());
            observe::span("report in a box").open().end_with(&boxed);
            observe::span("io").open().error(std::io::Error::other(SEND));
            observe::span("of").open().end_with(&Failure::of(&SEND));
            observe::span("any").open().end_with(&Failure::of_any(&SEND));
        });
        observe::run("run").open().error(report_of_text());
        observe::run("judged").open().end_with(&Err::<(), Box<dyn Error>>(SEND.into()));
    });
    fn report_of_text() -> anyhow::Error {
        anyhow::Error::msg("connection refused").context("send the order")
    }
    let class = std::any::type_name::<Because>();
    assert_eq!(
        tree(&records),
        format!(
            r#"
root [ok]
  report [error] "place the order: send the order: connection refused" error.type=_OTHER
  box [error] "send the order: connection refused" error.type=_OTHER
  report in a box [error] "place the order: send the order: connection refused" error.type=_OTHER
  io [error] "send the order: connection refused" error.type=std::io::error::Error
  of [error] "send the order: connection refused" error.type={class}
  any [error] "send the order: connection refused" error.type=_OTHER"#
        )
    );
    let ends = ["end error: send the order: connection refused"; 2];
    assert_eq!(lifecycle(&records).iter().filter(|l| l.starts_with("end")).collect::<Vec<_>>(), ends.each_ref());
}

/// An error that writes without end is cut while it writes, and counted as such.
#[test]
fn an_error_is_not_written_to_its_end() {
    static WRITTEN: AtomicU32 = AtomicU32::new(0);
    struct Endless;
    impl Display for Endless {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            loop {
                WRITTEN.fetch_add(1, Relaxed);
                f.write_str("0123456789abcdef")?
            }
        }
    }
    let (recorder, memory) = recorder();
    recorder.in_scope(|| observe::span("fails").open().error(Endless));
    assert_eq!(flush(&recorder).cut, 1);
    assert_eq!(error_of(&memory.take(), "fails").len(), 4096);
    assert!(WRITTEN.load(Relaxed) < 300);
}

/// Where nobody records nobody asks what an error says.
#[test]
fn an_error_is_shown_only_where_it_is_recorded() {
    struct Dear(&'static AtomicU32);
    impl Display for Dear {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.fetch_add(1, Relaxed);
            f.write_str("dear")
        }
    }
    static SHOWN: AtomicU32 = AtomicU32::new(0);
    let fails = || {
        assert!(observe::span("root").in_scope(|| Err::<(), _>(Dear(&SHOWN))).is_err());
        assert!(now(observe::span("future").run(async || { Err::<(), _>(Dear(&SHOWN)) })).is_err());
        assert!(observe::run("run").in_scope(|| Err::<(), _>(Dear(&SHOWN))).is_err());
        observe::span("open").open().error(Dear(&SHOWN));
        observe::run("open").open().error(Dear(&SHOWN));
    };
    fails();
    let (unsampled, _) = with(|b| b.on_flush_only().sampler(Sampler::ratio(0.0)));
    unsampled.in_scope(fails);
    assert_eq!(SHOWN.load(Relaxed), 0);
    record(fails);
    assert_eq!(SHOWN.load(Relaxed), 5);
}

fn now<F: Future>(f: F) -> F::Output {
    futures_util::FutureExt::now_or_never(f).expect("ready")
}

/// By every way in which work is around a span: the text of its panic, and where it began.
#[test]
fn a_panic_is_told_with_its_place() {
    let line = line!() + 2;
    fn fails(what: &str) {
        panic!("out of {what}")
    }
    let quietly = |f: &dyn Fn()| assert!(catch_unwind(AssertUnwindSafe(f)).is_err());
    let records = record(|| {
        quietly(&|| observe::span("scope").in_scope(|| fails("scope")));
        quietly(&|| now(observe::span("future").run(async || fails("future"))));
        quietly(&|| {
            observe::span("outer").in_scope(|| observe::span("inner").in_scope(|| fails("both")));
        });
        quietly(&|| observe::run("run").in_scope(|| fails("run")));
        quietly(&|| now(observe::run("run in a future").run(async || fails("future"))));
        quietly(&|| {
            observe::span("value").in_scope(|| panic_any(7u8));
        });
        // who catches it and lets it go on, as a driver does
        quietly(&|| {
            let caught = catch_unwind(|| fails("caught")).unwrap_err();
            observe::span("let go on").in_scope(|| resume_unwind(caught));
        });
        quietly(&|| {
            let elsewhere = std::thread::spawn(|| fails("elsewhere")).join().unwrap_err();
            observe::span("from elsewhere").in_scope(|| resume_unwind(elsewhere));
        });
    });
    let at = format!("{}:{line}:9", file!());
    for (name, what) in [("scope", "scope"), ("future", "future"), ("outer", "both"), ("inner", "both")] {
        assert_eq!(error_of(&records, name), format!("out of {what}, at {at}"), "{name}");
    }
    assert!(error_of(&records, "value").starts_with(&format!("a value that is no text, at {}", file!())));
    // No hook hears of it: better nothing than another's.
    assert_eq!([error_of(&records, "let go on"), error_of(&records, "from elsewhere")], [""; 2]);
    let panicked = spans(&records).iter().filter(|s| s.status == Some(Status::Panicked)).count();
    assert_eq!(panicked, 7);
    let ends: Vec<_> = lifecycle(&records).into_iter().filter(|l| l.starts_with("end")).collect();
    assert_eq!(ends, ["end error: panicked: out of run", "end error: panicked: out of future"]);
}

/// A future that is pending for ever, or ready at once, and whose destructor panics.
struct Breaks {
    ready: bool,
}

#[derive(Debug, PartialEq)]
struct Reply;

impl Outcome for Reply {
    fn failure(&self) -> Option<Failure<'_>> {
        None
    }
}

impl Future for Breaks {
    type Output = Reply;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Reply> {
        if self.ready { Poll::Ready(Reply) } else { Poll::Pending }
    }
}

impl Drop for Breaks {
    fn drop(&mut self) {
        assert!(!observe::current_context().is_empty(), "dropped outside of its span");
        panic!("in the destructor")
    }
}

/// What a poll gives, and whether the future's drop panics.
fn polled_and_dropped<F: Future>(f: F) -> (Poll<F::Output>, bool) {
    let mut f = Box::pin(f);
    let poll = f.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(f)));
    let said = dropped.as_ref().err().map(|panic| panic.downcast_ref::<&str>().copied());
    assert!(said.is_none_or(|text| text == Some("in the destructor")));
    (poll, dropped.is_err())
}

/// The panic comes out where it does without us: of the drop, and after the value.
#[test]
fn a_destructor_that_panics_ends_span_and_run() {
    let records = record(|| {
        let outside = observe::current_context();
        let (pending, ready) = (|| Breaks { ready: false }, || Breaks { ready: true });
        assert_eq!(polled_and_dropped(observe::span("pending").run(pending)), (Poll::Pending, true));
        assert_eq!(polled_and_dropped(observe::span("ready").run(ready)), (Poll::Ready(Reply), true));
        assert_eq!(polled_and_dropped(observe::run("pending").run(pending)), (Poll::Pending, true));
        assert_eq!(polled_and_dropped(observe::run("ready").run(ready)), (Poll::Ready(Reply), true));
        assert!(catch_unwind(|| drop(observe::span("never polled").run(pending))).is_err());
        assert_eq!(observe::current_context(), outside);
    });
    assert_eq!(
        tree(&records),
        r#"
pending [panicked] "in the destructor" error.type=panic
ready [panicked] "in the destructor" error.type=panic
never polled [panicked] "in the destructor" error.type=panic"#
    );
    let end = "end error: panicked: in the destructor";
    assert_eq!(lifecycle(&records), ["start pending", end, "start ready", end]);
}

/// A future that has resolved is dropped, and is not polled again.
#[test]
fn a_future_is_over_when_it_has_resolved() {
    struct Once(bool);
    impl Future for Once {
        type Output = Reply;
        fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Reply> {
            assert!(!std::mem::replace(&mut self.0, true), "polled again");
            Poll::Ready(Reply)
        }
    }
    let records = record(|| {
        let mut f = Box::pin(observe::span("once").run(|| Once(false)));
        let mut poll = || f.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert_eq!([poll(), poll()], [Poll::Ready(Reply), Poll::Pending]);
    });
    assert_eq!(tree(&records), "\nonce [ok]");
}

/// The application's judgement of its own value; it goes on with that, as it does where nobody records.
#[test]
fn an_outcome_that_panics_is_an_error() {
    #[derive(Debug, PartialEq)]
    struct Bad;
    impl Outcome for Bad {
        fn failure(&self) -> Option<Failure<'_>> {
            panic!("no such status")
        }
    }
    let records = record(|| {
        assert_eq!(observe::span("scope").in_scope(|| Bad), Bad);
        assert_eq!(now(observe::span("future").run(async || { Bad })), Bad);
        observe::span("held").open().end_with(&Bad);
        assert_eq!(observe::run("scope").in_scope(|| Bad), Bad);
        assert_eq!(now(observe::run("future").run(async || { Poll::Ready(Bad) })), Poll::Ready(Bad));
        observe::run("held").open().end_with(&Bad);
    });
    let said = "how it went is not known: `Outcome::failure` has panicked: no such status";
    for name in ["scope", "future", "held"] {
        assert_eq!(somewhere(&error_of(&records, name)), said);
    }
    let ends: Vec<_> = lifecycle(&records).into_iter().filter(|l| l.starts_with("end")).collect();
    assert_eq!(ends, [0; 3].map(|_| format!("end error: {said}")));
}
