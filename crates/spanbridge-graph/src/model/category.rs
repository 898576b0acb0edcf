//! What kind of work a span is, for readers who look for the slow database or the failing gateway.

use super::span::Span;
use serde::Serialize;
use spanbridge::{Kind, family, semconv};

/// What kind of work a span is. It follows from the primitive; for spans of other libraries, whose primitive says nothing, from
/// the kind and the attributes of the semantic conventions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Category {
    /// A request that came in.
    Gateway,
    /// A function: its call, or its work.
    Function,
    /// A query or a change of a database.
    Database,
    /// A request that went out.
    OutboundHttp,
    /// A message that was sent, or work that was handed to another service.
    Handoff,
    /// Work on messages that were received.
    Message,
    /// An answer to the broker.
    Settlement,
    /// Anything else.
    Step,
}

impl Category {
    /// Its name in JSON, such as `outbound_http`.
    pub fn as_str(self) -> &'static str {
        match self {
            Category::Gateway => "gateway",
            Category::Function => "function",
            Category::Database => "database",
            Category::OutboundHttp => "outbound_http",
            Category::Handoff => "handoff",
            Category::Message => "message",
            Category::Settlement => "settlement",
            Category::Step => "step",
        }
    }

    /// Its name for people, such as `outbound HTTP`.
    pub fn label(self) -> &'static str {
        match self {
            Category::OutboundHttp => "outbound HTTP",
            Category::Handoff => "hand-off",
            other => other.as_str(),
        }
    }
}

impl Span {
    /// What kind of work it is.
    pub fn category(&self) -> Category {
        match (&*self.primitive, family(&self.primitive)) {
            ("messaging.publish", _) | (_, "handoff") => Category::Handoff,
            ("messaging.settle", _) => Category::Settlement,
            (_, "messaging") => Category::Message,
            ("http.client", _) => Category::OutboundHttp,
            (_, "http") => Category::Gateway,
            (_, "function") => Category::Function,
            (_, "db") => Category::Database,
            (_, "custom" | "") => self.category_of_others(),
            _ => Category::Step,
        }
    }

    fn category_of_others(&self) -> Category {
        let has = |key| self.attribute(key).is_some();
        match self.kind {
            Kind::Producer => Category::Handoff,
            Kind::Consumer => Category::Message,
            Kind::Server => Category::Gateway,
            _ if has(semconv::DB_SYSTEM_NAME) || has(semconv::OLD_DB_SYSTEM) => Category::Database,
            Kind::Client if has(semconv::HTTP_REQUEST_METHOD) || has(semconv::OLD_HTTP_METHOD) => {
                Category::OutboundHttp
            }
            _ => Category::Step,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spanbridge::{RunId, SegmentId, SpanId};

    #[test]
    fn a_category_follows_from_the_step() {
        let (run, segment, id) = (RunId::new(1).unwrap(), SegmentId::new(1).unwrap(), SpanId::new(1).unwrap());
        let of = |primitive: &str, kind, attribute: &str| {
            let mut span = Span::new(run, segment, id, "x");
            (span.primitive, span.kind) = (primitive.into(), kind);
            span.attributes.push((attribute.into(), "x".into()));
            span.category().as_str()
        };
        let internal = Kind::Internal;
        for (primitive, category) in [
            ("http.server", "gateway"),
            ("http.client", "outbound_http"),
            ("function.invoke", "function"),
            ("function.handle", "function"),
            ("db.query", "database"),
            ("messaging.publish", "handoff"),
            ("handoff.prepare", "handoff"),
            ("messaging.process", "message"),
            ("messaging.receive", "message"),
            ("messaging.settle", "settlement"),
            ("flow.step", "step"),
            ("custom.operation", "step"),
            ("", "step"),
        ] {
            assert_eq!(of(primitive, internal, ""), category, "{primitive}");
        }
        // Spans of other libraries.
        assert_eq!(of("custom.operation", Kind::Server, ""), "gateway");
        assert_eq!(of("custom.operation", Kind::Producer, ""), "handoff");
        assert_eq!(of("custom.operation", Kind::Client, "db.system"), "database");
        assert_eq!(of("custom.operation", Kind::Client, "http.request.method"), "outbound_http");
        assert_eq!(of("custom.operation", Kind::Client, "rpc.system"), "step");
    }
}
