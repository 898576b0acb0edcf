//! Commits: each is recorded once, with the range of messages that it covers in each partition.

use super::consumer::ObservedConsumer;
use super::consumer_state::ConsumerState;
use super::job::Job;
use super::message::Received;
use crate::describe;
use crate::ranges::{Range, Ranges};
use crate::replayed;
use rdkafka::Offset;
use rdkafka::consumer::{CommitMode, Consumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::TopicPartitionList;
use spanbridge::adapter::{self, OutboundCall, Values};
use spanbridge::observe::{self, ActiveSpan};
use spanbridge::{Context, Primitive, Value, semconv};

/// A commit's span names in `spanbridge.settle.ranges` what it covers: from the first message that no earlier commit of this
/// consumer covered. Its parent is the current span; without one, the process span of the last message in its first
/// partition, with links to those of the other partitions.
///
/// With [`CommitMode::Async`] the span ends when librdkafka has accepted the order, and says so: rdkafka does not return
/// the broker's answer to such a commit. If the consumer's context is [observed](crate::Observed), the commits that
/// librdkafka makes by itself are recorded too, each partition with the broker's answer.
impl<X> ObservedConsumer<X> {
    /// [`Consumer::commit`], recorded.
    ///
    /// # Errors
    /// Returns rdkafka's error unchanged.
    pub fn commit<C>(&self, offsets: &TopicPartitionList, mode: CommitMode) -> KafkaResult<()>
    where
        X: Consumer<C>,
        C: ConsumerContext,
    {
        let ranges = Ranges::since(offsets, |topic, number| self.state().partition(topic, number).uncovered());
        self.state().commit(None, ranges, mode, |ranges| asked(ranges, || self.consumer().commit(offsets, mode)))
    }

    /// [`Consumer::commit_message`], recorded: the message and all before it in its partition are done. The parent of the
    /// commit's span is the message's process span.
    ///
    /// # Errors
    /// Returns rdkafka's error unchanged.
    pub fn commit_message<C, M>(&self, job: &Job<M>, mode: CommitMode) -> KafkaResult<()>
    where
        X: Consumer<C>,
        C: ConsumerContext,
        M: Received,
    {
        let (topic, partition) = (job.topic().to_owned(), job.partition());
        let first = self.state().partition(&topic, partition).uncovered();
        let next = job.offset().saturating_add(1);
        let ranges = Ranges::from_iter([Range { topic, partition, first, next }]);
        let commit = || match job.message().borrowed() {
            Some(message) => self.consumer().commit_message(message, mode),
            None => {
                let mut offsets = TopicPartitionList::with_capacity(1);
                offsets.add_partition_offset(job.topic(), partition, Offset::Offset(next))?;
                self.consumer().commit(&offsets, mode)
            }
        };
        self.state().commit(Some(job.settling()), ranges, mode, |ranges| asked(ranges, commit))
    }

    /// [`Consumer::commit_consumer_state`], recorded: every stored offset. The recorded ranges include only offsets that
    /// were stored through a [`Job`].
    ///
    /// # Errors
    /// Returns rdkafka's error unchanged.
    pub fn commit_consumer_state<C>(&self, mode: CommitMode) -> KafkaResult<()>
    where
        X: Consumer<C>,
        C: ConsumerContext,
    {
        let ranges = stored(self.state());
        self.state().commit(None, ranges, mode, |ranges| asked(ranges, || self.consumer().commit_consumer_state(mode)))
    }
}

/// Commits, unless a stand-in answers.
fn asked(ranges: &Ranges, commit: impl FnOnce() -> KafkaResult<()>) -> KafkaResult<()> {
    let call = || {
        let partitions: Vec<_> = ranges.iter().map(|range| format!("{}/{}", range.topic, range.partition)).collect();
        OutboundCall::new(Primitive::MESSAGING_SETTLE, partitions.join(","))
    };
    match adapter::ask_here(call).into_answer() {
        None => commit(),
        Some(answer) => replayed::done(&answer, KafkaError::ConsumerCommit),
    }
}

impl ConsumerState {
    /// Calls `commit` in a span.
    fn commit(
        &self,
        parent: Option<Context>,
        ranges: Ranges,
        mode: CommitMode,
        commit: impl FnOnce(&Ranges) -> KafkaResult<()>,
    ) -> KafkaResult<()> {
        let current = observe::current_context();
        let mut works = ranges.iter().map(|r| self.partition(&r.topic, r.partition).last());
        let parent = match parent {
            Some(context) => context,
            None if current.span_id().is_some() => current,
            None => works.next().unwrap_or_default(),
        };
        observe::in_scope(&parent, || {
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
            for other in works.filter(|w| *w != parent) {
                span = span.link(&other)
            }
            let commit = || {
                let result = commit(&ranges);
                if result.is_ok() {
                    let span = observe::current_context();
                    ranges.iter().for_each(|r| self.partition(&r.topic, r.partition).committed(r.next, &span))
                }
                result
            };
            let span = Values::of(self.capture.get()).open(span.implicit_run(false));
            adapter::in_scope_with_span(span, commit, describe::judge)
        })
    }
}

impl ConsumerState {
    /// The broker's answer, in the consumer's callback. Commits that librdkafka made by itself (`enable.auto.commit`, and
    /// before a rebalance) are recorded now. If the answer belongs to a commit of ours, that commit's span has ended; an
    /// error is added to it.
    pub(crate) fn answered(&self, result: KafkaResult<()>, offsets: &TopicPartitionList) {
        let (mut committed, mut failed) = (vec![], vec![]);
        for range in Ranges::since(offsets, |topic, number| self.partition(topic, number).uncovered()) {
            let error = error_of(&range, &result, offsets);
            let is_covered = range.first.is_some_and(|first| first >= range.next);
            match error {
                None if is_covered => {}
                None => committed.push(range),
                Some(error) if is_covered => {
                    self.commit_failed(self.partition(&range.topic, range.partition).last_commit(), range, &error)
                }
                Some(error) => failed.push((range, error)),
            }
        }
        if !committed.is_empty() {
            let _ = self.commit(None, committed.into_iter().collect(), CommitMode::Sync, |_| Ok(()));
        }
        if let Some((_, error)) = failed.first() {
            let error = error.clone();
            let ranges = failed.into_iter().map(|(range, _)| range).collect();
            let _ = self.commit(None, ranges, CommitMode::Sync, |_| Err(error));
        }
    }
}

impl ConsumerState {
    /// Records with the span of a commit, which has ended, that this range was not committed.
    fn commit_failed(&self, span: Context, range: Range, error: &KafkaError) {
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

/// Why a range was not committed, if it was not. If only some partitions failed, librdkafka also reports an error for the
/// whole commit.
fn error_of(range: &Range, result: &KafkaResult<()>, offsets: &TopicPartitionList) -> Option<KafkaError> {
    let is_by_partition = offsets.elements().iter().any(|p| p.error().is_err());
    match offsets.find_partition(&range.topic, range.partition) {
        Some(partition) if is_by_partition => partition.error().err(),
        _ => result.clone().err(),
    }
}

/// Offsets that are stored and not committed yet.
fn stored(state: &ConsumerState) -> Ranges {
    let known = state.partitions().into_iter().filter_map(|(topic, partition, known)| {
        let (first, next) = (known.uncovered(), known.unstored()?);
        let new = first.is_none_or(|first| first < next);
        new.then(|| Range { topic: topic.into(), partition, first, next })
    });
    known.collect()
}
