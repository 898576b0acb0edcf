//! What the jobs of a consumer share: its group, a way to settle, and its partitions.

use super::lending::Gate;
use super::partition::Partition;
use super::partitions::Partitions;
use crate::client::Client;
use crate::client_info::ClientInfo;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, StreamConsumer};
use rdkafka::error::KafkaResult;
use rdkafka::message::BorrowedMessage;
use rdkafka::topic_partition_list::TopicPartitionList;
use spanbridge::fork::PerProcess;
use spanbridge::messaging::CapturePolicy;
use std::collections::BTreeMap;
use std::ffi::CString;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

/// A consumer, for jobs that do not know of what type it is.
pub trait Settle: Client + Send + Sync {
    fn store_offset(&self, topic: &str, partition: i32, offset: i64) -> KafkaResult<()>;
    fn store_message(&self, message: &BorrowedMessage<'_>) -> KafkaResult<()>;
}

impl<C: ConsumerContext, R: Send + Sync> Settle for StreamConsumer<C, R> {
    fn store_offset(&self, topic: &str, partition: i32, offset: i64) -> KafkaResult<()> {
        Consumer::store_offset(self, topic, partition, offset)
    }

    fn store_message(&self, message: &BorrowedMessage<'_>) -> KafkaResult<()> {
        self.store_offset_from_message(message)
    }
}

impl<C: ConsumerContext> Settle for BaseConsumer<C> {
    fn store_offset(&self, topic: &str, partition: i32, offset: i64) -> KafkaResult<()> {
        Consumer::store_offset(self, topic, partition, offset)
    }

    fn store_message(&self, message: &BorrowedMessage<'_>) -> KafkaResult<()> {
        self.store_offset_from_message(message)
    }
}

/// A consumer that is lent, of whatever type.
trait Lender: Send + Sync {
    fn lend(&self, gate: &Gate, f: &mut dyn FnMut(&dyn Settle));
    fn address(&self) -> *const ();
}

impl<X: Settle + 'static> Lender for Weak<X> {
    fn lend(&self, gate: &Gate, f: &mut dyn FnMut(&dyn Settle)) {
        let _ = gate.lend(self, |consumer| f(consumer)); // it is gone
    }

    fn address(&self) -> *const () {
        self.as_ptr().cast()
    }
}

pub(crate) struct ConsumerState {
    pub(crate) client: ClientInfo,
    consumer: Box<dyn Lender>,
    gate: Gate,
    partitions: Mutex<Partitions>,
    /// What is recorded of the errors of its commits, where something was said.
    pub(super) capture: OnceLock<CapturePolicy>,
}

/// By the identity of their consumer, by which its callbacks find them.
static HOMES: PerProcess<BTreeMap<Identity, Weak<ConsumerState>>> = PerProcess::new();

type Identity = (usize, CString);

fn identity(consumer: &impl Client) -> Identity {
    let (address, name) = consumer.identity();
    (address, name.to_owned())
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ConsumerState {
    /// The consumer_state of a consumer's jobs. There is only one, however often it is observed.
    pub(crate) fn of<X: Settle + 'static>(consumer: &Arc<X>) -> Arc<ConsumerState> {
        let identity = identity(&**consumer);
        // One that is left of a consumer that was at the same place is another's.
        let is_its =
            |consumer_state: &Arc<ConsumerState>| consumer_state.consumer.address() == Arc::as_ptr(consumer).cast();
        let consumer_state = HOMES.with(|homes| {
            if let Some(consumer_state) = homes.get(&identity).and_then(Weak::upgrade).filter(is_its) {
                return consumer_state;
            }
            let consumer_state = Arc::new(ConsumerState {
                client: ClientInfo::of(&**consumer),
                consumer: Box::new(Arc::downgrade(consumer)),
                gate: Gate::default(),
                partitions: Mutex::default(),
                capture: OnceLock::new(),
            });
            homes.retain(|_, consumer_state| consumer_state.strong_count() > 0);
            homes.insert(identity, Arc::downgrade(&consumer_state));
            consumer_state
        });
        consumer_state.gate.open();
        consumer_state
    }

    /// The same, if it was observed.
    pub(crate) fn known(consumer: &impl Client) -> Option<Arc<ConsumerState>> {
        let identity = identity(consumer);
        HOMES.with(|homes| homes.get(&identity)?.upgrade())
    }

    /// Calls `f` with the consumer, while there is one.
    pub(crate) fn with_consumer<R>(&self, f: impl FnOnce(&dyn Settle) -> R) -> Option<R> {
        let (mut f, mut result) = (Some(f), None);
        self.consumer.lend(&self.gate, &mut |consumer| result = f.take().map(|f| f(consumer)));
        result
    }

    /// An owner of the consumer is about to drop it.
    pub(crate) fn let_go<X>(&self, consumer: &Arc<X>) {
        self.gate.let_go(consumer)
    }

    pub(crate) fn partition(&self, topic: &str, number: i32) -> Arc<Partition> {
        lock(&self.partitions).of(topic, number)
    }

    /// The partitions that messages came from.
    pub(crate) fn partitions(&self) -> Vec<(Box<str>, i32, Arc<Partition>)> {
        let partitions = lock(&self.partitions);
        partitions.each().map(|(topic, number, partition)| (topic.into(), number, partition.clone())).collect()
    }

    pub(crate) fn assigned(&self, partitions: &TopicPartitionList) {
        self.each_known(partitions, Partition::forget_offsets)
    }

    pub(crate) fn revoked(&self, partitions: &TopicPartitionList) {
        self.each_known(partitions, Partition::revoked)
    }

    /// Of the others, no message has come.
    fn each_known(&self, partitions: &TopicPartitionList, f: impl Fn(&Partition)) {
        for p in partitions.elements() {
            let known = lock(&self.partitions).known(p.topic(), p.partition());
            if let Some(known) = known {
                f(&known)
            }
        }
    }
}
