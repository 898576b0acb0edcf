//! Lines of a service with the layer: the spans of `tracing` are what is current, and events may name another.
#![cfg(feature = "fmt")]

mod lines;

use lines::{Lines, RUN, SPAN, TRACE, in_trace, sent};
use spanbridge::conformance::spans;
use spanbridge::{Memory, Recorder, observe};
use spanbridge_tracing::fmt::WithIds;
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::thread;
use std::time::Duration;
use tracing::{info, info_span};
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::prelude::*;

/// The lines that the work writes, with the name of its span for each `span_id` that was recorded. The work has the subscriber,
/// which is the global one, for itself.
fn written(work: impl FnOnce()) -> Vec<String> {
    static LINES: OnceLock<Lines> = OnceLock::new();
    static TURN: Mutex<()> = Mutex::new(());
    let _turn: MutexGuard<'_, ()> = TURN.lock().unwrap_or_else(|error| error.into_inner());
    let lines = LINES.get_or_init(|| {
        let lines = Lines::default();
        let layer = fmt::layer().without_time().with_ansi(false).with_target(false).with_level(false);
        let layer = layer
            .with_span_events(FmtSpan::ENTER | FmtSpan::EXIT | FmtSpan::CLOSE)
            .with_writer(lines.clone())
            .with_ids();
        tracing_subscriber::registry().with(layer).with(spanbridge_tracing::layer()).init();
        lines
    });
    let memory = Memory::new();
    let recorder = Recorder::builder("shop").sink(memory.clone()).build().expect("a recorder");
    recorder.in_scope(work);
    recorder.flush_blocking(Duration::from_secs(60));
    let mut text = lines.take();
    for span in spans(&memory.records()) {
        let ids = format!("trace_id={} span_id={}", span.trace.unwrap(), span.id.unwrap());
        text.iter_mut().for_each(|line| *line = line.replace(&ids, &format!("[{}]", span.name)));
    }
    text.retain(|line| !line.contains(": enter") && !line.contains(": exit") || line.contains("shown"));
    text
}

#[test]
fn the_innermost_span() {
    let text = written(|| {
        info!("outside");
        observe::span("a").in_scope(|| {
            info!("in a");
            info_span!("b").in_scope(|| {
                info!("in b");
                observe::span("c").in_scope(|| info!("in c"));
                log::info!("in b again");
            });
            info!("in a again");
        });
    });
    let expected = [
        "outside\n",
        "in a [a]\n",
        "b: in b [b]\n",
        "b: in c [c]\n",
        "b: in b again [b]\n",
        "b: close [b]\n",
        "in a again [a]\n",
    ];
    assert_eq!(text, expected);
}

/// Whose ids an event has that names its parent, here and on a thread that has not begun it.
#[test]
fn an_explicit_parent() {
    let text = written(|| {
        let (parent, other) = (info_span!("parent"), info_span!("other"));
        other.in_scope(|| {
            info!(parent: &parent, "named");
            info!("not named");
            info!(parent: None, "of nothing");
        });
        let named = || info!(parent: &parent, "on a thread");
        thread::scope(|threads| threads.spawn(named).join()).unwrap();
        drop((other, parent));
    });
    let expected = [
        "parent: named [parent]\n",
        "other: not named [other]\n",
        "of nothing\n",
        "parent: on a thread [parent]\n",
        "other: close [other]\n",
        "parent: close [parent]\n",
    ];
    assert_eq!(text, expected);
}

/// Lines about a span have its ids, also when nothing else is current.
#[test]
fn lines_about_spans() {
    let text = written(|| info_span!("a shown").in_scope(|| info_span!("b shown").in_scope(|| ())));
    let expected = [
        "a shown: enter [a shown]\n",
        "a shown:b shown: enter [b shown]\n",
        "a shown:b shown: exit [b shown]\n",
        "a shown:b shown: close [b shown]\n",
        "a shown: exit [a shown]\n",
        "a shown: close [a shown]\n",
    ];
    assert_eq!(text, expected);
}

/// A context that was received is what is current until a span begins, and that is in its run.
#[test]
fn a_received_context() {
    let text = written(|| {
        in_trace(|| info!("before"));
        observe::in_scope(&sent(1, Some(RUN)), || info_span!("a").in_scope(|| info!("inside")));
    });
    let expected = [
        format!("before trace_id={TRACE} span_id={SPAN}\n"),
        format!("a: inside [a] run_id={RUN}\n"),
        format!("a: close [a] run_id={RUN}\n"),
    ];
    assert_eq!(text, expected);
}
