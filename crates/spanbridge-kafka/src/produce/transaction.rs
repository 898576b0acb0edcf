//! Transactions: what they send is handed over when they commit, or not at all.

use super::ObservedProducer;
use crate::client::Client;
use crate::client_info::ClientInfo;
use crate::describe;
use crate::ranges::Ranges;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::producer::{Partitioner, Producer, ProducerContext};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::util::Timeout;
use spanbridge::messaging::{self, Values};
use spanbridge::observe;
use spanbridge::{Context, Value, semconv};
use std::fmt;

/// A transaction that has begun.
///
/// Its span ends when it is committed or aborted, with `spanbridge.handoff.status` `committed` or `rolled_back`; the
/// spans of what was sent in it then say the same, and until then `sent`. Dropped before that, the transaction goes on
/// (it is the producer's), and the span ends as `unknown`.
///
/// Where another producer of the same `transactional.id` has taken its place, the broker has rolled the transaction back; but
/// when that is the answer to a commit, an earlier attempt of the client's may have succeeded unheard. So an abort that is
/// refused for this reason says `rolled_back`, and a commit `unknown`, both with the error.
///
/// As with rdkafka, the calls block; from async code they belong on a thread that may.
#[must_use = "a transaction is committed or aborted"]
pub struct Transaction<'a, P: ?Sized> {
    /// With the settings that it had.
    producer: ObservedProducer<'a, P>,
    open: messaging::Transaction,
    /// A commit was tried.
    may_be_committed: bool,
}

impl<'a, P: Client> ObservedProducer<'a, P> {
    /// [`Producer::begin_transaction`], in a span that ends with the transaction.
    ///
    /// # Errors
    /// rdkafka's.
    pub fn begin_transaction<C, Part>(self) -> KafkaResult<Transaction<'a, P>>
    where
        P: Producer<C, Part>,
        C: ProducerContext<Part>,
        Part: Partitioner,
    {
        let id = self.producer.setting(c"transactional.id").unwrap_or_default();
        let span = Values::of(self.capture).open(describe::transaction(&id, &ClientInfo::last(self.producer)));
        if let Err(e) = span.in_scope(|| self.producer.begin_transaction()) {
            span.end_with(&describe::failure(&e));
            return Err(e);
        }
        Ok(Transaction { producer: self, open: messaging::Transaction::new(span), may_be_committed: false })
    }
}

impl<P: Client> Transaction<'_, P> {
    /// The producer, with the settings of the one that began the transaction. What it sends is part of the transaction; a
    /// `send` span hangs under what is current, and links to the transaction's.
    pub fn producer(&self) -> ObservedProducer<'_, P> {
        ObservedProducer { transaction: Some(&self.open), ..self.producer }
    }

    /// The context inside the transaction's span.
    pub fn context(&self) -> &Context {
        self.open.context()
    }

    /// Calls `f` inside the transaction's span.
    pub fn in_scope<R>(&self, f: impl FnOnce() -> R) -> R {
        observe::in_scope(self.open.context(), f)
    }

    /// [`Producer::send_offsets_to_transaction`], recorded in the transaction's span: what was consumed for it is
    /// committed with it.
    ///
    /// # Errors
    /// rdkafka's.
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
        let result = self.in_scope(|| self.producer.producer.send_offsets_to_transaction(offsets, group, timeout));
        match (self.open.span(), &result) {
            (Some(span), Ok(())) => {
                span.event("offsets", &[(semconv::SETTLE_RANGES, Value::Str(&Ranges::of(offsets).to_string()))])
            }
            (_, Err(e)) => self.open.operation_failed("send_offsets_to_transaction", &describe::failure(e)),
            _ => {}
        }
        result
    }

    /// [`Producer::commit_transaction`]. The span ends when it succeeds; after an error the transaction can be committed
    /// again, or aborted, as the error says.
    ///
    /// # Errors
    /// rdkafka's.
    pub fn commit_transaction<C, Part>(&mut self, timeout: impl Into<Timeout>) -> KafkaResult<()>
    where
        P: Producer<C, Part>,
        C: ProducerContext<Part>,
        Part: Partitioner,
    {
        let result = self.in_scope(|| self.producer.producer.commit_transaction(timeout));
        match &result {
            Ok(()) => self.open.ended("committed"),
            Err(e) => {
                self.may_be_committed = true;
                self.operation_failed("commit_transaction", e)
            }
        }
        result
    }

    /// [`Producer::abort_transaction`]. The span ends when it succeeds.
    ///
    /// # Errors
    /// rdkafka's.
    pub fn abort_transaction<C, Part>(&mut self, timeout: impl Into<Timeout>) -> KafkaResult<()>
    where
        P: Producer<C, Part>,
        C: ProducerContext<Part>,
        Part: Partitioner,
    {
        let result = self.in_scope(|| self.producer.producer.abort_transaction(timeout));
        match &result {
            Ok(()) => self.open.ended("rolled_back"),
            Err(e) => self.operation_failed("abort_transaction", e),
        }
        result
    }
}

impl<P: ?Sized> Transaction<'_, P> {
    /// The end of it, where the producer can do nothing more with it.
    fn operation_failed(&mut self, operation: &'static str, error: &KafkaError) {
        let failure = describe::failure(error);
        match error {
            KafkaError::Transaction(e) if e.is_fatal() && is_fenced(e.code()) && !self.may_be_committed => {
                self.open.failed_as("rolled_back", &failure)
            }
            KafkaError::Transaction(e) if e.is_fatal() => self.open.failed(&failure),
            _ => self.open.operation_failed(operation, &failure),
        }
    }
}

/// Another producer with this transactional id has begun, for which the broker has rolled back what this one had not
/// committed.
fn is_fenced(code: Code) -> bool {
    matches!(code, Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch)
}

impl<P: ?Sized> fmt::Debug for Transaction<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction").field("span", &self.open.span()).finish_non_exhaustive()
    }
}
