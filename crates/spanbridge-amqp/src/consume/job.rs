//! A received message with its restored context.

use super::message::{Message, ReceiveOptions};
use crate::client::ConsumerInfo;
use crate::describe::{self, Settlement};
use crate::replayed;
use futures_util::FutureExt;
use futures_util::future::Either;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicNackOptions, BasicRejectOptions};
use lapin::types::MessageCount;
use spanbridge::adapter::{self, DrivenJob, OutboundCall, Recorded, Refused, Values, Work, same};
use spanbridge::observe::{ActiveSpan, Anything, InSpan, SpanBuilder};
use spanbridge::{Context, Failure, Outcome, Primitive, semconv};
use std::future::{Future, ready};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// A received message with its restored context: owned, and free to be sent to another task.
///
/// In everything else it is lapin's [`Delivery`]. Dropping it settles nothing.
#[derive(Debug)]
pub struct Job {
    message: Message,
    work: Work,
    /// A replay has settled it: the broker was not told.
    is_settled_here: AtomicBool,
}

/// What [`basic_get`](crate::ObservedChannel::basic_get) returns, as lapin's `BasicGetMessage`: a [`Job`], and the number of
/// messages that are left in its queue.
#[derive(Debug)]
#[non_exhaustive]
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
    pub(crate) fn new(delivery: Delivery, consumer: Arc<ConsumerInfo>, options: &ReceiveOptions) -> Self {
        Job::received(Message { delivery, consumer }, options)
    }

    pub(super) fn received(message: Message, options: &ReceiveOptions) -> Self {
        let work = Work::receive(&message, options);
        Job::of(message, work)
    }

    pub(super) fn of(message: Message, work: Work) -> Self {
        Job { message, work, is_settled_here: AtomicBool::new(false) }
    }

    /// The same message, received with options: for one that came without a consumer.
    pub fn with(self, options: ReceiveOptions) -> Self {
        let work = Work::receive(&self.message, &options);
        Job { work, ..self }
    }

    /// The context that came with the message, as far as it is taken; empty if there was none.
    pub fn context(&self) -> &Context {
        self.work.context()
    }

    /// The queue that it came from; empty if that is not known.
    pub fn queue(&self) -> &str {
        self.message.queue()
    }

    /// The message, to do with as lapin allows; what becomes of it is not recorded any more.
    pub fn into_delivery(self) -> Delivery {
        self.message.delivery
    }

    /// Calls `work` in a `process` span under the sender's span, with the sender's baggage, and returns the future that it
    /// makes: every poll is inside, and the span ends by its output. It settles nothing: that is your call.
    pub fn run<F, Fut>(&self, work: F) -> InSpan<Fut>
    where
        F: FnOnce() -> Fut,
        Fut: Future,
        Fut::Output: Outcome,
    {
        self.work.run(&self.message, work)
    }

    /// As [`Job::run`], for a value that cannot fail.
    pub fn run_value<F, Fut>(&self, work: F) -> InSpan<Fut, Anything>
    where
        F: FnOnce() -> Fut,
        Fut: Future,
    {
        self.work.run_value(&self.message, work)
    }

    /// lapin's `Acker::ack`, recorded.
    ///
    /// # Errors
    /// Returns lapin's error unchanged.
    pub async fn ack(&self, options: BasicAckOptions) -> lapin::Result<bool> {
        self.told(Settlement::Ack, |span| multiple(span, options.multiple), || self.message.delivery.ack(options)).await
    }

    /// lapin's `Acker::nack`, recorded.
    ///
    /// # Errors
    /// Returns lapin's error unchanged.
    pub async fn nack(&self, options: BasicNackOptions) -> lapin::Result<bool> {
        let span = |span| requeue(multiple(span, options.multiple), options.requeue);
        self.told(Settlement::Nack, span, || self.message.delivery.nack(options)).await
    }

    /// lapin's `Acker::reject`, recorded.
    ///
    /// # Errors
    /// Returns lapin's error unchanged.
    pub async fn reject(&self, options: BasicRejectOptions) -> lapin::Result<bool> {
        self.told(Settlement::Reject, |span| requeue(span, options.requeue), || self.message.delivery.reject(options))
            .await
    }

    fn told<F: Future<Output = lapin::Result<bool>>>(
        &self,
        settlement: Settlement,
        about: impl FnOnce(SpanBuilder) -> SpanBuilder,
        tell: impl FnOnce() -> F,
    ) -> impl Future<Output = lapin::Result<bool>> {
        let settle = || match adapter::ask_here(|| self.outbound()).into_answer() {
            None => Either::Left(tell()),
            Some(answer) => Either::Right(ready(self.settled_here(answer))),
        };
        self.work.settle(|values| about(self.describe_settlement(settlement, values)), settle, judge)
    }

    /// A settlement, for a stand-in.
    fn outbound(&self) -> OutboundCall<'_> {
        let queue = if self.queue().is_empty() { self.message.delivery.routing_key.as_str() } else { self.queue() };
        OutboundCall::new(Primitive::MESSAGING_SETTLE, queue)
    }

    /// What a settlement returns that the broker was not told.
    fn settled_here(&self, answer: Result<Box<Recorded>, Refused>) -> lapin::Result<bool> {
        let then = answer.map_err(replayed::refused)?;
        let was_settled = self.is_settled_here.swap(true, Relaxed);
        match then.error() {
            Some(error) if error.class() == Some(NOT_SENT) => Ok(false),
            Some(error) => Err(replayed::error(error)),
            None => Ok(!was_settled),
        }
    }

    fn describe_settlement(&self, settlement: Settlement, values: &mut Values<'_>) -> SpanBuilder {
        self.message.with_source(values, |source| describe::settle(settlement, &self.message.delivery, source))
    }

    /// Gives it back to its queue without waiting for the client, unless it is settled.
    pub(crate) fn give_back(&self) {
        if self.is_settled_by_broker() || self.is_settled_here() || !self.usable() {
            return;
        }
        let options = BasicNackOptions { requeue: true, multiple: false };
        // Once it was polled it is on its way, as far as anybody knows.
        let nack = || match adapter::ask_here(|| self.outbound()).into_answer() {
            None => self.message.delivery.nack(options).now_or_never().unwrap_or(Ok(true)),
            Some(answer) => self.settled_here(answer),
        };
        let span = |values: &mut Values<'_>| requeue(self.describe_settlement(Settlement::Nack, values), true);
        let _ = self.work.settle_in_scope(span, nack, judge); // how that went is recorded
    }

    /// Whether a replay has settled it.
    fn is_settled_here(&self) -> bool {
        self.is_settled_here.load(Relaxed)
    }

    /// Whether the broker counts the message as settled already: settling it would end the channel.
    pub(crate) fn is_settled_by_broker(&self) -> bool {
        self.consumer().no_ack == Some(true)
    }

    fn consumer(&self) -> &ConsumerInfo {
        &self.message.consumer
    }

    /// The process span, while or after it runs.
    pub fn span(&self) -> Option<ActiveSpan> {
        self.work.span()
    }
}

