//! The messages of a consumer.

use super::job::Job;
use super::message::{Message, ReceiveOptions};
use crate::client::{ConsumerInfo, Server};
use futures_core::Stream;
use futures_util::{FutureExt, StreamExt};
use lapin::{Channel, Consumer};
use spanbridge::adapter::Work;
use spanbridge::messaging::{Batch, Relation};
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll, ready};

/// The messages of a consumer as jobs: a stream of `lapin::Result<Job>`. After an `Err` it goes on if lapin's recovery is on,
/// and else ends.
///
/// By default, a message's span is a child of the publish span, and its whole context is taken. For anything else, say so:
///
/// ```no_run
/// use spanbridge_amqp::{CaptureMode, ConsumerExt, ReceiveOptions, Relation};
/// use std::time::Duration;
///
/// # fn f(consumer: lapin::Consumer) {
/// let options = ReceiveOptions::new()
///     .relation(Relation::Auto { max_age: Duration::from_secs(3600) })
///     .allow_baggage(["tenant"])
///     .capture(CaptureMode::Inline { max: 512 });
/// let jobs = consumer.observed().with(options);
/// # }
/// ```
#[derive(Debug)]
pub struct Jobs {
    consumer: Consumer,
    info: Arc<ConsumerInfo>,
    options: ReceiveOptions,
    channel: Option<Channel>,
    /// What came after the messages of a batch: an error, or the end.
    last: Option<Option<lapin::Error>>,
    /// The message over which the application's `relation_by` has panicked: it comes again.
    unread: Option<Message>,
}

impl Jobs {
    pub(super) fn new(consumer: Consumer) -> Self {
        let info = Arc::new(ConsumerInfo::of(consumer.queue()));
        Jobs { consumer, info, options: ReceiveOptions::new(), channel: None, last: None, unread: None }
    }

    /// How messages are received.
    pub fn with(self, options: ReceiveOptions) -> Self {
        Jobs { options, ..self }
    }

    /// Host and port of the broker, for the attributes `server.address` and `server.port`: lapin's consumers do not know them.
    pub fn server(self, address: &str, port: u16) -> Self {
        self.at(Some(Server::new(address, port)))
    }

    pub(crate) fn at(mut self, server: Option<Server>) -> Self {
        Arc::make_mut(&mut self.info).server = server;
        self
    }

    /// Whether the consumer was made with `no_ack`, so that the broker counts a message as settled when it has sent it: lapin's
    /// consumers do not know. If you say it, the record says whether somebody has to settle these messages, and the
    /// [driver](Jobs::drive) leaves those alone that nobody may settle: settling one ends the channel.
    ///
    /// [`ObservedChannel::basic_consume`](crate::ObservedChannel::basic_consume) knows it by itself.
    pub fn no_ack(mut self, no_ack: bool) -> Self {
        Arc::make_mut(&mut self.info).no_ack = Some(no_ack);
        self
    }

    /// The channel of the consumer, which lapin's consumers do not know: a [driver](Jobs::drive) that is stopped or dropped needs
    /// it to give back to the queue what it has not handled.
    ///
    /// [`ObservedChannel::basic_consume`](crate::ObservedChannel::basic_consume) knows it by itself.
    pub fn channel(self, channel: &Channel) -> Self {
        Jobs { channel: Some(channel.clone()), ..self }
    }

    pub(crate) fn take_channel(&mut self) -> Option<Channel> {
        self.channel.take()
    }

    /// What nobody has received, to be given back: what waits in the client, and what could not be received. This does not call
    /// the application, which may panic, and may be panicking.
    pub(crate) fn take_waiting(&mut self) -> Vec<Job> {
        if !self.options.is_default() {
            self.options = std::mem::take(&mut self.options).relation_by(|_| Relation::Parent)
        }
        let mut waiting = vec![];
        while let Some(Some(next)) = StreamExt::next(self).now_or_never() {
            waiting.extend(next)
        }
        waiting
    }

    fn job(&mut self, message: Message) -> Job {
        let (message, work) = Work::receive_or(message, &self.options, |message| self.unread = Some(message));
        Job::of(message, work)
    }

    /// The next message.
    pub async fn next(&mut self) -> Option<lapin::Result<Job>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    /// Waits for a message, and takes what else is there already, up to `limit` messages: see [`Batch::run`]. RabbitMQ sends no
    /// more than the channel's prefetch count (`basic_qos`) at a time, so a batch is not larger.
    ///
    /// Returns `None` when the consumer has ended. An error, or the end, that comes behind messages is kept for the next call. If
    /// your [`relation_by`](ReceiveOptions::relation_by) panics behind messages, its message comes again with the next call.
    pub async fn batch(&mut self, limit: usize) -> Option<lapin::Result<Batch<Job>>> {
        Batch::collect(self, limit, |jobs, last| jobs.last = Some(last)).await
    }

    /// Whether the broker counts these messages as settled already.
    pub(crate) fn are_settled_by_broker(&self) -> bool {
        self.info.no_ack == Some(true)
    }

    /// The consumer.
    pub fn consumer(&self) -> &Consumer {
        &self.consumer
    }
}

impl Stream for Jobs {
    type Item = lapin::Result<Job>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(message) = self.unread.take() {
            return Poll::Ready(Some(Ok(self.job(message))));
        }
        if let Some(last) = self.last.take() {
            return Poll::Ready(last.map(Err));
        }
        let next = ready!(Pin::new(&mut self.consumer).poll_next(cx));
        let consumer = self.info.clone();
        Poll::Ready(next.map(|next| next.map(|delivery| self.job(Message { delivery, consumer }))))
    }
}
