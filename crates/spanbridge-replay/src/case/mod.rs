//! The file that a replay reads.

mod artifact;
mod check;
mod input;
mod rules;
mod span;

pub use artifact::{Artifact, Content};
#[cfg(feature = "handlers")]
pub(crate) use input::Input;
pub use rules::{Ignore, LiveCall, Wanted};
pub use span::{Event, Span};

use crate::error::{Error, ErrorKind};
use crate::json::of_version;
use crate::private;
use serde::{Deserialize, Serialize};
use spanbridge::{RunId, SpanId, TraceId};
use std::fs;
use std::path::Path;

/// The version of the form. It stays the same while fields are only added.
const VERSION: u64 = 1;

/// One handler's work as it was recorded: the span of the work with its captured input, and every span below it in the same
/// process, with what their calls asked for and were answered.
///
/// `spanbridge replay ID --save FILE` writes one. Keep it beside your tests: [`case!`](crate::case!) makes a test of it.
///
/// ```
/// use spanbridge_replay::Case;
///
/// let case = Case::from_json(br#"{
///     "schemaVersion": 1,
///     "run": {"runId": "4bf92f3577b34da6a3ce929d0e0e4736", "name": "order 42", "status": "error"},
///     "entry": "00f067aa0ba902b7",
///     "spans": [
///         {"spanId": "00f067aa0ba902b7", "name": "process orders", "primitive": "messaging.process", "status": "error"},
///         {"spanId": "b7ad6b7169203331", "parentSpanId": "00f067aa0ba902b7", "name": "GET", "primitive": "http.client",
///          "attributes": {"http.request.method": "GET", "url.full": "http://stock/42", "http.response.status_code": 200}}
///     ],
///     "artifacts": [
///         {"spanId": "b7ad6b7169203331", "kind": "output", "contentType": "application/json", "encoding": "utf-8",
///          "sizeBytes": 11, "content": "{\"left\": 0}"}
///     ]
/// }"#)?;
/// assert_eq!(case.entry().name, "process orders");
/// assert_eq!(&*case.artifact(case.spans()[1].span_id, "output").unwrap().payload().unwrap(), b"{\"left\": 0}");
/// # Ok::<(), spanbridge_replay::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Case {
    schema_version: u64,
    /// The run that was recorded.
    pub run: Run,
    /// The span of the handler.
    entry: SpanId,
    spans: Vec<Span>,
    /// Inputs and outputs of the spans.
    #[serde(default)]
    pub artifacts: Vec<Artifact>,
    /// Calls that may leave the process: nothing else may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub live: Vec<LiveCall>,
    /// The name of the database that may be read and written. Without one, no query is let through.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scratch: Option<String>,
    /// Differences that the report does not show. The verdict counts them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<Ignore>,
    /// How the handler should end now, if not as it did when it was recorded: for tests, after a fix.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Wanted>,
}

/// A run, in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Run {
    /// Its id.
    pub run_id: RunId,
    /// The trace in which it was recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<TraceId>,
    /// What it is called.
    #[serde(default)]
    pub name: String,
    /// How it ended: `ok`, `error`, …
    #[serde(default)]
    pub status: String,
}

impl Run {
    /// A run of this name, whose status is not known.
    pub fn new(run_id: RunId, name: impl Into<String>) -> Self {
        Run { run_id, trace_id: None, name: name.into(), status: String::new() }
    }
}

impl Case {
    /// A case of one span, the entry; more can be [added](Case::add).
    pub fn new(run: Run, entry: Span) -> Self {
        Case {
            schema_version: VERSION,
            run,
            entry: entry.span_id,
            spans: vec![entry],
            artifacts: vec![],
            live: vec![],
            scratch: None,
            ignore: vec![],
            expect: None,
        }
    }

    /// Reads a case. Unknown fields are ignored.
    ///
    /// # Errors
    /// If it is not a case, is of a later version, or contradicts itself.
    pub fn from_json(json: &[u8]) -> Result<Self, Error> {
        let case: Case = of_version(VERSION, json, "a case")?;
        case.check()?;
        Ok(case)
    }

    /// Reads a case from a file.
    ///
    /// # Errors
    /// Those of [`Case::from_json`], and if the file cannot be read.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let json = fs::read(path)
            .map_err(|cause| Error::caused(ErrorKind::Io, format!("read the case {}", path.display()), cause))?;
        Case::from_json(&json)
            .map_err(|error| error.in_file("read a case", &format!("read the case {}", path.display())))
    }

    /// The case as JSON, indented: it is looked at and edited by people.
    pub fn to_json(&self) -> String {
        // Maps have text as keys, so this cannot fail.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// Writes the case to a file that only its owner can read: it has payloads. One that is there keeps its mode.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        private::write(path, &self.to_json())
            .map_err(|cause| Error::caused(ErrorKind::Io, format!("write the case {}", path.display()), cause))
    }

    /// The span of the handler.
    pub fn entry(&self) -> &Span {
        // `check` and `new` see to it that it is there, and nobody can remove it.
        self.span(self.entry).unwrap_or(&self.spans[0])
    }

    /// The entry and all spans below it in the same process. The recorded order of equal calls is their order here.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Adds a span that is below the entry.
    pub fn add(&mut self, span: Span) {
        self.spans.push(span)
    }

    /// The span with this id.
    pub fn span(&self, id: SpanId) -> Option<&Span> {
        self.spans.iter().find(|span| span.span_id == id)
    }

    /// The artifact of this kind with this span.
    pub fn artifact(&self, span: SpanId, kind: &str) -> Option<&Artifact> {
        self.artifacts.iter().find(|artifact| artifact.span_id == span && artifact.kind == kind)
    }
}