fn multiple(span: SpanBuilder, yes: bool) -> SpanBuilder {
    if yes { span.attribute(semconv::SETTLE_MULTIPLE, true) } else { span }
}

fn requeue(span: SpanBuilder, yes: bool) -> SpanBuilder {
    span.attribute(semconv::SETTLE_REQUEUE, yes)
}

/// The class of a settlement that lapin did not send.
const NOT_SENT: &str = "not_sent";

/// lapin returns `Ok(false)` for a second settlement, and for one over a channel that is gone.
fn judge(result: &lapin::Result<bool>) -> Option<Failure<'_>> {
    match result {
        Ok(true) => None,
        Ok(false) => {
            Some(Failure::new(&"not sent: the message was settled already, or its channel is gone").class(NOT_SENT))
        }
        Err(e) => Some(describe::failure(e)),
    }
}

impl adapter::Job for Job {
    type Message = Message;

    fn message(&self) -> &Message {
        &self.message
    }

    fn work(&self) -> &Work {
        &self.work
    }

    fn describe_batch(jobs: &[Self]) -> SpanBuilder {
        let server = same(jobs, |job| job.consumer().server.as_ref()).flatten();
        let queue = same(jobs, Job::queue).unwrap_or_default();
        let source =
            same(jobs, |job| job.message.with_source(&mut job.work.values(), |source| source.destination.clone()));
        let source = source.unwrap_or_default();
        describe::batch(&source, queue, jobs.len(), server)
    }
}

/// What a driver tells the broker about a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Disposition {
    /// It is done.
    Ack,
    /// It is not done.
    Nack {
        /// The queue gets it back; else it is dead-lettered or dropped.
        requeue: bool,
    },
    /// It is not wanted.
    Reject {
        /// The queue gets it back; else it is dead-lettered or dropped.
        requeue: bool,
    },
    /// Nothing.
    Nothing,
}

impl DrivenJob for Job {
    type Disposition = Disposition;

    fn may_be_retried(&self) -> bool {
        self.usable() && !self.is_settled_here() || self.is_settled_by_broker()
    }

    async fn settle(&self, disposition: Disposition) {
        if self.is_settled_by_broker() || self.is_settled_here() || !self.usable() && !self.poisoned() {
            return; // by `no_ack`, or by the handler itself
        }
        let _ = match disposition {
            Disposition::Ack => self.ack(BasicAckOptions::default()).await,
            Disposition::Nack { requeue } => self.nack(BasicNackOptions { requeue, multiple: false }).await,
            Disposition::Reject { requeue } => self.reject(BasicRejectOptions { requeue }).await,
            Disposition::Nothing => return,
        };
    }
}

impl Deref for Job {
    type Target = Delivery;

    fn deref(&self) -> &Delivery {
        &self.message.delivery
    }
}
