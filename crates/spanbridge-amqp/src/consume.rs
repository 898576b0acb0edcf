//! Consuming: messages as jobs.

use crate::carrier::Headers;
use crate::describe;
use futures_core::Stream;
use lapin::Consumer;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicNackOptions, BasicRejectOptions};
use lapin::types::ShortString;
use spanbridge::messaging::Received;
use spanbridge::observe::{self, ActiveSpan, InSpan, SpanBuilder};
use spanbridge::{Context, Outcome, Value, semconv};
use std::fmt::Display;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{self, Poll};

/// `consumer.observed()`.
pub trait ConsumerExt {
    /// The messages of this consumer as [`Job`]s that know their queue.
    fn observed(self) -> Jobs;
}

impl ConsumerExt for Consumer {
    fn observed(self) -> Jobs {
        Jobs { queue: self.queue(), consumer: self }
    }
}

/// `delivery.observed()`, for a message that came another way.
pub trait DeliveryExt {
    /// The message as a [`Job`], from a queue that is not known.
    fn observed(self) -> Job;

    /// The message as a [`Job`] from `queue`.
    fn observed_from(self, queue: ShortString) -> Job;
}

impl DeliveryExt for Delivery {
    fn observed(self) -> Job {
        Job::new(self, ShortString::default())
    }

    fn observed_from(self, queue: ShortString) -> Job {
        Job::new(self, queue)
    }
}

/// The messages of a consumer as jobs: a stream of `lapin::Result<Job>`. After an `Err` it goes on when lapin's recovery
/// is on, and else ends.
#[derive(Debug)]
pub struct Jobs {
    consumer: Consumer,
    queue: ShortString,
}

impl Jobs {
    /// The next message.
    pub async fn next(&mut self) -> Option<lapin::Result<Job>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// The consumer.
    pub fn consumer(&self) -> &Consumer {
        &self.consumer
    }
}

impl Stream for Jobs {
    type Item = lapin::Result<Job>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<Self::Item>> {
        let delivery = Pin::new(&mut self.consumer).poll_next(cx);
        delivery.map(|d| d.map(|d| d.map(|d| Job::new(d, self.queue.clone()))))
    }
}

/// A received message with its restored context: owned, and free to be sent to another task.
///
/// It is lapin's [`Delivery`] in everything else. Dropping it settles nothing.
#[derive(Debug)]
pub struct Job {
    delivery: Delivery,
    queue: ShortString,
    received: Received,
}

impl Job {
    pub(crate) fn new(delivery: Delivery, queue: ShortString) -> Self {
        let received = Received::new(&Headers(&delivery.properties));
        Job { delivery, queue, received }
    }

    /// The context that came with the message; empty if there was none.
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

    fn process(&self) -> observe::Span {
        let source = self.source();
        self.received.process(|| describe::process(&self.delivery, self.queue.as_str(), &source).open())
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
            let span = describe::settle(operation, &self.delivery, &self.source()).implicit_run(false);
            describe(span).run_by(settling, judge)
        })
        .await
    }

    /// The process span, while or after it runs.
    pub fn span(&self) -> Option<ActiveSpan> {
        self.received.span()
    }
}

fn multiple(span: SpanBuilder, yes: bool) -> SpanBuilder {
    if yes { span.attribute(semconv::SETTLE_MULTIPLE, Value::Bool(true)) } else { span }
}

/// lapin says `Ok(false)` to a second settlement, and to one over a channel that is gone.
fn judge(result: &lapin::Result<bool>) -> Option<&dyn Display> {
    match result {
        Ok(true) => None,
        Ok(false) => Some(&"not sent: the message was settled already, or its channel is gone"),
        Err(e) => Some(e),
    }
}

impl Deref for Job {
    type Target = Delivery;

    fn deref(&self) -> &Delivery {
        &self.delivery
    }
}
