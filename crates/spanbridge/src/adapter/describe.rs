//! Names and attributes of messaging spans, by OpenTelemetry's semantic conventions.

use crate::messaging::step::Step;
use crate::observe::{self, SpanBuilder};
use crate::span::{SpanTemplate, span_of_text};
use crate::{Kind, Primitive, Value, semconv};

/// Where a message goes to, or comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Destination<'a> {
    /// Its name; empty if there is none, or if there are several.
    pub name: &'a str,
    /// What stands for all names of this kind, if the name is a new one each time (`orders.{id}`, a generated name).
    pub template: Option<&'a str>,
}

impl<'a> Destination<'a> {
    /// By its name, and what stands for all names of its kind, if it is one of them.
    pub const fn new(name: &'a str, template: Option<&'a str>) -> Self {
        Destination { name, template }
    }
}

impl<'a> From<&'a str> for Destination<'a> {
    fn from(name: &'a str) -> Self {
        Destination::new(name, None)
    }
}

/// The span of a step, begun under what is current, with what the conventions ask of every one: its name is
/// `{operation} {destination}`, by the template where there is one. `operation` is the client's own word. A destination
/// that is empty is not told.
pub fn span<'a>(
    system: &'static str,
    step: Step,
    operation: &'static str,
    destination: impl Into<Destination<'a>>,
) -> SpanBuilder {
    let Destination { name, template } = destination.into();
    let (operation_type, primitive, kind) = of_step(step);
    let span = match template.unwrap_or(name) {
        "" => observe::span(operation),
        destination => named_span(operation, destination),
    };
    let span = span
        .primitive(primitive)
        .kind(kind)
        .attribute(semconv::MESSAGING_SYSTEM, Value::Static(system))
        .attribute(semconv::MESSAGING_OPERATION_NAME, Value::Static(operation))
        .attribute(semconv::MESSAGING_OPERATION_TYPE, Value::Static(operation_type));
    let span = match template {
        Some(template) => span.attribute(semconv::MESSAGING_DESTINATION_TEMPLATE, template),
        None => span,
    };
    if name.is_empty() { span } else { span.attribute(semconv::MESSAGING_DESTINATION_NAME, name) }
}

/// The same, described once for all spans of a step at one destination: each of them begins as a copy.
pub fn template<'a>(
    system: &'static str,
    step: Step,
    operation: &'static str,
    destination: impl Into<Destination<'a>>,
) -> SpanTemplate {
    let Destination { name, template } = destination.into();
    let (operation_type, primitive, kind) = of_step(step);
    let span = match template.unwrap_or(name) {
        "" => SpanTemplate::new(operation),
        destination => SpanTemplate::new(&format!("{operation} {destination}")),
    };
    span.kind(primitive, kind)
        .attribute(semconv::MESSAGING_SYSTEM, Value::Static(system))
        .attribute(semconv::MESSAGING_OPERATION_NAME, Value::Static(operation))
        .attribute(semconv::MESSAGING_OPERATION_TYPE, Value::Static(operation_type))
        .attribute(semconv::MESSAGING_DESTINATION_TEMPLATE, template)
        .attribute(semconv::MESSAGING_DESTINATION_NAME, Some(name).filter(|name| !name.is_empty()))
}

fn of_step(step: Step) -> (&'static str, Primitive, Kind) {
    match step {
        Step::Send => ("send", Primitive::MESSAGING_PUBLISH, Kind::Producer),
        Step::Process => ("process", Primitive::MESSAGING_PROCESS, Kind::Consumer),
        Step::Settle => ("settle", Primitive::MESSAGING_SETTLE, Kind::Client),
    }
}

/// A span of the name `{operation} {destination}`, begun under what is current. The name is put together without an allocation
/// if it is short.
pub fn named_span(operation: &str, destination: &str) -> SpanBuilder {
    let (mut name, end) = ([0; 128], operation.len() + 1 + destination.len());
    if let Some(name) = name.get_mut(..end) {
        name[..operation.len()].copy_from_slice(operation.as_bytes());
        name[operation.len()] = b' ';
        name[operation.len() + 1..].copy_from_slice(destination.as_bytes());
        if let Ok(name) = std::str::from_utf8(name) {
            return span_of_text(name);
        }
    }
    span_of_text(&format!("{operation} {destination}"))
}
