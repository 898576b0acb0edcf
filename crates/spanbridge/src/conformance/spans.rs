//! What was recorded, a span at a time.

use crate::record::{Body, Diagnostic, Edge, End, Endpoint, Record, SpanAttributes, SpanData, SpanEnd};
use crate::{RunId, SpanId, Status, TraceId, Value, semconv};
use std::collections::BTreeMap;

/// A span as its records tell it.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Seen {
    /// Its id.
    pub id: Option<SpanId>,
    /// The span above it.
    pub parent: Option<SpanId>,
    /// Its trace.
    pub trace: Option<TraceId>,
    /// Its run.
    pub run: Option<RunId>,
    /// Its name.
    pub name: String,
    /// What kind of step it is.
    pub primitive: String,
    /// When it began, in nanoseconds since the epoch.
    pub started_at: u64,
    /// When it ended.
    pub ended_at: Option<u64>,
    /// How it ended; `None` while it is open.
    pub status: Option<Status>,
    /// Why, in words.
    pub error: String,
    /// Its class.
    pub error_type: String,
    /// Its attributes as text.
    pub attributes: BTreeMap<String, String>,
    /// What it links to.
    pub links: Vec<(TraceId, SpanId)>,
    /// Diagnostics about it: code and message.
    pub diagnostics: Vec<(String, String)>,
}

impl Seen {
    /// An attribute as text; empty if it is not there. `error.type` is also what the span's end says.
    pub fn get(&self, key: &str) -> &str {
        let otherwise = if key == semconv::ERROR_TYPE { &*self.error_type } else { "" };
        self.attributes.get(key).map_or(otherwise, String::as_str)
    }

    /// What became of the message: `spanbridge.handoff.status`.
    pub fn handoff(&self) -> &str {
        self.get(semconv::HANDOFF_STATUS)
    }

    fn end(&mut self, end: &End<'_>) {
        self.status = Some(end.status);
        self.ended_at = Some(end.ended_at);
        self.error = end.error.as_deref().unwrap_or_default().to_owned();
        self.error_type = end.error_type.as_deref().unwrap_or_default().to_owned();
    }
}

/// Every span of the records, in order of start.
pub fn spans(records: &[Record<'_>]) -> Vec<Seen> {
    let mut seen: BTreeMap<SpanId, Seen> = BTreeMap::new();
    for record in records {
        let (id, attributes) = match &record.body {
            Body::Span(start) => {
                let span = seen.entry(start.span_id).or_default();
                span.parent = start.parent_span_id;
                span.name = start.name.clone().into_owned();
                span.primitive = start.primitive.clone().into_owned();
                span.started_at = start.started_at;
                span.links.extend(start.links.iter().map(|l| (l.trace_id, l.span_id)));
                (start.span_id, &start.attributes)
            }
            Body::SpanEnd(SpanEnd { span_id, attributes, .. })
            | Body::SpanAttributes(SpanAttributes { span_id, attributes, .. }) => (*span_id, attributes),
            Body::Diagnostic(Diagnostic { span_id: Some(id), code, message, .. }) => {
                let told = (code.clone().into_owned(), message.clone().into_owned());
                seen.entry(*id).or_default().diagnostics.push(told);
                continue;
            }
            // A link that was delivered after its span's start.
            Body::Edge(Edge {
                edge_type,
                from: Endpoint::Span { span_id, .. },
                to: Endpoint::Span { trace_id, span_id: to },
            }) if edge_type == "custom.link" => {
                seen.entry(*span_id).or_default().links.push((*trace_id, *to));
                continue;
            }
            _ => continue,
        };
        let span = seen.entry(id).or_default();
        (span.id, span.trace, span.run) = (Some(id), record.trace_id, record.run_id);
        if let Body::Span(SpanData { end: Some(end), .. }) | Body::SpanEnd(SpanEnd { end, .. }) = &record.body {
            span.end(end)
        }
        let text = |v: Value<'_>| match v {
            Value::I64(n) => n.to_string(),
            Value::Bool(b) => b.to_string(),
            other => other.as_str().map_or_else(|| format!("{other:?}"), str::to_owned),
        };
        span.attributes.extend(attributes.iter().map(|(k, v)| (k.to_owned(), text(v))));
    }
    let mut all: Vec<Seen> = seen.into_values().collect();
    all.sort_by_key(|s| (s.started_at, s.id));
    all
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::{Memory, Recorder, observe};
    use std::time::Duration;

    /// The span is delivered before it gets its link, as happens when a delivery comes in between.
    #[test]
    fn a_link_that_comes_late_is_the_spans() {
        let memory = Memory::new();
        let recorder = Recorder::builder("shop").on_flush_only().sink(memory.clone()).build().unwrap();
        let linked = recorder.in_scope(|| {
            let (sent, received) = (observe::span("send").open(), observe::span("process").open());
            assert!(recorder.flush_blocking(Duration::from_secs(5)).complete);
            received.link(sent.context());
            let parent = sent.context().trace_parent().unwrap();
            received.end();
            sent.end();
            (parent.trace_id, parent.span_id)
        });
        assert!(recorder.flush_blocking(Duration::from_secs(5)).complete);
        let spans = spans(&memory.take());
        let received = spans.iter().find(|span| span.name == "process").unwrap();
        assert_eq!(received.links, [linked]);
    }
}
