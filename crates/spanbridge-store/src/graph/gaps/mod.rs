//! What is missing in the record of a run, or cannot be true: gaps are shown, not hidden.
//!
//! Most cannot be told from one run alone. That nobody received a message is only known after a look at the runs in which
//! it may have been received, and that a consumer forgot to settle one only when it settles others. So a [`Checkup`] looks
//! at the runs that are asked about, and around at others, and answers at the end. `kinds` is the table of gaps, `sending`
//! knows who sends where and who takes messages from there, `settling` knows what became of those that were taken, and
//! `brokers` has the words in which brokers differ.

mod brokers;
mod checkup;
mod kinds;
mod sending;
mod settling;

pub use checkup::Checkup;
pub use kinds::GapKind;

use super::{Graph, Span};
use serde::Serialize;
use spanbridge::{RunId, SpanId};
use std::sync::Arc;

/// One thing that is missing, or cannot be true.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Gap {
    /// What kind of gap it is.
    pub kind: GapKind,
    /// What is the matter, in words.
    pub what: String,
    /// How this usually comes about, in words.
    pub likely_cause: String,
    /// What to change, in words.
    pub fix: String,
    /// The run that it is found in; `None` for what a process says of all its runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// The name of that run.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub run_name: String,
    /// The span that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span_id: Option<SpanId>,
}

/// Where a gap is found.
#[derive(Clone, Debug)]
struct Place {
    run_id: Option<RunId>,
    run_name: Arc<str>,
    span_id: Option<SpanId>,
}

impl Place {
    fn of(graph: &Graph) -> Self {
        Place { run_id: Some(graph.run.run_id), run_name: graph.run.name.as_str().into(), span_id: None }
    }

    fn at(&self, span: SpanId) -> Self {
        Place { span_id: Some(span), ..self.clone() }
    }

    /// A gap at this place; the facts fill in the words of its kind.
    fn gap(&self, kind: GapKind, what: String, facts: &[(&str, &str)]) -> Gap {
        let (likely_cause, fix) = kind.words(facts);
        let Place { run_id, run_name, span_id } = self.clone();
        Gap { kind, what, likely_cause, fix, run_id, run_name: run_name.to_string(), span_id }
    }
}

/// A span as it is called in a sentence: its name, and who recorded it.
fn named(span: &Span) -> String {
    match (span.name.as_str(), span.service.as_str()) {
        ("", service) => format!("span {} of {service}", span.span_id),
        (name, "") => name.to_owned(),
        (name, service) => format!("{name} by {service}"),
    }
}

/// The first of several.
fn and_more(first: String, count: usize) -> String {
    if count > 1 { format!("{first} and {} more", count - 1) } else { first }
}

/// Names in a sentence.
fn listed<'n>(names: impl IntoIterator<Item = &'n String>) -> String {
    let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
    match names.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, [one])) => format!("{one} and {last}"),
        Some((_, more)) => format!("{}, {} and {} others", more[0], more[1], names.len() - 2),
        None => String::new(),
    }
}
