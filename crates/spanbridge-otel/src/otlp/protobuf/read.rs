//! Reads requests.
//!
//! What is not known is stepped over: fields, wire types of known fields, values of enums. Text that is not UTF-8 is read with
//! `U+FFFD` in place of what is not.

use super::tags::{any_value, event, key_value, link, list, request, resource, resource_spans, scope, scope_spans};
use super::tags::{span as of_span, status};
use super::wire::{Message, Wire};
use crate::error::Result;
use crate::otlp::ReadReport;
use crate::otlp::budget::{Budget, MAX_DEPTH};
use crate::otlp::model::{AnyValue, Event, KeyValue, Link, Resource, Scope, Span};
use crate::otlp::partial::{self, add, push};
use spanbridge::{SpanId, TraceId};
use std::borrow::Cow;

/// Reads a request, and gives each span to `take` with its resource and scope.
///
/// # Errors
/// It is not a message of protobuf. The spans before the place that shows it have been given to `take`.
pub fn read<'a>(bytes: &'a [u8], mut take: impl FnMut(&Resource<'a>, &Scope<'a>, Span<'a>)) -> Result<ReadReport> {
    read_scopes(bytes, |resource, scope, span| {
        if let Some(span) = span {
            take(resource, scope, span)
        }
    })
}

/// As [`read`], and gives each scope to `take` before its spans, also one that has none.
///
/// # Errors
/// As [`read`].
pub fn read_scopes<'a>(
    bytes: &'a [u8],
    mut take: impl FnMut(&Resource<'a>, &Scope<'a>, Option<Span<'a>>),
) -> Result<ReadReport> {
    let mut report = ReadReport::default();
    let mut request = Message::whole(bytes);
    while let Some(field) = request.field()? {
        if let (request::RESOURCE_SPANS, Wire::Bytes(message)) = field {
            read_resource_spans(message, &mut report, &mut take)?;
        }
    }
    Ok(report)
}

/// Whether these bytes are a request by their outermost fields.
pub(in crate::otlp) fn looks_like_a_request(bytes: &[u8]) -> bool {
    let mut request = Message::whole(bytes);
    loop {
        match request.field() {
            Ok(None) => return true,
            Ok(Some((request::RESOURCE_SPANS, Wire::Bytes(_)))) => {}
            Ok(Some(_)) | Err(_) => return false,
        }
    }
}

/// The fields of a message may come in any order. So the resource is looked for first, then the spans; and one that comes
/// twice is merged, by the rules of protobuf.
fn read_resource_spans<'a>(
    message: Message<'a>,
    report: &mut ReadReport,
    take: &mut impl FnMut(&Resource<'a>, &Scope<'a>, Option<Span<'a>>),
) -> Result<()> {
    let mut resource = Resource::default();
    let mut budget = Budget::of_many_spans();
    let mut fields = message;
    while let Some(field) = fields.field()? {
        if let (resource_spans::RESOURCE, Wire::Bytes(mut message)) = field {
            while let Some(field) = message.field()? {
                if let (resource::ATTRIBUTES, Wire::Bytes(message)) = field {
                    push_attribute(&mut resource.attributes, &mut 0, message, &mut budget)?;
                }
            }
        }
    }
    let mut fields = message;
    while let Some(field) = fields.field()? {
        if let (resource_spans::SCOPE_SPANS, Wire::Bytes(message)) = field {
            read_scope_spans(&resource, message, report, take)?;
        }
    }
    Ok(())
}

fn read_scope_spans<'a>(
    resource: &Resource<'a>,
    message: Message<'a>,
    report: &mut ReadReport,
    take: &mut impl FnMut(&Resource<'a>, &Scope<'a>, Option<Span<'a>>),
) -> Result<()> {
    let mut scope = Scope::default();
    let mut budget = Budget::of_many_spans();
    let mut fields = message;
    while let Some(field) = fields.field()? {
        if let (scope_spans::SCOPE, Wire::Bytes(mut message)) = field {
            while let Some(field) = message.field()? {
                match field {
                    (scope::NAME, Wire::Bytes(name)) => scope.name = text(name),
                    (scope::VERSION, Wire::Bytes(version)) => scope.version = text(version),
                    (scope::ATTRIBUTES, Wire::Bytes(message)) => {
                        push_attribute(&mut scope.attributes, &mut 0, message, &mut budget)?;
                    }
                    _ => {}
                }
            }
        }
    }
    take(resource, &scope, None);
    let mut fields = message;
    while let Some(field) = fields.field()? {
        if let (scope_spans::SPANS, Wire::Bytes(message)) = field {
            match read_span(message)? {
                Some(span) => {
                    report.spans += 1;
                    take(resource, &scope, Some(span));
                }
                None => report.rejected += 1,
            }
        }
    }
    Ok(())
}

