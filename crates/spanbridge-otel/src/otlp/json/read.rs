//! Reads requests.

use super::leaf::Leaf;
use super::parser::Parser;
use crate::error::{Error, Result};
use crate::otlp::ReadReport;
use crate::otlp::budget::{Budget, MAX_DEPTH};
use crate::otlp::model::{AnyValue, Event, KeyValue, Link, Resource, Scope, Span, StatusCode};
use crate::otlp::partial::{self, add, push};
use spanbridge::Kind;
use std::borrow::Cow;

/// Some editors begin a file with it.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Reads a request, and gives each span to `take` with its resource and scope. One element of `resourceSpans` is read as well:
/// the Java SDK's exporter for logs writes it alone.
///
/// # Errors
/// It is not one JSON object. The spans before the place that shows it have been given to `take`.
pub fn read<'a>(text: &'a [u8], mut take: impl FnMut(&Resource<'a>, &Scope<'a>, Span<'a>)) -> Result<ReadReport> {
    read_scopes(text, |resource, scope, span| {
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
    text: &'a [u8],
    mut take: impl FnMut(&Resource<'a>, &Scope<'a>, Option<Span<'a>>),
) -> Result<ReadReport> {
    let mut report = ReadReport::default();
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let mut parser = Parser::new(text);
    if !text.trim_ascii_start().starts_with(b"{") {
        return Err(Error::json("it is not an object", 0));
    }
    let start = parser;
    let mut is_element = false;
    parser.object(|parser, key| match key {
        "resourceSpans" => parser.array(|parser| read_resource_spans(parser, &mut report, &mut take)),
        _ => {
            is_element |= key == "scopeSpans";
            parser.skip()
        }
    })?;
    if is_element {
        parser = start;
        read_resource_spans(&mut parser, &mut report, &mut take)?;
    }
    if !parser.is_at_end() {
        return Err(Error::json("more stands behind the object", parser.at()));
    }
    Ok(report)
}

/// Members may come in any order. So the resource is looked for first, then the spans.
fn read_resource_spans<'a>(
    parser: &mut Parser<'a>,
    report: &mut ReadReport,
    take: &mut impl FnMut(&Resource<'a>, &Scope<'a>, Option<Span<'a>>),
) -> Result<()> {
    let start = *parser;
    let mut resource = Resource::default();
    let mut budget = Budget::of_many_spans();
    parser.object(|parser, key| match key {
        "resource" => parser.object(|parser, key| match key {
            "attributes" => read_attributes(parser, &mut resource.attributes, &mut 0, &mut budget),
            _ => parser.skip(),
        }),
        _ => parser.skip(),
    })?;
    *parser = start;
    parser.object(|parser, key| match key {
        "scopeSpans" => parser.array(|parser| read_scope_spans(parser, &resource, report, take)),
        _ => parser.skip(),
    })
}

fn read_scope_spans<'a>(
    parser: &mut Parser<'a>,
    resource: &Resource<'a>,
    report: &mut ReadReport,
    take: &mut impl FnMut(&Resource<'a>, &Scope<'a>, Option<Span<'a>>),
) -> Result<()> {
    let start = *parser;
    let mut scope = Scope::default();
    let mut budget = Budget::of_many_spans();
    parser.object(|parser, key| match key {
        "scope" => parser.object(|parser, key| {
            match key {
                "name" => scope.name = parser.leaf()?.text(),
                "version" => scope.version = parser.leaf()?.text(),
                "attributes" => read_attributes(parser, &mut scope.attributes, &mut 0, &mut budget)?,
                _ => parser.skip()?,
            }
            Ok(())
        }),
        _ => parser.skip(),
    })?;
    take(resource, &scope, None);
    *parser = start;
    parser.object(|parser, key| match key {
        "spans" => parser.array(|parser| {
            match read_span(parser)? {
                Some(span) => {
                    report.spans += 1;
                    take(resource, &scope, Some(span));
                }
                None => report.rejected += 1,
            }
            Ok(())
        }),
        _ => parser.skip(),
    })
}

/// `None`: its ids are none.
fn read_span<'a>(parser: &mut Parser<'a>) -> Result<Option<Span<'a>>> {
    let (mut trace_id, mut span_id, mut parent) = (None, None, Some(None));
    let mut span = partial::span_without_ids();
    let mut budget = Budget::of_a_span();
    parser.object(|parser, key| {
        match key {
            "traceId" => trace_id = parser.leaf()?.trace_id(),
            "spanId" => span_id = parser.leaf()?.span_id(),
            "parentSpanId" => parent = parser.leaf()?.parent(),
            "traceState" => span.trace_state = parser.leaf()?.text(),
            "flags" => span.flags = parser.leaf()?.u32().unwrap_or(0),
            "name" => span.name = parser.leaf()?.text(),
            "kind" => span.kind = kind(&parser.leaf()?),
            "startTimeUnixNano" => span.start_time = parser.leaf()?.u64().unwrap_or(0),
            "endTimeUnixNano" => span.end_time = parser.leaf()?.u64().unwrap_or(0),
            "attributes" => {
                read_attributes(parser, &mut span.attributes, &mut span.dropped_attributes, &mut budget)?;
            }
            "droppedAttributesCount" => add(&mut span.dropped_attributes, parser.leaf()?.u64().unwrap_or(0)),
            "events" => parser.array(|parser| {
                let event = read_event(parser, &mut budget)?;
                push(&mut span.events, &mut span.dropped_events, event);
                Ok(())
            })?,
            "droppedEventsCount" => add(&mut span.dropped_events, parser.leaf()?.u64().unwrap_or(0)),
            "links" => parser.array(|parser| {
                let link = read_link(parser, &mut budget)?;
                push(&mut span.links, &mut span.dropped_links, link);
                Ok(())
            })?,
            "droppedLinksCount" => add(&mut span.dropped_links, parser.leaf()?.u64().unwrap_or(0)),
            "status" => parser.object(|parser, key| {
                match key {
                    "message" => span.status.message = parser.leaf()?.text(),
                    "code" => span.status.code = status(&parser.leaf()?),
                    _ => parser.skip()?,
                }
                Ok(())
            })?,
            _ => parser.skip()?,
        }
        Ok(())
    })?;
    let (Some(trace_id), Some(span_id), Some(parent_span_id)) = (trace_id, span_id, parent) else { return Ok(None) };
    Ok(Some(Span { trace_id, span_id, parent_span_id, ..span }))
}

fn read_event<'a>(parser: &mut Parser<'a>, budget: &mut Budget) -> Result<Option<Event<'a>>> {
    let kept = budget.take();
    let mut event = Event::default();
    parser.object(|parser, key| {
        match key {
            "timeUnixNano" => event.time = parser.leaf()?.u64().unwrap_or(0),
            "name" => event.name = parser.leaf()?.text(),
            "attributes" => read_attributes(parser, &mut event.attributes, &mut event.dropped_attributes, budget)?,
            "droppedAttributesCount" => add(&mut event.dropped_attributes, parser.leaf()?.u64().unwrap_or(0)),
            _ => parser.skip()?,
        }
        Ok(())
    })?;
    Ok(kept.then_some(event))
}

