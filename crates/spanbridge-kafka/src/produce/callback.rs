//! Sending with a producer that answers in a callback.

use super::handoff::Handoff;
use super::{ObservedProducer, is_too_large};
use crate::client::Client;
use crate::context::Observed;
use crate::describe::About;
use rdkafka::IntoOpaque;
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, ToBytes};
use rdkafka::producer::{BaseProducer, BaseRecord, Partitioner, ProducerContext, ThreadedProducer};
use spanbridge::Context;
use std::fmt;

/// What goes along with a message until its delivery report comes: its span, and the user's opaque.
pub struct Sent<D> {
    handoff: Handoff,
    opaque: D,
}

impl<D> Sent<D> {
    /// Ends the span; the span's context, and the user's opaque.
    pub(crate) fn delivered(self, result: &DeliveryResult<'_>) -> (Context, D) {
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

/// A send that hands the record back.
type Sending<'r, K, P, D> = Result<(), (KafkaError, BaseRecord<'r, K, P, D>)>;

impl<C: ProducerContext<Part>, Part: Partitioner> ObservedProducer<'_, BaseProducer<Observed<C>, Part>> {
    /// [`BaseProducer::send`], in a `send` span that ends with the delivery report, and with the span's context in the
    /// message's headers. The record has the user's opaque.
    ///
    /// # Errors
    /// rdkafka's, with the record as it was.
    #[expect(clippy::result_large_err, reason = "the record goes back to the caller, as rdkafka does it")]
    pub fn send<'r, K, P>(self, record: BaseRecord<'r, K, P, C::DeliveryOpaque>) -> Sending<'r, K, P, C::DeliveryOpaque>
    where
        K: ToBytes + ?Sized,
        P: ToBytes + ?Sized,
    {
        self.enqueue(record, |record| self.producer.send(record))
    }
}

impl<C: ProducerContext<Part>, Part: Partitioner> ObservedProducer<'_, ThreadedProducer<Observed<C>, Part>>
where
    C: 'static,
{
    /// [`ThreadedProducer::send`], in a `send` span that ends with the delivery report, and with the span's context in the
    /// message's headers. The record has the user's opaque.
    ///
    /// # Errors
    /// rdkafka's, with the record as it was.
    #[expect(clippy::result_large_err, reason = "the record goes back to the caller, as rdkafka does it")]
    pub fn send<'r, K, P>(self, record: BaseRecord<'r, K, P, C::DeliveryOpaque>) -> Sending<'r, K, P, C::DeliveryOpaque>
    where
        K: ToBytes + ?Sized,
        P: ToBytes + ?Sized,
    {
        self.enqueue(record, |record| self.producer.send(record))
    }
}

impl<X: Client> ObservedProducer<'_, X> {
    #[expect(clippy::result_large_err, reason = "the record goes back to the caller, as rdkafka does it")]
    fn enqueue<'r, K, P, D>(
        self,
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
            tells_size: true,
        };
        let (handoff, before) = self.begin(&about, &mut record.headers);
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

/// The record with another opaque, and the one it had.
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
