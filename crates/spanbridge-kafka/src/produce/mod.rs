//! Sending.

mod callback;
mod handoff;
mod transaction;

pub use callback::Sent;
pub use transaction::Transaction;

use crate::carrier::{Headers, OriginalHeaders};
use crate::client::Client;
use crate::client_info::ClientInfo;
use crate::context::Observed;
use crate::describe::{self, About};
use handoff::Handoff;
use rdkafka::ClientContext;
use rdkafka::error::KafkaError;
use rdkafka::message::{OwnedMessage, ToBytes};
use rdkafka::producer::future_producer::OwnedDeliveryResult;
use rdkafka::producer::{
    BaseProducer, DeliveryFuture, FutureProducer, FutureRecord, Partitioner, Producer, ProducerContext,
    ThreadedProducer,
};
use rdkafka::types::{RDKafka, RDKafkaErrorCode};
use rdkafka::util::{AsyncRuntime, Timeout};
use spanbridge::messaging::{self, CapturePolicy, Step};
use spanbridge::{Context, observe};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll, ready};

/// `producer.observed()`: for a [`FutureProducer`] as it is, and for a [`BaseProducer`] or [`ThreadedProducer`] whose
/// context is [`Observed`].
pub trait ProducerExt {
    /// The same producer, with what goes through it recorded and carrying the current context along.
    fn observed(&self) -> ObservedProducer<'_, Self> {
        ObservedProducer { producer: self, transaction: None, budget: usize::MAX, capture: None }
    }
}

impl<C: ClientContext, R: AsyncRuntime> ProducerExt for FutureProducer<C, R> {}
impl<C: ProducerContext<Part>, Part: Partitioner> ProducerExt for BaseProducer<Observed<C>, Part> {}
impl<C: ProducerContext<Part> + 'static, Part: Partitioner> ProducerExt for ThreadedProducer<Observed<C>, Part> {}

// SAFETY: the client lives as long as the producer.
unsafe impl<C: ClientContext, R: AsyncRuntime> Client for FutureProducer<C, R> {
    fn native(&self) -> *mut RDKafka {
        self.client().native_ptr()
    }
}

// SAFETY: as above.
unsafe impl<C: ProducerContext<Part>, Part: Partitioner> Client for BaseProducer<C, Part> {
    fn native(&self) -> *mut RDKafka {
        self.client().native_ptr()
    }
}

// SAFETY: as above.
unsafe impl<C: ProducerContext<Part> + 'static, Part: Partitioner> Client for ThreadedProducer<C, Part> {
    fn native(&self) -> *mut RDKafka {
        self.client().native_ptr()
    }
}

/// A producer, observed. Its methods take rdkafka's arguments and give rdkafka's results.
///
/// The attribute `spanbridge.handoff.status` of a `send` span is `confirmed`, `rejected` (the message is not in Kafka),
/// `unknown` (it was given up before the broker's answer, and may be) or `sent` (with `acks=0` no broker answers).
pub struct ObservedProducer<'a, P: ?Sized> {
    producer: &'a P,
    transaction: Option<&'a messaging::Transaction>,
    budget: usize,
    capture: Option<&'a CapturePolicy>,
}

impl<'a, P: ?Sized> ObservedProducer<'a, P> {
    /// How many bytes the context may add to a message, with what Kafka adds to each header. Without a setting, what
    /// `message.max.bytes` leaves. What has no room is left out in a fixed order, the baggage first and `traceparent` last,
    /// and a diagnostic `injection.dropped` says what; the message is sent in any case.
    ///
    /// A topic's own limit (`max.message.bytes`) is not known to the client: it is the broker that refuses a message. A
    /// `FutureProducer`'s `send` then sends it again without a context; where the report comes later it fails, with a
    /// diagnostic `injection.refused`. Where topics have a limit below the client's, set one of the two.
    pub fn budget(self, bytes: usize) -> Self {
        ObservedProducer { budget: bytes, ..self }
    }

    /// What is recorded of the payloads and headers that are sent; the size of payloads where nothing is said.
    pub fn capture(self, capture: &'a CapturePolicy) -> Self {
        ObservedProducer { capture: Some(capture), ..self }
    }
}

impl<P: ?Sized> Clone for ObservedProducer<'_, P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P: ?Sized> Copy for ObservedProducer<'_, P> {}

impl<P: ?Sized> fmt::Debug for ObservedProducer<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObservedProducer").finish_non_exhaustive()
    }
}

impl<P: Client> ObservedProducer<'_, P> {
    fn begin(
        self,
        about: &About<'_>,
        headers: &mut Option<rdkafka::message::OwnedHeaders>,
    ) -> (Handoff, OriginalHeaders) {
        let about = About { tells_size: self.capture.is_none_or(CapturePolicy::tells_size), ..*about };
        let client = ClientInfo::last(self.producer);
        let (handoff, before) = handoff::begin(&about, &client, self.transaction, headers, self.budget, self.capture);
        if let (Some(capture), Some(span)) = (self.capture, handoff.span()) {
            let headers = Headers::from(headers.as_ref());
            describe::capture(capture, span, Step::Send, about.payload, headers)
        }
        (handoff, before)
    }
}

