//! The span of a send until it is known what became of the message.

use super::sends::Sends;
use super::status::HandoffStatus;
use crate::messaging::CapturePolicy;
use crate::messaging::capture::Message;
use crate::observe::Span;
use crate::span::StoppedSpan;
use crate::stand_in::{OutboundCall, Reply, ask};
use crate::{Context, Failure, SpanId, TraceId, semconv};
use std::sync::Arc;

/// The span of a send, open until the broker has answered.
///
/// Dropped, it ends as [`Unknown`](HandoffStatus::Unknown). For a message of a [`Transaction`](super::Transaction), the end
/// of the transaction has the last word.
#[must_use = "dropped at once it ends as `unknown`"]
#[derive(Debug)]
pub struct Handoff {
    span: Option<Span>,
    carries: Option<(TraceId, SpanId)>,
    /// The transaction that it is part of.
    within: Option<Arc<Sends>>,
}

impl Handoff {
    /// Of a span that was begun otherwise than by [`send`](super::send).
    pub fn new(span: Span) -> Self {
        Handoff::carrying(span, None)
    }

    /// Of a span, and what the message carries.
    pub(super) fn carrying(span: Span, carries: Option<(TraceId, SpanId)>) -> Self {
        Handoff { span: Some(span), carries, within: None }
    }

    /// As part of a transaction.
    pub(super) fn within(mut self, sends: Arc<Sends>) -> Self {
        self.within = Some(sends);
        self
    }

    /// The text of its error goes [through this policy](CapturePolicy::guard) before it is recorded.
    pub fn guarded(mut self, capture: &CapturePolicy) -> Self {
        self.span = self.span.take().map(|span| capture.guard(span));
        self
    }

    /// The context inside the span: what is current while the client sends.
    pub fn context(&self) -> Context {
        self.span().map(|span| span.context().clone()).unwrap_or_default()
    }

    /// The span.
    pub fn span(&self) -> Option<&Span> {
        self.span.as_ref()
    }

    /// Asks the stand-in of the recorder what becomes of the message, before it is sent: see [`ask`](super::ask).
    #[inline(always)]
    pub fn ask<'c>(&self, call: impl FnOnce() -> OutboundCall<'c>) -> Reply {
        self.span().map_or(Reply::Live, |span| ask(span.context(), call))
    }

    /// The trace and the span that the message names as its sender, in its headers.
    pub fn carries(&self) -> Option<(TraceId, SpanId)> {
        self.carries
    }

    /// Records of the payload and the headers what the policy says.
    pub fn record(
        &self,
        capture: Option<&CapturePolicy>,
        message: &Message<'_>,
        headers: impl FnOnce(&mut dyn FnMut(&str, &[u8])),
    ) {
        if let (Some(capture), Some(span)) = (capture, self.span()) {
            capture.record(span, message, headers)
        }
    }

    /// The message went where it should.
    pub fn ended(mut self, status: HandoffStatus) {
        self.end(status, Span::end)
    }

    /// It did not, or nobody knows.
    pub fn failed(mut self, status: HandoffStatus, failure: &Failure<'_>) {
        self.end(status, |span| span.end_with(failure))
    }

    /// The broker has answered, but it takes more to know what became of the message: the end that is recorded later is now.
    pub fn stop(mut self) -> Option<StoppedHandoff> {
        self.span.take().map(|span| StoppedHandoff(StoppedSpan::of(span)))
    }

    fn end(&mut self, status: HandoffStatus, end: impl FnOnce(Span)) {
        let Some(span) = self.span.take() else { return };
        let status = self.within.as_ref().map_or(status, |sends| sends.status(&span, status));
        span.attribute(semconv::HANDOFF_STATUS, status.value());
        end(span)
    }
}

impl Drop for Handoff {
    fn drop(&mut self) {
        self.end(HandoffStatus::Unknown, Span::end)
    }
}

/// A send that the broker has answered, until it is known what became of the message.
#[must_use = "dropped at once its span is cancelled"]
#[derive(Debug)]
pub struct StoppedHandoff(StoppedSpan);

impl StoppedHandoff {
    /// The message went where it should, or nobody knows.
    pub fn ended(self, status: HandoffStatus) {
        self.0.attribute(semconv::HANDOFF_STATUS, status.value());
        self.0.end()
    }

    /// It did not.
    pub fn failed(self, status: HandoffStatus, failure: &Failure<'_>) {
        self.0.attribute(semconv::HANDOFF_STATUS, status.value());
        self.0.failed(failure)
    }
}
