//! Receiving: rdkafka's ways to get a message, as jobs.

use super::consumer::ObservedConsumer;
use super::consumer_state::ConsumerState;
use super::job::Job;
use super::options::ReceiveOptions;
use futures_core::Stream;
use rdkafka::consumer::{BaseConsumer, ConsumerContext, MessageStream, StreamConsumer};
use rdkafka::error::KafkaResult;
use rdkafka::message::BorrowedMessage;
use rdkafka::util::Timeout;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

impl<C: ConsumerContext + 'static, R> ObservedConsumer<StreamConsumer<C, R>> {
    /// [`StreamConsumer::recv`]; the message is a [`Job`].
    ///
    /// # Errors
    /// Returns rdkafka's error unchanged.
    pub async fn recv(&self) -> KafkaResult<Job<BorrowedMessage<'_>>> {
        Ok(self.job(self.consumer().recv().await?))
    }

    /// [`StreamConsumer::stream`]; the messages are [`Job`]s. The stream does not end.
    pub fn stream(&self) -> Jobs<'_, C> {
        Jobs { messages: self.consumer().stream(), state: self.state(), options: self.options() }
    }
}

impl<C: ConsumerContext + 'static> ObservedConsumer<BaseConsumer<C>> {
    /// [`BaseConsumer::poll`]; the message is a [`Job`].
    pub fn poll(&self, timeout: impl Into<Timeout>) -> Option<KafkaResult<Job<BorrowedMessage<'_>>>> {
        Some(self.consumer().poll(timeout)?.map(|message| self.job(message)))
    }
}

/// A consumer's messages as jobs: a stream of `KafkaResult<Job<BorrowedMessage>>` that does not end.
pub struct Jobs<'a, C: ConsumerContext> {
    messages: MessageStream<'a, C>,
    state: &'a Arc<ConsumerState>,
    options: &'a ReceiveOptions,
}

impl<'a, C: ConsumerContext> Stream for Jobs<'a, C> {
    type Item = KafkaResult<Job<BorrowedMessage<'a>>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Option<Self::Item>> {
        let message = Pin::new(&mut self.messages).poll_next(cx);
        let job = |message| Job::new(message, self.state.clone(), self.options);
        message.map(|next| next.map(|message| message.map(job)))
    }
}

impl<C: ConsumerContext> fmt::Debug for Jobs<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jobs").field("group", &self.state.client.group).finish_non_exhaustive()
    }
}
