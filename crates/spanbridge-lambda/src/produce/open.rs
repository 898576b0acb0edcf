//! The span of a call that is under way, and what is done with it.

use super::failure::Failure;
use super::wanted::InPayload;
use aws_smithy_types::config_bag::ConfigBag;
use spanbridge::messaging::{CapturePolicy, Handoff};
use spanbridge::observe::Span;
#[cfg(feature = "invoke")]
use spanbridge::semconv;
use spanbridge::{Context, Value};

/// The span of a call that is under way.
#[derive(Debug)]
pub(super) enum Open {
    /// The answer says how it went. Dropped before it comes the span is cancelled.
    Answered(Span),
    /// The answer says that something was taken over. Dropped before it comes nobody knows.
    HandedOff(Handoff),
}

impl Open {
    pub(super) fn span(&self) -> Option<&Span> {
        match self {
            Open::Answered(span) => Some(span),
            Open::HandedOff(handoff) => handoff.span(),
        }
    }

    /// The text of its error goes through this before it is recorded.
    pub(super) fn guarded(self, capture: &CapturePolicy) -> Self {
        match self {
            Open::Answered(span) => Open::Answered(capture.guard(span)),
            Open::HandedOff(handoff) => Open::HandedOff(handoff.guarded(capture)),
        }
    }

    pub(super) fn context(&self) -> Context {
        self.span().map(|span| span.context().clone()).unwrap_or_default()
    }

    pub(super) fn attribute<'v>(&self, key: &'static str, value: impl Into<Value<'v>>) {
        if let Some(span) = self.span() {
            span.attribute(key, value)
        }
    }

    /// It went well.
    pub(super) fn ended(self) {
        match self {
            Open::Answered(span) => span.end(),
            Open::HandedOff(handoff) => handoff.ended("confirmed"),
        }
    }

    /// It failed; `handoff` is what is known of what was handed over.
    pub(super) fn failed(self, failure: &Failure, handoff: &'static str) {
        let told = spanbridge::Failure::new(failure).class(&*failure.kind);
        match self {
            Open::Answered(span) => span.end_with(&told),
            Open::HandedOff(span) => span.failed_as(handoff, &told),
        }
    }
}

/// The spans of a batch's entries, by the entries' ids.
pub(super) type Entries = Vec<(String, Handoff)>;

/// What is needed to pack a context.
pub(super) struct Packing<'a> {
    pub(super) span: &'a Span,
    /// As it is wanted of the call, or of all of the client.
    #[cfg_attr(not(feature = "invoke"), expect(dead_code, reason = "of calls of functions"))]
    pub(super) in_payload: [&'a InPayload; 2],
    /// What is recorded of what is sent.
    pub(super) capture: Option<&'a CapturePolicy>,
    #[cfg_attr(not(feature = "invoke"), expect(dead_code, reason = "of calls of functions"))]
    pub(super) config: &'a ConfigBag,
    #[cfg_attr(not(any(feature = "sqs", feature = "sns")), expect(dead_code, reason = "of messages"))]
    pub(super) entries: &'a mut Entries,
}

/// What is left to the next of the limits, in bytes, such that nothing that was within one is over it because of us: limits
/// have been raised, and are not the same everywhere.
pub(super) fn room(limits: &[usize], size: usize) -> usize {
    limits.iter().find_map(|limit| limit.checked_sub(size)).unwrap_or(0)
}

#[cfg(feature = "invoke")]
impl Packing<'_> {
    /// Says what of the context the message does not carry.
    pub(super) fn left_out(&self, what: Option<String>) {
        if let Some(what) = what {
            self.span.diagnostic(semconv::INJECTION_DROPPED, &what)
        }
    }
}
