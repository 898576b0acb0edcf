//! Commits: each recorded once, as a range of messages per partition.

use super::consumer_state::ConsumerState;
use super::job::Received;
use super::{Job, ObservedConsumer};
use crate::describe;
use crate::ranges::{Range, Ranges};
use rdkafka::Offset;
use rdkafka::consumer::{CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::TopicPartitionList;
use spanbridge::messaging::Values;
use spanbridge::observe::{self, ActiveSpan};
use spanbridge::{Context, Value, semconv};

/// The span of a commit says in `spanbridge.settle.ranges` what it covers: from the first message that no commit before
/// it has covered, as far as this consumer knows. It hangs under what is current; where that is nothing, under the process
/// span of the last message of its first partition, with links to those of the others. With [`CommitMode::Async`] it ends
/// when librdkafka has the order, and says so: rdkafka does not pass on what the broker answers to such a commit, so that
/// is not known. Where the context is [observed](crate::Observed), commits that librdkafka makes by itself are recorded, too,
/// each partition by what the broker answered for it.
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
        let ranges = Ranges::since(offsets, |topic, number| self.consumer_state.partition(topic, number).uncovered());
        self.consumer_state.commit(None, ranges, mode, || self.consumer.commit(offsets, mode))
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
        let first = self.consumer_state.partition(&topic, partition).uncovered();
        let next = job.offset().saturating_add(1);
        let ranges = Ranges::from_iter([Range { topic, partition, first, next }]);
        self.consumer_state.commit(Some(job.settling()), ranges, mode, || match job.message().borrowed() {
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
        let ranges = stored(&self.consumer_state);
        self.consumer_state.commit(None, ranges, mode, || self.consumer.commit_consumer_state(mode))
    }
}

impl ConsumerState {
    /// Commits, in a span.
    fn commit(
        &self,
        under: Option<Context>,
        ranges: Ranges,
        mode: CommitMode,
        commit: impl FnOnce() -> KafkaResult<()>,
    ) -> KafkaResult<()> {
        let current = observe::current_context();
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
                    let span = observe::current_context();
                    ranges.iter().for_each(|r| self.partition(&r.topic, r.partition).committed(r.next, &span))
                }
                result
            };
            let span = Values::of(self.capture.get()).open(span.implicit_run(false));
            observe::in_scope_with_span(span, commit, describe::judge)
        })
    }
}

impl ConsumerState {
    /// What the broker said, in the consumer's callback. Commits that librdkafka made by itself (`enable.auto.commit`, and
    /// before a rebalance) are recorded now. Where one only repeats a commit of ours, an error is told to the span of that,
    /// which has ended.
    pub(crate) fn answered(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        let (mut committed, mut failed) = (vec![], vec![]);
        for range in Ranges::since(offsets, |topic, number| self.partition(topic, number).uncovered()) {
            let error = error_of(&range, &result, offsets);
            let is_covered = range.first.is_some_and(|first| first >= range.next);
            match error {
                None if is_covered => {}
                None => committed.push(range),
                Some(error) if is_covered => {
                    self.tell(self.partition(&range.topic, range.partition).last_commit(), range, &error)
                }
                Some(error) => failed.push((range, error)),
            }
        }
        if !committed.is_empty() {
            let _ = self.commit(None, committed.into_iter().collect(), CommitMode::Sync, || Ok(()));
        }
        if let Some((_, error)) = failed.first() {
            let error = error.clone();
            let ranges = failed.into_iter().map(|(range, _)| range).collect();
            let _ = self.commit(None, ranges, CommitMode::Sync, || Err(error));
        }
    }
}

impl ConsumerState {
    /// Tells the span of a commit, which has ended, that this range was not committed.
    fn tell(&self, span: Context, range: Range, error: &KafkaError) {
        let Some(span) = ActiveSpan::of(span) else { return };
        let class = describe::error_type(error);
        let text = match self.capture.get() {
            Some(capture) => capture.error_text(span.context(), error.to_string()),
            None => error.to_string(),
        };
        let range = Ranges::from_iter([Range { first: None, ..range }]).to_string();
        let about = [
            (semconv::ERROR_TYPE, Value::Str(&class)),
            (semconv::EXCEPTION_MESSAGE, Value::Str(&text)),
            (semconv::SETTLE_RANGES, Value::Str(&range)),
        ];
        span.event("commit failed", &about);
        span.attribute(semconv::ERROR_TYPE, Value::Str(&class))
    }
}

/// Why a range is not committed, if it is not. Where only some partitions failed, librdkafka gives an error for the whole, too.
fn error_of(range: &Range, result: &KafkaResult<()>, offsets: &TopicPartitionList) -> Option<KafkaError> {
    let is_by_partition = offsets.elements().iter().any(|p| p.error().is_err());
    match offsets.find_partition(&range.topic, range.partition) {
        Some(partition) if is_by_partition => partition.error().err(),
        _ => result.clone().err(),
    }
}

/// What was stored and not committed yet.
fn stored(consumer_state: &ConsumerState) -> Ranges {
    let known = consumer_state.partitions().into_iter().filter_map(|(topic, partition, known)| {
        let (first, next) = (known.uncovered(), known.unstored()?);
        let new = first.is_none_or(|first| first < next);
        new.then(|| Range { topic: topic.into(), partition, first, next })
    });
    known.collect()
}
