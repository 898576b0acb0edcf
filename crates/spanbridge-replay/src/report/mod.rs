//! What came of a replay.

mod divergence;
mod outcome;
mod step;
mod text;

pub use divergence::{Difference, Divergence, DivergenceKind};
pub use outcome::{Outcome, Outcomes};
pub use step::{Label, Step};

use crate::case::{Case, Run};
use crate::error::{Error, ErrorKind};
use crate::json::of_version;
use crate::private;
use serde::{Deserialize, Serialize};
use spanbridge::{RunId, SpanId, TraceId};
use std::fs;
use std::path::Path;

/// The version of the form. It stays the same while fields are only added.
const VERSION: u64 = 1;

/// What every report says: a replay controls calls through the adapters, and no others.
pub const NOT_WRAPPED: &str = "Calls that are not wrapped cannot be stopped.";

/// What came of a replay: each step with its label, what differed first, and how the handler ended, then and now.
///
/// Its JSON form is stable. [`Display`](std::fmt::Display) shows it as text.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Report {
    schema_version: u64,
    /// The run that was recorded.
    pub run: Run,
    /// The handler's span.
    pub entry: Entry,
    /// The run that the replay recorded. `None` if nothing ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<Replayed>,
    /// What came of it, in a word.
    pub verdict: Verdict,
    /// Why it was not possible. `None` if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What ran and what was called, in order. Recorded calls that were not made come at the end.
    #[serde(default)]
    pub steps: Vec<Step>,
    /// The difference that came first. `None` if there is none, or if whoever asked ignores it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_divergence: Option<Divergence>,
    /// How the handler ended, then and now. `None` if nothing ran.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcomes>,
    /// [`NOT_WRAPPED`], for readers of the JSON.
    pub note: String,
    /// The records of the replay, in the form of `docs/schema/record.json`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub records: Vec<serde_json::Value>,
}

/// The span whose work was replayed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Entry {
    /// Its id in the recorded run.
    pub span_id: SpanId,
    /// What it is called.
    pub name: String,
    /// What step it is, such as `messaging.process`.
    pub primitive: String,
}

/// The run that a replay recorded.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Replayed {
    /// Its id.
    pub run_id: RunId,
    /// Its trace.
    pub trace_id: TraceId,
}

impl Replayed {
    /// A run in this trace.
    pub fn new(run_id: RunId, trace_id: TraceId) -> Self {
        Replayed { run_id, trace_id }
    }
}

/// What came of a replay, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Verdict {
    /// The same calls, and the same end (or the end that the case [expects](Case::expect)).
    Same,
    /// Something was different.
    Diverged,
    /// Nothing ran: the record does not have what it takes.
    Impossible,
}

impl Verdict {
    /// 0 for the same, else 1.
    pub fn exit_code(self) -> u8 {
        u8::from(self != Verdict::Same)
    }
}

impl Report {
    /// Of a case that has not been replayed.
    pub fn new(case: &Case, verdict: Verdict) -> Self {
        let entry = case.entry();
        Report {
            schema_version: VERSION,
            run: case.run.clone(),
            entry: Entry { span_id: entry.span_id, name: entry.name.clone(), primitive: entry.primitive.clone() },
            replay: None,
            verdict,
            reason: None,
            steps: vec![],
            first_divergence: None,
            outcome: None,
            note: NOT_WRAPPED.to_owned(),
            records: vec![],
        }
    }

    /// Of a case that cannot be replayed, and why: a whole sentence without its full stop.
    pub fn impossible(case: &Case, reason: impl Into<String>) -> Self {
        Report { reason: Some(reason.into()), ..Report::new(case, Verdict::Impossible) }
    }

    /// Reads a report. Unknown fields are ignored.
    ///
    /// # Errors
    /// If it is not a report, or of a later version.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        of_version(VERSION, json, "a report")
    }

    /// Reads a report from a file.
    ///
    /// # Errors
    /// Those of [`Report::from_json`], and if the file cannot be read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let json = fs::read(path)
            .map_err(|cause| Error::caused(ErrorKind::Io, format!("read the report {}", path.display()), cause))?;
        Report::from_json(&json)
    }

    /// The report as one line of JSON.
    pub fn to_json(&self) -> String {
        // Maps have text as keys, so this cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Writes the report to a file that only its owner can read: it has payloads.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        // Whole or not at all: whoever waits for it may look at any time.
        let partial = path.with_extension("partial");
        private::write(&partial, &self.to_json())
            .and_then(|()| fs::rename(&partial, path))
            .map_err(|cause| Error::caused(ErrorKind::Io, format!("write the report {}", path.display()), cause))
    }
}
