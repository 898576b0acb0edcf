//! A received message with its restored context.

use super::consumer_state::{ConsumerState, Settle};
use super::partition::{Assignment, InFlight, Partition, revoked};
use super::settings::Settings;
use crate::carrier::Headers;
use crate::client_info::ClientInfo;
use crate::describe::{self, About};
use rdkafka::Message;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{BorrowedMessage, OwnedMessage};
use spanbridge::messaging::{self, CapturePolicy, MessageInfo, Step, Values, Waited};
use spanbridge::observe::{self, ActiveSpan, InSpan, Span};
use spanbridge::{Context, Outcome, semconv};
use std::fmt;
use std::future::Future;
use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// A message as rdkafka hands it out: borrowed from its consumer, or detached. (Implemented for those two.)
pub trait Received: Message + sealed::Sealed {}

impl Received for BorrowedMessage<'_> {}
impl Received for OwnedMessage {}

pub(crate) mod sealed {
    use super::*;

    pub trait Sealed {
        fn carrier(&self) -> Headers<'_>;
        fn borrowed(&self) -> Option<&BorrowedMessage<'_>>;
    }

    impl Sealed for BorrowedMessage<'_> {
        fn carrier(&self) -> Headers<'_> {
            self.into()
        }

        fn borrowed(&self) -> Option<&BorrowedMessage<'_>> {
            Some(self)
        }
    }

    impl Sealed for OwnedMessage {
        fn carrier(&self) -> Headers<'_> {
            self.into()
        }

        fn borrowed(&self) -> Option<&BorrowedMessage<'_>> {
            None
        }
    }
}

/// A received message with its restored context.
///
/// It is rdkafka's message in everything else. A [`BorrowedMessage`] lives in its consumer's buffer; [`detach`] copies it
/// out, and the job can be sent to another task. Dropping a job settles nothing.
///
/// [`detach`]: Job::detach
pub struct Job<M> {
    message: M,
    consumer_state: Arc<ConsumerState>,
    received: messaging::Received,
    settings: Settings,
    state: Mutex<State>,
}

struct State {
    in_flight: InFlight,
    runs: u32,
}

impl<M: Received> Job<M> {
    pub(crate) fn new(message: M, consumer_state: Arc<ConsumerState>, settings: Settings) -> Self {
        let mut received = messaging::Received::new(&message.carrier());
        if let Some(receiving) = settings.receiving() {
            let age = describe::waited(message.timestamp(), SystemTime::now()).known();
            let relation = settings.relation_of(&message);
            let name = || format!("process {}", message.topic());
            received = received.with(receiving, MessageInfo { relation, age, name: &name, primitive: None });
        }
        let in_flight = consumer_state.partition(message.topic(), message.partition()).received(message.offset());
        let state = Mutex::new(State { in_flight, runs: 0 });
        Job { message, consumer_state, received, settings, state }
    }

    /// Runs the work on the message in a `process` span under the sender's span, with the sender's baggage, and ends it
    /// by what the work resolves to. Whether the message is settled is up to you.
    pub fn run<F: Future>(&self, work: F) -> InSpan<F>
    where
        F::Output: Outcome,
    {
        observe::run_with_span(self.process(), work)
    }

    /// As [`Job::run`], for a value that cannot fail.
    pub fn run_value<F: Future>(&self, work: F) -> InSpan<F, observe::Anything> {
        observe::run_value_with_span(self.process(), work)
    }

    /// As [`Job::run`], for work that is not async.
    pub fn in_scope<R: Outcome>(&self, work: impl FnOnce() -> R) -> R {
        let mut scope = Scope(Some(self.process()));
        let context = scope.0.as_ref().map(|span| span.context().clone()).unwrap_or_default();
        let result = observe::in_scope(&context, work);
        if let Some(span) = scope.0.take() {
            span.end_with(&result)
        }
        result
    }

    /// Begins the process span: the one that a batch has begun for this message, if it has.
    fn process(&self) -> Span {
        self.received.process(|| self.begin_span())
    }

    pub(crate) fn capture(&self) -> Option<&CapturePolicy> {
        self.settings.capture()
    }

    pub(crate) fn received(&self) -> &messaging::Received {
        &self.received
    }