impl<C: ClientContext, R: AsyncRuntime> ObservedProducer<'_, FutureProducer<C, R>> {
    /// [`FutureProducer::send`], in a `send` span that ends with the delivery report, and with the span's context in the
    /// message's headers.
    ///
    /// # Errors
    /// rdkafka's.
    pub async fn send<K, P, T>(self, mut record: FutureRecord<'_, K, P>, queue_timeout: T) -> OwnedDeliveryResult
    where
        K: ToBytes + ?Sized,
        P: ToBytes + ?Sized,
        T: Into<Timeout>,
    {
        let timeout = queue_timeout.into();
        let (mut handoff, before) = self.begin(&about(&record), &mut record.headers);
        let (context, is_changed) = (handoff.context(), before.is_changed());
        let again = copy(&record);
        let mut result = observe::with_context(context.clone(), self.producer.send(record, timeout)).await;
        if let Err((error, message)) = result {
            let mut message = restored(message, before);
            result = if is_too_large(&error) && is_changed {
                // It may be ours that was too much.
                handoff.without_headers();
                let record = FutureRecord { headers: message.detach_headers(), ..again };
                observe::with_context(context, self.producer.send(record, timeout)).await
            } else {
                Err((error, message))
            }
        }
        match &result {
            Ok(delivery) => handoff.delivered(delivery.partition, delivery.offset),
            Err((error, _)) => handoff.failed(error),
        }
        result
    }

    /// [`FutureProducer::send_result`], in a `send` span that ends when the returned future has the delivery report.
    ///
    /// # Errors
    /// rdkafka's, with the record as it was.
    #[expect(clippy::result_large_err, reason = "the record goes back to the caller, as rdkafka does it")]
    pub fn send_result<'r, K, P>(
        self,
        mut record: FutureRecord<'r, K, P>,
    ) -> Result<ObservedDelivery, (KafkaError, FutureRecord<'r, K, P>)>
    where
        K: ToBytes + ?Sized,
        P: ToBytes + ?Sized,
    {
        let (mut handoff, before) = self.begin(&about(&record), &mut record.headers);
        let is_changed = before.is_changed();
        let mut result = self.producer.send_result(record);
        if let Err((error, mut record)) = result {
            record.headers = before.restore(record.headers);
            result = if is_too_large(&error) && is_changed {
                handoff.without_headers();
                self.producer.send_result(record)
            } else {
                Err((error, record))
            }
        }
        match result {
            Ok(delivery) => Ok(ObservedDelivery { delivery, handoff: Some(handoff) }),
            Err((error, record)) => {
                handoff.failed(&error);
                Err((error, record))
            }
        }
    }
}

fn about<'a, K: ToBytes + ?Sized, P: ToBytes + ?Sized>(record: &FutureRecord<'a, K, P>) -> About<'a> {
    About {
        topic: record.topic,
        key: record.key.map(ToBytes::to_bytes),
        payload: record.payload.map(ToBytes::to_bytes),
        partition: record.partition,
        tells_size: true,
    }
}

/// The record without its headers.
fn copy<'a, K: ToBytes + ?Sized, P: ToBytes + ?Sized>(record: &FutureRecord<'a, K, P>) -> FutureRecord<'a, K, P> {
    let FutureRecord { topic, partition, payload, key, timestamp, headers: _ } = *record;
    FutureRecord { topic, partition, payload, key, timestamp, headers: None }
}

/// A message that was not delivered, with the headers that it had at first: sent again, it has another sender.
fn restored(mut message: OwnedMessage, before: OriginalHeaders) -> OwnedMessage {
    let headers = before.restore(message.detach_headers());
    message.replace_headers(headers)
}

fn is_too_large(error: &KafkaError) -> bool {
    matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::MessageSizeTooLarge))
}

/// rdkafka's [`DeliveryFuture`]; the `send` span ends with the delivery report.
///
/// Dropped before that the span's `spanbridge.handoff.status` is `unknown`: the message may be delivered all the same.
#[must_use = "the delivery report says whether the message arrived"]
pub struct ObservedDelivery {
    delivery: DeliveryFuture,
    handoff: Option<Handoff>,
}

impl ObservedDelivery {
    /// The context that the message carries.
    pub fn context(&self) -> Context {
        self.handoff.as_ref().map(Handoff::context).unwrap_or_default()
    }
}

impl fmt::Debug for ObservedDelivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObservedDelivery").field("handoff", &self.handoff).finish_non_exhaustive()
    }
}

impl Future for ObservedDelivery {
    type Output = <DeliveryFuture as Future>::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.delivery).poll(cx));
        match (self.handoff.take(), &answer) {
            (Some(handoff), Ok(Ok(delivery))) => handoff.delivered(delivery.partition, delivery.offset),
            (Some(handoff), Ok(Err((error, _)))) => handoff.failed(error),
            _ => {} // the producer is gone: unknown
        }
        Poll::Ready(answer)
    }
}
