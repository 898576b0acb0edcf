//! Artifacts and edges.

use super::converted::Converted;
use super::envelope::{Envelope, More};
use super::fields::{Fields, missing};
use super::{ids, span};
use spanbridge::SpanId;
use spanbridge::record::{Artifact, AttributeValue, Attributes, Edge, Endpoint, RunAttributes};

type Result<T> = std::result::Result<T, String>;

/// A preview that is not a text is JSON.
pub(super) fn artifact(envelope: Envelope, mut fields: Fields<'_>) -> Result<Converted> {
    Envelope::drop_repeated(&mut fields);
    let id = fields.required_text("artifactId")?;
    if !fields.has("spanId") {
        // Of the run as a whole. Ours belong to spans.
        let value = AttributeValue::Json(fields.into_json().into());
        let attributes: Attributes<'static> = [(format!("crux.artifact.{id}").into(), value)].into_iter().collect();
        return Ok(Converted::Record { record: envelope.record(RunAttributes::new(attributes)), more: None });
    }
    let (_, span_id) = span::span_id(&mut fields)?;
    let kind = fields.text_or_stay("kind").unwrap_or_else(|| "artifact".to_owned());
    let encoding = fields.text_or_stay("encoding");
    let (preview, is_json) = match fields.take("preview") {
        None => (None, false),
        Some(raw) => match serde_json::from_str::<String>(raw.get()) {
            Ok(text) => (Some(text), false),
            Err(_) => (Some(raw.get().to_owned()), true),
        },
    };
    let given = fields.text_or_stay("contentType");
    let content_type = given.unwrap_or_else(|| {
        let of_encoding = match encoding.as_deref() {
            Some("json") => "application/json",
            Some("text") => "text/plain",
            _ if is_json => "application/json",
            _ => "application/octet-stream",
        };
        of_encoding.to_owned()
    });
    // Both are text here; what the preview refers to is not.
    let encoding = match encoding {
        None => "utf-8".to_owned(),
        Some(encoding) if encoding == "json" || encoding == "text" => "utf-8".to_owned(),
        Some(encoding) => encoding,
    };
    let size = fields.number_or_stay("sizeBytes").unwrap_or(preview.as_ref().map_or(0, |text| text.len() as u64));
    let hash = fields.text_or_stay("hash");
    let artifact = Artifact::new(span_id, id.clone(), kind, content_type, size)
        .with_encoding(encoding)
        .with_hash(hash.map(Into::into))
        .with_preview(preview.map(Into::into));
    Ok(envelope.with_more(artifact, Some(span_id), More { id: Some(id), fields }))
}

pub(super) fn edge(envelope: Envelope, mut fields: Fields<'_>) -> Result<Converted> {
    Envelope::drop_repeated(&mut fields);
    let named = ["edgeType", "kind", "relation"].into_iter().find(|name| fields.peek_text(name).is_some());
    let edge_type = fields.required_text(named.unwrap_or("edgeType"))?;
    let id = fields.text_or_stay("edgeId");
    let (from, from_span) = end(&envelope, &mut fields, "from")?;
    let (to, _) = end(&envelope, &mut fields, "to")?;
    Ok(envelope.with_more(Edge::new(edge_type, from, to), from_span, More { id, fields }))
}

/// An end: `{kind, id}`.
fn end(envelope: &Envelope, fields: &mut Fields<'_>, name: &str) -> Result<(Endpoint<'static>, Option<SpanId>)> {
    let mut end = match fields.object_or_stay(name) {
        Some(end) => end,
        None if fields.has(name) => return Err(format!("`{name}` is not {{kind, id}}")),
        None => return Err(missing(name)),
    };
    let (kind, id) = (end.required_text("kind"), end.required_text("id"));
    let (Ok(kind), Ok(id)) = (kind, id) else { return Err(format!("`{name}` is not {{kind, id}}")) };
    match kind.as_str() {
        "span" => {
            let span_id = ids::span(&id);
            let trace_id = end.text_or_stay("traceId").map_or(envelope.trace_id, |id| ids::trace(&id));
            Ok((Endpoint::Span { trace_id, span_id }, Some(span_id)))
        }
        "run" => Ok((Endpoint::Run(ids::run(&id)), None)),
        "artifact" => Ok((Endpoint::Artifact(id.into()), None)),
        _ => Err(format!("`{name}` is not a span, a run or an artifact")),
    }
}
