//! The table of gaps: a code, a title, a cause and a fix for each kind.

use super::wording::fill;
use serde::{Serialize, Serializer};
use spanbridge::semconv;

/// A kind of gap. Its code is the same in every release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum GapKind {
    /// The broker accepted a message. Others for the same destination are processed, this one is not.
    NotReceived,
    /// The broker accepted a message, and no run that was checked receives from its destination.
    NoConsumer,
    /// A message was written into an outbox, and nothing sent it.
    NotRelayed,
    /// The broker accepted a message, and only what followed the work on it is recorded.
    WorkNotRecorded,
    /// A message was processed but not settled, by a consumer that settles others.
    NotSettled,
    /// A consumer that should settle its messages has no recorded settlement.
    NeverSettled,
    /// A message arrived without a context, although a producer is known that sends one there.
    ContextLost,
    /// The context did not fit into a message, or only part of it did.
    ContextDropped,
    /// A call carries no context, because what it sends has no place for one.
    ContextNotCarried,
    /// A header could not be read.
    HeaderMalformed,
    /// A header of a function's event could not be read, or only part of it.
    EventHeader,
    /// A span names a parent that is not recorded.
    ParentMissing,
    /// The start of a run or a span is not recorded.
    StartMissing,
    /// Work began before what caused it, or after now.
    ClockBehind,
    /// A span or a run ended before it began.
    EndBeforeStart,
    /// A run is its own parent.
    OwnParent,
    /// Records contradict each other.
    Conflict,
    /// A run, or a span of a run without an owner, has no end, and nothing was recorded for a long time.
    NoEnd,
    /// A function was stopped by its time limit.
    OutOfTime,
    /// The response of a function did not arrive.
    ResponseLost,
    /// The recorder dropped records.
    RecordsDropped,
    /// A function had no time to deliver what it had recorded.
    FlushIncomplete,
    /// A payload was not captured, because redacting it failed.
    RedactionFailed,
}

impl GapKind {
    /// Whether what is missing may be in another run, which is connected with that of the gap.
    #[doc(hidden)]
    pub fn may_be_in_another_run(self) -> bool {
        use GapKind::{NeverSettled, NoConsumer, NotReceived, NotRelayed, NotSettled, ParentMissing, WorkNotRecorded};
        matches!(
            self,
            NotReceived | NoConsumer | NotRelayed | WorkNotRecorded | NotSettled | NeverSettled | ParentMissing
        )
    }
}

/// A row of the table. Names in braces are replaced by what was found.
struct Row {
    kind: GapKind,
    code: &'static str,
    title: &'static str,
    cause: &'static str,
    fix: &'static str,
    /// The codes of the diagnostics that report this gap.
    diagnostics: &'static [&'static str],
}

