//! The opt-in driver: works on jobs and settles them by an explicit policy.

mod left;

use crate::consume::{Disposition, Job, Jobs};
use futures_util::stream::{FuturesUnordered, StreamExt};
use left::{Left, UnderWay};
use spanbridge::adapter::{Turns, drive_one};
use spanbridge::messaging::{DriverOptions, JobHandler};
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;

impl Jobs {
    /// Works on messages until `stop` resolves, the consumer is cancelled, or its channel is gone for good; then what is under way
    /// is finished. The options say how many messages at a time, how often they are retried, and what the broker is told.
    ///
    /// All of it runs in the task that polls this. A settlement that fails is recorded, and the message comes again.
    ///
    /// ```no_run
    /// use spanbridge_amqp::{ConsumerExt, Disposition, DriverOptions, Job, SettlePolicy};
    /// use std::sync::Arc;
    ///
    /// # async fn ship(order: &[u8]) -> Result<(), std::fmt::Error> { Ok(()) }
    /// # async fn shutdown() {}
    /// # async fn f(consumer: lapin::Consumer) -> lapin::Result<()> {
    /// let policy = SettlePolicy::new(Disposition::Ack, Disposition::Reject { requeue: false });
    /// let handler = |job: Arc<Job>| async move { ship(&job.data).await };
    /// consumer.observed().drive(DriverOptions::new(policy).concurrency(16), &handler, shutdown()).await
    /// # }
    /// ```
    ///
    /// No message is lost, however this ends. If it stops, or is dropped, RabbitMQ does not know that nobody works on what it has
    /// delivered, and keeps it for the channel until that is closed. So the messages that are not settled, those that wait in
    /// the client included, are given back to the queue (`basic.nack`), unless the policy settles nothing or the consumer is of
    /// `no_ack`. For that the consumer has to be cancelled first, so the channel must be known:
    /// - From [`ObservedChannel::basic_consume`](crate::ObservedChannel::basic_consume), and after [`Jobs::channel`], it is. A
    ///   separate thread cancels the consumer, its clones with it, and gives everything back.
    /// - Else lapin cancels the consumer when its last clone is dropped, and nobody hears when that is done. What is known to be
    ///   there is given back; what comes to the consumer meanwhile stays with the channel until that is closed. Another clone
    ///   of the consumer gets it all again.
    ///
    /// With `no_ack` a message is settled before it is worked on, so it is lost then.
    ///
    /// # Errors
    /// Returns lapin's error, if the stream of messages ended with one.
    pub async fn drive<H: JobHandler<Job>>(
        self,
        options: impl Into<DriverOptions<Disposition>>,
        handler: &H,
        stop: impl Future<Output = ()>,
    ) -> lapin::Result<()> {
        let options = options.into();
        let limit = options.max_concurrency().unwrap_or(1);
        let unfinished = Mutex::default();
        let mut left = Left::new(self, settles(&options), &unfinished);
        let mut working = FuturesUnordered::new(); // dropped before what they leave
        let (mut last, mut turns) = (Ok(()), pin!(Turns::until(stop)));
        loop {
            // What is under way goes on while we wait for a message.
            let next = turns.as_mut().step(|cx| {
                while !working.is_empty() && working.poll_next_unpin(cx).is_ready() {}
                if working.len() < limit { left.poll_next(cx) } else { Poll::Pending }
            });
            match next.await.flatten() {
                Some(Ok(job)) => {
                    last = Ok(());
                    working.push(work(job, &options, handler, &unfinished))
                }
                Some(Err(e)) => last = Err(e), // lapin is recovering, or the stream ends next
                None => break,
            }
        }
        while working.next().await.is_some() {}
        last
    }
}

/// Whether the broker is told anything at all.
fn settles(options: &DriverOptions<Disposition>) -> bool {
    let policy = options.policy();
    [policy.ok(), policy.error(), policy.panic()].iter().any(|told| *told != Disposition::Nothing)
}

/// One message, which is left to others if this is dropped.
async fn work<H: JobHandler<Job>>(
    job: Job,
    options: &DriverOptions<Disposition>,
    handler: &H,
    unfinished: &Mutex<Vec<Arc<Job>>>,
) {
    let mut under_way = UnderWay::new(Arc::new(job), unfinished);
    if let Some(job) = under_way.job() {
        drive_one(job, handler, options).await;
    }
    under_way.ended()
}
