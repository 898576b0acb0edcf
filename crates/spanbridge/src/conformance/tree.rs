//! A run as indented text, for tests to show what they promise.

use crate::record::{Body, End, Record, SpanData};
use crate::{SpanId, Status, Value, semconv};
use std::collections::HashMap;
use std::fmt::Write;

/// The spans of all records as a tree: name, status, and what attributes are asked for; siblings in order of start. A
/// span whose parent is not among them stands at the left with `(remote)`, or `(root)` if it has none.
pub fn tree(records: &[Record<'_>], attributes: &[&str]) -> String {
    let mut ends: HashMap<SpanId, &End<'_>> = HashMap::new();
    let mut starts: Vec<&SpanData<'_>> = vec![];
    let mut more: HashMap<SpanId, Vec<(String, String)>> = HashMap::new();
    for record in records {
        let (id, attributes) = match &record.body {
            Body::Span(start) => {
                starts.push(start);
                ends.extend(start.end.as_ref().map(|end| (start.span_id, end)));
                (start.span_id, &start.attributes)
            }
            Body::SpanEnd(s) => {
                ends.insert(s.span_id, &s.end);
                (s.span_id, &s.attributes)
            }
            Body::SpanAttributes(added) => (added.span_id, &added.attributes),
            _ => continue,
        };
        let text = |v: Value<'_>| v.as_str().map_or_else(|| format!("{v:?}"), str::to_owned);
        more.entry(id).or_default().extend(attributes.iter().map(|(k, v)| (k.to_owned(), text(v))));
    }
    starts.sort_by_key(|s| (s.started_at, s.span_id));
    let mut out = String::new();
    let known = |id: &SpanId| starts.iter().any(|s| s.span_id == *id);
    let mut stack: Vec<(&SpanData<'_>, usize)> =
        starts.iter().rev().filter(|s| !s.parent_span_id.is_some_and(|p| known(&p))).map(|s| (*s, 0)).collect();
    while let Some((span, depth)) = stack.pop() {
        let status =
            ends.get(&span.span_id).map_or("open", |e| if e.status == Status::Ok { "" } else { e.status.name() });
        let _ = write!(out, "{}{}", "  ".repeat(depth), span.name);
        if depth == 0 {
            out.push_str(if span.parent_span_id.is_some() { " (remote)" } else { " (root)" })
        }
        if !status.is_empty() {
            let _ = write!(out, " [{status}]");
        }
        for key in attributes {
            let given = more[&span.span_id].iter().rfind(|(k, _)| k == key).map(|(_, v)| &**v);
            let end = ends.get(&span.span_id).and_then(|end| end.error_type.as_deref());
            if let Some(v) = given.or(end.filter(|_| *key == semconv::ERROR_TYPE)) {
                let _ = write!(out, " {}={v}", key.rsplit('.').next().unwrap_or(key));
            }
        }
        out.push('\n');
        let children = starts.iter().rev().filter(|s| s.parent_span_id == Some(span.span_id));
        stack.extend(children.map(|s| (*s, depth + 1)));
    }
    out
}
