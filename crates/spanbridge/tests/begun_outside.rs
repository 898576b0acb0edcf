//! Spans that were begun outside of what they are polled in.
#![cfg(feature = "record")]

mod support;

use spanbridge::record::Body;
use spanbridge::{observe, semconv};
use support::*;
use tokio::task::yield_now;

fn on_tokio<F: Future>(f: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(f)
}

/// A span begins where it is written. Begun outside of the run that it is polled in, it is not part of that, and it is said.
#[test]
fn work_that_was_begun_outside_of_its_run_is_noticed() {
    let work = || async { observe::span("step").run(yield_now()).await };
    let told = |f: &dyn Fn(&observe::Run)| {
        let (recorder, memory) = recorder();
        recorder.in_scope(|| {
            let run = observe::run("run").open();
            f(&run);
            run.end()
        });
        flush(&recorder);
        let records = memory.take();
        let run = records.iter().find_map(|r| matches!(r.body, Body::RunStart { .. }).then_some(r.run_id)).unwrap();
        let diagnostics = records.iter().filter_map(|r| match &r.body {
            Body::Diagnostic { code, message, .. } => {
                assert_eq!((&**code, r.run_id), (semconv::BEGUN_OUTSIDE, run));
                Some(message.to_string())
            }
            _ => None,
        });
        diagnostics.collect::<Vec<_>>()
    };
    let begun = |what: &str, told: Vec<String>| match &told[..] {
        [one] => assert!(one.starts_with("a span or run that is polled here") && one.contains(what), "{one}"),
        other => panic!("{other:?}"),
    };
    begun("is run ", told(&|run| on_tokio(run.with_context(observe::span("outside").run(work())))));
    begun("is run ", told(&|run| on_tokio(run.with_context(observe::run("outside").run(work())))));
    // As the attribute does it around a function that returns a future.
    let made = || observe::span("outside").make_by(work, |_: &()| None);
    begun("is run ", told(&|run| on_tokio(run.with_context(made()))));
    // Where nobody records: what stands before the scope of a recorder.
    let nowhere = std::sync::Mutex::new(Some(observe::span("outside").run(work())));
    begun("is not recorded", told(&|run| on_tokio(run.with_context(nowhere.lock().unwrap().take().unwrap()))));
    // Inside; of another run that was current when it was made; and by a task that has no run.
    let fine: [&dyn Fn(&observe::Run); 4] = [
        &|run| on_tokio(run.with_context(async { observe::span("inside").run(work()).await })),
        &|run| on_tokio(run.with_context(run.in_scope(|| observe::span("inside").run(work())))),
        &|run| {
            let other = observe::run("other").open();
            on_tokio(run.with_context(other.in_scope(|| observe::span("its").run(work()))));
            other.end()
        },
        &|_| on_tokio(observe::span("root").run(work())),
    ];
    for fine in fine {
        assert_eq!(told(fine), Vec::<String>::new());
    }
}

/// The scope of a recorder has no run of its own to tell it in; it is told beside all runs.
#[test]
fn what_a_scope_does_not_record_is_told() {
    let (recorder, memory) = recorder();
    on_tokio(recorder.scope(observe::run("outside").run(yield_now())));
    on_tokio(recorder.scope(observe::span("outside").run(yield_now())));
    on_tokio(recorder.scope(async { observe::run("inside").run(yield_now()).await }));
    on_tokio(recorder.scope(recorder.in_scope(|| observe::span("made inside").run(yield_now()))));
    flush(&recorder);
    let records = memory.take();
    assert_eq!(spans(&records).len(), 1);
    assert_eq!(lifecycle(&records), ["start inside", "end ok"]);
    let told = records.iter().filter_map(|r| match &r.body {
        Body::Diagnostic { code, count, message, .. } => {
            Some((code.to_string(), *count, message.contains("begun outside")))
        }
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), [(semconv::BEGUN_OUTSIDE.to_owned(), Some(2), true)]);
}
