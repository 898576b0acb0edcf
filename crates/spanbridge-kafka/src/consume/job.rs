//! A received message with its restored context.

use super::consumer_state::{ConsumerState, Settle};
use super::message::Received;
use super::partition::{Assignment, InFlight, Partition, revoked};
use super::settings::Settings;
use crate::client_info::ClientInfo;
use crate::describe::{self, About};
use crate::sync::lock;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, OwnedMessage};
use spanbridge::messaging::{self, CapturePolicy, MessageInfo, Step, Values, Waited};
use spanbridge::observe::{self, ActiveSpan, InSpan, Span};
use spanbridge::{Context, Outcome, semconv};
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::SystemTime;

/// A received message with its restored context.
///
/// It dereferences to rdkafka's message. A [`BorrowedMessage`] lives in its consumer's buffer; to send the job to another
/// task, copy the message with [`detach`](Job::detach). Dropping a job settles nothing.
pub struct Job<M> {
    message: M,
    consumer: Arc<ConsumerState>,
    received: messaging::Received,
    settings: Settings,
    state: Mutex<State>,
}

struct State {
    in_flight: InFlight,
    runs: u32,
}

impl<M: Received> Job<M> {
    pub(crate) fn new(message: M, consumer: Arc<ConsumerState>, settings: Settings) -> Self {
        let mut received = messaging::Received::new(&message.carrier());
        if let Some(receiving) = settings.receiving() {
            let age = describe::waited(message.timestamp(), SystemTime::now()).known();
            let relation = settings.relation_of(&message);
            let name = || format!("process {}", message.topic());
            received = received.with(receiving, MessageInfo { relation, age, name: &name, primitive: None });
        }
        let in_flight = consumer.partition_of(&message).received(message.offset());
        let state = Mutex::new(State { in_flight, runs: 0 });
        Job { message, consumer, received, settings, state }
    }

    /// Runs the work on the message in a `process` span. The span is a child of the sender's span, carries the sender's
    /// baggage, and ends with the outcome of the work. It does not settle the message.
    pub fn run<F, Fut>(&self, work: F) -> InSpan<Fut>
    where
        F: FnOnce() -> Fut,
        Fut: Future,
        Fut::Output: Outcome,
    {
        self.process().run(work)
    }

    /// As [`Job::run`], for a value that cannot fail.
    pub fn run_value<F, Fut>(&self, work: F) -> InSpan<Fut, observe::Anything>
    where
        F: FnOnce() -> Fut,
        Fut: Future,
    {
        self.process().run_value(work)
    }

    /// As [`Job::run`], for synchronous work.
    pub fn in_scope<R: Outcome>(&self, work: impl FnOnce() -> R) -> R {
        let mut scope = Scope(Some(self.process()));
        let context = scope.0.as_ref().map(|span| span.context().clone()).unwrap_or_default();
        let result = observe::in_scope(&context, work);
        if let Some(span) = scope.0.take() {
            span.end_with(&result)
        }
        result
    }

    /// Begins the process span, or takes the one that a batch began for this message.
    fn process(&self) -> Span {
        self.received.process(|| self.begin_span())
    }

    pub(crate) fn capture(&self) -> Option<&CapturePolicy> {
        self.settings.capture()
    }

    pub(crate) fn received(&self) -> &messaging::Received {
        &self.received
    }

    /// Begins a process span under the current one.
    pub(crate) fn begin_span(&self) -> Span {
        let mut state = self.state();
        state.runs = state.runs.saturating_add(1);
        let attempt = state.in_flight.reading.saturating_add(state.runs - 1);
        let (span, ahead) = self.describe(attempt, state.in_flight.partition());
        if let Some(ms) = ahead {
            span.diagnostic(semconv::CLOCK_SKEW, &format!("the broker's timestamp lies {ms} ms in the future"))
        }
        if let Some(capture) = self.settings.capture() {
            describe::capture(capture, &span, Step::Process, self.payload(), self.message.carrier())
        }
        if span.id().is_some() {
            state.in_flight.begin(span.context());
            if state.in_flight.is_revoked() {
                revoked(span.context().clone())
            }
        }
        span
    }

    fn describe(&self, attempt: u32, partition: &Partition) -> (Span, Option<u128>) {
        let (message, consumer) = (&self.message, &self.consumer);
        let about = About {
            topic: message.topic(),
            key: message.key(),
            payload: message.payload(),
            partition: None,
            records_size: self.settings.records_size(),
        };
        let mut values = Values::of(self.settings.capture());
        let template = || describe::process_template(message.topic(), message.partition(), &consumer.client);
        let mut span = describe::process(&about, partition.template(template), message.offset(), &mut values);
        let mut ahead = None;
        if span.id().is_some() {
            let now = SystemTime::now();
            match describe::waited(message.timestamp(), now) {
                Waited::Known(time) => span = span.attribute(semconv::QUEUE_TIME_MS, time.as_millis() as u64),
                Waited::Ahead(time) => ahead = Some(time.as_millis()),
                Waited::Unknown => {}
            }
            let ask = || consumer.with_consumer(|c| c.high_watermark(message.topic(), message.partition())).flatten();
            if let Some(behind) = partition.lag(message.offset(), now, ask) {
                span = span.attribute(semconv::KAFKA_LAG, behind)
            }
            if attempt > 1 {
                span = span.attribute(semconv::DELIVERY_ATTEMPT, attempt)
            }
        }
        (values.open(span), ahead)
    }

