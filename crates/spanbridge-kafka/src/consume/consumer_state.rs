//! What the jobs of a consumer share: its group, the consumer to settle with, and its partitions.

use super::lending::Gate;
use super::partition::Partition;
use super::partitions::Partitions;
use crate::client::Client;
use crate::client_info::ClientInfo;
use crate::sync::lock;
use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use spanbridge::adapter::PerProcess;
use spanbridge::messaging::CapturePolicy;
use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::ffi::CString;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::Duration;

/// A consumer of any type, as its jobs use it.
pub trait Settle: Client + Send + Sync {
    fn store_offset(&self, topic: &str, partition: i32, offset: i64) -> KafkaResult<()>;
    fn seek_partitions(&self, to: TopicPartitionList);

    /// The partition continues at this offset. This does not block; it is refused only if the partition is no longer assigned.
    fn seek_back(&self, topic: &str, partition: i32, offset: i64) {
        let mut to = TopicPartitionList::with_capacity(1);
        if to.add_partition_offset(topic, partition, Offset::Offset(offset)).is_ok() {
            self.seek_partitions(to)
        }
    }
}

impl<C: ConsumerContext, R: Send + Sync> Settle for StreamConsumer<C, R> {
    fn store_offset(&self, topic: &str, partition: i32, offset: i64) -> KafkaResult<()> {
        Consumer::store_offset(self, topic, partition, offset)
    }

    fn seek_partitions(&self, to: TopicPartitionList) {
        let _ = Consumer::seek_partitions(self, to, Duration::ZERO);
    }
}

impl<C: ConsumerContext> Settle for BaseConsumer<C> {
    fn store_offset(&self, topic: &str, partition: i32, offset: i64) -> KafkaResult<()> {
        Consumer::store_offset(self, topic, partition, offset)
    }

    fn seek_partitions(&self, to: TopicPartitionList) {
        let _ = Consumer::seek_partitions(self, to, Duration::ZERO);
    }
}

/// Lends a consumer of any type.
trait Lender: Send + Sync {
    fn lend(&self, gate: &Gate, f: &mut dyn FnMut(&dyn Settle));
    fn address(&self) -> *const ();
}

impl<X: Settle + 'static> Lender for Weak<X> {
    fn lend(&self, gate: &Gate, f: &mut dyn FnMut(&dyn Settle)) {
        let _ = gate.lend(self, |consumer| f(consumer)); // not called if the consumer is gone
    }

    fn address(&self) -> *const () {
        self.as_ptr().cast()
    }
}

/// There is no consumer.
struct NoConsumer;

impl Lender for NoConsumer {
    fn lend(&self, _: &Gate, _: &mut dyn FnMut(&dyn Settle)) {}

    fn address(&self) -> *const () {
        std::ptr::null()
    }
}

/// Shared by a consumer, its clones and its jobs.
pub(crate) struct ConsumerState {
    pub(crate) client: ClientInfo,
    /// Unlike an address, it is never used twice.
    serial: u64,
    consumer: Box<dyn Lender>,
    gate: Gate,
    partitions: Mutex<Partitions>,
    /// Errors that followed the messages of a batch.
    pub(super) later: Mutex<VecDeque<KafkaError>>,
    /// How errors of its commits are recorded, if that was set.
    pub(super) capture: OnceLock<CapturePolicy>,
}

/// The partition that a message came from, as a thread remembers it.
struct LastPartition {
    consumer: u64,
    topic: Box<str>,
    number: i32,
    partition: Arc<Partition>,
}

static SERIALS: AtomicU64 = AtomicU64::new(0);

/// By the identity of the consumer, which is all that its callbacks know.
static STATES: PerProcess<BTreeMap<Identity, Weak<ConsumerState>>> = PerProcess::new();

type Identity = (usize, CString);

fn identity(consumer: &impl Client) -> Identity {
    let (address, name) = consumer.identity();
    (address, name.to_owned())
}

