//! What is not recorded still travels.
#![cfg(feature = "record")]

mod support;

use spanbridge::messaging::{MessageInfo, ReceiveOptions, Received, Relation, Trust};
use spanbridge::w3c::{Baggage, SAMPLED, TraceParent, TraceState};
use spanbridge::{Context, RunContext, Sampler, TraceId, carrier, observe};
use std::collections::HashMap;
use support::*;

fn remote(flags: u8) -> Context {
    let mut parent = TraceParent::parse(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00").unwrap();
    parent.flags = flags;
    Context::remote(parent, None, TraceState::new(), Baggage::new())
}

/// Every way to record something; the header that a message sent inside would carry.
fn everything() -> String {
    observe::span("outer").attribute("a", 1).in_scope_value(|| {
        let held = observe::span("held").open();
        held.attribute("k", 1);
        held.event("e", &[]);
        let before = observe::current_context();
        let mut inside = HashMap::<String, String>::new();
        held.in_scope(|| {
            observe::run("run").in_scope(|| carrier::inject(&observe::current_context(), &mut inside));
        });
        held.start_child("child").end();
        held.end();
        assert_eq!(observe::current_context(), before);
        inside.remove("traceparent").unwrap_or_default()
    })
}

#[test]
fn unsampled_roots_travel() {
    for sampler in [Sampler::ratio(0.0), Sampler::parent_based(0.0), Sampler::ratio(f64::NAN)] {
        let (recorder, memory) = with(|b| b.on_flush_only().sampler(sampler));
        recorder.in_scope(|| {
            let header = everything();
            let parent = TraceParent::parse(header.as_bytes()).unwrap();
            assert_eq!(parent.flags & SAMPLED, 0, "{header}");
            observe::span("root").in_scope(|| {
                let outer = observe::current_context();
                assert!(!outer.is_sampled() && outer.trace_id().is_some());
                let inner = observe::span("child").in_scope_value(observe::current_context);
                assert_eq!(inner.trace_id(), outer.trace_id());
                assert!(observe::active_span().is_none());
            });
        });
        assert_eq!((flush(&recorder).dropped, memory.take()), (0, vec![]));
    }
}

#[test]
fn an_unsampled_context_keeps_trace_and_flags() {
    let (recorder, memory) = with(|b| b.on_flush_only().sampler(Sampler::parent_based(1.0)));
    recorder.in_scope(|| {
        observe::in_scope(&remote(0), || {
            assert_eq!(everything(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")
        })
    });
    flush(&recorder);
    assert_eq!(memory.take(), []);
}

/// What was decided upstream goes on as it came, whatever is recorded here.
#[test]
fn who_records_what() {
    let recorded = |sampler, flags| {
        let (recorder, memory) = with(|b| b.on_flush_only().sampler(sampler));
        let sent = recorder.in_scope(|| {
            let cx = remote(flags);
            let sent = observe::in_scope(&cx, everything);
            assert_eq!((cx.flags(), cx.is_recorded()), (flags, cx.is_recorded()));
            sent
        });
        flush(&recorder);
        assert!(sent.ends_with(&format!("-{flags:02x}")), "{sent}");
        !memory.take().is_empty()
    };
    for flags in [0, 1, 2, 3] {
        let sampled = flags & SAMPLED != 0;
        assert!(recorded(Sampler::always(), flags) && recorded(Sampler::ratio(1.0), flags));
        assert!(!recorded(Sampler::ratio(0.0), flags));
        assert_eq!(recorded(Sampler::parent_based(0.5), flags), sampled);
    }
}

/// Peers that know one flag alone drop a `traceparent` with two. So every trace that begins here says 01, or 00.
#[test]
fn a_trace_that_begins_here_has_one_flag() {
    for (sampler, flags) in [(Sampler::always(), "-01"), (Sampler::ratio(0.0), "-00")] {
        let (recorder, _) = with(|b| b.on_flush_only().sampler(sampler));
        recorder.in_scope(|| {
            let header = everything();
            assert!(header.ends_with(flags), "{header}");
            let saved = observe::span("s").in_scope_value(|| RunContext::from(observe::current_context()));
            let parent = Context::from(saved).trace_parent().map(|p| p.to_string()).unwrap_or_default();
            assert!(parent.ends_with(flags), "{parent}");
            let run = observe::run("r").open();
            let resumed = observe::resume_run(run.suspend("")).context().flags();
            assert_eq!(format!("-{resumed:02x}"), flags);
        })
    }
}

/// A trace of its own for a message's work takes over whether it was sampled; its own id, and its own flags.
#[test]
fn a_linked_trace_has_one_flag() {
    for (flags, sampler, sent) in [
        (3, Sampler::always(), "-01"),
        (1, Sampler::always(), "-01"),
        (0, Sampler::always(), "-00"),
        (2, Sampler::parent_based(1.0), "-00"),
        (1, Sampler::ratio(0.0), "-00"),
    ] {
        let (recorder, _) = with(|b| b.on_flush_only().sampler(sampler.clone()));
        recorder.in_scope(|| {
            let mut headers = HashMap::<String, String>::new();
            carrier::inject(&remote(flags), &mut headers);
            let receiving = <ReceiveOptions>::new().relation(Relation::Link);
            let received = Received::new(&headers).with(&receiving, MessageInfo::default());
            let header = received.process(|| observe::span("process").open()).in_scope(everything);
            assert!(header.ends_with(sent) && !header.contains("4bf92f35"), "{flags} {sampler:?} {header}");
        })
    }
}

/// Who is trusted for ids alone has not decided anything here: the flag says what this process does.
#[test]
fn flags_of_a_stranger_are_decided_here() {
    for (sampler, flags, sent) in
        [(Sampler::parent_based(1.0), 0, 1), (Sampler::parent_based(0.0), 1, 0), (Sampler::ratio(0.0), 3, 2)]
    {
        let (recorder, _) = with(|b| b.on_flush_only().sampler(sampler));
        recorder.in_scope(|| {
            let mut headers = HashMap::<String, String>::new();
            carrier::inject(&remote(flags), &mut headers);
            let receiving = <ReceiveOptions>::new().trust(Trust::IdsOnly);
            let received = Received::new(&headers).with(&receiving, MessageInfo::default());
            assert_eq!(received.context().flags(), sent, "{flags}");
        })
    }
}

/// Somebody has given the id, and nobody has decided.
#[test]
fn a_trace_with_only_an_id_is_decided_on() {
    let trace = TraceId::new(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736).unwrap();
    for (sampler, records) in [(Sampler::parent_based(1.0), true), (Sampler::parent_based(0.0), false)] {
        let (recorder, memory) = with(|b| b.on_flush_only().sampler(sampler));
        recorder.in_scope(|| {
            let context = Context::of_trace(trace);
            assert_eq!((context.trace_id(), context.is_sampled()), (Some(trace), records));
            observe::in_scope(&context, || observe::span("first").in_scope(|| ()))
        });
        flush(&recorder);
        let all = spans(&memory.take());
        assert_eq!(all.len(), usize::from(records));
        assert!(all.iter().all(|span| span.trace == trace && span.parent.is_none()));
    }
    assert!(!Context::of_trace(trace).is_sampled(), "without a recorder");
}

#[test]
fn a_share_of_the_traces_is_recorded_whole() {
    let (recorder, memory) = with(|b| b.on_flush_only().sampler(Sampler::ratio(0.5)));
    recorder.in_scope(|| {
        for _ in 0..1000 {
            observe::span("root").in_scope(|| observe::span("child").in_scope(|| ()))
        }
    });
    flush(&recorder);
    let all = spans(&memory.take());
    let roots = all.iter().filter(|s| s.name == "root").count();
    assert!((350..650).contains(&roots), "{roots}");
    assert_eq!(all.len(), 2 * roots);
}

/// So a sink that exports a share of all traces takes the same ones as a recorder that records this share.
#[test]
fn a_trace_id_tells_whether_it_is_in_a_share() {
    let (recorder, memory) = with(|b| b.sampler(Sampler::ratio(0.25)).on_flush_only());
    recorder.in_scope(|| (0..1000).for_each(|_| observe::span("s").in_scope(|| ())));
    flush(&recorder);
    let traces: Vec<_> = memory.take().iter().filter_map(|record| record.trace_id).collect();
    assert!(!traces.is_empty());
    for trace in traces {
        let shares = [0.0, 0.25, 0.5, 1.0, f64::NAN].map(|share| trace.is_in_share(share));
        assert_eq!(shares, [false, true, true, true, false], "{trace}");
    }
}
