//! What can never be stored.

use spanbridge::Value;
use spanbridge::record::{Attributes, Body, Endpoint, Record};

/// The most bytes that the texts of one record may have, each attribute and link counted with 64 more. A block, which is
/// read whole, grows to hold its largest record.
const RECORD_LIMIT: usize = 8 << 20;

/// Why this record can never be stored, if so.
pub(crate) fn refusal(record: &Record<'_>) -> Option<String> {
    let mut weight = Weight { bytes: record.service.len() + text(&record.id), known: true };
    weight.body(&record.body);
    if !weight.known {
        return Some("this release of the store does not know what it says".to_owned());
    }
    (weight.bytes > RECORD_LIMIT).then(|| format!("it has {} bytes; the most is {RECORD_LIMIT}", weight.bytes))
}

struct Weight {
    bytes: usize,
    known: bool,
}

fn text(text: &Option<impl AsRef<str>>) -> usize {
    text.as_ref().map_or(0, |t| t.as_ref().len())
}

impl Weight {
    fn body(&mut self, body: &Body<'_>) {
        match body {
            Body::Segment { resource, suspension_id, resumption_id, previous_resumption_id, .. } => {
                self.bytes += text(suspension_id) + text(resumption_id) + text(previous_resumption_id);
                self.attributes(resource);
            }
            Body::RunStart { name, root_primitive, attributes, .. } => {
                self.bytes += name.len() + text(root_primitive);
                self.attributes(attributes);
            }
            Body::RunSuspend { suspension_id, reason, .. } => self.bytes += suspension_id.len() + text(reason),
            Body::RunResume { suspension_id, .. } => self.bytes += suspension_id.len(),
            Body::RunEnd { error, .. } => self.bytes += text(error),
            Body::SpanStart(start) | Body::Span(start, _) => {
                self.bytes += start.name.len() + start.primitive.len();
                self.attributes(&start.attributes);
                for link in &start.links {
                    self.bytes += 64;
                    self.attributes(&link.attributes);
                }
                if let Body::Span(_, end) = body {
                    self.bytes += text(&end.error);
                }
            }
            Body::SpanEnd { end, attributes, .. } => {
                self.bytes += text(&end.error);
                self.attributes(attributes);
            }
            Body::SpanAttributes { attributes, .. } => self.attributes(attributes),
            Body::Event { event_id, name, attributes, .. } => {
                self.bytes += event_id.len() + name.len();
                self.attributes(attributes);
            }
            Body::Artifact(a) => {
                self.bytes += a.artifact_id.len() + a.kind.len() + a.content_type.len() + a.encoding.len();
                self.bytes += text(&a.hash) + text(&a.preview);
            }
            Body::Edge { edge_type, from, to } => {
                self.bytes += edge_type.len();
                self.endpoint(from);
                self.endpoint(to);
            }
            Body::Diagnostic { code, message, attributes, .. } => {
                self.bytes += code.len() + message.len();
                self.attributes(attributes);
            }
            _ => self.known = false,
        }
    }

    fn attributes(&mut self, attributes: &Attributes<'_>) {
        for (key, value) in attributes.iter() {
            self.bytes += key.len() + 64;
            match value {
                Value::I64(_) | Value::F64(_) | Value::Bool(_) => {}
                Value::Static(s) | Value::Str(s) | Value::Json(s) => self.bytes += s.len(),
                _ => self.known = false,
            }
        }
    }

    fn endpoint(&mut self, endpoint: &Endpoint<'_>) {
        match endpoint {
            Endpoint::Span { .. } | Endpoint::Run(_) => {}
            Endpoint::Artifact(id) => self.bytes += id.len(),
            _ => self.known = false,
        }
    }
}
