//! The opt-in driver: works on jobs, those of a partition one after another, and stores their offsets by an explicit
//! policy.

use crate::consume::{Job, ObservedConsumer};
use crate::error::{BoxError, Error};
use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use rdkafka::Message;
use rdkafka::consumer::{Consumer, ConsumerContext, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;
use rdkafka::topic_partition_list::TopicPartitionList;
use std::collections::{HashMap, VecDeque};
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
    /// The driver ends with the error. The offset is not stored, so the message comes again.
    Stop,
    /// Its offset is stored as if it had succeeded: it is lost.
    Skip,
}

type Borrowed<'a> = Job<BorrowedMessage<'a>>;
/// A topic's partition.
type Place = (Box<str>, i32);

impl<C: ConsumerContext + 'static, R> ObservedConsumer<StreamConsumer<C, R>> {
    /// Works on messages until `stop` resolves: those of a partition in their order, and partitions side by side. After
    /// success the offset is stored; that it is committed is up to the consumer's configuration (`enable.auto.commit`,
    /// with `enable.auto.offset.store` off) or to you.
    ///
    /// All of it runs in the task that polls this. When it stops, what is under way is finished, and what was only
    /// received is left: it comes again. A partition that is far behind is paused, so that it holds up no other. What
    /// waits here on a partition that is revoked is dropped, where rebalances are [observed](crate::Observed).
    ///
    /// # Errors
    /// When the policy is to stop, and when the consumer cannot go on. Errors that pass are not told: librdkafka tries
    /// again.
    pub async fn for_each_partition(
        &self,
        policy: Policy,
        handler: &dyn JobHandler,
        stop: impl Future<Output = ()>,
    ) -> Result<(), Error> {
        let mut stop = pin!(stop.fuse());
        let mut jobs = self.stream();
        let mut working = FuturesUnordered::new();
        let mut waiting = Waiting { queues: HashMap::new(), consumer: self.consumer() };
        let result = loop {
            // What is under way goes on while we wait for a message.
            let step = poll_fn(|cx| {
                if stop.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(Step::Stop);
                }
                if let Poll::Ready(Some(done)) = working.poll_next_unpin(cx) {
                    return Poll::Ready(Step::Done(done));
                }
                jobs.poll_next_unpin(cx).map(|job| job.map_or(Step::Stop, Step::Received))
            });
            match step.await {
                Step::Stop => break Ok(()),
                Step::Received(Ok(job)) => {
                    if let Some(job) = waiting.received(job) {
                        working.push(work(job, policy, handler))
                    }
                }
                Step::Received(Err(e @ KafkaError::MessageConsumptionFatal(_))) => break Err(Error::receive(e)),
                Step::Received(Err(_)) => {}
                Step::Done((_, Err(e))) => break Err(e),
                Step::Done((place, Ok(()))) => {
                    if let Some(job) = waiting.done(place) {
                        working.push(work(job, policy, handler))
                    }
                }
            }
        };
        // The first error is the one that is told.
        while working.next().await.is_some() {}
        result
    }
}

enum Step<'a> {
    Stop,
    Received(Result<Borrowed<'a>, KafkaError>),
    Done((Place, Result<(), Error>)),
}

/// Messages that wait for those before them in their partition. A partition that is here is being worked on.
struct Waiting<'a, C: ConsumerContext, R> {
    queues: HashMap<Place, Queue<'a>>,
    consumer: &'a StreamConsumer<C, R>,
}

#[derive(Default)]
struct Queue<'a> {
    jobs: VecDeque<Borrowed<'a>>,
    paused: bool,
}

/// So many messages may wait in a partition before it is paused; and so many are left when it goes on.
const MOST: usize = 256;
const LEAST: usize = 32;

impl<'a, C: ConsumerContext, R> Waiting<'a, C, R> {
    /// A message came: it is returned if it can be worked on now.
    fn received(&mut self, job: Borrowed<'a>) -> Option<Borrowed<'a>> {
        let place = place(&job);
        let Some(queue) = self.queues.get_mut(&place) else {
            self.queues.insert(place, Queue::default());
            return Some(job);
        };
        queue.jobs.push_back(job);
        if queue.jobs.len() >= MOST && !queue.paused {
            queue.paused = self.consumer.pause(&list(&place)).is_ok();
        }
        None
    }

    /// The work on a message is done: the next one.
    fn done(&mut self, place: Place) -> Option<Borrowed<'a>> {
        let queue = self.queues.get_mut(&place)?;
        // Another member of the group works on those now.
        queue.jobs.retain(|job| !job.is_revoked());
        let next = queue.jobs.pop_front();
        if queue.paused && queue.jobs.len() <= LEAST {
            queue.paused = self.consumer.resume(&list(&place)).is_err();
        }
        if next.is_none() {
            self.queues.remove(&place);
        }
        next
    }
}

fn place(job: &Borrowed<'_>) -> Place {
    (job.topic().into(), job.partition())
}

fn list((topic, partition): &Place) -> TopicPartitionList {
    let mut list = TopicPartitionList::with_capacity(1);
    list.add_partition(topic, *partition);
    list
}

/// One message: the work, then what the policy says about its outcome.
async fn work(job: Borrowed<'_>, policy: Policy, handler: &dyn JobHandler) -> (Place, Result<(), Error>) {
    let place = place(&job);
    let mut attempt = 0;
    let outcome = loop {
        // A panic is noticed by the process span and caught outside it: one bad message does not end the others.
        let outcome = AssertUnwindSafe(job.run(handler.handle(&job))).catch_unwind().await;
        match outcome.unwrap_or_else(|_| Err("the handler panicked".into())) {
            Ok(()) => break Ok(()),
            Err(_) if attempt < policy.retries && !job.is_revoked() => attempt += 1,
            Err(e) => break Err(e),
        }
    };
    let result = match outcome {
        Err(e) if policy.then == OnError::Stop => Err(Error::work(&place.0, place.1, job.offset(), e)),
        _ => {
            // How that went is recorded; a message whose offset could not be stored comes again.
            let _ = job.store_offset();
            Ok(())
        }
    };
    (place, result)
}