/// `None` also where its ids are none.
fn read_link<'a>(parser: &mut Parser<'a>, budget: &mut Budget) -> Result<Option<Link<'a>>> {
    let kept = budget.take();
    let (mut trace_id, mut span_id) = (None, None);
    let (mut trace_state, mut attributes, mut dropped_attributes, mut flags) = (Cow::Borrowed(""), Vec::new(), 0, 0);
    parser.object(|parser, key| {
        match key {
            "traceId" => trace_id = parser.leaf()?.trace_id(),
            "spanId" => span_id = parser.leaf()?.span_id(),
            "traceState" => trace_state = parser.leaf()?.text(),
            "attributes" => read_attributes(parser, &mut attributes, &mut dropped_attributes, budget)?,
            "droppedAttributesCount" => add(&mut dropped_attributes, parser.leaf()?.u64().unwrap_or(0)),
            "flags" => flags = parser.leaf()?.u32().unwrap_or(0),
            _ => parser.skip()?,
        }
        Ok(())
    })?;
    let (Some(trace_id), Some(span_id), true) = (trace_id, span_id, kept) else { return Ok(None) };
    Ok(Some(Link { trace_id, span_id, trace_state, attributes, dropped_attributes, flags }))
}

/// Reads a list of attributes, and counts those for which there is no room or that have no key.
fn read_attributes<'a>(
    parser: &mut Parser<'a>,
    attributes: &mut Vec<KeyValue<'a>>,
    dropped: &mut u32,
    budget: &mut Budget,
) -> Result<()> {
    parser.array(|parser| {
        let attribute = read_attribute(parser, budget, 0)?;
        push(attributes, dropped, attribute.filter(|attribute| !attribute.key.is_empty()));
        Ok(())
    })
}

