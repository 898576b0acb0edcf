//! What was captured, as text.

use spanbridge::conformance::spans;
use spanbridge::record::{Body, Diagnostic, Record};
use spanbridge::semconv;

/// What was captured (span, kind, type, size, beginning), and what was not because a hook failed.
pub(crate) fn captured(records: &[Record<'_>]) -> Vec<String> {
    let spans = spans(records);
    let name = |id| spans.iter().find(|span| span.id == Some(id)).map_or("?", |span| span.name.as_str());
    let told = records.iter().filter_map(|record| match &record.body {
        Body::Artifact(a) => {
            let (span, beginning) = (name(a.span_id), a.preview.as_deref().unwrap_or("-"));
            let hash = a.hash.as_ref().map_or("", |_| " hashed");
            Some(format!("{span}: {} {} {}{hash} {beginning}", a.kind, a.content_type, a.size_bytes))
        }
        Body::Diagnostic(Diagnostic { code, span_id, .. }) if code == semconv::REDACTION_FAILED => {
            Some(format!("{}: {code}", span_id.map_or("?", name)))
        }
        _ => None,
    });
    told.collect()
}