    /// Begins a process span, under what is current.
    pub(crate) fn begin_span(&self) -> Span {
        let mut state = self.state();
        state.runs = state.runs.saturating_add(1);
        let attempt = state.in_flight.reading.saturating_add(state.runs - 1);
        let (span, ahead) = self.describe(attempt, state.in_flight.partition());
        if let Some(ms) = ahead {
            span.diagnostic(semconv::CLOCK_SKEW, &format!("the broker's timestamp lies {ms} ms in the future"))
        }
        if let Some(receiving) = self.settings.receiving() {
            describe::capture(&receiving.capture, &span, Step::Process, self.payload(), self.message.carrier())
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
        let (message, consumer_state) = (&self.message, &self.consumer_state);
        let about = About {
            topic: message.topic(),
            key: message.key(),
            payload: message.payload(),
            partition: Some(message.partition()),
            tells_size: self.settings.tells_size(),
        };
        let mut values = Values::of(self.settings.capture());
        let mut span = describe::process(&about, &consumer_state.client, message.offset(), &mut values);
        let mut ahead = None;
        if span.id().is_some() {
            let now = SystemTime::now();
            match describe::waited(message.timestamp(), now) {
                Waited::Known(time) => span = span.attribute(semconv::QUEUE_TIME_MS, time.as_millis() as u64),
                Waited::Ahead(time) => ahead = Some(time.as_millis()),
                Waited::Unknown => {}
            }
            let ask =
                || consumer_state.with_consumer(|c| c.high_watermark(message.topic(), message.partition())).flatten();
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
    /// [`store_offset`](rdkafka::consumer::Consumer::store_offset)): it, and all before it in its partition, are done, and
    /// the next commit says so.
    ///
    /// The process span has the attribute `spanbridge.settle.stored` then: no broker is told, so there is no span of its
    /// own but where it fails, or where there is no process span.
    ///
    /// # Errors
    /// rdkafka's; among them that the partition is not assigned any more. `Canceled` when the consumer is gone.
    pub fn store_offset(&self) -> KafkaResult<()> {
        let message = &self.message;
        let store = |consumer: &dyn Settle| match message.borrowed() {
            Some(message) => consumer.store_message(message),
            None => consumer.store_offset(message.topic(), message.partition(), message.offset()),
        };
        let stored = self.consumer_state.with_consumer(store).unwrap_or(Err(KafkaError::Canceled));
        if stored.is_ok() {
            self.state().in_flight.partition().stored(message.offset().saturating_add(1));
            if let Some(span) = self.received.span() {
                span.attribute(semconv::SETTLE_STORED, true);
                return stored;
            }
        }
        self.settle("store_offset", || stored)
    }

    /// In a span under the process span; before there is one, under the sender's.
    fn settle(&self, operation: &'static str, settling: impl FnOnce() -> KafkaResult<()>) -> KafkaResult<()> {
        let revoked = self.state().in_flight.is_revoked();
        observe::in_scope(&self.settling(), || {
            let mut span = describe::settle(operation, self.message.topic(), &self.consumer_state.client)
                .attribute(semconv::MESSAGING_PARTITION_ID, itoa::Buffer::new().format(self.message.partition()))
                .attribute(semconv::KAFKA_OFFSET, self.message.offset());
            if revoked {
                span = span.attribute(semconv::SETTLE_REVOKED, true)
            }
            let span = Values::of(self.settings.capture()).open(span.implicit_run(false));
            observe::in_scope_with_span(span, settling, describe::judge)
        })
    }

    /// The consumer that it came to.
    pub(crate) fn client(&self) -> &ClientInfo {
        &self.consumer_state.client
    }

    /// By which assignment of its partition it came.
    pub(crate) fn assignment(&self) -> Assignment {
        self.state().in_flight.assignment.clone()
    }

    /// Where a settlement belongs.
    pub(crate) fn settling(&self) -> Context {
        self.received.settling()
    }
}

/// A span around work that is not async: it ends also by a panic.
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
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The context that came with the message, as far as the consumer takes it; empty if there was none.
    pub fn context(&self) -> &Context {
        self.received.context()
    }

    /// The consumer group; empty if there is none.
    pub fn group(&self) -> &str {
        &self.consumer_state.client.group
    }

    /// The message.
    pub fn message(&self) -> &M {
        &self.message
    }

    /// The message, to do with as rdkafka allows; what becomes of it is not recorded any more.
    pub fn into_message(self) -> M {
        self.message
    }

    /// Whether the message's partition was revoked since the message came: another member of the group gets it, too.
    /// Known only where rebalances are [observed](crate::Observed).
    pub fn is_revoked(&self) -> bool {
        self.state().in_flight.is_revoked()
    }

    /// The process span, while or after it runs.
    pub fn span(&self) -> Option<ActiveSpan> {
        self.received.span()
    }
}

impl Job<BorrowedMessage<'_>> {
    /// The job with a copy of its message ([`BorrowedMessage::detach`]): owned, and free to be sent to another task. It
    /// does not keep the consumer alive.
    pub fn detach(self) -> Job<OwnedMessage> {
        let Job { message, consumer_state, received, settings, state } = self;
        Job { message: message.detach(), consumer_state, received, settings, state }
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
            .field("group", &self.consumer_state.client.group)
            .finish_non_exhaustive()
    }
}
