//! The messages of OTLP as prost sees them, from the protocol's `.proto` files, and what they are as values of ours.

use prost::{Message, Oneof};
use spanbridge_otel::otlp::model;

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Request {
    #[prost(message, repeated, tag = "1")]
    pub(crate) resource_spans: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    pub(crate) resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) scope_spans: Vec<ScopeSpans>,
    #[prost(string, tag = "3")]
    pub(crate) schema_url: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Resource {
    #[prost(message, repeated, tag = "1")]
    pub(crate) attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "2")]
    pub(crate) dropped_attributes_count: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    pub(crate) scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) spans: Vec<Span>,
    #[prost(string, tag = "3")]
    pub(crate) schema_url: String,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Scope {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, tag = "2")]
    pub(crate) version: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Span {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) span_id: Vec<u8>,
    #[prost(string, tag = "3")]
    pub(crate) trace_state: String,
    #[prost(bytes = "vec", tag = "4")]
    pub(crate) parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    pub(crate) name: String,
    #[prost(int32, tag = "6")]
    pub(crate) kind: i32,
    #[prost(fixed64, tag = "7")]
    pub(crate) start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    pub(crate) end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    pub(crate) attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "10")]
    pub(crate) dropped_attributes_count: u32,
    #[prost(message, repeated, tag = "11")]
    pub(crate) events: Vec<Event>,
    #[prost(uint32, tag = "12")]
    pub(crate) dropped_events_count: u32,
    #[prost(message, repeated, tag = "13")]
    pub(crate) links: Vec<Link>,
    #[prost(uint32, tag = "14")]
    pub(crate) dropped_links_count: u32,
    #[prost(message, optional, tag = "15")]
    pub(crate) status: Option<Status>,
    #[prost(fixed32, tag = "16")]
    pub(crate) flags: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Event {
    #[prost(fixed64, tag = "1")]
    pub(crate) time_unix_nano: u64,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
    #[prost(message, repeated, tag = "3")]
    pub(crate) attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "4")]
    pub(crate) dropped_attributes_count: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Link {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) span_id: Vec<u8>,
    #[prost(string, tag = "3")]
    pub(crate) trace_state: String,
    #[prost(message, repeated, tag = "4")]
    pub(crate) attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "5")]
    pub(crate) dropped_attributes_count: u32,
    #[prost(fixed32, tag = "6")]
    pub(crate) flags: u32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Status {
    #[prost(string, tag = "2")]
    pub(crate) message: String,
    #[prost(int32, tag = "3")]
    pub(crate) code: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct KeyValue {
    #[prost(string, tag = "1")]
    pub(crate) key: String,
    #[prost(message, optional, tag = "2")]
    pub(crate) value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AnyValue {
    #[prost(oneof = "Value", tags = "1, 2, 3, 4, 5, 6, 7")]
    pub(crate) value: Option<Value>,
}

#[derive(Clone, PartialEq, Oneof)]
pub(crate) enum Value {
    #[prost(string, tag = "1")]
    String(String),
    #[prost(bool, tag = "2")]
    Bool(bool),
    #[prost(int64, tag = "3")]
    Int(i64),
    #[prost(double, tag = "4")]
    Double(f64),
    #[prost(message, tag = "5")]
    Array(Array),
    #[prost(message, tag = "6")]
    Map(Map),
    #[prost(bytes = "vec", tag = "7")]
    Bytes(Vec<u8>),
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Array {
    #[prost(message, repeated, tag = "1")]
    pub(crate) values: Vec<AnyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Map {
    #[prost(message, repeated, tag = "1")]
    pub(crate) values: Vec<KeyValue>,
}

fn attributes(all: &[model::KeyValue<'_>]) -> Vec<KeyValue> {
    all.iter().map(|a| KeyValue { key: a.key.to_string(), value: Some(value(&a.value)) }).collect()
}

fn value(value: &model::AnyValue<'_>) -> AnyValue {
    use model::AnyValue as From;
    let value = match value {
        From::Empty => None,
        From::Str(v) => Some(Value::String(v.to_string())),
        From::Bool(v) => Some(Value::Bool(*v)),
        From::I64(v) => Some(Value::Int(*v)),
        From::F64(v) => Some(Value::Double(*v)),
        From::Array(v) => Some(Value::Array(Array { values: v.iter().map(self::value).collect() })),
        From::Map(v) => Some(Value::Map(Map { values: attributes(v) })),
        From::Bytes(v) => Some(Value::Bytes(v.to_vec())),
    };
    AnyValue { value }
}

/// A span of ours as prost would have it.
pub(crate) fn span(span: &model::Span<'_>) -> Span {
    let status = (span.status != model::Status::default())
        .then(|| Status { message: span.status.message.to_string(), code: span.status.code as i32 });
    Span {
        trace_id: span.trace_id.get().to_be_bytes().to_vec(),
        span_id: span.span_id.get().to_be_bytes().to_vec(),
        trace_state: span.trace_state.to_string(),
        parent_span_id: span.parent_span_id.map(|id| id.get().to_be_bytes().to_vec()).unwrap_or_default(),
        name: span.name.to_string(),
        kind: span.kind.map_or(0, |kind| kind as i32 + 1),
        start_time_unix_nano: span.start_time,
        end_time_unix_nano: span.end_time,
        attributes: attributes(&span.attributes),
        dropped_attributes_count: span.dropped_attributes,
        events: span
            .events
            .iter()
            .map(|event| Event {
                time_unix_nano: event.time,
                name: event.name.to_string(),
                attributes: attributes(&event.attributes),
                dropped_attributes_count: event.dropped_attributes,
            })
            .collect(),
        dropped_events_count: span.dropped_events,
        links: span
            .links
            .iter()
            .map(|link| Link {
                trace_id: link.trace_id.get().to_be_bytes().to_vec(),
                span_id: link.span_id.get().to_be_bytes().to_vec(),
                trace_state: link.trace_state.to_string(),
                attributes: attributes(&link.attributes),
                dropped_attributes_count: link.dropped_attributes,
                flags: link.flags,
            })
            .collect(),
        dropped_links_count: span.dropped_links,
        status,
        flags: span.flags,
    }
}

/// A request of ours as prost would have it.
pub(crate) fn request(resource: &model::Resource<'_>, scope: &model::Scope<'_>, spans: &[model::Span<'_>]) -> Request {
    let resource = Resource { attributes: attributes(&resource.attributes), dropped_attributes_count: 0 };
    let scope = Scope {
        name: scope.name.to_string(),
        version: scope.version.to_string(),
        attributes: attributes(&scope.attributes),
    };
    let scope_spans =
        ScopeSpans { scope: Some(scope), spans: spans.iter().map(span).collect(), schema_url: String::new() };
    let resource_spans =
        ResourceSpans { resource: Some(resource), scope_spans: vec![scope_spans], schema_url: String::new() };
    Request { resource_spans: vec![resource_spans] }
}
