//! The table of gaps.

use serde::{Serialize, Serializer};
use spanbridge::semconv;

/// What kind of gap it is. Each has a code that stays, and a title.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum GapKind {
    /// The broker took a message, others of its destination are worked on, and no work on this one is recorded.
    NotReceived,
    /// The broker took a message, and nobody who was looked at takes messages from where it was sent.
    NoConsumer,
    /// The broker took a message, and only what came after the work on it is recorded.
    WorkNotRecorded,
    /// A message was worked on and not settled, by a consumer that settles others.
    NotSettled,
    /// No settlement is known of a consumer that should settle.
    NeverSettled,
    /// A consumer got a message without a context, from where a producer is known to send with one.
    ContextLost,
    /// A context had no room in a message, or only part of it.
    ContextDropped,
    /// A call carries no context, because what it sends cannot hold one.
    ContextNotCarried,
    /// A header could not be read.
    HeaderMalformed,
    /// A header of an event for a function could not be read, or not all of it.
    EventHeader,
    /// A span names a parent that nobody recorded.
    ParentMissing,
    /// Work began before what caused it.
    ClockBehind,
    /// Records contradict each other.
    Conflict,
    /// A run, or a span of a run that nobody owns, has no end, and nothing was heard of it for long.
    NoEnd,
    /// A function was stopped by its time limit.
    OutOfTime,
    /// A function's answer did not arrive.
    ResponseLost,
    /// The recorder lost records.
    RecordsDropped,
    /// A function had no time to deliver what it had recorded.
    FlushIncomplete,
    /// A payload was not captured, because its redaction failed.
    RedactionFailed,
}

/// A row of the table. Words in braces are filled in from what was found.
struct Row {
    kind: GapKind,
    code: &'static str,
    title: &'static str,
    cause: &'static str,
    fix: &'static str,
    /// The codes of diagnostics that say so.
    diagnostics: &'static [&'static str],
}