    /// Stores the message's offset (rdkafka's
    /// [`store_offset`](rdkafka::consumer::Consumer::store_offset)): the message and all before it in its partition are
    /// done, and the next commit includes them.
    ///
    /// The process span gets the attribute `spanbridge.settle.stored`. Storing sends nothing to the broker, so it has a span
    /// of its own only if it fails or if there is no process span.
    ///
    /// # Errors
    /// Returns rdkafka's error unchanged, for example if the partition is no longer assigned. `Canceled` if the consumer is
    /// closed.
    pub fn store_offset(&self) -> KafkaResult<()> {
        let message = &self.message;
        let store = |consumer: &dyn Settle| match message.borrowed() {
            Some(message) => consumer.store_message(message),
            None => consumer.store_offset(message.topic(), message.partition(), message.offset()),
        };
        let stored = self.consumer.with_consumer(store).unwrap_or(Err(KafkaError::Canceled));
        if stored.is_ok() {
            self.state().in_flight.partition().stored(message.offset().saturating_add(1));
            if let Some(span) = self.received.span() {
                span.attribute(semconv::SETTLE_STORED, true);
                return stored;
            }
        }
        self.settle("store_offset", || stored)
    }

    /// Settles in a span under the process span or, if there is none yet, under the sender's.
    fn settle(&self, operation: &'static str, settling: impl FnOnce() -> KafkaResult<()>) -> KafkaResult<()> {
        let revoked = self.state().in_flight.is_revoked();
        observe::in_scope(&self.settling(), || {
            let mut span = describe::settle(operation, self.message.topic(), &self.consumer.client)
                .attribute(semconv::MESSAGING_PARTITION_ID, itoa::Buffer::new().format(self.message.partition()))
                .attribute(semconv::KAFKA_OFFSET, self.message.offset());
            if revoked {
                span = span.attribute(semconv::SETTLE_REVOKED, true)
            }
            let span = Values::of(self.settings.capture()).open(span.implicit_run(false));
            observe::in_scope_with_span(span, settling, describe::judge)
        })
    }

    /// The consumer that received the message.
    pub(crate) fn client(&self) -> &ClientInfo {
        &self.consumer.client
    }

    /// The assignment of its partition under which the message came.
    pub(crate) fn assignment(&self) -> Assignment {
        self.state().in_flight.assignment.clone()
    }

    /// The context for a settlement's span.
    pub(crate) fn settling(&self) -> Context {
        self.received.settling()
    }
}

/// A span around synchronous work. A panic ends it too.
struct Scope(Option<Span>);

impl Drop for Scope {
    fn drop(&mut self) {
        if let Some(span) = self.0.take() {
            span.unwound()
        }
    }
}

impl<M> Job<M> {
    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// The context that came with the message, reduced to what the consumer trusts; empty if there was none.
    pub fn context(&self) -> &Context {
        self.received.context()
    }

    /// The consumer group; empty if there is none.
    pub fn group(&self) -> &str {
        &self.consumer.client.group
    }

    /// The message.
    pub fn message(&self) -> &M {
        &self.message
    }

    /// rdkafka's message alone. What happens to it is no longer recorded.
    pub fn into_message(self) -> M {
        self.message
    }

    /// Whether the message's partition was revoked since the message came, so that another member of the group gets it
    /// too. Known only if the consumer's context is [observed](crate::Observed).
    pub fn is_revoked(&self) -> bool {
        self.state().in_flight.is_revoked()
    }

    /// The process span, while the work runs and after it.
    pub fn span(&self) -> Option<ActiveSpan> {
        self.received.span()
    }
}

impl Job<BorrowedMessage<'_>> {
    /// The job with a copy of its message ([`BorrowedMessage::detach`]), which can be sent to another task. It does not
    /// keep the consumer alive.
    pub fn detach(self) -> Job<OwnedMessage> {
        let Job { message, consumer, received, settings, state } = self;
        Job { message: message.detach(), consumer, received, settings, state }
    }
}

impl<M> Deref for Job<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.message
    }
}

impl<M> fmt::Debug for Job<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job")
            .field("received", self.context())
            .field("group", &self.consumer.client.group)
            .finish_non_exhaustive()
    }
}
