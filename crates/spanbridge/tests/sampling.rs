//! What is not recorded still travels.
#![cfg(feature = "record")]

mod support;

use spanbridge::w3c::{Baggage, SAMPLED, TraceParent, TraceState};
use spanbridge::{Context, Sampler, TraceId, carrier, observe};
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
        let before = observe::capture_context();
        let mut inside = HashMap::<String, String>::new();
        held.in_scope(|| {
            observe::run("run").in_scope(|| carrier::inject(&observe::capture_context(), &mut inside));
        });
        held.start_child("child").end();
        held.end();
        assert_eq!(observe::capture_context(), before);
        inside.remove("traceparent").unwrap_or_default()
    })
}

#[test]
fn unsampled_roots_travel() {
    for sampler in [Sampler::Ratio(0.0), Sampler::ParentBased(0.0), Sampler::Ratio(f64::NAN)] {
        let (recorder, memory) = with(|b| b.on_flush_only().sampler(sampler));
        recorder.in_scope(|| {
            let header = everything();
            let parent = TraceParent::parse(header.as_bytes()).unwrap();
            assert_eq!(parent.flags & SAMPLED, 0, "{header}");
            observe::span("root").in_scope(|| {
                let outer = observe::capture_context();
                assert!(!outer.is_sampled() && outer.trace_id().is_some());
                let inner = observe::span("child").in_scope_value(observe::capture_context);
                assert_eq!(inner.trace_id(), outer.trace_id());
                assert!(observe::active_span().is_none());
            });
        });
        assert_eq!((flush(&recorder).dropped, memory.take()), (0, vec![]));
    }
}

#[test]
fn an_unsampled_context_keeps_trace_and_flags() {
    let (recorder, memory) = with(|b| b.on_flush_only().sampler(Sampler::ParentBased(1.0)));
    recorder.in_scope(|| {
        observe::in_scope(&remote(0), || {
            assert_eq!(everything(), "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00")
        })
    });
    flush(&recorder);
    assert_eq!(memory.take(), []);
}

#[test]
fn who_records_what() {
    let recorded = |sampler, flags| {
        let (recorder, memory) = with(|b| b.on_flush_only().sampler(sampler));
        let sampled = recorder.in_scope(|| {
            let cx = remote(flags);
            observe::in_scope(&cx, || observe::span("s").in_scope(|| ()));
            cx.is_sampled()
        });
        flush(&recorder);
        let recorded = !memory.take().is_empty();
        assert_eq!(recorded, sampled, "the next process is told what this one does");
        recorded
    };
    assert!(recorded(Sampler::Always, 1) && recorded(Sampler::Always, 0));
    assert!(recorded(Sampler::ParentBased(0.0), 1) && !recorded(Sampler::ParentBased(1.0), 0));
    assert!(!recorded(Sampler::Ratio(0.0), 1) && recorded(Sampler::Ratio(1.0), 0));
}

/// Somebody has given the id, and nobody has decided.
#[test]
fn a_trace_that_has_only_an_id_is_decided_on_here() {
    let trace = TraceId::new(0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736).unwrap();
    for (sampler, records) in [(Sampler::ParentBased(1.0), true), (Sampler::ParentBased(0.0), false)] {
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
    let (recorder, memory) = with(|b| b.on_flush_only().sampler(Sampler::Ratio(0.5)));
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
