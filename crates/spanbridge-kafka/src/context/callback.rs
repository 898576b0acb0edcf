//! Producers that report delivery in a callback.

use super::observed::Observed;
use crate::carrier::OriginalHeaders;
use crate::client::Client;
use crate::describe::About;
use crate::produce::{Handoff, ObservedProducer, ProducerExt, is_too_large};
use crate::replayed::{self, Answer, Fails};
use rdkafka::IntoOpaque;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, ToBytes};
use rdkafka::producer::{BaseProducer, BaseRecord, Partitioner, ProducerContext, ThreadedProducer};
use rdkafka::types::RDKafkaErrorCode as Code;
use spanbridge::{Context, observe};
use std::fmt;
use std::ops::Deref;

/// The opaque of a message until its delivery report: its span, and your own opaque.
pub struct Sent<D> {
    handoff: Handoff,
    opaque: D,
}

impl<D> Sent<D> {
    /// Ends the span. Returns the span's context and the user's opaque.
    fn delivered(self, result: &DeliveryResult<'_>) -> (Context, D) {
        let context = self.handoff.context();
        self.handoff.reported(result);
        (context, self.opaque)
    }
}

impl<D> fmt::Debug for Sent<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sent").field("handoff", &self.handoff).finish_non_exhaustive()
    }
}

impl<C: ProducerContext<Part>, Part: Partitioner> ProducerContext<Part> for Observed<C> {
    type DeliveryOpaque = Box<Sent<C::DeliveryOpaque>>;

    fn delivery(&self, result: &DeliveryResult<'_>, sent: Self::DeliveryOpaque) {
        let (context, opaque) = sent.delivered(result);
        observe::in_scope(&context, || self.get_ref().delivery(result, opaque))
    }

    fn get_custom_partitioner(&self) -> Option<&Part> {
        self.get_ref().get_custom_partitioner()
    }
}

impl<C: ProducerContext<Part>, Part: Partitioner> ProducerExt for BaseProducer<Observed<C>, Part> {}
impl<C: ProducerContext<Part> + 'static, Part: Partitioner> ProducerExt for ThreadedProducer<Observed<C>, Part> {}

/// The result of a send, which returns the record on failure.
type Sending<'r, K, P, D> = Result<(), (KafkaError, BaseRecord<'r, K, P, D>)>;

impl<C, Part, H> ObservedProducer<BaseProducer<Observed<C>, Part>, H>
where
    C: ProducerContext<Part>,
    Part: Partitioner,
    H: Deref<Target = BaseProducer<Observed<C>, Part>>,
{
    /// [`BaseProducer::send`] in a `send` span, whose context goes into the message's headers. The span ends with the delivery
    /// report. The record carries your own opaque. (In a replay, a recorded send has no delivery callback.)
    ///
    /// # Errors
    /// Returns rdkafka's error unchanged, with the record as it was.
    #[expect(clippy::result_large_err, reason = "the record goes back to the caller, as rdkafka does it")]
    pub fn send<'r, K, P>(
        &self,
        record: BaseRecord<'r, K, P, C::DeliveryOpaque>,
    ) -> Sending<'r, K, P, C::DeliveryOpaque>
    where
        K: ToBytes + ?Sized,
        P: ToBytes + ?Sized,
    {
        self.enqueue(record, |record| self.producer().send(record))
    }
}

impl<C, Part, H> ObservedProducer<ThreadedProducer<Observed<C>, Part>, H>
where
    C: ProducerContext<Part> + 'static,
    Part: Partitioner,
    H: Deref<Target = ThreadedProducer<Observed<C>, Part>>,
{
    /// [`ThreadedProducer::send`] in a `send` span, whose context goes into the message's headers. The span ends with the delivery
    /// report. The record carries your own opaque.
    ///
    /// # Errors
    /// Returns rdkafka's error unchanged, with the record as it was.
    #[expect(clippy::result_large_err, reason = "the record goes back to the caller, as rdkafka does it")]
    pub fn send<'r, K, P>(
        &self,
        record: BaseRecord<'r, K, P, C::DeliveryOpaque>,
    ) -> Sending<'r, K, P, C::DeliveryOpaque>
    where
        K: ToBytes + ?Sized,
        P: ToBytes + ?Sized,
    {
        self.enqueue(record, |record| self.producer().send(record))
    }
}

