//! Spans as a reader puts them together again, and as an indented tree.

use spanbridge::record::{Attributes, Body, Edge, Endpoint, Record, SpanAttributes, SpanData, SpanEnd};
use spanbridge::{Kind, RunId, SegmentId, SpanId, Status, TraceId, Value, semconv};
use std::collections::HashMap;

/// A span, from all of its records.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) id: SpanId,
    pub(crate) parent: Option<SpanId>,
    pub(crate) name: String,
    pub(crate) trace: TraceId,
    pub(crate) run: RunId,
    pub(crate) segment: SegmentId,
    pub(crate) primitive: String,
    pub(crate) kind: Kind,
    pub(crate) begun: u64,
    pub(crate) ended: u64,
    pub(crate) status: Option<Status>,
    pub(crate) error: Option<String>,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) links: Vec<(TraceId, SpanId)>,
    /// It came as start and end, not in one.
    pub(crate) in_two: bool,
}

/// Every span whose start was delivered, in that order. Panics at a second start or end, or at one without the other
/// half.
#[track_caller]
pub(crate) fn spans(records: &[Record<'_>]) -> Vec<Seen> {
    let mut all: Vec<Seen> = vec![];
    let mut places: HashMap<SpanId, usize> = HashMap::new();
    let mut classes: HashMap<SpanId, String> = HashMap::new();
    for r in records {
        if let Body::Span(s) = &r.body {
            assert!(places.insert(s.span_id, all.len()).is_none(), "began twice: {r:?}");
            all.push(seen(r, s, matches!(r.body, Body::Span(SpanData { end: None, .. }))));
        }
    }
    for r in records {
        // A link that was delivered after its span's start.
        if let Body::Edge(Edge { edge_type, from: Endpoint::Span { span_id, .. }, to, .. }) = &r.body
            && let ("custom.link", Some(place), Endpoint::Span { trace_id, span_id }) =
                (&**edge_type, places.get(span_id), to)
        {
            all[*place].links.push((*trace_id, *span_id))
        }
        let (id, end, attributes) = match &r.body {
            Body::Span(s @ SpanData { end: Some(end), .. }) => (s.span_id, Some(end), None),
            Body::SpanEnd(SpanEnd { span_id, end, attributes, .. }) => (*span_id, Some(end), Some(attributes)),
            Body::SpanAttributes(SpanAttributes { span_id, attributes, .. }) => (*span_id, None, Some(attributes)),
            _ => continue,
        };
        let place = places.get(&id).unwrap_or_else(|| panic!("nothing began: {r:?}"));
        let span = &mut all[*place];
        assert_eq!((Some(span.trace), Some(span.run)), (r.trace_id, r.run_id), "{r:?}");
        if let Some(end) = end {
            assert!(span.status.replace(end.status).is_none(), "ended twice: {r:?}");
            assert!(end.ended_at >= span.begun, "{r:?}");
            (span.ended, span.error) = (end.ended_at, end.error.as_ref().map(|e| e.to_string()));
        }
        span.attributes.extend(attributes.into_iter().flat_map(shown));
        if let Some(class) = end.and_then(|end| end.error_type.as_deref()) {
            classes.insert(id, class.to_owned());
        }
    }
    // What a span was given says more than its end.
    for span in &mut all {
        if !span.attributes.iter().any(|(key, _)| key == semconv::ERROR_TYPE) {
            span.attributes.extend(classes.remove(&span.id).map(|class| (semconv::ERROR_TYPE.to_owned(), class)))
        }
    }
    all
}

fn seen(r: &Record<'_>, s: &SpanData<'_>, in_two: bool) -> Seen {
    Seen {
        id: s.span_id,
        parent: s.parent_span_id,
        name: s.name.to_string(),
        trace: r.trace_id.unwrap(),
        run: r.run_id.unwrap(),
        segment: r.segment_id,
        primitive: s.primitive.to_string(),
        kind: s.kind,
        begun: s.started_at,
        ended: 0,
        status: None,
        error: None,
        attributes: shown(&s.attributes),
        links: s.links.iter().map(|l| (l.trace_id, l.span_id)).collect(),
        in_two,
    }
}

/// Attributes as text.
pub(crate) fn shown(attributes: &Attributes<'_>) -> Vec<(String, String)> {
    let text = |v: Value<'_>| match v {
        Value::I64(v) => v.to_string(),
        Value::F64(v) => format!("{v:?}"),
        Value::Bool(v) => v.to_string(),
        Value::Static(v) | Value::Str(v) | Value::Json(v) => v.to_owned(),
        other => format!("{other:?}"),
    };
    attributes.iter().map(|(k, v)| (k.to_owned(), text(v))).collect()
}

#[track_caller]
pub(crate) fn by_name<'a>(all: &'a [Seen], name: &str) -> &'a Seen {
    let mut found = all.iter().filter(|s| s.name == name);
    let one = found.next().unwrap_or_else(|| panic!("no span `{name}`"));
    assert!(found.next().is_none(), "several spans `{name}`");
    one
}

/// The spans as an indented tree, a line each: name, status, error, attributes. Siblings stand in the order in which
/// they began; a span whose parent is not there stands on the left.
#[track_caller]
pub(crate) fn tree(records: &[Record<'_>]) -> String {
    let mut all = spans(records);
    all.sort_by_key(|s| s.begun);
    let mut out = String::new();
    for s in &all {
        if !all.iter().any(|p| Some(p.id) == s.parent) {
            branch(&all, s, 0, &mut out)
        }
    }
    out
}

/// What was said of a panic, wherever it began in the tests.
pub(crate) fn somewhere(error: &str) -> &str {
    match error.split_once(", at ") {
        Some((said, place)) if place.contains(".rs:") => said,
        _ => error,
    }
}

fn branch(all: &[Seen], s: &Seen, depth: usize, out: &mut String) {
    let status = s.status.map_or("open", Status::name);
    *out += &format!("\n{}{} [{status}]", "  ".repeat(depth), s.name);
    if let Some(e) = &s.error {
        *out += &format!(" {:?}", somewhere(e))
    }
    for (k, v) in &s.attributes {
        *out += &format!(" {k}={v}")
    }
    for child in all.iter().filter(|c| c.parent == Some(s.id)) {
        branch(all, child, depth + 1, out)
    }
}