/// In the order of the kinds.
const TABLE: [Row; 19] = [
    Row {
        kind: GapKind::NotReceived,
        code: "not_received",
        title: "sent and never received",
        cause: "{services} takes messages from there, but no work on this one is recorded: {lost}{maybe}",
        fix: "{look}; take every message through `observed()` and do its work in `job.run(..)`{keep}",
        diagnostics: &[],
    },
    Row {
        kind: GapKind::NoConsumer,
        code: "no_consumer",
        title: "sent to where nobody listens",
        cause: "nobody who was looked at takes messages from there: there is no consumer, it does not use \
                `observed()`, or it records into another store{maybe}",
        fix: "start the consumer, and let it take messages through `observed()` and record into this store (or bring in \
              what it has recorded with `spanbridge import`){unroutable}",
        diagnostics: &[],
    },
    Row {
        kind: GapKind::WorkNotRecorded,
        code: "work_not_recorded",
        title: "received, and its work is not recorded",
        cause: "further down the same run {services} recorded what hangs under a span that nobody recorded, so the message was \
                received: the records of its work were lost, or lie in another store",
        fix: "let the consumer record into this store, or bring in what it recorded with `spanbridge import`; keep the \
              recorder's handle until the end of `main`, and look at its report for what was dropped",
        diagnostics: &[],
    },
    Row {
        kind: GapKind::NotSettled,
        code: "not_settled",
        title: "received and never settled",
        cause: "{service} settles messages from there, but not this one: {how}",
        fix: "{instead}; {again}",
        diagnostics: &[],
    },
    Row {
        kind: GapKind::NeverSettled,
        code: "never_settled",
        title: "settled elsewhere, or never",
        cause: "{service} takes messages from there, and {how}",
        fix: "{instead}; {again}",
        diagnostics: &[],
    },
    Row {
        kind: GapKind::ContextLost,
        code: "context_lost",
        title: "context lost on the way",
        cause: "{services} sends there with a context, so this message came from a producer without \
                `observed()`, or something on the way (a plugin, a proxy, code that sends it again) dropped its headers",
        fix: "send through `observed()` everywhere, and keep the headers `traceparent`, `tracestate` and `baggage` where \
              messages are copied",
        diagnostics: &[],
    },
    Row {
        kind: GapKind::ContextDropped,
        code: "context_dropped",
        title: "context dropped for want of room",
        cause: "the context did not fit into the message beside what was there: baggage is left out first, then the \
                tracestate of others, the run and `traceparent` last",
        fix: "carry less baggage, send smaller headers, or give the producer of {service} a larger budget",
        diagnostics: &[semconv::INJECTION_DROPPED],
    },
    Row {
        kind: GapKind::ContextNotCarried,
        code: "context_not_carried",
        title: "a call that cannot carry a context",
        cause: "what {service} sends has no place for a context: a payload that is not a JSON object, or a client context \
                that is not one; what the call causes is known by X-Ray's header at most, without run and baggage, or \
                begins a trace of its own",
        fix: "send a JSON object, and as client context an object in base64 whose `custom` is an object",
        diagnostics: &[semconv::INJECTION_NOT_POSSIBLE],
    },
    Row {
        kind: GapKind::HeaderMalformed,
        code: "header_malformed",
        title: "a header that cannot be read",
        cause: "whoever sent this to {service}, or something on the way, wrote a header that is not W3C Trace Context; it \
                was ignored",
        fix: "look at the headers of such a message, and correct what writes them",
        diagnostics: &[semconv::HEADER_MALFORMED],
    },
    Row {
        kind: GapKind::EventHeader,
        code: "event_header",
        title: "a header of an event that was mended",
        cause: "whoever calls {service} sends a client context that is not of its type (only texts are allowed under \
                `custom`), or another header that lambda_runtime cannot read; what could not be read was left out",
        fix: "correct what the caller sends: a client context is JSON in base64, and the values under `custom` are texts",
        diagnostics: &[semconv::RUNTIME_HEADER],
    },
    Row {
        kind: GapKind::ParentMissing,
        code: "parent_missing",
        title: "a parent that nobody recorded",
        cause: "the service that caused this does not record into this store, ended before it had delivered, or leaves such \
                spans out",
        fix: "let it record into this store, or bring in what it recorded with `spanbridge import`; keep the recorder's \
              handle until the end of `main`, so that the last spans are delivered",
        diagnostics: &[],
    },
    Row {
        kind: GapKind::ClockBehind,
        code: "clock_behind",
        title: "a clock that is behind",
        cause: "the clock of {service} is behind that of {other}, or that of {other} is ahead; times between the two say \
                nothing",
        fix: "let the machines of both take their time from one source (chrony, systemd-timesyncd), and look at its state",
        diagnostics: &[semconv::CLOCK_SKEW],
    },
    Row {
        kind: GapKind::Conflict,
        code: "conflict",
        title: "records that contradict each other",
        cause: "two processes went on with one saved run, or ended it differently, or records were changed between two \
                imports; none was overwritten",
        fix: "resume a saved run once, and end it in one place; `spanbridge export` with the id of the run shows what was \
              said",
        diagnostics: &["conflict", "parent_cycle"],
    },
    Row {
        kind: GapKind::NoEnd,
        code: "no_end",
        title: "begun and never ended",
        cause: "the process was killed or has crashed, a way through the code does not end it, or it is at work still and \
                says nothing",
        fix: "end a run on every way out (`run.end()`, `run.error(..)`), and `run.suspend(..)` it where it waits for long; \
              a span ends by itself when it is wrapped around its work with `.run(..)` or `.in_scope(..)`",
        diagnostics: &[],
    },
    Row {
        kind: GapKind::OutOfTime,
        code: "out_of_time",
        title: "stopped by its time limit",
        cause: "{service} was still at work when its time was over, and Lambda stopped it where it stood; the spans that are \
                open show at what",
        fix: "give the function more time, or less work at once, or let the handler give up before (`context.deadline` says \
              when); Lambda brings an event or a batch again, so the work must bear to be done twice",
        diagnostics: &[semconv::DEADLINE_NEAR],
    },
    Row {
        kind: GapKind::ResponseLost,
        code: "response_lost",
        title: "an answer that did not arrive",
        cause: "the handler of {service} ended, and its answer did not come to Lambda: it cannot be written as JSON, or the \
                connection broke; the caller was given an error",
        fix: "answer with what JSON can hold (the keys of a map are texts); the caller may try again, so the work must bear \
              to be done twice",
        diagnostics: &[semconv::RESPONSE_LOST],
    },
    Row {
        kind: GapKind::RecordsDropped,
        code: "records_dropped",
        title: "records lost by the recorder",
        cause: "{service} recorded faster than a sink took it, or the sink was out of reach; what else is missing may be \
                missing for this reason",
        fix: "give the recorder more memory or a faster sink, and look at the errors of its report; record fewer spans, or \
              sample",
        diagnostics: &["dropped.memory", "dropped.sink"],
    },
    Row {
        kind: GapKind::FlushIncomplete,
        code: "flush_incomplete",
        title: "a flush that was given up",
        cause: "the sink of {service} was slow or out of reach, or the function had no time left; what it had recorded came \
                with a later flush, or is lost if the process was ended before",
        fix: "use a sink that is nearer or faster, end the work earlier, or give the flush more time with \
              `Observe::flush_within`",
        diagnostics: &[semconv::FLUSH_INCOMPLETE],
    },
    Row {
        kind: GapKind::RedactionFailed,
        code: "redaction_failed",
        title: "a payload not captured",
        cause: "the redaction hook of {service} failed or panicked, so the payload was left out rather than shown",
        fix: "make the hook handle this payload; a test with one like it shows the error",
        diagnostics: &[semconv::REDACTION_FAILED],
    },
];

