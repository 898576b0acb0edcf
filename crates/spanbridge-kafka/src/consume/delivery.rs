//! A message with what its consumer knows about it: what is recorded of the work on it.

use super::consumer_state::{ConsumerState, Settle};
use super::message::{Incoming, Received};
use super::options::Kafka;
use super::partition::{InFlight, revoked};
use crate::describe::{self, About};
use spanbridge::adapter::{Describe, Properties, Values, Waited};
use spanbridge::carrier::Extract;
use spanbridge::observe::{Span, SpanBuilder};
use spanbridge::semconv;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A message with what its consumer knows about it.
pub struct Delivery<M> {
    pub(super) message: M,
    pub(super) consumer: Arc<ConsumerState>,
    pub(super) in_flight: InFlight,
    /// When it was described last, in milliseconds since the epoch; 0: not yet.
    described_at: AtomicI64,
}

impl<M: Received> Delivery<M> {
    pub(super) fn new(message: M, consumer: Arc<ConsumerState>) -> Self {
        let in_flight = consumer.partition_of(&message).received();
        Delivery { message, consumer, in_flight, described_at: AtomicI64::new(0) }
    }

    /// The message comes again, if it has just come.
    pub(super) fn seek_back(&self) {
        let message = &self.message;
        if message.borrowed().is_some() {
            let seek = |consumer: &dyn Settle| {
                consumer.seek_back(message.topic(), message.partition(), message.offset());
            };
            self.consumer.with_consumer(seek);
        }
    }
}

impl<M> Delivery<M> {
    /// The same, with its message changed.
    pub(super) fn map<N>(self, change: impl FnOnce(M) -> N) -> Delivery<N> {
        let Delivery { message, consumer, in_flight, described_at } = self;
        Delivery { message: change(message), consumer, in_flight, described_at }
    }

    /// The time, read once for everything about one span.
    fn described_at(&self) -> SystemTime {
        match u64::try_from(self.described_at.load(Relaxed)) {
            Ok(ms) if ms > 0 => UNIX_EPOCH + Duration::from_millis(ms),
            _ => SystemTime::now(),
        }
    }
}

impl<M: Received> Describe for Delivery<M> {
    type View = Kafka;

    fn headers(&self) -> impl Extract {
        self.message.carrier()
    }

    fn view(&self) -> Incoming<'_> {
        Incoming::of(&self.message)
    }

    fn run_name(&self, _: &mut Values<'_>) -> String {
        format!("process {}", self.message.topic())
    }

    fn describe(&self, values: &mut Values<'_>) -> SpanBuilder {
        let (message, partition) = (&self.message, self.in_flight.partition());
        let template = partition
            .template(|| describe::process_template(message.topic(), message.partition(), &self.consumer.client));
        let about = About { topic: message.topic(), key: message.key(), payload: message.payload(), partition: None };
        let mut span = describe::process(&about, template, message.offset(), values);
        if span.id().is_some() {
            let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as i64);
            self.described_at.store(now_ms, Relaxed);
            let ask = || self.consumer.with_consumer(|c| c.high_watermark(message.topic(), message.partition()));
            if let Some(behind) = partition.lag(message.offset(), now_ms, || ask().flatten()) {
                span = span.attribute(semconv::KAFKA_LAG, behind)
            }
        }
        span
    }

    fn waited(&self) -> Waited {
        describe::waited(self.message.timestamp(), self.described_at())
    }

    fn payload(&self) -> Option<&[u8]> {
        self.message.payload()
    }

    fn content_type(&self) -> &str {
        describe::content_type(self.message.carrier())
    }

    fn each_header(&self, each: &mut dyn FnMut(&str, &[u8])) {
        describe::headers(self.message.carrier(), each)
    }

    fn properties(&self, to: &mut Properties<'_>) {
        self.view().properties(to)
    }

    fn begun(&self, span: &Span) {
        if span.id().is_none() {
            return;
        }
        let attempt = self.in_flight.begin(span.context());
        if attempt > 1 {
            span.attribute(semconv::DELIVERY_ATTEMPT, attempt)
        }
        if self.in_flight.is_revoked() {
            revoked(span.context().clone())
        }
    }
}