/// `None`: its ids are none.
fn read_span<'a>(mut message: Message<'a>) -> Result<Option<Span<'a>>> {
    let (mut trace_id, mut span_id, mut parent) = (None, None, Some(None));
    let mut span = partial::span_without_ids();
    let mut budget = Budget::of_a_span();
    while let Some(field) = message.field()? {
        match field {
            (of_span::TRACE_ID, Wire::Bytes(id)) => trace_id = read_trace_id(id),
            (of_span::SPAN_ID, Wire::Bytes(id)) => span_id = read_span_id(id),
            (of_span::PARENT_SPAN_ID, Wire::Bytes(id)) => parent = read_parent(id),
            (of_span::TRACE_STATE, Wire::Bytes(state)) => span.trace_state = text(state),
            (of_span::NAME, Wire::Bytes(name)) => span.name = text(name),
            (of_span::KIND, Wire::Varint(kind)) => span.kind = partial::kind(kind),
            (of_span::START, Wire::Fixed64(time)) => span.start_time = time,
            (of_span::END, Wire::Fixed64(time)) => span.end_time = time,
            (of_span::ATTRIBUTES, Wire::Bytes(message)) => {
                push_attribute(&mut span.attributes, &mut span.dropped_attributes, message, &mut budget)?;
            }
            (of_span::DROPPED_ATTRIBUTES, Wire::Varint(n)) => add(&mut span.dropped_attributes, n),
            (of_span::EVENTS, Wire::Bytes(message)) => {
                let event = read_event(message, &mut budget)?;
                push(&mut span.events, &mut span.dropped_events, event);
            }
            (of_span::DROPPED_EVENTS, Wire::Varint(n)) => add(&mut span.dropped_events, n),
            (of_span::LINKS, Wire::Bytes(message)) => {
                let link = read_link(message, &mut budget)?;
                push(&mut span.links, &mut span.dropped_links, link);
            }
            (of_span::DROPPED_LINKS, Wire::Varint(n)) => add(&mut span.dropped_links, n),
            (of_span::STATUS, Wire::Bytes(mut message)) => {
                while let Some(field) = message.field()? {
                    match field {
                        (status::MESSAGE, Wire::Bytes(message)) => span.status.message = text(message),
                        (status::CODE, Wire::Varint(code)) => span.status.code = partial::status(code),
                        _ => {}
                    }
                }
            }
            (of_span::FLAGS, Wire::Fixed32(flags)) => span.flags = flags,
            _ => {}
        }
    }
    let (Some(trace_id), Some(span_id), Some(parent_span_id)) = (trace_id, span_id, parent) else { return Ok(None) };
    Ok(Some(Span { trace_id, span_id, parent_span_id, ..span }))
}

fn read_event<'a>(mut message: Message<'a>, budget: &mut Budget) -> Result<Option<Event<'a>>> {
    let kept = budget.take();
    let mut it = Event::default();
    while let Some(field) = message.field()? {
        match field {
            (event::TIME, Wire::Fixed64(time)) => it.time = time,
            (event::NAME, Wire::Bytes(name)) => it.name = text(name),
            (event::ATTRIBUTES, Wire::Bytes(message)) => {
                push_attribute(&mut it.attributes, &mut it.dropped_attributes, message, budget)?;
            }
            (event::DROPPED_ATTRIBUTES, Wire::Varint(n)) => add(&mut it.dropped_attributes, n),
            _ => {}
        }
    }
    Ok(kept.then_some(it))
}

/// `None` also where its ids are none.
fn read_link<'a>(mut message: Message<'a>, budget: &mut Budget) -> Result<Option<Link<'a>>> {
    let kept = budget.take();
    let (mut trace_id, mut span_id) = (None, None);
    let (mut trace_state, mut attributes, mut dropped_attributes, mut flags) = (Cow::Borrowed(""), Vec::new(), 0, 0);
    while let Some(field) = message.field()? {
        match field {
            (link::TRACE_ID, Wire::Bytes(id)) => trace_id = read_trace_id(id),
            (link::SPAN_ID, Wire::Bytes(id)) => span_id = read_span_id(id),
            (link::TRACE_STATE, Wire::Bytes(state)) => trace_state = text(state),
            (link::ATTRIBUTES, Wire::Bytes(message)) => {
                push_attribute(&mut attributes, &mut dropped_attributes, message, budget)?;
            }
            (link::DROPPED_ATTRIBUTES, Wire::Varint(n)) => add(&mut dropped_attributes, n),
            (link::FLAGS, Wire::Fixed32(all)) => flags = all,
            _ => {}
        }
    }
    let (Some(trace_id), Some(span_id), true) = (trace_id, span_id, kept) else { return Ok(None) };
    Ok(Some(Link { trace_id, span_id, trace_state, attributes, dropped_attributes, flags }))
}

