//! Tests of descriptions: a span as text.

use spanbridge::observe::SpanBuilder;
use spanbridge::record::{Body, Record, SpanData};
use spanbridge::{Memory, Recorder};
use std::time::Duration;

/// Kind, primitive, name, links and attributes of each recorded span.
fn recorded(begin: impl FnOnce() -> SpanBuilder) -> String {
    let memory = Memory::new();
    let recorder = Recorder::builder("test").sink(memory.clone()).on_flush_only().build().unwrap();
    recorder.in_scope(|| begin().in_scope(|| ()));
    assert!(recorder.flush_blocking(Duration::from_secs(60)).complete);
    let records: Vec<Record<'_>> = memory.take();
    let spans = records.iter().filter_map(|r| match &r.body {
        Body::Span(start @ SpanData { end: Some(_), .. }) => Some(start),
        _ => None,
    });
    let mut shown = String::new();
    for span in spans {
        let (kind, primitive, links) = (span.kind, &span.primitive, span.links.len());
        shown.push_str(&format!("{kind:?} {primitive} {:?} links {links}\n", span.name));
        for (name, value) in span.attributes.iter() {
            shown.push_str(&format!("  {name} = {value:?}\n"))
        }
    }
    shown
}

/// Asserts that one span is recorded, and that it looks like this.
#[track_caller]
pub(super) fn check(begin: impl FnOnce() -> SpanBuilder, expected: &str) {
    let expected: String = expected.lines().skip(1).map(|l| format!("{}\n", l.get(12..).unwrap_or_default())).collect();
    assert_eq!(recorded(begin), expected.trim_end().to_owned() + "\n");
}
