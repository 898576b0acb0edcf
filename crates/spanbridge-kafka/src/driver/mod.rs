//! The opt-in driver: works on jobs, those of a partition one after another, and stores their offsets by an explicit
//! policy.

mod backlog;

use crate::client::Client;
use crate::consume::{Job, ObservedConsumer};
use crate::error::{BoxError, Error};
use async_trait::async_trait;
use backlog::{Backlog, Place};
use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use rdkafka::Message;
use rdkafka::consumer::{ConsumerContext, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::BorrowedMessage;
use spanbridge::messaging::Turns;
use spanbridge::panics;
use std::future::{Future, poll_fn};
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::task::Poll;

/// Works on one message.
#[async_trait]
pub trait JobHandler: Send + Sync {
    /// The work. It runs inside the message's `process` span; the driver stores the message's offset afterwards.
    async fn handle(&self, job: &Job<BorrowedMessage<'_>>) -> Result<(), BoxError>;
}

/// What the driver does when the work on a message fails or panics. There is no default: losing and repeating messages is
/// a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// So many more attempts are made, at once; each is a `process` span of its own.
    pub retries: u32,
    /// And then?
    pub then: OnError,
}

/// What becomes of a message whose last attempt has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnError {
    /// The driver ends with the error. The offset is not stored, so the message comes again, also to the same consumer.
    Stop,
    /// Its offset is stored as if it had succeeded: it is lost.
    Skip,
}

type Borrowed<'a> = Job<BorrowedMessage<'a>>;

impl<C: ConsumerContext + 'static, R> ObservedConsumer<StreamConsumer<C, R>> {
    /// Works on messages until `stop` resolves: those of a partition in their order, and partitions side by side. After
    /// success the offset is stored; that it is committed is up to the consumer's configuration (`enable.auto.commit`)
    /// or to you.
    ///
    /// All of it runs in the task that polls this. A partition that is far behind is paused, so that it holds up no other.
    /// What waits here on a partition that is revoked is dropped, where rebalances are [observed](crate::Observed).
    ///
    /// When it stops, what is under way is finished. However it ends (`stop`, an error, a panic, or because its future is
    /// dropped), the consumer is sought back to the first message of each partition that was not handled, and what was
    /// paused goes on. So the driver can be run again on the same consumer, or the consumer be read otherwise, and every
    /// message that was only received comes again, as does one whose work was cut off.
    ///
    /// # Errors
    /// When the policy is to stop, and when the consumer cannot go on. Errors that pass are not told: librdkafka tries
    /// again. At once, where the consumer is in a group and `enable.auto.offset.store` is on, as it is by default: librdkafka
    /// would then store the offset of every message that is received, handled or not, and they would not come again.
    pub async fn for_each_partition(
        &self,
        policy: Policy,
        handler: &dyn JobHandler,
        stop: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        if !self.group().is_empty() && self.consumer().setting(c"enable.auto.offset.store").as_deref() == Some("true") {
            return Err(Error::stores_by_itself());
        }
        let mut stop = pin!(stop.fuse());
        let mut messages = self.consumer().stream();
        let mut working = FuturesUnordered::new();
        // The last to be made is the first to be dropped.
        let mut backlog = Backlog::new(self.consumer());
        let mut turns = Turns::default();
        let result = loop {
            // What is under way goes on while we wait for a message.
            let step = poll_fn(|cx| {
                if stop.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Step::Stop);
                }
                if turns.are_over(cx) {
                    return Poll::Pending;
                }
                if let Poll::Ready(Some(done)) = working.poll_next_unpin(cx) {
                    return Poll::Ready(Step::Done(done));
                }
                messages.poll_next_unpin(cx).map(|message| message.map_or(Step::Stop, Step::Received))
            });
            match step.await {
                Step::Stop => break Ok(()),
                Step::Received(Ok(message)) => {
                    if let Some(job) = backlog.received(message, |message| self.job(message)) {
                        working.push(work(job, policy, handler))
                    }
                }
                Step::Received(Err(e @ KafkaError::MessageConsumptionFatal(_))) => break Err(Error::receive(e)),
                Step::Received(Err(_)) => {}
                Step::Done((_, Err(e))) => break Err(e),
                Step::Done((place, Ok(()))) => {
                    backlog.handled(&place);
                    if let Some(job) = backlog.next(place) {
                        working.push(work(job, policy, handler))
                    }
                }
            }
        };
        while let Some((place, done)) = working.next().await {
            // The first error is the one that is told.
            if done.is_ok() {
                backlog.handled(&place)
            }
        }
        result
    }
}

enum Step<'a> {
    Stop,
    Received(KafkaResult<BorrowedMessage<'a>>),
    Done((Place, Result<(), Error>)),
}

/// One message: the work, then what the policy says about its outcome.
async fn work(job: Borrowed<'_>, policy: Policy, handler: &dyn JobHandler) -> (Place, Result<(), Error>) {
    let place: Place = (job.topic().into(), job.partition());
    let mut attempt = 0;
    let outcome = loop {
        // A panic is noticed by the process span and caught outside it: one bad message does not end the others. Handlers
        // that are not written with async_trait may begin to work, and panic, before they return their future.
        let outcome = AssertUnwindSafe(job.run(async { handler.handle(&job).await })).catch_unwind().await;
        let outcome = outcome.unwrap_or_else(|payload| {
            let text = panics::text(&*payload);
            panics::discard(payload);
            Err(format!("the handler panicked: {text}").into())
        });
        match outcome {
            Err(e) if attempt < policy.retries && !job.is_revoked() => {
                attempt += 1;
                discard(e)
            }
            outcome => break outcome,
        }
    };
    let result = match outcome {
        Err(e) if policy.then == OnError::Stop => Err(Error::work(&place.0, place.1, job.offset(), e)),
        outcome => {
            // How that went is recorded; a message whose offset could not be stored comes again.
            let _ = job.store_offset();
            outcome.map_or_else(discard, |()| ());
            Ok(())
        }
    };
    (place, result)
}

/// Drops an error of the handler's. Should that panic, it is no reason to end.
fn discard(error: BoxError) {
    let _ = panics::caught(|| drop(error));
}
