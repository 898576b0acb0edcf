//! Transactions: what is sent in one is handed over when it commits, or not at all.

use super::producer::ObservedProducer;
use super::sender::Sender;
use crate::client::Client;
use crate::describe;
use crate::ranges::Ranges;
use crate::replayed::Fails;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::producer::{FutureProducer, Partitioner, Producer, ProducerContext};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::util::Timeout;
use spanbridge::adapter::{self, HandoffStatus, OutboundCall, Recorded, Values};
use spanbridge::observe;
use spanbridge::{Context, Primitive, Value, semconv};
use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// An open transaction.
///
/// Its span ends when it is committed or aborted, with `spanbridge.handoff.status` `committed` or `rolled_back`. The spans of
/// what was sent in it get the same status; until then theirs is `sent`. If you drop it first, the transaction stays open
/// (it belongs to the producer) and the span ends as `unknown`.
///
/// If another producer with the same `transactional.id` takes its place, the broker rolls the transaction back. If a commit
/// gets that answer, an earlier attempt of the client may have succeeded without an answer. So an abort refused for this
/// reason is recorded as `rolled_back` and a commit as `unknown`, both with the error.
///
/// As with rdkafka, the calls block; in async code, make them on a thread that may block.
#[must_use = "a transaction has to be committed or aborted"]
pub struct Transaction<P = FutureProducer, H = Arc<P>> {
    producer: ObservedProducer<P, H>,
    open: adapter::Transaction,
    /// A commit was attempted.
    may_be_committed: bool,
    /// What a replay answers when it ends.
    replayed: Option<Box<Recorded>>,
}

impl<P: Client, H: Deref<Target = P> + Clone> ObservedProducer<P, H> {
    /// [`Producer::begin_transaction`] in a span that ends with the transaction.
    ///
    /// # Errors
    /// Returns rdkafka's error unchanged.
    pub fn begin_transaction<C, Part>(&self) -> KafkaResult<Transaction<P, H>>
    where
        P: Producer<C, Part>,
        C: ProducerContext<Part>,
        Part: Partitioner,
    {
        let id = self.producer().setting(c"transactional.id").unwrap_or_default();
        let client = &Sender::of(self.producer()).client;
        let span =
            adapter::under_current(|| Values::of(self.capture_policy()).open(describe::transaction(&id, client)));
        // Its operations have one span, so they are asked about once.
        let call = || OutboundCall::new(Primitive::MESSAGING_SETTLE, &*id);
        let (begun, replayed) = match adapter::ask(span.context(), call).into_answer() {
            None => (span.in_scope(|| self.producer().begin_transaction()), None),
            Some(Ok(then)) => (Ok(()), Some(then)),
            Some(refused) => (Fails::of(&refused).map_or(Ok(()), |fails| Err(fails.with_text())), None),
        };
        let open = adapter::Transaction::begun(span, begun, describe::failure)?;
        Ok(Transaction { producer: self.within(open.inside()), open, may_be_committed: false, replayed })
    }
}

impl<P: Client, H: Deref<Target = P>> Transaction<P, H> {
    /// The producer, with the settings of the one that began the transaction. What it sends is part of the transaction. A
    /// `send` span's parent is the current span, and it links to the transaction's. What a clone of it sends after the
    /// transaction has ended belongs to the producer's next one, and is recorded as `sent`.
    pub fn producer(&self) -> &ObservedProducer<P, H> {
        &self.producer
    }

    /// The context inside the transaction's span.
    pub fn context(&self) -> &Context {
        self.open.context()
    }

    /// Calls `f` inside the transaction's span.
    pub fn in_scope<R>(&self, f: impl FnOnce() -> R) -> R {
        observe::in_scope(self.open.context(), f)
    }

    /// [`Producer::send_offsets_to_transaction`], recorded in the transaction's span: the offsets are committed with the
    /// transaction.
    ///
    /// # Errors
    /// Returns rdkafka's error unchanged.
    pub fn send_offsets_to_transaction<C, Part>(
        &self,
        offsets: &TopicPartitionList,
        group: &ConsumerGroupMetadata,
        timeout: impl Into<Timeout>,
    ) -> KafkaResult<()>
    where
        P: Producer<C, Part>,
        C: ProducerContext<Part>,
        Part: Partitioner,
    {
        let result = match &self.replayed {
            None => self.in_scope(|| self.producer.producer().send_offsets_to_transaction(offsets, group, timeout)),
            Some(_) => Ok(()),
        };
        match (self.open.span(), &result) {
            (Some(span), Ok(())) => {
                span.event("offsets", &[(semconv::SETTLE_RANGES, Value::Str(&Ranges::of(offsets).to_string()))])
            }
            (_, Err(e)) => self.open.operation_failed("send_offsets_to_transaction", &describe::failure(e)),
            _ => {}
        }
        result
    }

    /// [`Producer::commit_transaction`]. The span ends if it succeeds. After an error, commit again or abort, depending on
    /// the error.
    ///
    /// # Errors
    /// Returns rdkafka's error unchanged.
    pub fn commit_transaction<C, Part>(&mut self, timeout: impl Into<Timeout>) -> KafkaResult<()>
    where
        P: Producer<C, Part>,
        C: ProducerContext<Part>,
        Part: Partitioner,
    {
        let result = match &self.replayed {
            None => self.in_scope(|| self.producer.producer().commit_transaction(timeout)),
            Some(then) => ended_then(then),
        };
        match &result {
            Ok(()) => self.open.ended(HandoffStatus::Committed),
            Err(e) => {
                self.may_be_committed = true;
                self.operation_failed("commit_transaction", e)
            }
        }
        result
    }

    /// [`Producer::abort_transaction`]. The span ends if it succeeds.
    ///
    /// # Errors
    /// Returns rdkafka's error unchanged.
    pub fn abort_transaction<C, Part>(&mut self, timeout: impl Into<Timeout>) -> KafkaResult<()>
    where
        P: Producer<C, Part>,
        C: ProducerContext<Part>,
        Part: Partitioner,
    {
        let result = match &self.replayed {
            None => self.in_scope(|| self.producer.producer().abort_transaction(timeout)),
            Some(then) => ended_then(then),
        };
        match &result {
            Ok(()) => self.open.ended(HandoffStatus::RolledBack),
            Err(e) => self.operation_failed("abort_transaction", e),
        }
        result
    }
}

impl<P, H> Transaction<P, H> {
    /// Records the error. After a fatal one the transaction has ended.
    fn operation_failed(&mut self, operation: &'static str, error: &KafkaError) {
        let failure = describe::failure(error);
        match error {
            KafkaError::Transaction(e) if e.is_fatal() && is_fenced(e.code()) && !self.may_be_committed => {
                self.open.failed(HandoffStatus::RolledBack, &failure)
            }
            KafkaError::Transaction(e) if e.is_fatal() => self.open.failed(HandoffStatus::Unknown, &failure),
            _ => self.open.operation_failed(operation, &failure),
        }
    }
}

/// How a recorded transaction ended.
fn ended_then(then: &Recorded) -> KafkaResult<()> {
    then.error().map_or(Ok(()), |error| Err(Fails::Recorded(error).with_text()))
}

/// Another producer with this transactional id has started, and the broker rolled back what this one had not committed.
fn is_fenced(code: Code) -> bool {
    matches!(code, Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch)
}

impl<P, H> fmt::Debug for Transaction<P, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("span", &self.open.span()).finish_non_exhaustive()
    }
}
