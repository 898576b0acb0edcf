//! A received message with its restored context.

use super::settings::Settings;
use crate::carrier::Headers;
use crate::{describe, replies};
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicNackOptions, BasicRejectOptions};
use lapin::types::ShortString;
use spanbridge::messaging::{Arrival, Batched, Message, Received, Receiving, Step};
use spanbridge::observe::{self, ActiveSpan, InSpan, Span, SpanBuilder};
use spanbridge::{Context, Failure, Outcome, Value, semconv};
use std::future::Future;
use std::ops::Deref;

/// A received message with its restored context: owned, and free to be sent to another task.
///
/// It is lapin's [`Delivery`] in everything else. Dropping it settles nothing.
#[derive(Debug)]
pub struct Job {
    delivery: Delivery,
    queue: ShortString,
    received: Received,
    settings: Settings,
}

impl Job {
    pub(crate) fn new(delivery: Delivery, queue: ShortString, settings: Settings) -> Self {
        let received = Received::new(&Headers(&delivery.properties));
        let job = Job { delivery, queue, received, settings };
        if job.settings.takes_as_it_is() { job } else { job.decided() }
    }

    /// The same message, taken otherwise: for one that came without a consumer.
    pub fn under(mut self, receiving: Receiving) -> Self {
        self.received = Received::new(&Headers(&self.delivery.properties));
        self.settings = self.settings.with(|all| *all.receiving() = receiving);
        self.decided()
    }

    /// With what the settings say about this message.
    fn decided(self) -> Self {
        let (relation, receiving) = (self.settings.relation_of(&self.delivery), self.settings.receiving());
        let age = describe::waited(&self.delivery.properties).known();
        let source = self.source();
        let name = || describe::process_name(&source);
        let received = self.received.under(receiving, Arrival { relation, age, name: &name, primitive: None });
        Job { received, ..self }
    }

    /// The context that came with the message, as far as the consumer takes it; empty if there was none.
    pub fn context(&self) -> &Context {
        self.received.context()
    }

    /// The queue it came from; empty if that is not known.
    pub fn queue(&self) -> &str {
        self.queue.as_str()
    }

    /// The message, to do with as lapin allows; what becomes of it is not recorded any more.
    pub fn into_delivery(self) -> Delivery {
        self.delivery
    }

    /// Runs the work on the message in a `process` span under the sender's span, with the sender's baggage, and ends it
    /// by what the work resolves to. Whether the message is settled is up to you.
    ///
    /// The context is there when `work` is polled, not when it is made: what an async function or block does is inside,
    /// a span that is begun to make `work` is not (`job.run(async { span("step").run(..).await })`).
    pub fn run<F: Future>(&self, work: F) -> InSpan<F>
    where
        F::Output: Outcome,
    {
        let span = self.process();
        observe::run_with_span(span, work)
    }

    /// As [`Job::run`], for a value that cannot fail.
    pub fn run_value<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        observe::run_value_with_span(self.process(), work)
    }

    fn process(&self) -> Span {
        self.received.process(|| self.begin_span())
    }

    fn begin_span(&self) -> Span {
        let capture = &self.settings.receiving().capture;
        let about = describe::About { delivery: &self.delivery, queue: self.queue.as_str(), settings: &self.settings };
        let (span, ahead) = describe::process(&about, &self.source());
        let span = span.open();
        if let Some(ms) = ahead {
            span.diagnostic(semconv::CLOCK_SKEW, &format!("the message's timestamp lies {ms} ms in the future"))
        }
        if let Some(question) = replies::question(self.queue.as_str(), &self.delivery) {
            span.edge(observe::EdgeType::REPLIED_TO, question)
        }
        if !self.settings.takes_as_it_is() {
            let (payload, properties) = (self.delivery.data.as_slice(), &self.delivery.properties);
            let message = Message { step: Step::Process, content_type: describe::content_type(properties), payload };
            capture.record(&span, &message, |each| Headers(properties).each(each))
        }
        span
    }

    fn source(&self) -> String {
        let d = &self.delivery;
        describe::source(d.exchange.as_str(), d.routing_key.as_str(), self.queue.as_str())
    }

    /// lapin's `Acker::ack`, recorded.
    ///
    /// # Errors
    /// lapin's.
    pub async fn ack(&self, options: BasicAckOptions) -> lapin::Result<bool> {
        let span = |s: SpanBuilder| multiple(s, options.multiple);
        self.settle("ack", span, self.delivery.ack(options)).await
    }

    /// lapin's `Acker::nack`, recorded.
    ///
    /// # Errors
    /// lapin's.
    pub async fn nack(&self, options: BasicNackOptions) -> lapin::Result<bool> {
        let span = |s| multiple(s, options.multiple).attribute(semconv::SETTLE_REQUEUE, options.requeue);
        self.settle("nack", span, self.delivery.nack(options)).await
    }

    /// lapin's `Acker::reject`, recorded.
    ///
    /// # Errors
    /// lapin's.
    pub async fn reject(&self, options: BasicRejectOptions) -> lapin::Result<bool> {
        let span = |s: SpanBuilder| s.attribute(semconv::SETTLE_REQUEUE, options.requeue);
        self.settle("reject", span, self.delivery.reject(options)).await
    }

    /// In a span under the process span; before there is one, under the sender's.
    async fn settle<F: Future<Output = lapin::Result<bool>>>(
        &self,
        operation: &'static str,
        describe: impl FnOnce(SpanBuilder) -> SpanBuilder,
        settling: F,
    ) -> lapin::Result<bool> {
        observe::in_scope(&self.received.settling(), || {
            let span = describe::settle(operation, &self.delivery, &self.source(), self.settings.server());
            describe(span.implicit_run(false)).run_by(settling, judge)
        })
        .await
    }

    /// The process span, while or after it runs.
    pub fn span(&self) -> Option<ActiveSpan> {
        self.received.span()
    }
}

impl Batched for Job {
    fn received(&self) -> &Received {
        &self.received
    }

    fn begin(&self) -> Span {
        self.begin_span()
    }

    fn begin_batch(jobs: &[Self]) -> SpanBuilder {
        let same = |of: &dyn Fn(&Job) -> String| match jobs.split_first() {
            Some((one, rest)) if rest.iter().all(|job| of(job) == of(one)) => of(one),
            _ => String::new(),
        };
        let server = jobs.first().and_then(|job| job.settings.server());
        describe::batch(&same(&Job::source), &same(&|job| job.queue().to_owned()), jobs.len(), server)
    }
}

fn multiple(span: SpanBuilder, yes: bool) -> SpanBuilder {
    if yes { span.attribute(semconv::SETTLE_MULTIPLE, Value::Bool(true)) } else { span }
}

/// lapin says `Ok(false)` to a second settlement, and to one over a channel that is gone.
fn judge(result: &lapin::Result<bool>) -> Option<Failure<'_>> {
    match result {
        Ok(true) => None,
        Ok(false) => {
            Some(Failure::new(&"not sent: the message was settled already, or its channel is gone").class("not_sent"))
        }
        Err(e) => Some(describe::failure(e)),
    }
}

impl Deref for Job {
    type Target = Delivery;

    fn deref(&self) -> &Delivery {
        &self.delivery
    }
}
