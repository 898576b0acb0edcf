//! A received message with its restored context.

use super::settings::Settings;
use crate::carrier::Headers;
use crate::describe::{self, Destination};
use crate::replies;
use futures_util::FutureExt;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicNackOptions, BasicRejectOptions};
use lapin::types::{MessageCount, ShortString};
use spanbridge::messaging::{Batched, CapturePolicy, Message, MessageInfo, ReceiveOptions, Received, Step, Values};
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

/// What [`basic_get`](crate::ObservedChannel::basic_get) gives, as lapin's `BasicGetMessage`: a [`Job`], and how many
/// messages are left in its queue.
#[derive(Debug)]
pub struct BasicGetJob {
    /// The message.
    pub job: Job,
    /// How many messages were left in the queue when this one was taken.
    pub message_count: MessageCount,
}

impl Deref for BasicGetJob {
    type Target = Job;

    fn deref(&self) -> &Job {
        &self.job
    }
}

impl Job {
    pub(crate) fn new(delivery: Delivery, queue: ShortString, settings: Settings) -> Self {
        let received = Received::new(&Headers(&delivery.properties));
        let job = Job { delivery, queue, received, settings };
        job.decided()
    }

    /// The same message, taken otherwise: for one that came without a consumer.
    pub fn with(mut self, receiving: ReceiveOptions) -> Self {
        self.received = Received::new(&Headers(&self.delivery.properties));
        self.settings = self.settings.with(|all| *all.receiving() = receiving);
        self.decided()
    }

    /// With what the settings say about this message.
    fn decided(self) -> Self {
        let Some(receiving) = self.settings.receiving() else { return self };
        let relation = self.settings.relation_of(&self.delivery);
        let age = describe::waited(&self.delivery.properties).known();
        let (delivery, queue) = (&self.delivery, self.queue.as_str());
        let name = || {
            let mut values = Values::of(Some(&receiving.capture));
            describe::process_name(&source(delivery, queue, &mut values))
        };
        let received = self.received.with(receiving, MessageInfo { relation, age, name: &name, primitive: None });
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

    /// Calls `work` in a `process` span under the sender's span, with the sender's baggage, and returns the future that it
    /// makes: every poll is inside, and the span ends by its output. It settles nothing: that is your call.
    pub fn run<F, Fut>(&self, work: F) -> InSpan<Fut>
    where
        F: FnOnce() -> Fut,
        Fut: Future,
        Fut::Output: Outcome,
    {
        self.process().run(work)
    }

    /// As [`Job::run`], for a value that cannot fail.
    pub fn run_value<F, Fut>(&self, work: F) -> InSpan<Fut, observe::Anything>
    where
        F: FnOnce() -> Fut,
        Fut: Future,
    {
        self.process().run_value(work)
    }

    fn process(&self) -> Span {
        self.received.process(|| self.begin_span())
    }

    fn begin_span(&self) -> Span {
        let about = describe::About { delivery: &self.delivery, queue: self.queue.as_str(), settings: &self.settings };
        let mut values = self.values();
        let key = describe::Key::of(self.delivery.exchange.as_str(), self.delivery.routing_key.as_str(), &mut values);
        let source = from(&self.delivery, self.queue.as_str(), &key);
        let (span, ahead) = describe::process(&about, &source, &key);
        let span = values.open(span);
        if let Some(ms) = ahead {
            span.diagnostic(semconv::CLOCK_SKEW, &format!("the message's timestamp lies {ms} ms in the future"))
        }
        if let Some(question) = replies::question(self.queue.as_str(), &self.delivery) {
            span.edge(observe::EdgeType::REPLIED_TO, question)
        }
        if let Some(ReceiveOptions { capture, .. }) = self.settings.receiving() {
            let (payload, properties) = (self.delivery.data.as_slice(), &self.delivery.properties);
            let message = Message { step: Step::Process, content_type: describe::content_type(properties), payload };
            capture.record(&span, &message, |each| Headers(properties).each(each))
        }
        span
    }

    fn values(&self) -> Values<'_> {
        Values::of(self.settings.receiving().map(|receiving| &receiving.capture))
    }

