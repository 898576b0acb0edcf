//! The span of a call in progress, and what is done with it.

use super::call_error::CallError;
use super::options::InPayload;
use aws_smithy_types::config_bag::ConfigBag;
use spanbridge::adapter::{Handoff, HandoffStatus};
use spanbridge::messaging::CapturePolicy;
use spanbridge::observe::Span;
use spanbridge::{Context, Failure, IntoValue};

/// The span of a call in progress.
#[derive(Debug)]
pub(super) enum CallSpan {
    /// The response says how the call went. Dropped before the response, the span is cancelled.
    Response(Span),
    /// The response says that something was accepted. Dropped before the response, its status is unknown.
    Handoff(Handoff),
}

impl CallSpan {
    pub(super) fn span(&self) -> Option<&Span> {
        match self {
            CallSpan::Response(span) => Some(span),
            CallSpan::Handoff(handoff) => handoff.span(),
        }
    }

    /// The text of its error goes through this policy before it is recorded.
    pub(super) fn guarded(self, capture: &CapturePolicy) -> Self {
        match self {
            CallSpan::Response(span) => CallSpan::Response(capture.guard(span)),
            CallSpan::Handoff(handoff) => CallSpan::Handoff(handoff.guarded(capture)),
        }
    }

    pub(super) fn context(&self) -> Context {
        self.span().map(|span| span.context().clone()).unwrap_or_default()
    }

    pub(super) fn attribute<'v>(&self, key: &'static str, value: impl IntoValue<'v>) {
        if let Some(span) = self.span() {
            span.attribute(key, value)
        }
    }

    /// Ends the span of a call that succeeded.
    pub(super) fn end(self) {
        match self {
            CallSpan::Response(span) => span.end(),
            CallSpan::Handoff(handoff) => handoff.ended(HandoffStatus::Confirmed),
        }
    }

    /// Ends the span of a call that failed. `handoff` is the status of what was handed over.
    pub(super) fn fail(self, error: &CallError, handoff: HandoffStatus) {
        let failure = Failure::new(error).class(&*error.kind);
        match self {
            CallSpan::Response(span) => span.end_with(&failure),
            CallSpan::Handoff(span) => span.failed(handoff, &failure),
        }
    }
}

/// The spans of a batch's entries, by the ids of the entries.
pub(super) type Entries = Vec<(String, Handoff)>;

/// What is needed to pack a context.
pub(super) struct Packing<'a> {
    pub(super) span: &'a Span,
    /// As set for the call, and for all calls of the client.
    #[cfg_attr(not(feature = "invoke"), expect(dead_code, reason = "only calls of functions need it"))]
    pub(super) in_payload: [&'a InPayload; 2],
    /// What is captured of what is sent.
    pub(super) capture: Option<&'a CapturePolicy>,
    #[cfg_attr(not(feature = "invoke"), expect(dead_code, reason = "only calls of functions need it"))]
    pub(super) config: &'a ConfigBag,
    #[cfg_attr(not(any(feature = "sqs", feature = "sns")), expect(dead_code, reason = "only messages need it"))]
    pub(super) entries: &'a mut Entries,
}

/// The room up to the next limit, in bytes. The limits have been raised over time and differ between places, so what is
/// within one of them must not exceed that one because of us.
pub(super) fn room(limits: &[usize], size: usize) -> usize {
    limits.iter().find_map(|limit| limit.checked_sub(size)).unwrap_or(0)
}
