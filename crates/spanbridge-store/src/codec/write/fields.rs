//! The fields of a record, in the order in which `read::fields` reads them.

use super::BlockWriter;
use crate::codec::bytes::{distance, put_varint, zigzag};
use crate::codec::{endpoint, span, tag, value};
use spanbridge::record::{Attributes, Body, End, Endpoint, Link, Record, Start, Via};
use spanbridge::{RunId, SpanId, Value};

impl BlockWriter {
    pub(super) fn body(&mut self, record: &Record<'_>) {
        let foreign = if record.id.is_some() { tag::FOREIGN } else { 0 };
        let mut tag = |tag: u8| self.shapes.code(tag | foreign);
        match &record.body {
            Body::Segment { started_at, resource, via, suspension_id, resumption_id, previous_resumption_id } => {
                tag(tag::SEGMENT);
                self.id(record);
                self.time(*started_at);
                let via = match via {
                    Via::Start => 1,
                    Via::Resume => 2,
                    Via::Receive => 3,
                };
                let legs = [resumption_id, previous_resumption_id];
                let has_legs = legs.iter().any(|leg| leg.is_some());
                self.shapes.code(via | if has_legs { tag::LEGS } else { 0 });
                if has_legs {
                    legs.iter().for_each(|leg| self.maybe_text(leg.as_deref()));
                }
                self.maybe_text(suspension_id.as_deref());
                self.attributes(resource);
            }
            Body::RunStart { name, started_at, root_primitive, parent_run_id, triggered_by_span_id, attributes } => {
                tag(tag::RUN_START);
                self.id(record);
                self.time(*started_at);
                self.shapes.name(name);
                self.maybe_name(root_primitive.as_deref());
                self.shapes.code(u8::from(parent_run_id.is_some()));
                if let Some(run) = parent_run_id {
                    self.wide(run.get());
                }
                self.span(*triggered_by_span_id);
                self.attributes(attributes);
            }
            Body::RunSuspend { suspension_id, suspended_at, reason } => {
                tag(tag::RUN_SUSPEND);
                self.id(record);
                self.time(*suspended_at);
                self.text(suspension_id);
                self.maybe_text(reason.as_deref());
            }
            Body::RunResume { suspension_id, resumed_at } => {
                tag(tag::RUN_RESUME);
                self.id(record);
                self.time(*resumed_at);
                self.text(suspension_id);
            }
            Body::RunEnd { ended_at, status, error } => {
                tag(tag::RUN_END);
                self.id(record);
                self.time(*ended_at);
                self.shapes.code(*status as u8);
                self.maybe_text(error.as_deref());
            }
            Body::SpanStart(start) => {
                tag(tag::SPAN_START);
                self.id(record);
                self.start(start);
                self.links(&start.links);
            }
            Body::SpanEnd { span_id, end, attributes } => {
                tag(tag::SPAN_END);
                self.id(record);
                self.span(Some(*span_id));
                self.time(end.ended_at);
                self.end(end);
                self.attributes(attributes);
            }
            Body::Span(start, end) => {
                tag(tag::SPAN);
                self.id(record);
                self.start(start);
                // The duration; the time that the next record is measured from stays the start.
                self.shapes.counts.times += 1;
                put_varint(&mut self.times, distance(start.started_at, end.ended_at));
                self.end(end);
                self.links(&start.links);
            }
            Body::SpanAttributes { span_id, attributes } => {
                tag(tag::SPAN_ATTRIBUTES);
                self.id(record);
                self.span(Some(*span_id));
                self.attributes(attributes);
            }
            Body::Event { span_id, event_id, name, timestamp, attributes } => {
                tag(tag::EVENT);
                self.id(record);
                self.span(Some(*span_id));
                self.time(*timestamp);
                self.text(event_id);
                self.shapes.name(name);
                self.attributes(attributes);
            }
            Body::Artifact(artifact) => {
                tag(tag::ARTIFACT);
                self.id(record);
                self.span(Some(artifact.span_id));
                self.text(&artifact.artifact_id);
                self.shapes.name(&artifact.kind);
                self.shapes.name(&artifact.content_type);
                self.shapes.name(&artifact.encoding);
                self.number(artifact.size_bytes);
                self.maybe_text(artifact.hash.as_deref());
                self.maybe_text(artifact.preview.as_deref());
            }
            Body::Edge { edge_type, from, to } => {
                tag(tag::EDGE);
                self.id(record);
                self.shapes.name(edge_type);
                self.endpoint(from);
                self.endpoint(to);
            }
            Body::Diagnostic { code, message, count, span_id, attributes } => {
                tag(tag::DIAGNOSTIC);
                self.id(record);
                self.shapes.name(code);
                self.text(message);
                self.shapes.code(u8::from(count.is_some()));
                if let Some(count) = count {
                    self.number(*count);
                }
                self.span(*span_id);
                self.attributes(attributes);
            }
            // `refusal` keeps bodies away that this release does not know.
            _ => tag(0),
        }
    }