/// In the order of the kinds.
const TABLE: [Row; 23] = [
    Row {
        kind: GapKind::NotReceived,
        code: "not_received",
        title: "sent but never received",
        cause: "Messages sent there are received by {services}, but no work on this one is recorded. {lost}{maybe}",
        fix: "{look} Receive every message through `observed()` and do the work in `job.run(..)`.{keep}",
        diagnostics: &[],
    },
    Row {
        kind: GapKind::NoConsumer,
        code: "no_consumer",
        title: "sent, but there is no consumer",
        cause: "None of the runs that were checked receives messages from this destination. There is no consumer, it \
                does not use `observed()`, or it records into another store.{maybe}",
        fix: "Start the consumer, and let it receive through `observed()` and record into this store, or import what \
              it recorded with `spanbridge import`.{unroutable}",
        diagnostics: &[],
    },
    Row {
        kind: GapKind::NotRelayed,
        code: "not_relayed",
        title: "in an outbox, but never sent",
        cause: "{service} committed the message to its outbox, and nothing that was sent names it. The relay does not run, \
                has not come to it yet, sends without the stored context, or records into another store.",
        fix: "Look at the outbox and its relay. Let the relay send through `observed()`, within the context that was stored \
              with the message.",
        diagnostics: &[],
    },
    Row {
        kind: GapKind::WorkNotRecorded,
        code: "work_not_recorded",
        title: "received, but its work is not recorded",
        cause: "Further down in the same run, {services} recorded work whose parent span is missing, so the message \
                was received. The records of the work on it were lost or are in another store.",
        fix: "Let the consumer record into this store, or import what it recorded with `spanbridge import`. Keep the \
              recorder's handle until the end of `main`, and check its report for dropped records.",
        diagnostics: &[],
    },
    Row {
        kind: GapKind::NotSettled,
        code: "not_settled",
        title: "received but never settled",
        cause: "Other messages from there are settled by {service}, but this one is not. {how}",
        fix: "{instead} {again}",
        diagnostics: &[],
    },
    Row {
        kind: GapKind::NeverSettled,
        code: "never_settled",
        title: "no settlement recorded",
        cause: "Messages from there are received by {service}. {how}",
        fix: "{instead} {again}",
        diagnostics: &[],
    },
    Row {
        kind: GapKind::ContextLost,
        code: "context_lost",
        title: "context lost on the way",
        cause: "Messages sent there by {services} carry a context, but this one has none. It came from a producer \
                without `observed()`, or something on the way (a plugin, a proxy, code that republishes it) dropped \
                its headers.",
        fix: "Send through `observed()` everywhere. Keep the headers `traceparent`, `tracestate` and `baggage` \
              wherever messages are copied.",
        diagnostics: &[],
    },
    Row {
        kind: GapKind::ContextDropped,
        code: "context_dropped",
        title: "context dropped for lack of space",
        cause: "The context did not fit into what {service} sent, next to what was already there. Baggage is left out first, \
                then the tracestate entries of others; the run and `traceparent` are left out last.",
        fix: "Carry less baggage, send smaller headers, or give the producer in {service} a larger budget.",
        diagnostics: &[semconv::INJECTION_DROPPED, semconv::INJECTION_REFUSED],
    },
    Row {
        kind: GapKind::ContextNotCarried,
        code: "context_not_carried",
        title: "call that cannot carry a context",
        cause: "What {service} sends has no place for a context: the payload is not a JSON object, or the client \
                context is not one. What the call causes is connected by the X-Ray header at most, without run and \
                baggage, or starts its own trace.",
        fix: "Send a JSON object. If you set a client context, make it a base64-encoded JSON object whose `custom` is \
              an object.",
        diagnostics: &[semconv::INJECTION_NOT_POSSIBLE],
    },
    Row {
        kind: GapKind::HeaderMalformed,
        code: "header_malformed",
        title: "unreadable header",
        cause: "A context header of {received} to {service} cannot be read, or not as a whole: whoever sent it, or something on \
                the way, wrote one that is malformed or exceeds the limits of W3C. What cannot be read was ignored.",
        fix: "Look at the headers of {example}, and correct the code that writes them. If its baggage exceeds the limits, \
              carry less of it.",
        diagnostics: &[semconv::HEADER_MALFORMED],
    },
    Row {
        kind: GapKind::EventHeader,
        code: "event_header",
        title: "unreadable event header",
        cause: "The caller of {service} sends a client context of the wrong shape (only strings are allowed under \
                `custom`), or another header that lambda_runtime cannot read. The unreadable part was left out.",
        fix: "Correct what the caller sends: a client context is base64-encoded JSON, and the values under `custom` \
              are strings.",
        diagnostics: &[semconv::RUNTIME_HEADER],
    },
    Row {
        kind: GapKind::ParentMissing,
        code: "parent_missing",
        title: "parent span not recorded",
        cause: "The service that caused this work does not record into this store, exited before its records were \
                delivered, or does not record such spans.",
        fix: "Let that service record into this store, or import what it recorded with `spanbridge import`. Keep the \
              recorder's handle until the end of `main`, so that the last spans are delivered.",
        diagnostics: &[],
    },
    Row {
        kind: GapKind::StartMissing,
        code: "start_missing",
        title: "start not recorded",
        cause: "The record of the start was lost (dropped by a recorder, in a log that was removed or damaged), or is in \
                another store.",
        fix: "Import what the service recorded elsewhere with `spanbridge import`, and check its recorder's report for \
              dropped records. `spanbridge check` finds damage.",
        diagnostics: &[],
    },
    Row {
        kind: GapKind::ClockBehind,
        code: "clock_behind",
        title: "clocks that disagree",
        cause: "The clock of {service} is behind the clock of {other}, or the clock of {other} is ahead. Times between \
                the two mean nothing.",
        fix: "Synchronise both machines with one time source (chrony, systemd-timesyncd), and check that it works.",
        diagnostics: &[semconv::CLOCK_SKEW],
    },
    Row {
        kind: GapKind::EndBeforeStart,
        code: "end_before_start",
        title: "ended before it began",
        cause: "The clock was set back meanwhile, the end was recorded on another machine whose clock is behind, or whoever \
                recorded it gave a wrong time.",
        fix: "Let a time service adjust clocks slowly instead of setting them back (chrony does), and check the times that are \
              imported or given by hand.",
        diagnostics: &[],
    },
    Row {
        kind: GapKind::OwnParent,
        code: "own_parent",
        title: "run that is its own parent",
        cause: "Whoever recorded the start of the run gave its own id as that of the run that started it.",
        fix: "Give the id of the run that started it, or none. Records of others can be corrected before they are imported.",
        diagnostics: &[],
    },
    Row {
        kind: GapKind::Conflict,
        code: "conflict",
        title: "records that contradict each other",
        cause: "Two processes resumed the same saved run or ended it differently, or records were changed between two \
                imports. Nothing was overwritten.",
        fix: "Resume a saved run once, and end it in one place. `spanbridge export` with the id of the run shows all \
              its records.",
        diagnostics: &["conflict", "parent_cycle"],
    },
    Row {
        kind: GapKind::NoEnd,
        code: "no_end",
        title: "started but never ended",
        cause: "The process was killed or crashed, some path through the code does not end it, or it is still working \
                and has recorded nothing since.",
        fix: "End a run on every path (`run.end()`, `run.error(..)`), and call `run.suspend(..)` before a long wait. A \
              span that wraps its work with `.run(..)` or `.in_scope(..)` ends by itself.",
        diagnostics: &[],
    },
    Row {
        kind: GapKind::OutOfTime,
        code: "out_of_time",
        title: "stopped by its time limit",
        cause: "The function in {service} was still working when its time was up, and Lambda stopped it. The open \
                spans show where it was.",
        fix: "Give the function more time or less work, or let the handler stop itself in time (`context.deadline` is \
              the limit). Lambda delivers an event or a batch again, so make the work safe to repeat.",
        diagnostics: &[semconv::DEADLINE_NEAR],
    },
    Row {
        kind: GapKind::ResponseLost,
        code: "response_lost",
        title: "response lost",
        cause: "The handler of {service} finished, but its response did not reach Lambda: it cannot be serialized as \
                JSON, or the connection broke. The caller got an error.",
        fix: "Return a value that JSON can represent (the keys of a map must be strings). The caller may retry, so \
              make the work safe to repeat.",
        diagnostics: &[semconv::RESPONSE_LOST],
    },
    Row {
        kind: GapKind::RecordsDropped,
        code: "records_dropped",
        title: "records dropped by the recorder",
        cause: "The recorder of {service} filled up faster than a sink took its records, or the sink was unreachable. \
                Other findings may have the same cause.",
        fix: "Give the recorder more memory or a faster sink, and check the errors in its report. Record fewer spans, \
              or sample.",
        diagnostics: &["dropped.memory", "dropped.sink", "store.log_lost"],
    },
    Row {
        kind: GapKind::FlushIncomplete,
        code: "flush_incomplete",
        title: "flush not finished in time",
        cause: "The sink of {service} was slow or unreachable, or the function had no time left. What was recorded \
                arrived with a later flush, or was lost if the process ended first.",
        fix: "Use a closer or faster sink, end the work earlier, or give the flush more time with \
              `FunctionOptions::flush_within`.",
        diagnostics: &[semconv::FLUSH_INCOMPLETE],
    },
    Row {
        kind: GapKind::RedactionFailed,
        code: "redaction_failed",
        title: "payload not captured",
        cause: "The redaction hook of {service} returned an error or panicked, so the payload was left out.",
        fix: "Make the hook handle this payload. A test with a similar payload shows the error.",
        diagnostics: &[semconv::REDACTION_FAILED],
    },
];