fn read_attribute<'a>(parser: &mut Parser<'a>, budget: &mut Budget, depth: usize) -> Result<Option<KeyValue<'a>>> {
    let kept = budget.take();
    let (mut name, mut value) = (Cow::Borrowed(""), Some(AnyValue::Empty));
    parser.object(|parser, key| {
        match key {
            "key" => name = parser.leaf()?.text(),
            "value" if kept => value = read_value(parser, budget, depth)?,
            _ => parser.skip()?,
        }
        Ok(())
    })?;
    Ok(value.filter(|_| kept).map(|value| KeyValue { key: name, value }))
}

/// `None`: it is nested too deep, or there is no room for it.
fn read_value<'a>(parser: &mut Parser<'a>, budget: &mut Budget, depth: usize) -> Result<Option<AnyValue<'a>>> {
    let mut value = Some(AnyValue::Empty);
    parser.object(|parser, key| {
        value = match key {
            "stringValue" => Some(AnyValue::Str(parser.leaf()?.text())),
            "boolValue" => parser.leaf()?.bool().map(AnyValue::Bool).or(Some(AnyValue::Empty)),
            "intValue" => parser.leaf()?.i64().map(AnyValue::I64).or(Some(AnyValue::Empty)),
            "doubleValue" => parser.leaf()?.f64().map(AnyValue::F64).or(Some(AnyValue::Empty)),
            "bytesValue" => parser.leaf()?.bytes().map(|v| AnyValue::Bytes(v.into())).or(Some(AnyValue::Empty)),
            "arrayValue" | "kvlistValue" if depth == MAX_DEPTH => {
                parser.skip()?;
                None
            }
            "arrayValue" => {
                let mut values = Some(Vec::new());
                read_values(parser, |parser| {
                    let value = if budget.take() { read_value(parser, budget, depth + 1)? } else { skipped(parser)? };
                    collect(&mut values, value);
                    Ok(())
                })?;
                values.map(AnyValue::Array)
            }
            "kvlistValue" => {
                let mut pairs = Some(Vec::new());
                read_values(parser, |parser| {
                    collect(&mut pairs, read_attribute(parser, budget, depth + 1)?);
                    Ok(())
                })?;
                pairs.map(AnyValue::Map)
            }
            _ => {
                parser.skip()?;
                return Ok(());
            }
        };
        Ok(())
    })?;
    Ok(value)
}

fn read_values<'a>(parser: &mut Parser<'a>, mut element: impl FnMut(&mut Parser<'a>) -> Result<()>) -> Result<()> {
    parser.object(|parser, key| match key {
        "values" => parser.array(&mut element),
        _ => parser.skip(),
    })
}

fn skipped<T>(parser: &mut Parser<'_>) -> Result<Option<T>> {
    parser.skip()?;
    Ok(None)
}

/// One element that is not kept spoils the whole list.
fn collect<T>(all: &mut Option<Vec<T>>, item: Option<T>) {
    match (all.as_mut(), item) {
        (Some(all), Some(item)) => all.push(item),
        _ => *all = None,
    }
}

fn kind(leaf: &Leaf<'_>) -> Option<Kind> {
    match leaf {
        Leaf::Str(name) if name.starts_with("SPAN_KIND_") => partial::kind_named(name),
        leaf => partial::kind(leaf.u64()?),
    }
}

fn status(leaf: &Leaf<'_>) -> StatusCode {
    match leaf {
        Leaf::Str(name) if name.starts_with("STATUS_CODE_") => partial::status_named(name),
        leaf => leaf.u64().map(partial::status).unwrap_or_default(),
    }
}
