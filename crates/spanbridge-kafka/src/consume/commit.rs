//! Commits: each recorded once, as a range of messages per partition.

use super::home::Home;
use super::job::Received;
use super::{Job, ObservedConsumer};
use crate::describe;
use crate::ranges::{Range, Ranges};
use rdkafka::Offset;
use rdkafka::consumer::{CommitMode, Consumer, ConsumerContext};
use rdkafka::error::KafkaResult;
use rdkafka::topic_partition_list::TopicPartitionList;
use spanbridge::messaging::Values;
use spanbridge::observe::{self, ActiveSpan};
use spanbridge::{Context, Value, semconv};

/// The span of a commit says in `spanbridge.settle.ranges` what it covers: from the first message that no commit before
/// it has covered, as far as this consumer knows. It hangs under what is current; where that is nothing, under the process
/// span of the last message of its first partition, with links to those of the others. With [`CommitMode::Async`] it ends
/// when librdkafka has the order, and says so: rdkafka does not pass on what the broker answers to such a commit, so that
/// is not known. Where the context is [observed](crate::Observed), commits that librdkafka
/// makes by itself are recorded, too.
impl<X> ObservedConsumer<X> {
    /// [`Consumer::commit`], recorded.
    ///
    /// # Errors
    /// rdkafka's.
    pub fn commit<C>(&self, offsets: &TopicPartitionList, mode: CommitMode) -> KafkaResult<()>
    where
        X: Consumer<C>,
        C: ConsumerContext,
    {
        let ranges = Ranges::since(offsets, |topic, number| self.home.partition(topic, number).uncovered());
        self.home.commit(None, ranges, mode, || self.consumer.commit(offsets, mode))
    }

    /// [`Consumer::commit_message`], recorded: the message and all before it in its partition are done. It hangs under the
    /// message's process span.
    ///
    /// # Errors
    /// rdkafka's.
    pub fn commit_message<C, M>(&self, job: &Job<M>, mode: CommitMode) -> KafkaResult<()>
    where
        X: Consumer<C>,
        C: ConsumerContext,
        M: Received,
    {
        let (topic, partition) = (job.topic().to_owned(), job.partition());
        let first = self.home.partition(&topic, partition).uncovered();
        let next = job.offset().saturating_add(1);
        let ranges = Ranges::from_iter([Range { topic, partition, first, next }]);
        self.home.commit(Some(job.settling()), ranges, mode, || match job.message().borrowed() {
            Some(message) => self.consumer.commit_message(message, mode),
            None => {
                let mut offsets = TopicPartitionList::with_capacity(1);
                offsets.add_partition_offset(job.topic(), partition, Offset::Offset(next))?;
                self.consumer.commit(&offsets, mode)
            }
        })
    }

    /// [`Consumer::commit_consumer_state`], recorded: every offset that was stored. (Offsets that were stored past the
    /// jobs are not known here.)
    ///
    /// # Errors
    /// rdkafka's.
    pub fn commit_consumer_state<C>(&self, mode: CommitMode) -> KafkaResult<()>
    where
        X: Consumer<C>,
        C: ConsumerContext,
    {
        let ranges = stored(&self.home);
        self.home.commit(None, ranges, mode, || self.consumer.commit_consumer_state(mode))
    }
}

impl Home {
    /// Commits, in a span.
    fn commit(
        &self,
        under: Option<Context>,
        ranges: Ranges,
        mode: CommitMode,
        commit: impl FnOnce() -> KafkaResult<()>,
    ) -> KafkaResult<()> {
        let current = observe::capture_context();
        let mut works = ranges.iter().map(|r| self.partition(&r.topic, r.partition).last());
        let under = match under {
            Some(context) => context,
            None if current.span_id().is_some() => current,
            None => works.next().unwrap_or_default(),
        };
        observe::in_scope(&under, || {
            let mut span = describe::settle("commit", ranges.topic(), &self.client)
                .attribute(semconv::SETTLE_RANGES, ranges.to_string().as_str());
            if let Some((partition, last)) = ranges.single() {
                span = span
                    .attribute(semconv::MESSAGING_PARTITION_ID, itoa::Buffer::new().format(partition))
                    .attribute(semconv::KAFKA_OFFSET, last)
            }
            if let CommitMode::Async = mode {
                span = span.attribute(semconv::SETTLE_ASYNC, true)
            }
            for other in works.filter(|w| *w != under) {
                span = span.link(&other)
            }
            let commit = || {
                let result = commit();
                if result.is_ok() {
                    let span = observe::capture_context();
                    ranges.iter().for_each(|r| self.partition(&r.topic, r.partition).committed(r.next, &span))
                }
                result
            };
            let span = Values::of(self.capture.get()).open(span.implicit_run(false));
            observe::in_scope_with_span(span, commit, describe::judge)
        })
    }
}

impl Home {
    /// What the broker said, in the consumer's callback. Commits that librdkafka made by itself (`enable.auto.commit`, and
    /// before a rebalance) are recorded now; an error that answers one of ours is told to its span, which has ended.
    pub(crate) fn answered(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        let ranges = Ranges::since(offsets, |topic, number| self.partition(topic, number).uncovered());
        let (ours, theirs): (Vec<Range>, _) =
            ranges.into_iter().partition(|r| r.first.is_some_and(|first| first >= r.next));
        let failed = |r: &Range| {
            let known = offsets.find_partition(&r.topic, r.partition);
            result.clone().and(known.map_or(Ok(()), |p| p.error())).err()
        };
        for range in ours {
            let commit = self.partition(&range.topic, range.partition).last_commit();
            if let (Some(span), Some(error)) = (ActiveSpan::of(commit), failed(&range)) {
                let class = describe::error_type(&error);
                let text = match self.capture.get() {
                    Some(capture) => capture.error_text(span.context(), error.to_string()),
                    None => error.to_string(),
                };
                let about =
                    [(semconv::ERROR_TYPE, Value::Str(&class)), (semconv::EXCEPTION_MESSAGE, Value::Str(&text))];
                span.event("commit failed", &about);
                span.attribute(semconv::ERROR_TYPE, Value::Str(&class))
            }
        }
        let theirs: Vec<Range> = theirs;
        if let Some(error) = theirs.first().map(failed) {
            let _ = self.commit(None, theirs.into_iter().collect(), CommitMode::Sync, || error.map_or(Ok(()), Err));
        }
    }
}

/// What was stored and not committed yet.
fn stored(home: &Home) -> Ranges {
    let known = home.partitions().into_iter().filter_map(|(topic, partition, known)| {
        let (first, next) = (known.uncovered(), known.unstored()?);
        let new = first.is_none_or(|first| first < next);
        new.then(|| Range { topic: topic.into(), partition, first, next })
    });
    known.collect()
}
