//! What became of a message that was sent.

use crate::Value;
use std::fmt;

/// What became of a message that was sent: the attribute [`HANDOFF_STATUS`](crate::semconv::HANDOFF_STATUS).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandoffStatus {
    /// The broker has it.
    Confirmed,
    /// The broker refused it, or it was never sent.
    Rejected,
    /// The broker gave it back: nobody receives it.
    Returned,
    /// It was sent, and the broker was not asked for an answer.
    Sent,
    /// Nobody waited for the answer, or the answer was lost: the message may arrive all the same.
    Unknown,
    /// It was part of a transaction that was committed.
    Committed,
    /// It was part of a transaction that was rolled back.
    RolledBack,
}

impl HandoffStatus {
    /// The stored word.
    pub const fn as_str(self) -> &'static str {
        match self {
            HandoffStatus::Confirmed => "confirmed",
            HandoffStatus::Rejected => "rejected",
            HandoffStatus::Returned => "returned",
            HandoffStatus::Sent => "sent",
            HandoffStatus::Unknown => "unknown",
            HandoffStatus::Committed => "committed",
            HandoffStatus::RolledBack => "rolled_back",
        }
    }

    /// As the value of an attribute.
    pub(super) const fn value(self) -> Value<'static> {
        Value::Static(self.as_str())
    }
}

impl fmt::Display for HandoffStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
