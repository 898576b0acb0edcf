//! The driver's loop.

use super::backlog::{Backlog, Borrowed, Place};
use crate::client::Client;
use crate::consume::{Disposition, ObservedConsumer};
use crate::error::Error;
use futures_util::stream::{FuturesUnordered, StreamExt};
use rdkafka::Message;
use rdkafka::consumer::{ConsumerContext, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::BorrowedMessage;
use spanbridge::adapter::{Turns, drive_one};
use spanbridge::messaging::{DriverOptions, JobHandler};
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

impl<C: ConsumerContext + 'static, R> ObservedConsumer<StreamConsumer<C, R>> {
    /// Handles messages until `stop` resolves: those of a partition in order, partitions side by side. The options say what
    /// happens after success, error and panic, how many partitions are handled at a time (default: all), and how often a
    /// message is retried.
    ///
    /// ```no_run
    /// use rdkafka::Message;
    /// use rdkafka::consumer::StreamConsumer;
    /// use rdkafka::message::BorrowedMessage;
    /// use spanbridge_kafka::{ConsumerExt, Disposition, DriverOptions, Job, SettlePolicy};
    /// use std::sync::Arc;
    ///
    /// # async fn project(order: Option<&[u8]>) -> Result<(), std::fmt::Error> { Ok(()) }
    /// # async fn shutdown() {}
    /// # async fn f(consumer: StreamConsumer) -> Result<(), spanbridge_kafka::Error> {
    /// let policy = SettlePolicy::new(Disposition::StoreOffset, Disposition::Stop);
    /// let handler = async |job: Arc<Job<BorrowedMessage<'_>>>| project(job.payload()).await;
    /// consumer.observed().drive(DriverOptions::new(policy).retries(2), &handler, shutdown()).await
    /// # }
    /// ```
    ///
    /// Committing the stored offsets is up to the consumer's configuration (`enable.auto.commit`) or to you. Everything runs
    /// in the task that polls this future. A partition that is far behind is paused, so that it does not delay the others. If
    /// rebalances are [observed](crate::Observed), messages that wait on a revoked partition are dropped.
    ///
    /// When `stop` resolves, work in progress is finished. However the driver ends (`stop`, an error, a panic, or because its
    /// future is dropped), it seeks each partition back to the first unhandled message and resumes what it paused. So you
    /// can run it again on the same consumer, or read the consumer some other way: every message that was received but
    /// not handled is delivered again, including one whose work was interrupted.
    ///
    /// # Errors
    /// If the work on a message failed and its disposition is to stop, and if the consumer cannot continue. Transient errors
    /// are not returned: librdkafka retries. It fails at once if the consumer is in a group and `enable.auto.offset.store` is
    /// on (the default): librdkafka would store the offset of every message it delivers, handled or not, and unhandled
    /// messages would be lost.
    pub async fn drive<'a, H: JobHandler<Borrowed<'a>>>(
        &'a self,
        options: impl Into<DriverOptions<Disposition>>,
        handler: &H,
        stop: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        if !self.group().is_empty() && self.consumer().setting(c"enable.auto.offset.store").as_deref() == Some("true") {
            return Err(Error::stores_by_itself());
        }
        let options = options.into();
        let limit = options.max_concurrency().unwrap_or(usize::MAX);
        let (mut turns, mut messages) = (pin!(Turns::until(stop)), self.consumer().stream());
        let mut working = FuturesUnordered::new();
        // Declared last, so dropped first.
        let mut backlog = Backlog::new(self.consumer());
        let result = loop {
            while working.len() < limit
                && let Some((place, job)) = backlog.next()
            {
                working.push(work(place, job, &options, handler))
            }
            // Work in progress continues while the driver waits for a message.
            let next = turns.as_mut().step(|cx| match working.poll_next_unpin(cx) {
                Poll::Ready(Some(done)) => Poll::Ready(Step::Done(done)),
                _ => messages.poll_next_unpin(cx).map(Step::Received),
            });
            match next.await {
                None | Some(Step::Received(None)) => break Ok(()),
                Some(Step::Received(Some(Ok(message)))) => backlog.received(self.job(message)),
                Some(Step::Received(Some(Err(e @ KafkaError::MessageConsumptionFatal(_))))) => {
                    break Err(Error::receive(e));
                }
                Some(Step::Received(Some(Err(_)))) => {}
                Some(Step::Done((_, Some(ended)))) => break ended,
                Some(Step::Done((place, None))) => backlog.handled(&place),
            }
        };
        while let Some((place, ended)) = working.next().await {
            // Only the first error is returned.
            if ended.is_none() {
                backlog.handled(&place)
            }
        }
        result
    }
}

enum Step<'a> {
    Received(Option<KafkaResult<BorrowedMessage<'a>>>),
    Done((Place, Option<Result<(), Error>>)),
}

/// Handles one message. Returns how the driver ends, if it does.
async fn work<'a, H: JobHandler<Borrowed<'a>>>(
    place: Place,
    job: Borrowed<'a>,
    options: &DriverOptions<Disposition>,
    handler: &H,
) -> (Place, Option<Result<(), Error>>) {
    let job = Arc::new(job);
    let driven = drive_one(&job, handler, options).await;
    let ends = driven.disposition == Disposition::Stop;
    let ended = ends.then(|| match driven.into_error() {
        Some(error) => Err(Error::work(&place.0, place.1, job.offset(), error)),
        None => Ok(()),
    });
    (place, ended)
}
