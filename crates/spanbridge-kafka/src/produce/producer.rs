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
use spanbridge::adapter::{InTransaction, SendOptions, under_current};
use spanbridge::messaging::CapturePolicy;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

/// Adds `observed()` to [`FutureProducer`], and to [`BaseProducer`] and [`ThreadedProducer`] whose context is
/// [`Observed`](crate::Observed).
pub trait ProducerExt: sealed::Sealed + Sized {
    /// The same producer. What it sends is recorded and carries the current context.
    fn observed(&self) -> ObservedProducer<Self, &Self> {
        ObservedProducer::of(self)
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
/// `producer.observed()` borrows the producer. To say the capture policy and the budget once, store it:
///
/// ```no_run
/// use rdkafka::error::KafkaError;
/// use rdkafka::producer::{FutureProducer, FutureRecord};
/// use spanbridge_kafka::{CaptureMode, ObservedProducer, ProducerExt};
/// use std::time::Duration;
///
/// struct Orders { producer: ObservedProducer }
///
/// # async fn f(producer: FutureProducer) -> Result<(), KafkaError> {
/// let orders = Orders { producer: producer.observed().capture(CaptureMode::Off).into_owned() };
/// let record = FutureRecord::to("orders").key("42").payload("{}");
/// orders.producer.send(record, Duration::from_secs(5)).await.map_err(|(error, _)| error)?;
/// # Ok(())
/// # }
/// ```
///
/// `P` is rdkafka's producer, and `H` how it is held: by reference, or in an [`Arc`] if it is stored. A producer that cannot be
/// cloned is stored with [`ObservedProducer::new`].
///
/// The `send` span's attribute `spanbridge.handoff.status` is `confirmed`; `rejected` (the message is not in Kafka);
/// `unknown` (the client gave up before the broker answered, and the message may be in Kafka); or `sent` (`acks=0`: no
/// broker answers).
pub struct ObservedProducer<P = FutureProducer, H = Arc<P>> {
    producer: H,
    options: SendOptions,
    transaction: Option<InTransaction>,
    of: PhantomData<fn() -> P>,
}

impl<P> ObservedProducer<P> {
    /// An observed producer that owns its producer: for one that cannot be cloned, as a [`BaseProducer`].
    ///
    /// ```no_run
    /// use rdkafka::ClientConfig;
    /// use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext};
    /// use spanbridge_kafka::{Observed, ObservedProducer};
    /// use std::sync::Arc;
    ///
    /// struct Orders { producer: ObservedProducer<BaseProducer<Observed<DefaultProducerContext>>> }
    ///
    /// # fn f() -> rdkafka::error::KafkaResult<()> {
    /// let producer = ClientConfig::new().create_with_context(Observed::new(DefaultProducerContext))?;
    /// let orders = Orders { producer: ObservedProducer::new(Arc::new(producer)) };
    /// orders.producer.send(BaseRecord::to("orders").key("42").payload("{}")).map_err(|(error, _)| error)
    /// # }
    /// ```
    pub fn new(producer: Arc<P>) -> Self {
        ObservedProducer::of(producer)
    }
}

impl<P: Clone> ObservedProducer<P, &P> {
    /// The same, owning a clone of the producer: it can be stored, cloned and sent to other tasks.
    pub fn into_owned(self) -> ObservedProducer<P> {
        let ObservedProducer { producer, options, transaction, of } = self;
        ObservedProducer { producer: Arc::new(producer.clone()), options, transaction, of }
    }
}

impl<P, H> ObservedProducer<P, H> {
    fn of(producer: H) -> Self {
        ObservedProducer { producer, options: SendOptions::new(), transaction: None, of: PhantomData }
    }

    /// The maximum number of bytes that the context may add to a message, Kafka's overhead for each header included.
    /// Default: what `message.max.bytes` leaves. What does not fit is left out in a fixed order, baggage first and
    /// `traceparent` last, and a diagnostic `injection.dropped` lists it. The message is sent in any case.
    ///
    /// The client does not know a topic's own limit (`max.message.bytes`): the broker refuses a larger message. A
    /// `FutureProducer`'s `send` then sends the message again without a context. If the report comes later, the send fails
    /// with a diagnostic `injection.refused`. If your topics have a lower limit than the client, set the client's or this.
    pub fn budget(self, bytes: usize) -> Self {
        ObservedProducer { options: self.options.budget(bytes), ..self }
    }

    /// What is recorded of payloads and headers. Default: the size of payloads.
    pub fn capture(self, capture: impl Into<CapturePolicy>) -> Self {
        ObservedProducer { options: self.options.capture(capture), ..self }
    }

    pub(crate) fn capture_policy(&self) -> Option<&CapturePolicy> {
        self.options.capture_policy()
    }
}

impl<P, H: Deref<Target = P>> ObservedProducer<P, H> {
    /// rdkafka's producer.
    pub fn producer(&self) -> &P {
        &self.producer
    }
}

impl<P, H: Clone> ObservedProducer<P, H> {
    /// The same producer, inside a transaction.
    pub(super) fn within(&self, transaction: &InTransaction) -> Self {
        ObservedProducer { transaction: Some(transaction.clone()), ..self.clone() }
    }
}

impl<P, H: Clone> Clone for ObservedProducer<P, H> {
    fn clone(&self) -> Self {
        let ObservedProducer { producer, options, transaction, of } = self;
        let (producer, options) = (producer.clone(), options.clone());
        ObservedProducer { producer, options, transaction: transaction.clone(), of: *of }
    }
}

impl<P, H> fmt::Debug for ObservedProducer<P, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObservedProducer").finish_non_exhaustive()
    }
}

impl<P: Client, H: Deref<Target = P>> ObservedProducer<P, H> {
    /// Begins the `send` span and writes its context into the headers.
    pub(crate) fn begin(&self, about: &About<'_>, headers: &mut Option<OwnedHeaders>) -> (Handoff, OriginalHeaders) {
        let (sender, transaction) = (Sender::of(self.producer()), self.transaction.as_ref());
        under_current(|| handoff::begin(about, &sender, transaction, headers, &self.options))
    }
}
