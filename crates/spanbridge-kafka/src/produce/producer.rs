//! `producer.observed()`.

use super::handoff::{self, Handoff};
use super::sender::Sender;
use crate::carrier::OriginalHeaders;
use crate::client::Client;
use crate::describe::About;
use rdkafka::ClientContext;
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::{BaseProducer, FutureProducer, Partitioner, Producer, ProducerContext, ThreadedProducer};
use rdkafka::types::RDKafka;
use rdkafka::util::AsyncRuntime;
use spanbridge::adapter::InTransaction;
use spanbridge::messaging::CapturePolicy;
use std::fmt;

/// Adds `observed()` to [`FutureProducer`], and to [`BaseProducer`] and [`ThreadedProducer`] whose context is
/// [`Observed`](crate::Observed).
pub trait ProducerExt: sealed::Sealed {
    /// The same producer. What it sends is recorded and carries the current context.
    fn observed(&self) -> ObservedProducer<'_, Self> {
        ObservedProducer { producer: self, transaction: None, budget: usize::MAX, capture: None }
    }
}

mod sealed {
    use super::*;

    pub trait Sealed {}

    impl<C: ClientContext, R: AsyncRuntime> Sealed for FutureProducer<C, R> {}
    impl<C: ProducerContext<Part>, Part: Partitioner> Sealed for BaseProducer<C, Part> {}
    impl<C: ProducerContext<Part> + 'static, Part: Partitioner> Sealed for ThreadedProducer<C, Part> {}
}

impl<C: ClientContext, R: AsyncRuntime> ProducerExt for FutureProducer<C, R> {}

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

/// An observed producer. Its methods take rdkafka's arguments and return rdkafka's results.
///
/// The `send` span's attribute `spanbridge.handoff.status` is `confirmed`; `rejected` (the message is not in Kafka);
/// `unknown` (the client gave up before the broker answered, and the message may be in Kafka); or `sent` (`acks=0`: no
/// broker answers).
pub struct ObservedProducer<'a, P: ?Sized> {
    producer: &'a P,
    transaction: Option<&'a InTransaction>,
    budget: usize,
    capture: Option<&'a CapturePolicy>,
}

impl<'a, P: ?Sized> ObservedProducer<'a, P> {
    /// The maximum number of bytes that the context may add to a message, Kafka's overhead for each header included.
    /// Default: what `message.max.bytes` leaves. What does not fit is left out in a fixed order, baggage first and
    /// `traceparent` last, and a diagnostic `injection.dropped` lists it. The message is sent in any case.
    ///
    /// The client does not know a topic's own limit (`max.message.bytes`): the broker refuses a larger message. A
    /// `FutureProducer`'s `send` then sends the message again without a context. If the report comes later, the send fails
    /// with a diagnostic `injection.refused`. If your topics have a lower limit than the client, set the client's or this.
    pub fn budget(self, bytes: usize) -> Self {
        ObservedProducer { budget: bytes, ..self }
    }

    /// What is recorded of payloads and headers. Default: the size of payloads.
    pub fn capture(self, capture: &'a CapturePolicy) -> Self {
        ObservedProducer { capture: Some(capture), ..self }
    }

    pub(crate) fn producer(&self) -> &'a P {
        self.producer
    }

    pub(super) fn policy(&self) -> Option<&'a CapturePolicy> {
        self.capture
    }

    /// The same producer; what it sends is part of this transaction.
    pub(super) fn within<'b>(&self, transaction: &'b InTransaction) -> ObservedProducer<'b, P>
    where
        'a: 'b,
    {
        ObservedProducer { transaction: Some(transaction), ..*self }
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
    /// Begins the `send` span and writes its context into the headers.
    pub(crate) fn begin(self, about: &About<'_>, headers: &mut Option<OwnedHeaders>) -> (Handoff, OriginalHeaders) {
        handoff::begin(about, &Sender::of(self.producer), self.transaction, headers, self.budget, self.capture)
    }
}
