//! `consumer.observed()`.

use super::consumer_state::{ConsumerState, Settle};
use super::job::Job;
use super::message::Received;
use super::options::ReceiveOptions;
use crate::client::Client;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, StreamConsumer};
use rdkafka::types::RDKafka;
use spanbridge::messaging::CapturePolicy;
use std::fmt;
use std::sync::Arc;

/// Adds `observed()` to [`StreamConsumer`] and [`BaseConsumer`], and to both in an [`Arc`].
pub trait ConsumerExt: sealed::Sealed {
    /// rdkafka's consumer.
    type Consumer;

    /// The same consumer; its messages are [`Job`]s.
    fn observed(self) -> ObservedConsumer<Self::Consumer>;
}

mod sealed {
    use super::{Arc, BaseConsumer, ConsumerContext, StreamConsumer};

    pub trait Sealed {}

    impl<C: ConsumerContext, R> Sealed for StreamConsumer<C, R> {}
    impl<C: ConsumerContext> Sealed for BaseConsumer<C> {}
    impl<X: Sealed> Sealed for Arc<X> {}
}

impl<C: ConsumerContext + 'static, R: Send + Sync + 'static> ConsumerExt for Arc<StreamConsumer<C, R>> {
    type Consumer = StreamConsumer<C, R>;

    fn observed(self) -> ObservedConsumer<Self::Consumer> {
        ObservedConsumer::new(self)
    }
}

impl<C: ConsumerContext + 'static, R: Send + Sync + 'static> ConsumerExt for StreamConsumer<C, R> {
    type Consumer = Self;

    fn observed(self) -> ObservedConsumer<Self> {
        ObservedConsumer::new(Arc::new(self))
    }
}

impl<C: ConsumerContext + 'static> ConsumerExt for Arc<BaseConsumer<C>> {
    type Consumer = BaseConsumer<C>;

    fn observed(self) -> ObservedConsumer<Self::Consumer> {
        ObservedConsumer::new(self)
    }
}

impl<C: ConsumerContext + 'static> ConsumerExt for BaseConsumer<C> {
    type Consumer = Self;

    fn observed(self) -> ObservedConsumer<Self> {
        ObservedConsumer::new(Arc::new(self))
    }
}

// SAFETY: the client lives as long as the consumer.
unsafe impl<C: ConsumerContext, R> Client for StreamConsumer<C, R> {
    fn native(&self) -> *mut RDKafka {
        self.client().native_ptr()
    }
}

// SAFETY: as above.
unsafe impl<C: ConsumerContext> Client for BaseConsumer<C> {
    fn native(&self) -> *mut RDKafka {
        self.client().native_ptr()
    }
}

/// An observed consumer: its messages are [`Job`]s, and its commits are recorded. For everything else, use rdkafka's
/// [`consumer`](ObservedConsumer::consumer).
///
/// It can be cloned and stored; clones share the consumer. rdkafka's consumer is closed when the last of them is dropped.
/// Waiting for a message is not recorded, and neither is an empty poll.
///
/// By default the contexts that come with its messages are taken as they are. Other choices are
/// [options](ObservedConsumer::with):
///
/// ```no_run
/// use spanbridge_kafka::{CaptureMode, ConsumerExt, ReceiveOptions, Relation};
/// use std::time::Duration;
///
/// # fn f(consumer: rdkafka::consumer::StreamConsumer) {
/// let options = ReceiveOptions::new()
///     .relation(Relation::Auto { max_age: Duration::from_secs(3600) })
///     .allow_baggage(["tenant"])
///     .capture(CaptureMode::Inline { max: 512 });
/// let consumer = consumer.observed().with(options);
/// # }
/// ```
pub struct ObservedConsumer<X> {
    // Dropped after the jobs have been told.
    consumer: Arc<X>,
    state: Arc<ConsumerState>,
    options: ReceiveOptions,
}

impl<X: Settle + 'static> ObservedConsumer<X> {
    fn new(consumer: Arc<X>) -> Self {
        let state = ConsumerState::of(&consumer);
        ObservedConsumer { consumer, state, options: ReceiveOptions::new() }
    }
}

impl<X> ObservedConsumer<X> {
    /// rdkafka's consumer.
    pub fn consumer(&self) -> &Arc<X> {
        &self.consumer
    }

    /// The consumer group; empty if there is none.
    pub fn group(&self) -> &str {
        &self.state.client.group
    }

    /// A job for a message that was received some other way, for example from a partition's own queue.
    pub fn job<M: Received>(&self, message: M) -> Job<M> {
        Job::new(message, self.state.clone(), &self.options)
    }

    pub(crate) fn state(&self) -> &Arc<ConsumerState> {
        &self.state
    }

    pub(super) fn options(&self) -> &ReceiveOptions {
        &self.options
    }

    /// The same consumer with options: how its messages are received.
    ///
    /// Commits can fail in a callback, which knows only rdkafka's consumer: the first capture policy that is set applies there.
    pub fn with(mut self, options: ReceiveOptions) -> Self {
        if let Some(capture) = options.capture_policy() {
            let _ = self.state.capture.set(CapturePolicy::clone(capture));
        }
        self.options = options;
        self
    }
}

impl<X> Clone for ObservedConsumer<X> {
    fn clone(&self) -> Self {
        let ObservedConsumer { consumer, state, options } = self;
        ObservedConsumer { consumer: consumer.clone(), state: state.clone(), options: options.clone() }
    }
}

/// rdkafka's consumer is closed by its last owner: here, and not in a job that happens to settle meanwhile.
impl<X> Drop for ObservedConsumer<X> {
    fn drop(&mut self) {
        self.state.let_go(&self.consumer)
    }
}

impl<X> fmt::Debug for ObservedConsumer<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObservedConsumer").field("group", &self.group()).finish_non_exhaustive()
    }
}
