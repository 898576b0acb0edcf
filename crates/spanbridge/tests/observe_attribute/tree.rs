//! Recorded spans as indented text: name, status, error, and in braces what else is not as usual.

use spanbridge::record::{Body, SpanData};
use spanbridge::{Kind, Memory, Recorder, SpanId, Status, semconv};
use std::any::Any;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

const WITHIN: Duration = Duration::from_secs(10);

/// The spans that a call records.
pub(crate) fn of<R>(f: impl FnOnce() -> R) -> String {
    recorded(|recorder| recorder.in_scope(f)).1
}

/// What a call returns, and the spans that it records.
pub(crate) fn with<R>(f: impl FnOnce() -> R) -> (R, String) {
    recorded(|recorder| recorder.in_scope(f))
}

/// What a future resolves to, and the spans that it records.
pub(crate) fn polled<F: Future>(make: impl FnOnce() -> F) -> (F::Output, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    recorded(|recorder| runtime.block_on(recorder.scope(async || make().await)))
}

/// The text of a panic, and the spans that are recorded until then.
pub(crate) fn panicked<R>(f: impl FnOnce() -> R) -> (String, String) {
    let text = |panic: Box<dyn Any + Send>| match panic.downcast::<&'static str>() {
        Ok(text) => (*text).to_owned(),
        Err(panic) => panic.downcast::<String>().map_or_else(|_| "?".to_owned(), |text| *text),
    };
    let (result, tree) = recorded(|recorder| catch_unwind(AssertUnwindSafe(|| recorder.in_scope(f))));
    (result.err().map(text).expect("a panic"), tree)
}

fn recorded<R>(f: impl FnOnce(&Recorder) -> R) -> (R, String) {
    let memory = Memory::new();
    let recorder = Recorder::builder("t").sink(memory.clone()).on_flush_only().build().expect("a recorder");
    let result = f(&recorder);
    recorder.flush_blocking(WITHIN);
    let mut spans: Vec<SpanData<'static>> = vec![];
    for record in memory.take() {
        if let Body::Span(span) = record.body {
            spans.push(span);
        }
    }
    spans.sort_by_key(|span| span.started_at);
    let mut text = String::new();
    let known = |id: SpanId| spans.iter().any(|span| span.span_id == id);
    for start in &spans {
        if !start.parent_span_id.is_some_and(known) {
            show(&spans, start, 0, &mut text);
        }
    }
    (result, text)
}

fn show(spans: &[SpanData<'_>], start: &SpanData<'_>, depth: usize, text: &mut String) {
    let _ = write!(text, "{:depth$}{}", "", start.name);
    match &start.end {
        Some(end) => {
            let _ = write!(text, " {}", end.status.name());
            if end.status == Status::Panicked {
                let error = end.error.as_deref().unwrap_or_default();
                assert!(error.contains(", at ") && error.contains(".rs:"), "{}: {error:?}", start.name);
            } else if let Some(error) = &end.error {
                let _ = write!(text, " ({error})");
            }
        }
        None => text.push_str(" open"),
    }
    let mut more = vec![];
    if start.primitive != "custom.operation" {
        more.push(start.primitive.to_string());
    }
    if start.kind != Kind::Internal {
        more.push(start.kind.name().to_owned());
    }
    // The class of an error is its type; the tests of spans look at that.
    let attributes = start.attributes.iter().filter(|(key, _)| *key != semconv::ERROR_TYPE);
    more.extend(attributes.map(|(key, value)| format!("{key}={value:?}")));
    if !more.is_empty() {
        let _ = write!(text, " {{{}}}", more.join(", "));
    }
    text.push('\n');
    for child in spans.iter().filter(|child| child.parent_span_id == Some(start.span_id)) {
        show(spans, child, depth + 2, text);
    }
}
