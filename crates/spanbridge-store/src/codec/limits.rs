//! What can never be stored.

use super::op;
use spanbridge::Value;
use spanbridge::record::{AttributesView, BodyView, EndpointView, RecordView};

/// The most bytes that the texts of one record may have, each attribute and link counted with 64 more. A block, which is
/// read whole, grows to hold its largest record.
const RECORD_LIMIT: usize = 8 << 20;

/// Why this record can never be stored, if so.
#[inline]
pub fn refusal(record: RecordView<'_>) -> Option<String> {
    // As nearly all of them are that come from a recorder.
    if record.is_small() { None } else { weigh(record) }
}

fn weigh(record: RecordView<'_>) -> Option<String> {
    let mut weight = Weight { bytes: record.service().len() + record.id().map_or(0, str::len), known: true };
    weight.body(&record.body());
    if !weight.known {
        return Some("this release of the store does not know what it says".to_owned());
    }
    (weight.bytes > RECORD_LIMIT).then(|| format!("it has {} bytes; the most is {RECORD_LIMIT}", weight.bytes))
}

struct Weight {
    bytes: usize,
    known: bool,
}

impl Weight {
    fn body(&mut self, body: &BodyView<'_>) {
        match body {
            BodyView::Segment(s) => {
                for id in [s.suspension_id(), s.resumption_id(), s.previous_resumption_id()].into_iter().flatten() {
                    self.text(id.as_str(&mut [0; 16]));
                }
                self.attributes(s.resource());
            }
            BodyView::RunStart(r) => {
                self.text(r.name());
                self.maybe(r.root_primitive());
                self.attributes(r.attributes());
            }
            BodyView::RunAttributes(r) => self.attributes(r.attributes()),
            BodyView::RunSuspend(r) => {
                self.text(r.suspension_id());
                self.maybe(r.reason());
            }
            BodyView::RunResume(r) => self.text(r.suspension_id()),
            BodyView::RunEnd(r) => self.maybe(r.error()),
            BodyView::Span(span) => {
                self.text(span.name());
                self.text(span.primitive());
                self.maybe(span.end().and_then(|end| end.error()));
                self.maybe(span.end().and_then(|end| end.error_type()));
                self.attributes(span.attributes());
                for link in span.links() {
                    self.bytes += 64;
                    self.attributes(link.attributes);
                }
            }
            BodyView::SpanEnd(s) => {
                self.maybe(s.end().error());
                self.maybe(s.end().error_type());
                self.attributes(s.attributes());
            }
            BodyView::SpanAttributes(s) => self.attributes(s.attributes()),
            BodyView::Event(e) => {
                self.text(e.event_id().as_str(&mut [0; 16]));
                self.text(e.name());
                self.attributes(e.attributes());
            }
            BodyView::Artifact(a) => {
                self.text(a.artifact_id().as_str(&mut [0; 16]));
                [a.kind(), a.content_type(), a.encoding()].iter().for_each(|text| self.text(text));
                self.maybe(a.hash());
                self.maybe(a.preview());
            }
            BodyView::Mutation(m) => {
                [m.database(), m.table()].iter().for_each(|text| self.text(text));
                [m.mutation_id(), m.key()].iter().for_each(|text| self.text(text));
                [m.before(), m.after()].iter().for_each(|text| self.maybe(text.as_deref()));
                m.columns().iter().for_each(|name| self.bytes += name.len() + 64);
                self.maybe(m.position());
                self.known &= op::code(m.op()).is_some();
            }
            BodyView::Edge(e) => {
                self.text(e.edge_type());
                self.endpoint(e.from());
                self.endpoint(e.to());
            }
            BodyView::Diagnostic(d) => {
                self.text(d.code());
                self.text(d.message());
                self.attributes(d.attributes());
            }
            _ => self.known = false,
        }
    }

    fn text(&mut self, text: &str) {
        self.bytes += text.len();
    }

    fn maybe(&mut self, text: Option<&str>) {
        self.bytes += text.map_or(0, str::len);
    }

    fn attributes(&mut self, attributes: AttributesView<'_>) {
        for (key, value) in attributes {
            self.bytes += key.len() + 64;
            match value {
                Value::I64(_) | Value::F64(_) | Value::Bool(_) => {}
                Value::Static(s) | Value::Str(s) | Value::Json(s) => self.text(s),
                _ => self.known = false,
            }
        }
    }

    fn endpoint(&mut self, endpoint: EndpointView<'_>) {
        match endpoint {
            EndpointView::Span { .. } | EndpointView::Run(_) => {}
            EndpointView::Artifact(id) => self.text(id),
            _ => self.known = false,
        }
    }
}
