//! Lines about spans of a subscriber that was a scoped one, when another one is the default.
#![cfg(feature = "fmt")]

mod lines;

use lines::{Lines, RUN, SPAN, TRACE, in_trace, sent};
use spanbridge::observe;
use spanbridge_tracing::fmt::WithIds;
use tracing::{Dispatch, dispatcher, info_span};
use tracing_subscriber::fmt::format::FmtSpan;
use tracing_subscriber::{fmt, prelude::*, registry};

/// A line about a span has not the ids of a span of the other subscriber that has the same number.
#[test]
fn a_span_of_another_registry_closes() {
    let lines = Lines::default();
    let scoped = fmt::layer().without_time().with_ansi(false).with_span_events(FmtSpan::CLOSE);
    let scoped = registry().with(scoped.with_writer(lines.clone()).with_ids()).with(spanbridge_tracing::layer());
    registry().with(spanbridge_tracing::layer()).init();

    let one = dispatcher::with_default(&Dispatch::new(scoped), || in_trace(|| info_span!("one")));
    let other = observe::in_scope(&sent(0, Some(RUN)), || info_span!("other"));
    assert_eq!(one.id(), other.id(), "the test shows nothing if they are not the same");
    in_trace(|| drop(one));
    let line = lines.take().concat();
    assert!(line.contains("one: "), "{line}");
    assert!(line.ends_with(&format!(" trace_id={TRACE} span_id={SPAN}\n")), "{line}");
}
