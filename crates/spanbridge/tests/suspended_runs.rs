//! Runs that go on elsewhere. A recorder of its own stands for a process.
#![cfg(feature = "record")]

mod support;

use spanbridge::record::{Body, Record, RunSuspend, Segment, Via};
use spanbridge::w3c::{Baggage, TraceParent};
use spanbridge::{Context, RunContext, Sampler, SegmentId, observe};
use support::*;

/// What a process hands to the next one: text.
fn process(f: impl FnOnce() -> RunContext) -> (String, Vec<Record<'static>>) {
    let mut saved = None;
    let records = record(|| saved = Some(f()));
    gap_free(&records);
    (saved.unwrap().to_string(), records)
}

fn work(name: &'static str) {
    observe::span(name).in_scope(|| ())
}

fn segments(records: &[Record<'_>]) -> Vec<(Via, Option<String>)> {
    let opened = records.iter().filter_map(|r| match &r.body {
        Body::Segment(Segment { via, suspension_id, .. }) => {
            Some((*via, suspension_id.as_ref().map(|id| id.to_string())))
        }
        _ => None,
    });
    opened.collect()
}

fn suspension(records: &[Record<'_>]) -> Option<String> {
    records.iter().find_map(|r| match &r.body {
        Body::RunSuspend(RunSuspend { suspension_id, .. }) => Some(suspension_id.to_string()),
        _ => None,
    })
}

#[test]
fn one_run_over_three_processes() {
    let (saved, a) = process(|| {
        let run = observe::run("approval").open();
        run.in_scope(|| work("ask"));
        run.suspend("waiting for a person")
    });
    let (second, b) = process(|| {
        let run = observe::resume_run(saved.parse().unwrap());
        run.in_scope(|| work("decide"));
        run.suspend("")
    });
    let (_, c) = process(|| {
        let run = observe::resume_run(second.parse().unwrap());
        run.in_scope(|| work("notify"));
        run.end();
        RunContext::default()
    });
    assert_eq!(lifecycle(&a), ["start approval", "suspend waiting for a person"]);
    assert_eq!(lifecycle(&b), ["resume", "suspend ?"]);
    assert_eq!(lifecycle(&c), ["resume", "end ok"]);
    assert_eq!(segments(&a), [(Via::Start, None)]);
    assert_eq!(segments(&b), [(Via::Resume, suspension(&a))]);
    assert_eq!(segments(&c), [(Via::Resume, suspension(&b))]);
    let all = [a, b, c].concat();
    let run = all[0].run_id;
    assert!(all.iter().all(|r| (r.run_id, r.trace_id) == (run, all[0].trace_id)), "{all:?}");
    assert!(spans(&all).iter().all(|s| s.parent.is_none()), "what is in no span hangs under the run");
    assert!(saved.len() < 512 && second.len() < 512, "{saved}");
}

#[test]
fn the_longest_that_is_saved_of_a_run() {
    let (saved, _) = process(|| {
        let child = observe::span("s").in_scope_value(|| observe::run("r".repeat(5_000)).open());
        child.suspend("reason ".repeat(1_000))
    });
    assert!(saved.contains("runId") && saved.contains("suspensionId"), "{saved}");
    assert!(saved.len() < 512, "{} bytes: {saved}", saved.len());
}

/// A run that is resumed where it was suspended has another segment.
#[test]
fn resumed_in_its_process_is_a_new_segment() {
    let records = record(|| {
        let run = observe::run("r").open();
        let again = observe::resume_run(run.suspend("a moment"));
        again.in_scope(|| work("s"));
        again.end();
    });
    gap_free(&records);
    assert_eq!(segments(&records), [(Via::Start, None), (Via::Resume, suspension(&records))]);
    assert_eq!(lifecycle(&records), ["start r", "suspend a moment", "resume", "end ok"]);
}

#[test]
fn a_child_run_keeps_its_place_in_the_trace() {
    let (saved, a) =
        process(|| observe::span("outer").in_scope_value(|| observe::run("child").open().suspend("later")));
    let (_, b) = process(|| {
        let run = observe::resume_run(saved.parse().unwrap());
        run.in_scope(|| {
            assert!(observe::active_span().is_none(), "the span that triggered it is another run's");
            work("in child")
        });
        run.error("no");
        RunContext::default()
    });
    let (outer, inner) = (spans(&a), spans(&b));
    let child = a.iter().find(|r| matches!(r.body, Body::RunStart(_))).unwrap().run_id;
    assert_eq!((inner[0].parent, inner[0].trace), (Some(outer[0].id), outer[0].trace));
    assert!(Some(inner[0].run) == child && child != Some(outer[0].run));
    assert_eq!(lifecycle(&b), ["resume", "end error: no"]);
    assert!(b.iter().all(|r| r.run_id == child));
}

#[test]
fn five_may_resume_at_once() {
    let (saved, a) = process(|| observe::run("shards").open().suspend("waiting for the shards"));
    let workers = record(|| {
        let runs: Vec<_> = (0..5).map(|_| observe::resume_run(saved.parse().unwrap())).collect();
        for _ in 0..2 {
            runs.iter().for_each(|run| run.in_scope(|| work("part")));
        }
        let mut left: Vec<_> = runs.into_iter().map(|run| run.leave()).collect();
        observe::end_run(left.pop().unwrap(), &());
    });
    gap_free(&workers);
    let opened = segments(&workers);
    assert_eq!(opened.iter().filter(|s| **s == (Via::Resume, suspension(&a))).count(), 5, "{opened:?}");
    assert_eq!(opened[5..], [(Via::Resume, None)], "who left had resumed: there is no suspension left to continue");
    assert_eq!(lifecycle(&workers), ["resume", "resume", "resume", "resume", "resume", "end ok"]);
    let parts = spans(&workers);
    let segments: std::collections::BTreeSet<SegmentId> = parts.iter().map(|s| s.segment).collect();
    assert_eq!((parts.len(), segments.len()), (10, 5));
}

#[test]
fn left_and_captured_runs_were_never_suspended() {
    let (left, a) = process(|| observe::run("r").open().leave());
    let (captured, b) = process(|| {
        let run = observe::resume_run(left.parse().unwrap());
        run.in_scope(|| work("crashes after its checkpoint"));
        run.checkpoint()
    });
    let (_, c) = process(|| {
        let run = observe::resume_run(captured.parse().unwrap());
        run.in_scope(|| work("goes on"));
        run.cancel();
        RunContext::default()
    });
    assert_eq!(lifecycle(&[a, b.clone(), c.clone()].concat()), ["start r", "end cancelled"]);
    assert_eq!([segments(&b), segments(&c)], [[(Via::Resume, None)], [(Via::Resume, None)]]);
}

/// Each segment's own leg, and the one after which it goes on.
fn legs(records: &[Record<'_>]) -> Vec<[Option<String>; 2]> {
    let opened = records.iter().filter_map(|r| match &r.body {
        Body::Segment(Segment { resumption_id, previous_resumption_id, .. }) => {
            Some([resumption_id, previous_resumption_id].map(|id| id.as_deref().map(Into::into)))
        }
        _ => None,
    });
    opened.collect()
}

#[test]
fn who_goes_on_says_after_whom() {
    let go_on = |saved: String, then: fn(observe::Run) -> RunContext| {
        process(|| {
            let run = observe::resume_run(saved.parse().unwrap());
            run.in_scope(|| work("some"));
            then(run)
        })
    };
    let (left, a) = process(|| observe::run("r").open().leave());
    let (again, b) = go_on(left, |run| run.leave());
    // One who does not record is no leg; whoever comes next goes on after the one before.
    let again = observe::resume_run(again.parse().unwrap()).leave().to_string();
    let (captured, c) = go_on(again, |run| run.checkpoint());
    let (suspended, d) = go_on(captured, |run| run.suspend("a moment"));
    assert!(suspended.len() < 200, "as it is documented: {suspended}");
    let (_, e) = go_on(suspended, |run| {
        run.end();
        RunContext::default()
    });
    assert_eq!(legs(&a), [[None, None]], "it began here");
    let legs: Vec<_> = [b, c, d, e].iter().flat_map(|records| legs(records)).collect();
    let own = |n: usize| legs[n][0].clone();
    let after: Vec<_> = legs.iter().map(|[_, after]| after.clone()).collect();
    assert_eq!(after, [None, own(0), own(1), own(2)]);
    let all: std::collections::BTreeSet<_> = (0..4).map(|n| own(n).unwrap()).collect();
    assert_eq!(all.len(), 4);
}

#[test]
fn context_alone_neither_resumes_nor_ends() {
    let (saved, a) = process(|| observe::run("r").open().suspend("later"));
    let saved: RunContext = saved.parse().unwrap();
    let records = record(|| {
        let mut work = std::pin::pin!(observe::with_context(saved.clone(), async || { work("beside") }));
        let waker = std::task::Waker::noop();
        assert!(work.as_mut().poll(&mut std::task::Context::from_waker(waker)).is_ready());
        observe::in_scope(&saved.clone().into(), || {
            // What is saved of the context has no power over the run either.
            let beside = RunContext::from(observe::current_context());
            let run = observe::resume_run(beside.clone());
            run.end();
            observe::end_run(beside, &Err::<(), _>("no"));
        });
    });
    assert_eq!(lifecycle(&records), [""; 0]);
    let beside = spans(&records);
    assert_eq!((beside.len(), Some(beside[0].run)), (1, a[0].run_id));
    assert_eq!(segments(&records), [(Via::Receive, None)]);
}

#[test]
fn a_process_that_does_not_record_carries_it_on() {
    let (saved, a) = process(|| observe::run("r").open().suspend("first"));
    // No recorder: what was left undone is done by the next one who can.
    let run = observe::resume_run(saved.parse().unwrap());
    assert!(!run.context().is_recorded() && run.id().is_some());
    run.in_scope(|| work("not seen"));
    let second = run.suspend("second").to_string();
    let third = observe::resume_run(second.parse().unwrap()).leave().to_string();
    assert_eq!([&second, &third], [&saved, &saved]);
    let (_, c) = process(|| {
        let run = observe::resume_run(third.parse().unwrap());
        run.end();
        RunContext::default()
    });
    assert_eq!(lifecycle(&c), ["resume", "end ok"]);
    assert_eq!(segments(&c), [(Via::Resume, suspension(&a))]);
}

#[test]
fn nobody_records() {
    let saved = observe::run("r").open().suspend("later");
    assert_eq!(saved.to_string(), r#"{"version":1}"#);
    // In a run of somebody else the work still belongs to that, but suspending and ending does not.
    let parent = TraceParent::parse(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").unwrap();
    let context = Context::remote(parent, None, Default::default(), Baggage::parse(b"k=v").0);
    let saved = observe::in_scope(&context, || observe::run("r").open().suspend("later")).to_string();
    let records = record(|| {
        let run = observe::resume_run(saved.parse().unwrap());
        run.in_scope(|| {
            assert_eq!(observe::current_context().baggage().as_str(), "k=v");
            work("s")
        });
        run.end()
    });
    assert_eq!(lifecycle(&records), [""; 0]);
    assert_eq!(spans(&records)[0].parent, Some(parent.span_id));
    // And of nothing there is nothing to resume: what runs there is on its own.
    let records = record(|| {
        observe::span("around").in_scope(|| {
            let run = observe::resume_run(RunContext::default());
            run.in_scope(|| work("s"));
            run.end()
        })
    });
    let all = spans(&records);
    assert!(lifecycle(&records).is_empty() && by_name(&all, "s").trace != by_name(&all, "around").trace);
}

#[test]
fn who_does_not_sample_carries_it_on() {
    let by_parent = || with(|b| b.on_flush_only().sampler(Sampler::parent_based(0.0)));
    let (off, memory) = by_parent();
    let saved = off.in_scope(|| observe::run("r").open().suspend("later")).to_string();
    assert!(saved.contains("runId"), "{saved}");
    let resumed = || {
        let run = observe::resume_run(saved.parse().unwrap());
        assert!(run.id().is_some());
        run.in_scope(|| work("s"));
        run.end()
    };
    let (next, next_memory) = by_parent();
    next.in_scope(resumed);
    flush(&off);
    flush(&next);
    assert!(memory.take().is_empty() && next_memory.take().is_empty(), "whoever began decides");
    // Unless one records whatever others say: then from there on.
    let records = record(resumed);
    assert_eq!((lifecycle(&records), spans(&records).len()), (vec!["end ok".to_owned()], 1));
}

#[test]
fn a_saved_context_is_whole() {
    let (saved, _) = process(|| {
        let run = observe::run("r").open();
        let context = run.context().with_baggage(Baggage::parse(b"tenant=acme").0);
        let captured = run.checkpoint();
        assert_eq!(Context::from(captured).span_id(), run.id().map(|r| r.as_parent()), "the run stands in");
        RunContext::from(context)
    });
    let context = Context::from(saved.parse::<RunContext>().unwrap());
    assert_eq!(context.baggage().as_str(), "tenant=acme");
}

/// They go from process to process, though nobody in between knows them.
#[test]
fn fields_of_later_releases_travel_on() {
    let (saved, _) = process(|| observe::run("r").open().suspend("later"));
    let newer = saved.replace("\"version\":1", "\"version\":1,\"deadline\":\"tomorrow\"");
    let (next, _) = process(|| observe::resume_run(newer.parse().unwrap()).suspend("again"));
    assert!(next.contains(r#""deadline":"tomorrow""#), "{next}");
}

#[test]
fn a_panic_in_the_words_of_a_reason_stays_there() {
    struct Bad;
    impl std::fmt::Display for Bad {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("half a rea")?;
            panic!("on purpose")
        }
    }
    let (_, records) = process(|| observe::run("r").open().suspend(Bad));
    assert_eq!(lifecycle(&records), ["start r", "suspend half a rea"]);
}

/// Memory is bounded: of runs that were not heard of for long it is forgotten that they have a segment here.
#[test]
#[cfg_attr(miri, ignore = "many runs")]
fn late_work_does_not_resume_the_run() {
    let left = process(|| observe::run("r").open().leave()).0;
    let waits = process(|| observe::run("r").open().suspend("later")).0;
    let (recorder, memory) = recorder();
    let open = recorder.in_scope(|| {
        [left, waits].map(|saved| {
            let run = observe::resume_run(saved.parse().unwrap());
            let span = run.in_scope(|| observe::span("late").open());
            run.end();
            span
        })
    });
    flush(&recorder);
    for _ in 0..2 {
        recorder.in_scope(|| (0..20_000).for_each(|_| work("of another run")));
        flush(&recorder);
    }
    memory.take();
    open.into_iter().for_each(|span| span.end());
    // Who comes now is not taken for one who was here before.
    recorder.in_scope(|| observe::resume_run(process(|| observe::run("r").open().leave()).0.parse().unwrap()).end());
    flush(&recorder);
    let opened = segments(&memory.take());
    assert_eq!(opened, [(Via::Receive, None), (Via::Receive, None), (Via::Resume, None)]);
}

/// What began here was not received here, whichever thread is listened to first.
#[test]
fn a_run_handed_over_in_its_process() {
    let (recorder, memory) = recorder();
    let (to, from) = std::sync::mpsc::channel::<String>();
    let (ready, is_ready) = std::sync::mpsc::channel();
    std::thread::scope(|s| {
        let recorder = &recorder;
        s.spawn(move || {
            recorder.in_scope(|| work("of another run"));
            ready.send(()).unwrap();
            let saved: RunContext = from.recv().unwrap().parse().unwrap();
            recorder.in_scope(|| observe::in_scope(&saved.into(), || work("received")));
        });
        is_ready.recv().unwrap();
        recorder.in_scope(|| {
            let run = observe::run("r").open();
            to.send(run.checkpoint().to_string()).unwrap();
            run.end()
        })
    });
    flush(&recorder);
    let all = memory.take();
    gap_free(&all);
    assert_eq!(segments(&all), [(Via::Start, None), (Via::Start, None)], "{all:?}");
}

/// Attributes belong to the run: whoever resumed it may add to them, and who merely works in it may not.
#[test]
fn a_resumed_run_takes_attributes() {
    let added = |records: &[Record<'_>]| {
        let said = records.iter().filter(|r| matches!(r.body, Body::RunAttributes(_)));
        said.map(|r| (r.run_id, r.segment_id)).collect::<Vec<_>>()
    };
    let (saved, a) = process(|| observe::run("approval").open().suspend("waiting for a person"));
    let (_, b) = process(|| {
        let run = observe::resume_run(saved.parse().unwrap());
        run.attribute("approved", true);
        run.leave()
    });
    assert_eq!(added(&b), [(a[0].run_id, b[0].segment_id)]);
    let (_, c) = process(|| {
        let saved: RunContext = saved.parse().unwrap();
        let passed_through = RunContext::from(&Context::from(saved));
        let run = observe::resume_run(passed_through);
        run.attribute("approved", false);
        run.in_scope(|| work("audit"));
        run.leave()
    });
    assert_eq!((c[0].run_id, added(&c)), (a[0].run_id, vec![]));
    // Without a recorder nothing happens.
    observe::resume_run(saved.parse().unwrap()).attribute("approved", true);
}
