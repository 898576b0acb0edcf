//! The opt-in driver: works on jobs and settles them by an explicit policy.

mod left;

use crate::consume::{Job, Jobs};
use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use lapin::options::{BasicAckOptions, BasicNackOptions, BasicRejectOptions};
use left::{Left, UnderWay};
use spanbridge::messaging::Turns;
use spanbridge::panics;
use std::future::poll_fn;
use std::panic::AssertUnwindSafe;
use std::sync::Mutex;
use std::task::Poll;

/// Any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Works on one message.
#[async_trait]
pub trait JobHandler: Send + Sync {
    /// The work. It runs inside the message's `process` span; the driver settles the message afterwards, unless this
    /// has done so.
    async fn handle(&self, job: &Job) -> Result<(), BoxError>;
}

/// What the broker is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// It is done.
    Ack,
    /// It is not.
    Nack {
        /// The queue gets it back.
        requeue: bool,
    },
    /// It is not wanted.
    Reject {
        /// The queue gets it back.
        requeue: bool,
    },
    /// Nothing.
    Nothing,
}

/// What the driver tells the broker after each kind of outcome. There is no default: losing and repeating messages is a
/// decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettlePolicy {
    /// The handler returned `Ok`.
    pub ok: Disposition,
    /// The handler returned `Err`.
    pub error: Disposition,
    /// The handler panicked.
    pub panic: Disposition,
}

impl SettlePolicy {
    /// Whether the broker is told anything at all.
    fn settles(&self) -> bool {
        [self.ok, self.error, self.panic].iter().any(|answer| *answer != Disposition::Nothing)
    }
}

impl Jobs {
    /// Works on up to `limit` messages at a time, until the consumer is cancelled or its channel is gone for good; then
    /// what is under way is finished.
    ///
    /// All of it runs in the task that polls this. A settlement that fails is recorded, and the message comes again.
    ///
    /// To stop, cancel the consumer ([`Channel::basic_cancel`](lapin::Channel::basic_cancel)) and let this end: what was
    /// delivered by then is worked on. Where this is dropped instead, RabbitMQ does not know that nobody works on what it
    /// has delivered, and keeps it for the channel until that is closed. So the messages that are not settled, those that
    /// wait in the client included, are given back to the queue (`basic.nack`), unless the policy settles nothing or the
    /// consumer is of `no_ack`. For that the consumer has to be cancelled first, so the channel must be known:
    /// - of [`ObservedChannel::basic_consume`](crate::ObservedChannel::basic_consume), and after [`Jobs::channel`], it is.
    ///   A thread of its own cancels the consumer, its clones with it, and gives everything back.
    /// - else lapin cancels the consumer when its last clone is dropped, and nobody hears when that is done. What is
    ///   known to be there is given back; what comes to the consumer meanwhile stays with the channel until that is closed.
    ///   Another clone of the consumer gets it all again.
    ///
    /// With `no_ack` a message is settled before it is worked on, so it is lost then.
    ///
    /// # Errors
    /// lapin's, when the stream of messages ended with one.
    pub async fn for_each_concurrent(
        self,
        limit: usize,
        settlement: SettlePolicy,
        handler: &dyn JobHandler,
    ) -> lapin::Result<()> {
        let unfinished = Mutex::default();
        let mut left = Left::new(self, settlement.settles(), &unfinished);
        let mut working = FuturesUnordered::new(); // dropped before what they leave
        let (mut last, mut turns) = (Ok(()), Turns::default());
        loop {
            // What is under way goes on while we wait for a message.
            let step = poll_fn(|cx| {
                if turns.are_over(cx) {
                    return Poll::Pending;
                }
                while !working.is_empty() && working.poll_next_unpin(cx).is_ready() {}
                if working.len() < limit.max(1) { left.poll_next(cx) } else { Poll::Pending }
            });
            match step.await {
                Some(Ok(job)) => {
                    last = Ok(());
                    working.push(work(job, settlement, handler, &unfinished))
                }
                Some(Err(e)) => last = Err(e), // lapin is recovering, or the stream ends next
                None => break,
            }
        }
        while working.next().await.is_some() {}
        last
    }
}

/// One message, which is left to others where this is dropped.
async fn work(job: Job, settlement: SettlePolicy, handler: &dyn JobHandler, unfinished: &Mutex<Vec<Job>>) {
    let mut under_way = UnderWay::new(job, unfinished);
    if let Some(job) = under_way.job() {
        handle(job, settlement, handler).await
    }
    under_way.ended()
}

/// The work, then what the policy says about its outcome.
async fn handle(job: &Job, settlement: SettlePolicy, handler: &dyn JobHandler) {
    // The panic is noticed by the process span and caught outside it: one bad message does not end the others. Handlers
    // that are not written with async_trait may begin to work, and panic, before they return their future.
    let outcome = AssertUnwindSafe(job.run(async || handler.handle(job).await)).catch_unwind().await;
    let answer = match outcome {
        Ok(Ok(())) => settlement.ok,
        Ok(Err(_)) => settlement.error,
        Err(panic) => {
            panics::discard(panic); // which may panic as well
            settlement.panic
        }
    };
    if job.is_settled_by_broker() || !job.usable() && !job.poisoned() {
        return; // by `no_ack`, or by the handler itself
    }
    // How that went is recorded; a message that could not be settled comes again.
    let _ = match answer {
        Disposition::Ack => job.ack(BasicAckOptions::default()).await,
        Disposition::Nack { requeue } => job.nack(BasicNackOptions { requeue, multiple: false }).await,
        Disposition::Reject { requeue } => job.reject(BasicRejectOptions { requeue }).await,
        Disposition::Nothing => return,
    };
}
