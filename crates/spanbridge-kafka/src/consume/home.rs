//! What the jobs of a consumer share: its group, a way to settle, and its partitions.

use super::partition::Partition;
use crate::client::Client;
use crate::facts::Facts;
use rdkafka::consumer::{BaseConsumer, Consumer, ConsumerContext, StreamConsumer};
use rdkafka::error::KafkaResult;
use rdkafka::message::BorrowedMessage;
use rdkafka::topic_partition_list::TopicPartitionList;
use spanbridge::fork::PerProcess;
use spanbridge::messaging::Capturing;
use std::collections::{BTreeMap, HashMap};
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

/// The partitions of a topic.
type Partitions = BTreeMap<i32, Arc<Partition>>;

pub(crate) struct Home {
    pub(crate) client: Facts,
    /// Jobs do not keep the consumer alive: who drops it leaves the group.
    consumer: Weak<dyn Settle>,
    topics: Mutex<Topics>,
    /// What is recorded of the errors of its commits, where something was said.
    pub(super) capture: OnceLock<Capturing>,
}

#[derive(Default)]
struct Topics {
    all: HashMap<Box<str>, Partitions>,
    /// Where the last message came from: likely, the next one does, too.
    last: Option<(Box<str>, i32, Arc<Partition>)>,
}

/// By the identity of their consumer, by which its callbacks find them.
static HOMES: PerProcess<BTreeMap<Identity, Weak<Home>>> = PerProcess::new();

type Identity = (usize, CString);

fn identity(consumer: &impl Client) -> Identity {
    let (address, name) = consumer.identity();
    (address, name.to_owned())
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Home {
    /// The home of a consumer's jobs. There is only one, however often it is observed.
    pub(crate) fn of<X: Settle + 'static>(consumer: &Arc<X>) -> Arc<Home> {
        let identity = identity(&**consumer);
        // One that is left of a consumer that was at the same place is another's.
        let is_its = |home: &Arc<Home>| std::ptr::addr_eq(home.consumer.as_ptr(), Arc::as_ptr(consumer));
        HOMES.with(|homes| {
            if let Some(home) = homes.get(&identity).and_then(Weak::upgrade).filter(is_its) {
                return home;
            }
            let weak: Weak<X> = Arc::downgrade(consumer);
            let home = Arc::new(Home {
                client: Facts::of(&**consumer),
                consumer: weak,
                topics: Mutex::default(),
                capture: OnceLock::new(),
            });
            homes.retain(|_, home| home.strong_count() > 0);
            homes.insert(identity, Arc::downgrade(&home));
            home
        })
    }

    /// The same, if it was observed.
    pub(crate) fn known(consumer: &impl Client) -> Option<Arc<Home>> {
        let identity = identity(consumer);
        HOMES.with(|homes| homes.get(&identity)?.upgrade())
    }

    /// The consumer, while there is one.
    pub(crate) fn consumer(&self) -> Option<Arc<dyn Settle>> {
        self.consumer.upgrade()
    }

    pub(crate) fn partition(&self, topic: &str, number: i32) -> Arc<Partition> {
        let topics = &mut *lock(&self.topics);
        if let Some((_, _, last)) = topics.last.as_ref().filter(|(t, n, _)| (&**t, *n) == (topic, number)) {
            return last.clone();
        }
        let known = topics.all.get(topic).and_then(|partitions| partitions.get(&number)).cloned();
        let new = || topics.all.entry(topic.into()).or_default().entry(number).or_default().clone();
        let partition = known.unwrap_or_else(new);
        match &mut topics.last {
            Some((t, n, last)) if **t == *topic => (*n, *last) = (number, partition.clone()),
            last => *last = Some((topic.into(), number, partition.clone())),
        }
        partition
    }

    /// Every partition that messages came from.
    pub(crate) fn partitions(&self) -> Vec<(Box<str>, i32, Arc<Partition>)> {
        let topics = lock(&self.topics);
        let each = topics.all.iter().flat_map(|(t, partitions)| partitions.iter().map(move |(n, p)| (t, n, p)));
        each.map(|(topic, number, partition)| (topic.clone(), *number, partition.clone())).collect()
    }

    pub(crate) fn assigned(&self, partitions: &TopicPartitionList) {
        for p in partitions.elements() {
            self.partition(p.topic(), p.partition()).forget_offsets()
        }
    }

    pub(crate) fn revoked(&self, partitions: &TopicPartitionList) {
        for p in partitions.elements() {
            self.partition(p.topic(), p.partition()).revoked()
        }
    }
}