    fn source(&self, values: &mut Values<'_>) -> Destination {
        source(&self.delivery, self.queue.as_str(), values)
    }

    /// lapin's `Acker::ack`, recorded.
    ///
    /// # Errors
    /// lapin's.
    pub async fn ack(&self, options: BasicAckOptions) -> lapin::Result<bool> {
        let span = |s: SpanBuilder| multiple(s, options.multiple);
        self.settle("ack", span, || self.delivery.ack(options)).await
    }

    /// lapin's `Acker::nack`, recorded.
    ///
    /// # Errors
    /// lapin's.
    pub async fn nack(&self, options: BasicNackOptions) -> lapin::Result<bool> {
        let span = |s| multiple(s, options.multiple).attribute(semconv::SETTLE_REQUEUE, options.requeue);
        self.settle("nack", span, || self.delivery.nack(options)).await
    }

    /// lapin's `Acker::reject`, recorded.
    ///
    /// # Errors
    /// lapin's.
    pub async fn reject(&self, options: BasicRejectOptions) -> lapin::Result<bool> {
        let span = |s: SpanBuilder| s.attribute(semconv::SETTLE_REQUEUE, options.requeue);
        self.settle("reject", span, || self.delivery.reject(options)).await
    }

    /// Gives it back to its queue without waiting for the client, unless it is settled.
    pub(crate) fn give_back(&self) {
        if self.is_settled_by_broker() || !self.usable() {
            return;
        }
        let options = BasicNackOptions { requeue: true, multiple: false };
        // Once it is polled it is on its way, as far as anybody knows.
        let sent = self.delivery.nack(options).now_or_never().unwrap_or(Ok(true));
        observe::in_scope(&self.received.settling(), || {
            let mut values = self.values();
            let source = self.source(&mut values);
            let span = describe::settle("nack", &self.delivery, &source, self.settings.server());
            let span = values.open(span.attribute(semconv::SETTLE_REQUEUE, true).implicit_run(false));
            let _ = observe::in_scope_with_span(span, || sent, judge);
        })
    }

    /// In a span under the process span; before there is one, under the sender's.
    async fn settle<F: Future<Output = lapin::Result<bool>>>(
        &self,
        operation: &'static str,
        describe: impl FnOnce(SpanBuilder) -> SpanBuilder,
        settling: impl FnOnce() -> F,
    ) -> lapin::Result<bool> {
        observe::in_scope(&self.received.settling(), || {
            let mut values = self.values();
            let source = self.source(&mut values);
            let span = describe::settle(operation, &self.delivery, &source, self.settings.server());
            let span = values.open(describe(span.implicit_run(false)));
            span.run_by(settling, judge)
        })
        .await
    }

    /// Whether the broker takes the message for settled already: to settle it would end the channel.
    pub(crate) fn is_settled_by_broker(&self) -> bool {
        self.settings.no_ack == Some(true)
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
        let server = jobs.first().and_then(|job| job.settings.server());
        let queue = same(jobs, Job::queue).unwrap_or_default();
        let source = same(jobs, |job| job.source(&mut job.values())).unwrap_or_default();
        describe::batch(&source, queue, jobs.len(), server)
    }

    fn capture(&self) -> Option<&CapturePolicy> {
        self.settings.receiving().map(|receiving| &receiving.capture)
    }
}

/// Where a message comes from, with as much of its routing key as may be recorded.
fn source(delivery: &Delivery, queue: &str, values: &mut Values<'_>) -> Destination {
    let key = describe::Key::of_destination(delivery.exchange.as_str(), delivery.routing_key.as_str(), values);
    from(delivery, queue, &key)
}

fn from(delivery: &Delivery, queue: &str, key: &describe::Key<'_>) -> Destination {
    Destination::from(delivery.exchange.as_str(), key.in_destination(), queue)
}

/// What is the same for all of them.
fn same<'j, T: PartialEq>(jobs: &'j [Job], of: impl Fn(&'j Job) -> T) -> Option<T> {
    let (one, rest) = jobs.split_first()?;
    let one = of(one);
    rest.iter().all(|job| of(job) == one).then_some(one)
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