/// Reads an attribute, and counts it if there is no room for it or it has no key.
fn push_attribute<'a>(
    attributes: &mut Vec<KeyValue<'a>>,
    dropped: &mut u32,
    message: Message<'a>,
    budget: &mut Budget,
) -> Result<()> {
    let attribute = read_attribute(message, budget, 0)?;
    push(attributes, dropped, attribute.filter(|attribute| !attribute.key.is_empty()));
    Ok(())
}

fn read_attribute<'a>(mut message: Message<'a>, budget: &mut Budget, depth: usize) -> Result<Option<KeyValue<'a>>> {
    let kept = budget.take();
    let (mut key, mut value) = (Cow::Borrowed(""), Some(AnyValue::Empty));
    while let Some(field) = message.field()? {
        match field {
            (key_value::KEY, Wire::Bytes(name)) => key = text(name),
            (key_value::VALUE, Wire::Bytes(message)) if kept => value = read_value(message, budget, depth)?,
            _ => {}
        }
    }
    Ok(value.filter(|_| kept).map(|value| KeyValue { key, value }))
}

/// `None`: it is nested too deep, or there is no room for it.
fn read_value<'a>(mut message: Message<'a>, budget: &mut Budget, depth: usize) -> Result<Option<AnyValue<'a>>> {
    let mut value = AnyValue::Empty;
    while let Some(field) = message.field()? {
        value = match field {
            (any_value::STRING, Wire::Bytes(it)) => AnyValue::Str(text(it)),
            (any_value::BOOL, Wire::Varint(it)) => AnyValue::Bool(it != 0),
            (any_value::INT, Wire::Varint(it)) => AnyValue::I64(it as i64),
            (any_value::DOUBLE, Wire::Fixed64(it)) => match f64::from_bits(it) {
                // There is one in JSON, and millions here.
                number if number.is_nan() => AnyValue::F64(f64::NAN),
                number => AnyValue::F64(number),
            },
            (any_value::BYTES, Wire::Bytes(it)) => AnyValue::Bytes(Cow::Borrowed(it.bytes)),
            (any_value::ARRAY | any_value::MAP, Wire::Bytes(_)) if depth == MAX_DEPTH => return Ok(None),
            (any_value::ARRAY, Wire::Bytes(mut message)) => {
                let mut values = Vec::new();
                while let Some(field) = message.field()? {
                    if let (list::VALUES, Wire::Bytes(message)) = field {
                        let true = budget.take() else { return Ok(None) };
                        let Some(value) = read_value(message, budget, depth + 1)? else { return Ok(None) };
                        values.push(value);
                    }
                }
                AnyValue::Array(values)
            }
            (any_value::MAP, Wire::Bytes(mut message)) => {
                let mut pairs = Vec::new();
                while let Some(field) = message.field()? {
                    if let (list::VALUES, Wire::Bytes(message)) = field {
                        let Some(pair) = read_attribute(message, budget, depth + 1)? else { return Ok(None) };
                        pairs.push(pair);
                    }
                }
                AnyValue::Map(pairs)
            }
            _ => value,
        };
    }
    Ok(Some(value))
}

fn text(message: Message<'_>) -> Cow<'_, str> {
    partial::text(message.bytes)
}

fn read_trace_id(message: Message<'_>) -> Option<TraceId> {
    TraceId::new(u128::from_be_bytes(message.bytes.try_into().ok()?))
}

fn read_span_id(message: Message<'_>) -> Option<SpanId> {
    SpanId::new(u64::from_be_bytes(message.bytes.try_into().ok()?))
}

/// No parent: an empty id, or zero, as some exporters write it. `None`: it is no id.
fn read_parent(message: Message<'_>) -> Option<Option<SpanId>> {
    match message.bytes {
        [] => Some(None),
        bytes => Some(SpanId::new(u64::from_be_bytes(bytes.try_into().ok()?))),
    }
}