impl ConsumerState {
    /// The state of a consumer. There is one, however often the consumer is observed.
    pub(super) fn of<X: Settle + 'static>(consumer: &Arc<X>) -> Arc<ConsumerState> {
        let identity = identity(&**consumer);
        // A state left by an earlier consumer at the same address belongs to that one.
        let is_its = |state: &Arc<ConsumerState>| state.consumer.address() == Arc::as_ptr(consumer).cast();
        let state = STATES.with(|states| {
            if let Some(state) = states.get(&identity).and_then(Weak::upgrade).filter(is_its) {
                return state;
            }
            let state = ConsumerState::new(ClientInfo::of(&**consumer), Box::new(Arc::downgrade(consumer)));
            let state = Arc::new(state);
            states.retain(|_, state| state.strong_count() > 0);
            states.insert(identity, Arc::downgrade(&state));
            state
        });
        state.gate.open();
        state
    }

    /// Of a message that no consumer is known to have delivered: as if that was closed.
    pub(super) fn unknown() -> Arc<ConsumerState> {
        Arc::new(ConsumerState::new(ClientInfo::default(), Box::new(NoConsumer)))
    }

    fn new(client: ClientInfo, consumer: Box<dyn Lender>) -> Self {
        ConsumerState {
            client,
            serial: SERIALS.fetch_add(1, Relaxed),
            consumer,
            gate: Gate::default(),
            partitions: Mutex::default(),
            later: Mutex::default(),
            capture: OnceLock::new(),
        }
    }

    /// Whether its messages have a consumer, or had one.
    pub(super) fn has_consumer(&self) -> bool {
        !self.consumer.address().is_null()
    }

    /// The same, if the consumer was observed.
    pub(crate) fn known(consumer: &impl Client) -> Option<Arc<ConsumerState>> {
        let identity = identity(consumer);
        STATES.with(|states| states.get(&identity)?.upgrade())
    }

    /// Calls `f` with the consumer; `None` if that is closed.
    pub(crate) fn with_consumer<R>(&self, f: impl FnOnce(&dyn Settle) -> R) -> Option<R> {
        let (mut f, mut result) = (Some(f), None);
        self.consumer.lend(&self.gate, &mut |consumer| result = f.take().map(|f| f(consumer)));
        result
    }

    /// To be called before an owner of the consumer drops it.
    pub(crate) fn let_go<X>(&self, consumer: &Arc<X>) {
        self.gate.let_go(consumer)
    }

    /// What is known about a partition.
    pub(crate) fn partition(&self, topic: &str, number: i32) -> Arc<Partition> {
        lock(&self.partitions).of(topic, number)
    }

    /// The same for a message. The next one probably comes from the same partition, so each thread remembers its last one.
    pub(super) fn partition_of(&self, message: &impl Message) -> Arc<Partition> {
        thread_local! {
            static LAST: RefCell<Option<LastPartition>> = const { RefCell::new(None) };
        }
        let (topic, number) = (message.topic(), message.partition());
        let known = LAST.try_with(|last| {
            let last = last.borrow();
            let last = last.as_ref().filter(|last| (last.consumer, last.number) == (self.serial, number));
            last.filter(|last| *last.topic == *topic).map(|last| last.partition.clone())
        });
        known.ok().flatten().unwrap_or_else(|| {
            let partition = self.partition(topic, number);
            let last =
                LastPartition { consumer: self.serial, topic: topic.into(), number, partition: partition.clone() };
            let _ = LAST.try_with(|remembered| remembered.replace(Some(last)));
            partition
        })
    }

    /// Every partition that messages came from.
    pub(crate) fn partitions(&self) -> Vec<(Box<str>, i32, Arc<Partition>)> {
        let partitions = lock(&self.partitions);
        partitions.each().map(|(topic, number, partition)| (topic.into(), number, partition.clone())).collect()
    }

    /// Partitions were assigned to the consumer.
    pub(crate) fn assigned(&self, partitions: &TopicPartitionList) {
        self.each_known(partitions, Partition::forget_offsets)
    }

    /// Partitions were revoked.
    pub(crate) fn revoked(&self, partitions: &TopicPartitionList) {
        self.each_known(partitions, Partition::revoked)
    }

    /// Partitions from which no message has come are skipped.
    fn each_known(&self, partitions: &TopicPartitionList, f: impl Fn(&Partition)) {
        for p in partitions.elements() {
            let known = lock(&self.partitions).known(p.topic(), p.partition());
            if let Some(known) = known {
                f(&known)
            }
        }
    }
}
