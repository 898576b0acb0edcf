//! The fields of a record, in the order in which `read::fields` reads them.

use super::BlockWriter;
use crate::codec::bytes::{distance, put_varint, zigzag};
use crate::codec::intern::KnownNames;
use crate::codec::{endpoint, op, span, tag, value};
use spanbridge::record::{
    AttributesView, BodyView, EndView, EndpointView, IdView, LinksView, MutationView, SpanView, Via,
};
use spanbridge::{RunId, SpanId, Value};

impl BlockWriter {
    pub(super) fn body<'a>(&mut self, known: &mut KnownNames<'a>, id: Option<&str>, body: &BodyView<'a>) {
        let foreign = if id.is_some() { tag::FOREIGN } else { 0 };
        let mut begin = |tag: u8| {
            self.shapes.code(tag | foreign);
            if let Some(id) = id {
                self.text(id);
            }
        };
        match body {
            BodyView::Span(span) => {
                begin(if span.end().is_some() { tag::SPAN } else { tag::SPAN_START });
                self.span_record(known, *span);
            }
            BodyView::SpanEnd(s) => {
                begin(tag::SPAN_END);
                self.span(Some(s.span_id()));
                self.time(s.end().ended_at());
                self.end(known, s.end());
                self.attributes(known, s.attributes());
            }
            BodyView::Segment(s) => {
                begin(tag::SEGMENT);
                self.time(s.started_at());
                let via = match s.via() {
                    Via::Start => 1,
                    Via::Resume => 2,
                    // Received, or a way that is newer than this crate: the segment took part.
                    _ => 3,
                };
                let resumptions = [s.resumption_id(), s.previous_resumption_id()];
                let has_resumptions = resumptions.iter().any(|id| id.is_some());
                self.shapes.code(via | if has_resumptions { tag::RESUMPTIONS } else { 0 });
                if has_resumptions {
                    resumptions.into_iter().for_each(|id| self.maybe_id(id));
                }
                self.maybe_id(s.suspension_id());
                self.attributes(known, s.resource());
            }
            BodyView::RunStart(r) => {
                begin(tag::RUN_START);
                self.time(r.started_at());
                self.name(known, r.name());
                self.maybe_name(known, r.root_primitive());
                self.shapes.code(u8::from(r.parent_run_id().is_some()));
                if let Some(run) = r.parent_run_id() {
                    self.wide(run.get());
                }
                self.span(r.triggered_by_span_id());
                self.attributes(known, r.attributes());
            }
            BodyView::RunAttributes(r) => {
                begin(tag::RUN_ATTRIBUTES);
                self.attributes(known, r.attributes());
            }
            BodyView::RunSuspend(r) => {
                begin(tag::RUN_SUSPEND);
                self.time(r.suspended_at());
                self.text(r.suspension_id());
                self.maybe_text(r.reason());
            }
            BodyView::RunResume(r) => {
                begin(tag::RUN_RESUME);
                self.time(r.resumed_at());
                self.text(r.suspension_id());
            }
            BodyView::RunEnd(r) => {
                begin(tag::RUN_END);
                self.time(r.ended_at());
                self.shapes.code(r.status() as u8);
                self.maybe_text(r.error());
            }
            BodyView::SpanAttributes(s) => {
                begin(tag::SPAN_ATTRIBUTES);
                self.span(Some(s.span_id()));
                self.attributes(known, s.attributes());
            }
            BodyView::Event(e) => {
                begin(tag::EVENT);
                self.span(Some(e.span_id()));
                self.time(e.timestamp());
                self.text(e.event_id().as_str(&mut [0; 16]));
                self.name(known, e.name());
                self.attributes(known, e.attributes());
            }
            BodyView::Artifact(a) => {
                begin(tag::ARTIFACT);
                self.span(Some(a.span_id()));
                self.text(a.artifact_id().as_str(&mut [0; 16]));
                self.name(known, a.kind());
                self.name(known, a.content_type());
                self.name(known, a.encoding());
                self.number(a.size_bytes());
                self.maybe_text(a.hash());
                self.maybe_text(a.preview());
            }
            BodyView::Mutation(m) => {
                begin(tag::MUTATION);
                self.mutation(known, *m);
            }
            BodyView::Edge(e) => {
                begin(tag::EDGE);
                self.name(known, e.edge_type());
                self.endpoint(e.from());
                self.endpoint(e.to());
            }
            BodyView::Diagnostic(d) => {
                begin(tag::DIAGNOSTIC);
                self.name(known, d.code());
                self.text(d.message());
                self.shapes.code(u8::from(d.count().is_some()));
                if let Some(count) = d.count() {
                    self.number(count);
                }
                self.span(d.span_id());
                self.attributes(known, d.attributes());
            }
            // `refusal` keeps bodies away that this release does not know.
            _ => begin(0),
        }
    }

    fn span_record<'a>(&mut self, known: &mut KnownNames<'a>, span: SpanView<'a>) {
        let (id, started_at) = (span.span_id().get(), span.started_at());
        self.word(id);
        self.span(span.parent_span_id());
        self.open.recent.push(id);
        self.name(known, span.name());
        self.name(known, span.primitive());
        self.shapes.code(span.kind() as u8);
        self.time(started_at);
        self.attributes(known, span.attributes());
        if let Some(end) = span.end() {
            // The duration; the time that the next record is measured from stays the start.
            self.shapes.counts.times += 1;
            put_varint(&mut self.times, distance(started_at, end.ended_at()));
            self.end(known, end);
        }
        self.links(known, span.links());
    }

    fn mutation<'a>(&mut self, known: &mut KnownNames<'a>, m: MutationView<'a>) {
        self.text(&m.mutation_id());
        self.span(m.span_id());
        self.name(known, m.database());
        self.name(known, m.table());
        self.text(&m.key());
        // `refusal` keeps those away that this release does not know.
        self.shapes.code(op::code(m.op()).unwrap_or(0));
        self.maybe_text(m.before().as_deref());
        self.maybe_text(m.after().as_deref());
        for column in m.columns().iter() {
            self.shapes.code(1);
            self.name(known, column);
        }
        self.shapes.code(0);
        self.shapes.code(u8::from(m.committed_at().is_some()));
        if let Some(at) = m.committed_at() {
            // The time that the next record is measured from stays: see `codec`.
            self.shapes.counts.times += 1;
            put_varint(&mut self.times, distance(self.open.time, at));
        }
        self.maybe_text(m.position());
    }

    fn end<'a>(&mut self, known: &mut KnownNames<'a>, end: EndView<'a>) {
        let class = end.error_type();
        self.shapes.code(end.status() as u8 | if class.is_some() { tag::ERROR_TYPE } else { 0 });
        self.maybe_text(end.error());
        // One of few, so it is part of the shape.
        if let Some(class) = class {
            self.name(known, class)
        }
    }

    fn links<'a>(&mut self, known: &mut KnownNames<'a>, links: LinksView<'a>) {
        for link in links {
            let same_trace = Some(link.trace_id) == self.open.trace_id;
            self.shapes.code(if same_trace { 1 } else { 2 });
            if !same_trace {
                self.wide(link.trace_id.get());
            }
            // Always a word: then what a block can make a reader allocate is bounded by its streams.
            self.word(link.span_id.get());
            self.attributes(known, link.attributes);
        }
        self.shapes.code(0);
    }

    fn endpoint(&mut self, endpoint: EndpointView<'_>) {
        match endpoint {
            EndpointView::Span { trace_id, span_id } => {
                self.shapes.code(endpoint::SPAN);
                self.wide(trace_id.get());
                self.span(Some(span_id));
            }
            EndpointView::Run(run_id) => {
                self.shapes.code(endpoint::RUN);
                self.wide(run_id.get());
            }
            EndpointView::Artifact(id) => {
                self.shapes.code(endpoint::ARTIFACT);
                self.text(id);
            }
            // Kept away by `refusal`.
            _ => self.shapes.code(0),
        }
    }

    fn attributes<'a>(&mut self, known: &mut KnownNames<'a>, attributes: AttributesView<'a>) {
        for (key, value) in attributes {
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
            self.name(known, key);
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

    fn maybe_name<'a>(&mut self, known: &mut KnownNames<'a>, name: Option<&'a str>) {
        self.shapes.code(u8::from(name.is_some()));
        if let Some(name) = name {
            self.name(known, name);
        }
    }

    /// A text that many records of a block share.
    #[inline]
    fn name<'a>(&mut self, known: &mut KnownNames<'a>, name: &'a str) {
        self.shapes.name(known.number(name, self.block, &mut self.names));
    }

    fn maybe_text(&mut self, text: Option<&str>) {
        self.shapes.code(u8::from(text.is_some()));
        if let Some(text) = text {
            self.text(text);
        }
    }

    fn maybe_id(&mut self, id: Option<IdView<'_>>) {
        let mut digits = [0; 16];
        self.maybe_text(id.map(|id| id.as_str(&mut digits)));
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
