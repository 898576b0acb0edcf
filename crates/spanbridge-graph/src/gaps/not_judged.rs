//! What could not be judged, and why. An absence is no proof that all is well, so it is counted here.

use super::gap::Place;
use serde::{Serialize, Serializer};
use spanbridge::{RunId, SpanId};
use std::collections::BTreeMap;

/// What could not be judged for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct NotJudged {
    /// The reason.
    pub reason: NotJudgedReason,
    /// The reason as a sentence.
    pub why: &'static str,
    /// How many messages, spans or runs could not be judged for it.
    pub count: u64,
    /// One of them. Empty for runs that were not read.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub example: String,
    /// The run of that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_id: Option<RunId>,
    /// The span of that one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub span_id: Option<SpanId>,
}

/// Why something could not be judged. Its code is the same in every release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum NotJudgedReason {
    /// It is too recent: a message may be on its way, and work may go on.
    InProgress,
    /// A run is suspended, and a span of it is open.
    Suspended,
    /// Nothing says whether the broker accepted the message.
    HandOffUnknown,
    /// The message was sent to a destination without a name.
    DestinationUnknown,
    /// A function was called without waiting for it, and its work is not recorded.
    CalleeUnknown,
    /// A message came without a context, and its producer is not recorded.
    SenderUnknown,
    /// Nothing says how the message has to be settled.
    SettlementUnknown,
    /// Nothing says whether the offset of the message was committed.
    CommitUnknown,
    /// A function was warned of its time limit, and nothing says how it went.
    OutcomeUnknown,
    /// This release does not know what a diagnostic means.
    DiagnosticUnknown,
    /// What is missing may have been in a run that was pruned.
    Pruned,
    /// Other runs might explain more, and were not read.
    RunsNotRead,
}

/// The code, and the reason as a sentence.
const TABLE: [(NotJudgedReason, &str, &str); 12] = [
    (
        NotJudgedReason::InProgress,
        "in_progress",
        "It is too recent: a message may be on its way, and work may go on (`--grace`, `--silence`).",
    ),
    (
        NotJudgedReason::Suspended,
        "suspended",
        "Its run is suspended, and nothing says whether the span waits with it or was lost.",
    ),
    (
        NotJudgedReason::HandOffUnknown,
        "hand_off_unknown",
        "The message is not known to have arrived, and nothing says whether the broker accepted it.",
    ),
    (
        NotJudgedReason::DestinationUnknown,
        "destination_unknown",
        "The message is not known to have arrived, and its span does not name the destination.",
    ),
    (
        NotJudgedReason::CalleeUnknown,
        "callee_unknown",
        "The function was called without waiting for it, and no work of it is recorded.",
    ),
    (
        NotJudgedReason::SenderUnknown,
        "sender_unknown",
        "The message came without a context, and no run that was read sends to its destination.",
    ),
    (
        NotJudgedReason::SettlementUnknown,
        "settlement_unknown",
        "No settlement is recorded, and nothing says whether the message needs one.",
    ),
    (
        NotJudgedReason::CommitUnknown,
        "commit_unknown",
        "Nothing says whether the offset of the message was committed: a commit does not say what it covers, or the \
         offset was stored and the client may commit it.",
    ),
    (
        NotJudgedReason::OutcomeUnknown,
        "outcome_unknown",
        "A function was warned of its time limit, but the span of that is not recorded.",
    ),
    (
        NotJudgedReason::DiagnosticUnknown,
        "diagnostic_unknown",
        "This release does not know this diagnostic. `spanbridge debug` shows it.",
    ),
    (NotJudgedReason::Pruned, "pruned", "Something is missing that may have been in a run that was pruned."),
    (
        NotJudgedReason::RunsNotRead,
        "runs_not_read",
        "Other runs might explain more, but only those nearest in time were read. Check all runs at once.",
    ),
];

impl NotJudgedReason {
    /// All reasons, in the order in which they are listed.
    pub fn all() -> impl Iterator<Item = NotJudgedReason> {
        TABLE.iter().map(|row| row.0)
    }

    /// The code, such as `sender_unknown`. It is the same in every release.
    pub fn code(self) -> &'static str {
        TABLE[self as usize].1
    }

    /// The reason as a sentence.
    pub fn why(self) -> &'static str {
        TABLE[self as usize].2
    }
}

/// As its code.
impl Serialize for NotJudgedReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// What could not be judged, by reason: how much, and the first of it, whatever the order in which it was added.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally(BTreeMap<NotJudgedReason, (u64, Example)>);

type Example = (Option<RunId>, Option<SpanId>, String);

impl Tally {
    pub(super) fn add(&mut self, reason: NotJudgedReason, place: &Place, what: &str) {
        let this = (place.run_id, place.span_id(), what.to_owned());
        let (count, first) = self.0.entry(reason).or_insert_with(|| (0, this.clone()));
        *count += 1;
        if this < *first {
            *first = this
        }
    }

    /// Adds what has no example.
    pub(super) fn add_count(&mut self, reason: NotJudgedReason, count: u64) {
        if count > 0 {
            self.0.insert(reason, (count, Example::default()));
        }
    }

    pub(super) fn into_list(self) -> Vec<NotJudged> {
        let item = |(reason, (count, (run_id, span_id, example))): (NotJudgedReason, _)| NotJudged {
            reason,
            why: reason.why(),
            count,
            example,
            run_id,
            span_id,
        };
        self.0.into_iter().map(item).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reasons_are_in_order() {
        for (place, (reason, code, why)) in TABLE.iter().enumerate() {
            assert_eq!(*reason as usize, place, "{reason:?}");
            assert!(why.ends_with('.') && TABLE.iter().filter(|row| row.1 == *code).count() == 1);
        }
        assert_eq!(NotJudgedReason::all().count(), NotJudgedReason::RunsNotRead as usize + 1);
    }
}
