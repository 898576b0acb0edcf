//! How a handler ended.

use crate::case::Wanted;
use serde::{Deserialize, Serialize};

/// How the handler ended, then and now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Outcomes {
    /// As it was recorded.
    pub recorded: Outcome,
    /// In the replay.
    pub replayed: Outcome,
    /// What the case expects instead of what was recorded, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<Wanted>,
}

/// How the handler ended.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Outcome {
    /// `ok`, `error`, `panicked`, `cancelled` or `open`; in a replay also `timeout`: it was still running when its time was up.
    pub status: String,
    /// The text of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The class of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_type: Option<String>,
    /// The name of the span in which it failed first: the deepest that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_span: Option<String>,
}

impl Outcomes {
    /// Whether the handler ended as it should.
    pub fn agree(&self) -> bool {
        let Outcomes { recorded, replayed, expected } = self;
        match expected {
            Some(Wanted::Ok) => replayed.status == "ok",
            Some(Wanted::Error) => matches!(replayed.status.as_str(), "error" | "panicked"),
            None => recorded.is_like(replayed),
        }
    }
}

impl Outcome {
    /// Whether both ended alike. The class of an error counts if both have one, and of a panic not where it began: lines move.
    fn is_like(&self, other: &Outcome) -> bool {
        let text = |outcome: &'_ Outcome| {
            let error = outcome.error.as_deref().unwrap_or_default();
            let is_panic = outcome.status == "panicked";
            error.rsplit_once(", at ").filter(|_| is_panic).map_or(error, |(text, _)| text).to_owned()
        };
        let has_other_class =
            self.error_type.is_some() && other.error_type.is_some() && self.error_type != other.error_type;
        (&self.status, text(self), &self.failing_span) == (&other.status, text(other), &other.failing_span)
            && !has_other_class
    }
}