impl<X: Client, H: Deref<Target = X>> ObservedProducer<X, H> {
    #[expect(clippy::result_large_err, reason = "the record goes back to the caller, as rdkafka does it")]
    fn enqueue<'r, K, P, D>(
        &self,
        mut record: BaseRecord<'r, K, P, D>,
        send: impl Fn(BaseRecord<'r, K, P, Box<Sent<D>>>) -> Sending<'r, K, P, Box<Sent<D>>>,
    ) -> Sending<'r, K, P, D>
    where
        K: ToBytes + ?Sized,
        P: ToBytes + ?Sized,
        D: IntoOpaque,
    {
        let about = About {
            topic: record.topic,
            key: record.key.map(ToBytes::to_bytes),
            payload: record.payload.map(ToBytes::to_bytes),
            partition: record.partition,
        };
        let (handoff, before) = self.begin(&about, &mut record.headers);
        if let Some(answer) = handoff.ask(&about, record.headers.as_ref(), self.capture_policy()) {
            return replayed_enqueue(answer, handoff, record, before);
        }
        let is_changed = before.is_changed();
        let (record, opaque) = with_opaque(record, ());
        let (record, ()) = with_opaque(record, Box::new(Sent { handoff, opaque }));
        let Err((error, mut record)) = send(record) else { return Ok(()) };
        record.headers = before.restore(record.headers);
        let (error, record) = if is_too_large(&error) && is_changed {
            record.delivery_opaque.handoff.without_headers();
            match send(record) {
                Ok(()) => return Ok(()),
                Err(failed) => failed,
            }
        } else {
            (error, record)
        };
        let (record, sent) = with_opaque(record, ());
        sent.handoff.failed(&error);
        Err((error, with_opaque(record, sent.opaque).0))
    }
}

/// A message that does not leave. There is no delivery callback: only librdkafka can make what that is shown.
#[expect(clippy::result_large_err, reason = "the record goes back to the caller, as rdkafka does it")]
fn replayed_enqueue<'r, K, P, D>(
    answer: Answer,
    handoff: Handoff,
    mut record: BaseRecord<'r, K, P, D>,
    before: OriginalHeaders,
) -> Sending<'r, K, P, D>
where
    K: ToBytes + ?Sized,
    P: ToBytes + ?Sized,
    D: IntoOpaque,
{
    match (Fails::of(&answer), &answer) {
        (None, Ok(then)) => {
            let delivery = replayed::delivery(then, record.partition, record.timestamp);
            handoff.delivered(delivery.partition, delivery.offset);
            Ok(())
        }
        (Some(fails), _) => {
            handoff.fails(&fails, answer.as_deref().ok());
            // What the client itself refused came at once; other errors came by the callback.
            if !matches!(fails.code(), Code::PolicyViolation | Code::QueueFull) {
                return Ok(());
            }
            record.headers = before.restore(record.headers);
            Err((KafkaError::MessageProduction(fails.code()), record))
        }
        (None, Err(_)) => Ok(()), // a refusal fails
    }
}

/// Replaces the record's opaque. Returns the old one.
fn with_opaque<'r, K, P, A, B>(record: BaseRecord<'r, K, P, A>, opaque: B) -> (BaseRecord<'r, K, P, B>, A)
where
    K: ToBytes + ?Sized,
    P: ToBytes + ?Sized,
    A: IntoOpaque,
    B: IntoOpaque,
{
    let BaseRecord { topic, partition, payload, key, timestamp, headers, delivery_opaque } = record;
    (BaseRecord { topic, partition, payload, key, timestamp, headers, delivery_opaque: opaque }, delivery_opaque)
}
