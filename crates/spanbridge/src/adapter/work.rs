//! The work on a received message: its span, its context, its settlements.

use super::message::Describe;
use super::waited::Waited;
use crate::context::current;
use crate::messaging::capture::Message;
use crate::messaging::step::Step;
use crate::messaging::values::Values;
use crate::messaging::{CapturePolicy, MessageInfo, ReceiveOptions, Received};
use crate::observe::{ActiveSpan, InSpan, Span, SpanBuilder};
use crate::span::{Anything, By, in_scope_with_span};
use crate::{Context, Failure, Outcome, semconv};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

/// The work on one message: restores the sender's context, begins the process span, runs the work in it, and records
/// settlements under it.
///
/// An adapter's job holds one, beside the message that it [describes](Describe).
#[derive(Debug)]
pub struct Work {
    received: Received,
    /// What was chosen; `None` for the default.
    capture: Option<Arc<CapturePolicy>>,
}

impl Work {
    /// Reads what came with a message.
    pub fn receive<D: Describe>(message: &D, options: &ReceiveOptions<D::View>) -> Self {
        Work::of(Received::new(&message.headers()), message, options)
    }

    /// The same, for a message that would be lost if the application's `relation_by` panicked: then it goes to `unread`, and the
    /// panic goes on.
    #[inline]
    pub fn receive_or<D: Describe>(message: D, options: &ReceiveOptions<D::View>, unread: impl FnOnce(D)) -> (D, Work) {
        let receive = || Work::receive(&message, options);
        let received = if options.is_default() { Ok(receive()) } else { catch_unwind(AssertUnwindSafe(receive)) };
        match received {
            Ok(work) => (message, work),
            Err(panic) => {
                unread(message);
                resume_unwind(panic)
            }
        }
    }

    /// The same, for a context that did not come in headers.
    pub fn of<D: Describe>(received: Received, message: &D, options: &ReceiveOptions<D::View>) -> Self {
        if options.is_default() {
            return Work { received, capture: None };
        }
        let capture = options.capture_policy().cloned();
        let name = || message.run_name(&mut Values::of(capture.as_deref()));
        let relation = options.relation_of(|| message.view());
        let info = MessageInfo::new().relation(relation).age(message.waited().known());
        let info = info.run_name(&name).primitive(message.run_primitive());
        Work { received: received.with(options, info), capture }
    }

    /// The same, for a context to which options were applied before.
    pub fn with_received(received: Received, capture: Option<Arc<CapturePolicy>>) -> Self {
        Work { received, capture }
    }

    /// The context that came with the message, as far as it is taken; empty if there was none.
    pub fn context(&self) -> &Context {
        self.received.context()
    }

    /// The process span, while or after it runs.
    pub fn span(&self) -> Option<ActiveSpan> {
        self.received.span()
    }

    /// What came with the message.
    pub fn received(&self) -> &Received {
        &self.received
    }

    /// The capture policy, if one was chosen.
    pub fn capture(&self) -> Option<&CapturePolicy> {
        self.capture.as_deref()
    }

    /// The values of a span of this message that may be personal.
    pub fn values(&self) -> Values<'_> {
        Values::of(self.capture())
    }

    /// Begins the process span: the one that a batch has begun for this message, if there is one.
    pub fn begin(&self, message: &impl Describe) -> Span {
        self.received.process(|| self.open(message))
    }

    pub(super) fn begin_in_batch(&self, message: &impl Describe, batch: &Context) {
        self.received.begin_in_batch(batch, || self.open(message))
    }

    /// Calls `work` in the process span, and returns the future that it makes: every poll is inside, and the span ends by its
    /// output.
    pub fn run<F, Fut>(&self, message: &impl Describe, work: F) -> InSpan<Fut>
    where
        F: FnOnce() -> Fut,
        Fut: Future,
        Fut::Output: Outcome,
    {
        self.begin(message).run(work)
    }

    /// As [`Work::run`], for a value that cannot fail.
    pub fn run_value<F, Fut>(&self, message: &impl Describe, work: F) -> InSpan<Fut, Anything>
    where
        F: FnOnce() -> Fut,
        Fut: Future,
    {
        self.begin(message).run_value(work)
    }

    /// As [`Work::run`], for work that is not async.
    pub fn in_scope<R: Outcome>(&self, message: &impl Describe, work: impl FnOnce() -> R) -> R {
        in_scope_with_span(self.begin(message), work, Outcome::judged)
    }

    /// Settles the message, in a span under the process span; before there is one, under the sender's. `span` begins that
    /// span, `settle` is called in it, and `judge` says from its output whether the settlement failed.
    ///
    /// The settlement of a message that nobody records begins no run of its own.
    pub fn settle<F, Fut, J>(
        &self,
        span: impl FnOnce(&mut Values<'_>) -> SpanBuilder,
        settle: F,
        judge: J,
    ) -> InSpan<Fut, By<J>>
    where
        F: FnOnce() -> Fut,
        Fut: Future,
        J: for<'r> FnOnce(&'r Fut::Output) -> Option<Failure<'r>>,
    {
        current::in_own_scope(self.received.settling(), || self.open_settlement(span).run_by(settle, judge))
    }

    /// As [`Work::settle`], for a client whose calls are not async.
    pub fn settle_in_scope<R>(
        &self,
        span: impl FnOnce(&mut Values<'_>) -> SpanBuilder,
        settle: impl FnOnce() -> R,
        judge: impl for<'r> FnOnce(&'r R) -> Option<Failure<'r>>,
    ) -> R {
        current::in_own_scope(self.received.settling(), || {
            in_scope_with_span(self.open_settlement(span), settle, judge)
        })
    }

    fn open_settlement(&self, span: impl FnOnce(&mut Values<'_>) -> SpanBuilder) -> Span {
        let mut values = self.values();
        let span = span(&mut values).implicit_run(false);
        values.open(span)
    }

    /// Opens the process span, under what is current.
    fn open(&self, message: &impl Describe) -> Span {
        let mut values = self.values();
        let (mut span, mut ahead) = (message.describe(&mut values), None);
        if span.id().is_some() {
            match message.waited() {
                Waited::Known(time) => span = span.attribute(semconv::QUEUE_TIME_MS, time.as_millis() as u64),
                Waited::Ahead(time) => ahead = Some(time.as_millis()),
                Waited::Unknown => {}
            }
            let has_size = self.capture().is_none_or(CapturePolicy::tells_size);
            if let Some(size) = has_size.then(|| message.payload_size()).flatten() {
                span = span.attribute(semconv::MESSAGING_BODY_SIZE, size)
            }
        }
        let span = values.open(span);
        if let Some(ms) = ahead {
            span.diagnostic(semconv::CLOCK_SKEW, &format!("the message's timestamp lies {ms} ms in the future"))
        }
        message.begun(&span);
        if let Some(capture) = self.capture().filter(|capture| capture.looks_at_messages() && span.id().is_some()) {
            match message.payload() {
                Some(payload) => {
                    let content = Message::new(Step::Process, payload).content_type(message.content_type());
                    capture.record(&span, &content, |each| message.each_header(each))
                }
                None => capture.record_headers(&span, "input.headers", |each| message.each_header(each)),
            }
            capture.record_properties(&span, "input.properties", |to| message.properties(to))
        }
        span
    }
}
