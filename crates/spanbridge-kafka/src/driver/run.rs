//! The driver's loop.

use super::backlog::{Backlog, Borrowed, Place};
use super::policy::{JobHandler, OnError, Policy};
use crate::client::Client;
use crate::consume::ObservedConsumer;
use crate::error::{BoxError, Error};
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

impl<C: ConsumerContext + 'static, R> ObservedConsumer<StreamConsumer<C, R>> {
    /// Handles messages until `stop` resolves: those of a partition in order, partitions side by side. After success the
    /// offset is stored. Committing it is up to the consumer's configuration (`enable.auto.commit`) or to you.
    ///
    /// Everything runs in the task that polls this future. A partition that is far behind is paused, so that it does not
    /// delay the others. If rebalances are [observed](crate::Observed), messages that wait on a revoked partition are dropped.
    ///
    /// When `stop` resolves, work in progress is finished. However the driver ends (`stop`, an error, a panic, or because its
    /// future is dropped), it seeks each partition back to the first unhandled message and resumes what it paused. So you
    /// can run it again on the same consumer, or read the consumer some other way: every message that was received but
    /// not handled is delivered again, including one whose work was interrupted.
    ///
    /// # Errors
    /// If the policy is to stop, and if the consumer cannot continue. Transient errors are not returned: librdkafka retries.
    /// It fails at once if the consumer is in a group and `enable.auto.offset.store` is on (the default): librdkafka would
    /// store the offset of every message it delivers, handled or not, and unhandled messages would be lost.
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
        // Declared last, so dropped first.
        let mut backlog = Backlog::new(self.consumer());
        let mut turns = Turns::default();
        let result = loop {
            // Work in progress continues while the driver waits for a message.
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
            // Only the first error is returned.
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

/// Handles one message, then does what the policy says about the outcome.
async fn work(job: Borrowed<'_>, policy: Policy, handler: &dyn JobHandler) -> (Place, Result<(), Error>) {
    let place: Place = (job.topic().into(), job.partition());
    let mut attempt = 0;
    let outcome = loop {
        // The process span records a panic; it is caught outside the span, so that one bad message does not end the others.
        // A handler written without async_trait may panic before it returns its future.
        let outcome = AssertUnwindSafe(job.run(async || handler.handle(&job).await)).catch_unwind().await;
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
            // The outcome is recorded; a message whose offset could not be stored is delivered again.
            let _ = job.store_offset();
            outcome.map_or_else(discard, |()| ());
            Ok(())
        }
    };
    (place, result)
}

/// Drops an error of the handler. A panic in its destructor does not end the driver.
fn discard(error: BoxError) {
    let _ = panics::caught(|| drop(error));
}
