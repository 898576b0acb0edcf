//! Consuming: messages as jobs.

mod job;
mod settings;

pub use job::{BasicGetJob, Job};
pub(crate) use settings::Settings;

use futures_core::Stream;
use futures_util::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::types::ShortString;
use lapin::{Channel, Consumer};
use spanbridge::messaging::Batch;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{self, Poll};

/// `consumer.observed()`.
pub trait ConsumerExt {
    /// The messages of this consumer as [`Job`]s that know their queue.
    fn observed(self) -> Jobs;
}

impl ConsumerExt for Consumer {
    fn observed(self) -> Jobs {
        Jobs { queue: self.queue(), consumer: self, settings: Settings::default(), channel: None, last: None }
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
        self.observed_from(ShortString::default())
    }

    fn observed_from(self, queue: ShortString) -> Job {
        Job::new(self, queue, Settings::default())
    }
}

/// The messages of a consumer as jobs: a stream of `lapin::Result<Job>`. After an `Err` it goes on when lapin's recovery
/// is on, and else ends.
///
/// What is made of the contexts that come with them is a setting each; by itself they are taken as they are:
///
/// ```no_run
/// use spanbridge_amqp::{CaptureMode, ConsumerExt, Relation, Trust};
/// use std::time::Duration;
///
/// # fn f(consumer: lapin::Consumer) {
/// let jobs = consumer
///     .observed()
///     .relation(Relation::Auto { max_age: Duration::from_secs(3600) })
///     .trust(Trust::Full)
///     .allow_baggage(["tenant"])
///     .capture(CaptureMode::Inline { max: 512 });
/// # }
/// ```
#[derive(Debug)]
pub struct Jobs {
    consumer: Consumer,
    queue: ShortString,
    settings: Settings,
    /// The channel of the consumer, where it is known.
    pub(crate) channel: Option<Channel>,
    /// What came after the messages of a batch: an error, or the end.
    last: Option<Option<lapin::Error>>,
}

impl Jobs {
    /// The next message.
    pub async fn next(&mut self) -> Option<lapin::Result<Job>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Waits for a message, and takes what else is there already, up to `most`: see [`Batch::run`]. RabbitMQ sends no more
    /// than the channel's prefetch count (`basic_qos`) at a time, so a batch is not larger.
    ///
    /// `None` when the consumer has ended. An error, or the end, that comes behind messages is kept for the next call.
    pub async fn batch(&mut self, most: usize) -> Option<lapin::Result<Batch<Job>>> {
        let mut jobs = match self.next().await? {
            Ok(job) => vec![job],
            Err(e) => return Some(Err(e)),
        };
        while jobs.len() < most {
            match StreamExt::next(self).now_or_never() {
                Some(Some(Ok(job))) => jobs.push(job),
                Some(last) => {
                    self.last = Some(last.and_then(Result::err));
                    break;
                }
                None => break,
            }
        }
        Some(Ok(Batch::new(jobs)))
    }

    /// The channel of the consumer, which lapin's consumers do not know: a [driver](Jobs::for_each_concurrent) that is
    /// dropped gives back to the queue what it has not handled, and needs it for that.
    ///
    /// [`ObservedChannel::basic_consume`](crate::ObservedChannel::basic_consume) knows it by itself.
    pub fn channel(self, channel: &Channel) -> Self {
        Jobs { channel: Some(channel.clone()), ..self }
    }

    /// Whether the broker takes these messages for settled already.
    pub(crate) fn are_settled_by_broker(&self) -> bool {
        self.settings.no_ack == Some(true)
    }

    /// The consumer.
    pub fn consumer(&self) -> &Consumer {
        &self.consumer
    }
}

impl Stream for Jobs {
    type Item = lapin::Result<Job>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(last) = self.last.take() {
            return Poll::Ready(last.map(Err));
        }
        let delivery = Pin::new(&mut self.consumer).poll_next(cx);
        delivery.map(|d| d.map(|d| d.map(|d| Job::new(d, self.queue.clone(), self.settings.clone()))))
    }
}
