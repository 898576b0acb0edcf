//! What differed.

use serde::{Deserialize, Serialize};

/// A difference between the record and the replay.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Divergence {
    /// The [index](super::Step::index) of the step. `None` for the handler's end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub index: Option<usize>,
    /// What kind of difference it is.
    pub kind: DivergenceKind,
    /// Where: an operation and a target, such as `http.client POST http://shop/orders`.
    pub boundary: String,
    /// What was recorded.
    pub expected: String,
    /// What the replay did.
    pub actual: String,
    /// The fields and headers that differ, without those that are ignored.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub differences: Vec<Difference>,
    /// How many fields and headers differ and are ignored.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub ignored: usize,
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

impl Divergence {
    /// A difference at a boundary.
    pub fn new(kind: DivergenceKind, boundary: impl Into<String>) -> Self {
        Divergence {
            index: None,
            kind,
            boundary: boundary.into(),
            expected: String::new(),
            actual: String::new(),
            differences: vec![],
            ignored: 0,
        }
    }

    /// The same, with what was recorded and what the replay did.
    pub fn of(self, expected: impl Into<String>, actual: impl Into<String>) -> Self {
        Divergence { expected: expected.into(), actual: actual.into(), ..self }
    }

    /// Whether nothing is left to show: everything that differs is ignored. The verdict counts it all the same.
    pub fn is_ignored(&self) -> bool {
        self.ignored > 0 && self.differences.is_empty()
    }
}

/// What kind of difference it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum DivergenceKind {
    /// A call of the same operation and target sent something else.
    Changed,
    /// The record has no such call.
    Added,
    /// A recorded call was not made.
    Missing,
    /// The same call was made elsewhere: in another span.
    Moved,
    /// A query that is not of the scratch database, or a transaction whose messages would be sent.
    Refused,
    /// A value was asked for that the record does not have, or a recorded one was not: see [`values`](crate::values).
    Value,
    /// The handler ended otherwise.
    Outcome,
}

/// A field or a header that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Difference {
    /// `body:/JSON/POINTER` or `header:NAME`: what [`Ignore`](crate::Ignore) takes. `body:` is a whole body.
    pub field: String,
    /// What was recorded, shortened. `None` if it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What the replay sent, shortened. `None` if it was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actual: Option<String>,
}
