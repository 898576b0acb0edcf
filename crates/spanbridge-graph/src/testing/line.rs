//! One line of the text: a span, a run or a wait.

use crate::{Link, Run, RunStatus, Span, SpanStatus, Suspension};
use serde_json::Value;
use spanbridge::SpanId;
use std::collections::HashMap;

/// Stands for what is not recorded here.
const REMOTE: &str = "(remote)";

/// Where the parent of a span is.
#[derive(Clone, Copy)]
pub(super) enum Origin {
    /// In the same run, or there is none.
    Here,
    /// In another run of this recording.
    OtherRun,
    /// Not in this recording.
    Remote,
}

pub(super) fn span(span: &Span, origin: Origin, shown: &[String], spans: &HashMap<SpanId, &Span>) -> String {
    let mut line = name(span);
    line += match origin {
        Origin::Here => "",
        Origin::OtherRun => " (other run)",
        Origin::Remote => " (remote)",
    };
    if span.status != SpanStatus::Ok {
        line += &format!(" [{}]", span.status.as_str());
    }
    line += &attributes(shown, |key| span.attribute(key));
    if !span.links.is_empty() {
        line += " -> ";
        line += &links(&span.links, spans);
    }
    line
}

pub(super) fn run(run: &Run, shown: &[String]) -> String {
    let status = if run.status == RunStatus::Ok { String::new() } else { format!(" [{}]", run.status.as_str()) };
    format!("run {}{status}{}", named(&run.name), attributes(shown, |key| run.attribute(key)))
}

/// Those that are shown and were given.
fn attributes<'a>(shown: &[String], given: impl Fn(&str) -> Option<&'a Value>) -> String {
    shown.iter().filter_map(|key| Some(format!(" {key}={}", value(given(key)?)))).collect()
}

pub(super) fn suspension(wait: &Suspension) -> String {
    match (&wait.reason, wait.suspended_at) {
        (Some(reason), _) => format!("suspended: {}", escaped(reason)),
        (None, Some(_)) => "suspended".to_owned(),
        (None, None) => format!("suspended {REMOTE}"),
    }
}

/// The names of the linked spans. Equal ones in a row stand once, with their number.
fn links(links: &[Link], spans: &HashMap<SpanId, &Span>) -> String {
    let names = links.iter().map(|link| spans.get(&link.span_id).map_or(REMOTE.to_owned(), |span| name(span)));
    let names: Vec<String> = names.collect();
    let counted = names.chunk_by(|a, b| a == b).map(|equal| match equal.len() {
        1 => equal[0].clone(),
        n => format!("{} x{n}", equal[0]),
    });
    counted.collect::<Vec<_>>().join(", ")
}

fn name(span: &Span) -> String {
    if span.has_start { named(&span.name) } else { "(start not recorded)".to_owned() }
}

fn named(name: &str) -> String {
    if name.is_empty() { "(no name)".to_owned() } else { escaped(name) }
}

/// With line breaks and other control characters as escapes, so that a line stays a line.
fn escaped(text: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}

/// As JSON, without quotes around a word.
fn value(value: &Value) -> String {
    match value {
        Value::String(text) if is_word(text) => text.clone(),
        other => other.to_string(),
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control() || c == '"')
}
