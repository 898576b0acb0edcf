//! Sending with a `FutureProducer`.

use super::handoff::{Handoff, is_too_large};
use super::producer::ObservedProducer;
use crate::carrier::OriginalHeaders;
use crate::describe::About;
use crate::replayed::{self, Answer, Fails};
use rdkafka::ClientContext;
use rdkafka::error::KafkaError;
use rdkafka::message::{OwnedMessage, ToBytes};
use rdkafka::producer::future_producer::OwnedDeliveryResult;
use rdkafka::producer::{DeliveryFuture, FutureProducer, FutureRecord};
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::util::{AsyncRuntime, Timeout};
use spanbridge::{Context, observe};
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::pin::Pin;
use std::task::{self, Poll, ready};

impl<C, R, H> ObservedProducer<FutureProducer<C, R>, H>
where
    C: ClientContext,
    R: AsyncRuntime,
    H: Deref<Target = FutureProducer<C, R>> + Clone,
{
    /// [`FutureProducer::send`] in a `send` span, whose context goes into the message's headers. The span ends with the
    /// delivery report.
    ///
    /// # Errors
    /// Returns rdkafka's error unchanged.
    pub fn send<'r, K, P, T>(
        &self,
        mut record: FutureRecord<'r, K, P>,
        queue_timeout: T,
    ) -> impl Future<Output = OwnedDeliveryResult> + use<'r, K, P, T, C, R, H>
    where
        K: ToBytes + ?Sized,
        P: ToBytes + ?Sized,
        T: Into<Timeout>,
    {
        let (this, timeout) = (self.clone(), queue_timeout.into());
        async move {
            let (mut handoff, before) = this.begin(&about(&record), &mut record.headers);
            if let Some(answer) = handoff.ask(&about(&record), record.headers.as_ref(), this.capture_policy()) {
                return replayed(answer, handoff, record, before);
            }
            let (context, is_changed) = (handoff.context(), before.is_changed());
            let again = copy(&record);
            let mut result = observe::with_context(context.clone(), || this.producer().send(record, timeout)).await;
            if let Err((error, message)) = result {
                let mut message = restored(message, before);
                result = if is_too_large(&error) && is_changed {
                    // Our headers may be what made it too large.
                    handoff.without_headers();
                    let record = FutureRecord { headers: message.detach_headers(), ..again };
                    observe::with_context(context, || this.producer().send(record, timeout)).await
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
    }

    /// [`FutureProducer::send_result`] in a `send` span, which ends when the returned future has the delivery report.
    ///
    /// # Errors
    /// Returns rdkafka's error unchanged, with the record as it was.
    #[expect(clippy::result_large_err, reason = "the record goes back to the caller, as rdkafka does it")]
    pub fn send_result<'r, K, P>(
        &self,
        mut record: FutureRecord<'r, K, P>,
    ) -> Result<ObservedDelivery, (KafkaError, FutureRecord<'r, K, P>)>
    where
        K: ToBytes + ?Sized,
        P: ToBytes + ?Sized,
    {
        let (mut handoff, before) = self.begin(&about(&record), &mut record.headers);
        if let Some(answer) = handoff.ask(&about(&record), record.headers.as_ref(), self.capture_policy()) {
            return replayed_result(answer, handoff, record, before);
        }
        let is_changed = before.is_changed();
        let mut result = self.producer().send_result(record);
        if let Err((error, mut record)) = result {
            record.headers = before.restore(record.headers);
            result = if is_too_large(&error) && is_changed {
                handoff.without_headers();
                self.producer().send_result(record)
            } else {
                Err((error, record))
            }
        }
        match result {
            Ok(delivery) => Ok(ObservedDelivery { delivery: Report::Live(delivery), handoff: Some(handoff) }),
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
    }
}

/// A message that does not leave, and its delivery report.
#[expect(clippy::result_large_err, reason = "the message goes back to the caller, as rdkafka does it")]
fn replayed<K: ToBytes + ?Sized, P: ToBytes + ?Sized>(
    answer: Answer,
    handoff: Handoff,
    record: FutureRecord<'_, K, P>,
    before: OriginalHeaders,
) -> OwnedDeliveryResult {
    if let Some(fails) = Fails::of(&answer) {
        handoff.fails(&fails, answer.as_deref().ok());
        let message = replayed::message(&about(&record), record.timestamp, before.restore(record.headers));
        return Err((KafkaError::MessageProduction(fails.code()), message));
    }
    let then = answer.unwrap_or_default();
    let delivery = replayed::delivery(&then, record.partition, record.timestamp);
    handoff.delivered(delivery.partition, delivery.offset);
    Ok(delivery)
}

/// The same where the report comes later. What the client itself refused came at once.
#[expect(clippy::result_large_err, reason = "the record goes back to the caller, as rdkafka does it")]
fn replayed_result<'r, K: ToBytes + ?Sized, P: ToBytes + ?Sized>(
    answer: Answer,
    handoff: Handoff,
    mut record: FutureRecord<'r, K, P>,
    before: OriginalHeaders,
) -> Result<ObservedDelivery, (KafkaError, FutureRecord<'r, K, P>)> {
    if let Some(fails) = Fails::of(&answer)
        && matches!(fails.code(), Code::PolicyViolation | Code::QueueFull)
    {
        handoff.fails(&fails, None);
        record.headers = before.restore(record.headers);
        return Err((KafkaError::MessageProduction(fails.code()), record));
    }
    let report = replayed(answer, handoff, record, before);
    Ok(ObservedDelivery { delivery: Report::Replayed(Some(Box::new(report))), handoff: None })
}

/// The record without its headers.
fn copy<'a, K: ToBytes + ?Sized, P: ToBytes + ?Sized>(record: &FutureRecord<'a, K, P>) -> FutureRecord<'a, K, P> {
    let FutureRecord { topic, partition, payload, key, timestamp, headers: _ } = *record;
    FutureRecord { topic, partition, payload, key, timestamp, headers: None }
}

/// A message that was not delivered, with its original headers: if it is sent again, another span sends it.
fn restored(mut message: OwnedMessage, before: OriginalHeaders) -> OwnedMessage {
    let headers = before.restore(message.detach_headers());
    message.replace_headers(headers)
}

/// rdkafka's [`DeliveryFuture`]. The `send` span ends with the delivery report.
///
/// If you drop it earlier, the span's `spanbridge.handoff.status` is `unknown`, because the message may still be delivered.
#[must_use = "the delivery report says whether the message arrived"]
pub struct ObservedDelivery {
    delivery: Report,
    handoff: Option<Handoff>,
}

enum Report {
    /// rdkafka's.
    Live(DeliveryFuture),
    /// A stand-in's, until it is taken; its span has ended.
    Replayed(Option<Box<OwnedDeliveryResult>>),
}

impl ObservedDelivery {
    /// The context in the message's headers.
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
        let answer = match &mut self.delivery {
            Report::Live(delivery) => ready!(Pin::new(delivery).poll(cx)),
            // As rdkafka's, which is polled once.
            Report::Replayed(report) => return report.take().map_or(Poll::Pending, |report| Poll::Ready(Ok(*report))),
        };
        match (self.handoff.take(), &answer) {
            (Some(handoff), Ok(Ok(delivery))) => handoff.delivered(delivery.partition, delivery.offset),
            (Some(handoff), Ok(Err((error, _)))) => handoff.failed(error),
            _ => {} // the producer was dropped: unknown
        }
        Poll::Ready(answer)
    }
}
