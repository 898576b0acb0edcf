//! The OTLP wire: what is written is what prost reads, and the other way round; nothing from outside is trusted.

mod arbitrary;
mod around;
mod captures;
mod files;
mod hostile;
mod json;
mod proto;
mod protobuf;

use spanbridge_otel::Error;
use spanbridge_otel::otlp::ReadReport;
use spanbridge_otel::otlp::model::{Resource, Scope, Span};

/// The spans of a request, with their resources and scopes.
type Spans = Vec<(Resource<'static>, Scope<'static>, Span<'static>)>;

type Read = fn(&[u8]) -> Result<(ReadReport, Spans), Error>;

fn owned(
    resource: &Resource<'_>,
    scope: &Scope<'_>,
    span: Span<'_>,
) -> (Resource<'static>, Scope<'static>, Span<'static>) {
    let attributes = |all: &[spanbridge_otel::otlp::model::KeyValue<'_>]| {
        all.iter().map(|attribute| attribute.clone().into_owned()).collect()
    };
    let resource = Resource { attributes: attributes(&resource.attributes) };
    let scope = Scope {
        name: scope.name.to_string().into(),
        version: scope.version.to_string().into(),
        attributes: attributes(&scope.attributes),
    };
    (resource, scope, span.into_owned())
}

fn read_protobuf(bytes: &[u8]) -> Result<(ReadReport, Spans), Error> {
    let mut spans = Vec::new();
    let report =
        spanbridge_otel::otlp::protobuf::read(bytes, |resource, scope, span| spans.push(owned(resource, scope, span)))?;
    Ok((report, spans))
}

fn read_json(bytes: &[u8]) -> Result<(ReadReport, Spans), Error> {
    let mut spans = Vec::new();
    let report =
        spanbridge_otel::otlp::json::read(bytes, |resource, scope, span| spans.push(owned(resource, scope, span)))?;
    Ok((report, spans))
}