    fn id(&mut self, record: &Record<'_>) {
        if let Some(id) = &record.id {
            self.text(id);
        }
    }

    fn start(&mut self, start: &Start<'_>) {
        self.word(start.span_id.get());
        self.span(start.parent_span_id);
        self.open.recent.push(start.span_id.get());
        self.shapes.name(&start.name);
        self.shapes.name(&start.primitive);
        self.shapes.code(start.kind as u8);
        self.time(start.started_at);
        self.attributes(&start.attributes);
    }

    fn end(&mut self, end: &End<'_>) {
        self.shapes.code(end.status as u8);
        self.maybe_text(end.error.as_deref());
    }

    fn links(&mut self, links: &[Link<'_>]) {
        for link in links {
            let same_trace = Some(link.trace_id) == self.open.trace_id;
            self.shapes.code(if same_trace { 1 } else { 2 });
            if !same_trace {
                self.wide(link.trace_id.get());
            }
            // Always a word: then what a block can make a reader allocate is bounded by its streams.
            self.word(link.span_id.get());
            self.attributes(&link.attributes);
        }
        self.shapes.code(0);
    }

    fn endpoint(&mut self, endpoint: &Endpoint<'_>) {
        match endpoint {
            Endpoint::Span { trace_id, span_id } => {
                self.shapes.code(endpoint::SPAN);
                self.wide(trace_id.get());
                self.span(Some(*span_id));
            }
            Endpoint::Run(run_id) => {
                self.shapes.code(endpoint::RUN);
                self.wide(run_id.get());
            }
            Endpoint::Artifact(id) => {
                self.shapes.code(endpoint::ARTIFACT);
                self.text(id);
            }
            // Kept away by `refusal`.
            _ => self.shapes.code(0),
        }
    }

    fn attributes(&mut self, attributes: &Attributes<'_>) {
        for (key, value) in attributes.iter() {
            match value {
                Value::I64(n) => {
                    self.shapes.code(value::I64);
                    self.number(zigzag(n));
                }
                Value::F64(x) => {
                    self.shapes.code(value::F64);
                    self.word(x.to_bits());
                }
                Value::Bool(b) => {
                    self.shapes.code(value::BOOL);
                    self.number(u64::from(b));
                }
                Value::Static(s) | Value::Str(s) => {
                    self.shapes.code(value::STR);
                    self.text(s);
                }
                Value::Json(s) => {
                    self.shapes.code(value::JSON);
                    self.text(s);
                }
                // Kept away by `refusal`.
                _ => continue,
            }
            self.shapes.name(key);
        }
        self.shapes.code(value::END);
    }

    fn span(&mut self, id: Option<SpanId>) {
        let Some(id) = id else { return self.shapes.code(span::NONE) };
        if let Some(back) = self.open.recent.find(id.get()) {
            self.shapes.code(span::RECENT);
            self.number(back);
        } else if self.open.key.map(RunId::as_parent) == Some(id) {
            self.shapes.code(span::RUN);
        } else {
            self.shapes.code(span::WORD);
            self.word(id.get());
        }
    }

    fn maybe_name(&mut self, name: Option<&str>) {
        self.shapes.code(u8::from(name.is_some()));
        if let Some(name) = name {
            self.shapes.name(name);
        }
    }

    fn maybe_text(&mut self, text: Option<&str>) {
        self.shapes.code(u8::from(text.is_some()));
        if let Some(text) = text {
            self.text(text);
        }
    }

    fn word(&mut self, word: u64) {
        self.shapes.counts.words += 1;
        self.words.extend_from_slice(&word.to_le_bytes());
    }

    fn wide(&mut self, wide: u128) {
        self.shapes.counts.words += 2;
        self.words.extend_from_slice(&wide.to_le_bytes());
    }

    fn time(&mut self, at: u64) {
        self.shapes.counts.times += 1;
        put_varint(&mut self.times, distance(self.open.time, at));
        self.open.time = at;
    }

    fn number(&mut self, n: u64) {
        self.shapes.counts.numbers += 1;
        put_varint(&mut self.numbers, n);
    }

    fn text(&mut self, text: &str) {
        self.shapes.counts.texts += 1;
        put_varint(&mut self.lengths, text.len() as u64);
        self.texts.extend_from_slice(text.as_bytes());
    }
}
