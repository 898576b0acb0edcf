//! One step of a replay.

use super::divergence::Divergence;
use serde::{Deserialize, Serialize};
use spanbridge::SpanId;
use std::fmt;

/// Something that ran again, or a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Step {
    /// Its place among the steps, from 0.
    pub index: usize,
    /// How deep it stands below the entry, which is 0.
    pub depth: usize,
    /// The name of its span.
    pub name: String,
    /// What step it is, such as `http.client`.
    pub primitive: String,
    /// What was called, such as `GET http://stock/42`. `None` if it is no call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// Where its result came from.
    pub label: Label,
    /// Its span in the replay. `None` for a recorded call that was not made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span_id: Option<SpanId>,
    /// The recorded span that it corresponds to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_span_id: Option<SpanId>,
    /// How it ended in the replay: `ok`, `error`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// The text of its error in the replay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What is different.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub divergence: Option<Divergence>,
}

/// Where the result of a step came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Label {
    /// The call was answered from the record.
    Recorded,
    /// The code ran again.
    ReExecuted,
    /// The call left the process: it was asked for by name.
    Live,
    /// The record does not have the call, so it failed, and nothing left the process.
    Refused,
    /// The call is not the recorded one. It was answered from the nearest record, or it was not made.
    Diverged,
    /// The call was answered from the record, and what it sent could not be compared: it was not recorded whole, or it is a
    /// stream.
    NotCompared,
}

impl Label {
    /// The label in words, such as `re-executed`.
    pub fn text(self) -> &'static str {
        match self {
            Label::Recorded => "recorded",
            Label::ReExecuted => "re-executed",
            Label::Live => "live",
            Label::Refused => "refused",
            Label::Diverged => "diverged",
            Label::NotCompared => "not compared",
        }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.text())
    }
}