/// Diagnostics that are no gaps: the first two report what the consumer was told to do, the next three a limit of size. Earlier
/// releases wrote the sixth, and what the last means is said with the damage of the store.
const NO_GAPS: [&str; 7] = [
    semconv::CONTEXT_IGNORED,
    semconv::BAGGAGE_FILTERED,
    semconv::ATTRIBUTES_CUT,
    semconv::MUTATION_CUT,
    semconv::ARTIFACT_CUT,
    "span.begun_outside",
    "store.logs_removed",
];

impl GapKind {
    /// All kinds, in the order in which gaps are listed.
    pub fn all() -> impl Iterator<Item = GapKind> {
        TABLE.iter().map(|row| row.kind)
    }

    /// The code, such as `not_received`. It is the same in every release.
    pub fn code(self) -> &'static str {
        self.row().code
    }

    /// A title for people.
    pub fn title(self) -> &'static str {
        self.row().title
    }

    /// The kind that a diagnostic with this code reports.
    pub(super) fn of_diagnostic(code: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.diagnostics.contains(&code)).map(|row| row.kind)
    }

    /// Whether a diagnostic with this code is no gap, and why that is known.
    pub(super) fn is_no_gap(code: &str) -> bool {
        NO_GAPS.contains(&code)
    }

    /// The cause and the fix.
    pub(super) fn words(self, facts: &[(&str, &str)]) -> (String, String) {
        (fill(self.row().cause, facts), fill(self.row().fix, facts))
    }

    fn row(self) -> &'static Row {
        // A test holds the table to the order of the kinds.
        &TABLE[self as usize]
    }
}

/// As its code.
impl Serialize for GapKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_complete_and_in_order() {
        for (place, row) in TABLE.iter().enumerate() {
            assert_eq!(row.kind as usize, place, "{:?}", row.kind);
            assert!(!row.cause.is_empty() && !row.fix.is_empty());
            assert!(TABLE.iter().filter(|r| r.code == row.code || r.title == row.title).count() == 1);
            assert!(row.diagnostics.iter().all(|code| GapKind::of_diagnostic(code) == Some(row.kind)));
            assert!(!row.diagnostics.iter().any(|code| GapKind::is_no_gap(code)));
        }
        assert_eq!(GapKind::all().count(), GapKind::RedactionFailed as usize + 1);
    }
}