impl GapKind {
    /// Every kind, in the order in which gaps are listed.
    pub fn all() -> impl Iterator<Item = GapKind> {
        TABLE.iter().map(|row| row.kind)
    }

    /// A word that stays the same in every release, such as `not_received`.
    pub fn code(self) -> &'static str {
        self.row().code
    }

    /// The kind in a few words for people.
    pub fn title(self) -> &'static str {
        self.row().title
    }

    /// The kind that a diagnostic with this code tells of.
    pub(super) fn of_diagnostic(code: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.diagnostics.contains(&code)).map(|row| row.kind)
    }

    /// Cause and fix.
    pub(super) fn words(self, facts: &[(&str, &str)]) -> (String, String) {
        (fill(self.row().cause, facts), fill(self.row().fix, facts))
    }

    fn row(self) -> &'static Row {
        // A test holds the table to the order of the kinds.
        &TABLE[self as usize]
    }
}

/// The code.
impl Serialize for GapKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// Puts facts where their names stand in braces. What is found in them is not looked at again: it comes from outside.
pub(super) fn fill(words: &str, facts: &[(&str, &str)]) -> String {
    let mut out = String::with_capacity(words.len() + 32);
    let mut rest = words;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        out.push_str(before);
        out.push_str(facts.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value));
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_says_something_of_each() {
        for (place, row) in TABLE.iter().enumerate() {
            assert_eq!(row.kind as usize, place, "{:?}", row.kind);
            assert!(!row.cause.is_empty() && !row.fix.is_empty());
            assert!(TABLE.iter().filter(|r| r.code == row.code || r.title == row.title).count() == 1);
            assert!(row.diagnostics.iter().all(|code| GapKind::of_diagnostic(code) == Some(row.kind)));
        }
        assert_eq!(GapKind::all().count(), GapKind::RedactionFailed as usize + 1);
    }

    #[test]
    fn facts_are_filled_in_once() {
        let facts = [("a", "{b}"), ("b", "B")];
        assert_eq!(fill("x {a} y {b}{c} z", &facts), "x {b} y B z");
        assert_eq!(fill("torn {a", &facts), "torn {b}");
    }
}
