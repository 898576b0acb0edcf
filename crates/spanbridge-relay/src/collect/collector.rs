//! The thread that polls, gathers and commits.

use super::batch::Batch;
use super::dead_letters::DeadLetters;
use super::ends::Ends;
use super::event::CollectEvent;
use super::figures::CollectFigures;
use super::group::{Change, Group, Handoff};
use super::options::CollectOptions;
use super::storing::{StoreRecords, Storing};
use crate::error::{Error, ErrorKind, Result};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::BorrowedMessage;
use rdkafka::{Message, Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

/// The longest wait for a message: so quickly is a stored batch committed, and an end noticed.
const POLL: Duration = Duration::from_millis(50);

/// How long a full batch waits for the one before, without polling. Pausing partitions costs what was fetched of them.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long the last batch may take.
const LAST_BATCH: Duration = Duration::from_secs(30);

/// How often a commit that failed is tried again.
const COMMIT_AGAIN: Duration = Duration::from_secs(1);

/// How long the cluster may take to say where a partition begins.
const ANSWER: Duration = Duration::from_secs(5);

/// How collecting ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Collected {
    /// Everything that was read is stored and committed.
    Everything,
    /// The last messages could not be stored, or their offsets not committed. They are in the topic, and are read again.
    NotTheLast,
}

/// Collects until `stop` becomes true, or, with [`CollectOptions::until_end`], until everything is stored that was in the topic at the beginning.
///
/// # Errors
/// If it cannot begin: a property is wrong, or, with [`CollectOptions::until_end`], there is no topic. Afterwards only if the group has
/// shut us out for good, such as by another member with the same `group.instance.id`. Clusters and destinations that do not answer are
/// waited for.
pub fn collect<'s>(
    options: &'s CollectOptions,
    store: &'s mut StoreRecords<'s>,
    figures: &'s Arc<CollectFigures>,
    stop: &AtomicBool,
    each: &'s (dyn Fn(CollectEvent<'_>) + Sync),
) -> Result<Collected> {
    let handoff = Arc::new(Handoff::default());
    let topic = options.from.topic();
    let group = Group { topic: topic.to_owned(), handoff: handoff.clone(), figures: figures.clone() };
    let usage = |error: KafkaError| Error::new(ErrorKind::Property, format!("make a client of Kafka: {error}"));
    let consumer: BaseConsumer<Group> = options.consumer().create_with_context(group).map_err(usage)?;
    let ends = if options.until_end { Some(Ends::of(&consumer, topic)?) } else { None };
    consumer.subscribe(&[topic]).map_err(usage)?;
    let (sender, batches) = channel::<Batch<'_>>();
    std::thread::scope(|scope| {
        let (consumer, handoff) = (&consumer, &*handoff);
        let storer = scope.spawn(move || {
            let mut storing =
                Storing { options, store, dead_letters: DeadLetters::new(options), figures, handoff, each };
            batches.into_iter().for_each(|batch| storing.batch(batch));
        });
        let is_alive = || !storer.is_finished();
        let collector = Collector {
            options,
            consumer,
            handoff,
            figures,
            each,
            sender,
            batch: Batch::default(),
            next: BTreeMap::new(),
            ends,
            is_paused: false,
            commit_failed: None,
            said: None,
        };
        // The channel ends with the collector, and so does the storer, unless it waits for its destination.
        let collected = collector.run(stop, &is_alive);
        handoff.give_up();
        collected
    })
}

struct Collector<'s, 'c> {
    options: &'s CollectOptions,
    consumer: &'c BaseConsumer<Group>,
    handoff: &'s Handoff,
    figures: &'s CollectFigures,
    each: &'s (dyn Fn(CollectEvent<'_>) + Sync),
    sender: Sender<Batch<'c>>,
    /// What is gathered.
    batch: Batch<'c>,
    /// The offset that comes next in each partition, as far as it is known.
    next: BTreeMap<i32, i64>,
    ends: Option<Ends>,
    is_paused: bool,
    /// When a commit has failed.
    commit_failed: Option<Instant>,
    /// The last error of the cluster, which is said once.
    said: Option<String>,
}

impl<'c> Collector<'_, 'c> {
    fn run(mut self, stop: &AtomicBool, is_alive: &dyn Fn() -> bool) -> Result<Collected> {
        while !stop.load(Ordering::Relaxed) && is_alive() {
            self.commit();
            let is_busy = self.handoff.is_busy();
            if !is_busy && self.batch.is_due(self.options) {
                self.hand_over();
            }
            // What comes after the end is left to others.
            let is_read = self.are_ends_reached()?;
            if is_read && !is_busy {
                self.hand_over();
            }
            if is_read && self.batch.is_empty() && self.handoff.is_idle() {
                break;
            }
            let is_full = is_busy && self.batch.is_full(self.options);
            if is_full && !self.is_paused {
                self.handoff.wait_until_free(PATIENCE);
                if !self.handoff.is_busy() {
                    continue;
                }
            }
            self.pause(is_full || is_read);
            self.poll()?;
        }
        self.finish(is_alive)
    }

    /// One message, or whatever else there is.
    fn poll(&mut self) -> Result<()> {
        let consumer: &'c BaseConsumer<Group> = self.consumer;
        let polled = consumer.poll(POLL);
        // What the callbacks heard comes before the message.
        for change in self.handoff.changes() {
            self.change(change);
        }
        match polled {
            None => Ok(()),
            Some(Ok(message)) => {
                self.said = None;
                self.message(message);
                Ok(())
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                self.ends.iter_mut().for_each(|ends| ends.end_of(partition));
                Ok(())
            }
            Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => {
                Err(Error::new(ErrorKind::ShutOut, format!("stay in the group {}: {error}", self.options.from.group())))
            }
            Some(Err(error)) => {
                let text = format!("Kafka: {error}");
                if self.said.as_ref() != Some(&text) {
                    (self.each)(CollectEvent::Note(&text));
                    self.said = Some(text);
                }
                Ok(())
            }
        }
    }

    fn change(&mut self, change: Change) {
        match change {
            Change::Assigned(partitions) => {
                self.know_where_to_begin(&partitions);
                // Those that are new are as the others are.
                self.set_paused(self.is_paused);
                (self.each)(CollectEvent::Assigned(&partitions));
            }
            Change::Revoked(partitions) => {
                self.batch.forget(&partitions);
                self.next.retain(|partition, _| !partitions.contains(partition));
                self.ends.iter_mut().for_each(|ends| ends.forget(&partitions));
                (self.each)(CollectEvent::Revoked(&partitions));
            }
        }
    }

    fn message(&mut self, message: BorrowedMessage<'c>) {
        let (partition, offset) = (message.partition(), message.offset());
        // One that was fetched before the partition went away.
        let Some(epoch) = self.handoff.epoch(partition) else { return };
        if let Some(expected) = self.next.insert(partition, offset + 1).filter(|expected| *expected < offset) {
            self.note_loss(partition, expected, offset);
        }
        self.ends.iter_mut().for_each(|ends| ends.reached(partition, offset + 1));
        self.batch.push(message, epoch, self.options);
    }

    /// Where the group has committed to: what is missing behind that was removed before it was read.
    fn know_where_to_begin(&mut self, partitions: &[i32]) {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(self.options.from.topic(), *partition);
        }
        // If there is no answer, nothing is known to be lost.
        let Ok(committed) = self.consumer.committed_offsets(list, ANSWER) else { return };
        let mut totals = self.figures.lock();
        for each in committed.elements() {
            if let Offset::Offset(offset) = each.offset() {
                self.next.insert(each.partition(), offset);
                totals.partitions.entry(each.partition()).or_default().committed = Some(offset);
            }
        }
    }

    /// Between what was expected and what came, something is missing: it may have been removed, or it is nothing to read, such as the end of
    /// a transaction.
    fn note_loss(&mut self, partition: i32, expected: i64, found: i64) {
        let marks = self.consumer.fetch_watermarks(self.options.from.topic(), partition, ANSWER);
        let Ok((low, _)) = marks else { return };
        let lost = low.min(found) - expected;
        if let Some(lost) = u64::try_from(lost).ok().filter(|lost| *lost > 0) {
            self.figures.lock().lost += lost;
            let text = format!(
                "{lost} messages of partition {partition} were removed from the topic before they were read, from offset {expected} on"
            );
            (self.each)(CollectEvent::Note(&text));
        }
    }

    fn hand_over(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let mut batch = std::mem::take(&mut self.batch);
        batch.work.polled(batch.messages.len(), batch.bytes);
        self.handoff.begins(&batch.offsets);
        // It ends only if the storing thread has panicked, which the loop notices.
        let _ = self.sender.send(batch);
    }

    fn commit(&mut self) {
        if self.commit_failed.is_some_and(|failed| failed.elapsed() < COMMIT_AGAIN) {
            return;
        }
        self.commit_failed = None;
        if let Err(error) = self.consumer.context().commit(self.consumer) {
            self.commit_failed = Some(Instant::now());
            (self.each)(CollectEvent::Note(&format!("offsets are not committed yet: {error}")));
        }
    }

    fn are_ends_reached(&mut self) -> Result<bool> {
        let consumer = self.consumer;
        self.ends.as_mut().map_or(Ok(false), |ends| ends.are_reached(consumer))
    }

    fn pause(&mut self, yes: bool) {
        if yes != self.is_paused {
            self.set_paused(yes);
        }
    }

    fn set_paused(&mut self, yes: bool) {
        let Ok(ours) = self.consumer.assignment() else { return };
        let done = if yes { self.consumer.pause(&ours) } else { self.consumer.resume(&ours) };
        if done.is_ok() {
            self.is_paused = yes;
        }
    }

    /// Stores and commits what was read, if that can be done soon.
    fn finish(mut self, is_alive: &dyn Fn() -> bool) -> Result<Collected> {
        let deadline = Instant::now() + LAST_BATCH;
        let figures = self.figures;
        let given_up = || figures.lock().given_up;
        let before = given_up();
        self.handoff.give_up();
        // What comes after a batch that was given up may not be committed.
        let goes_on = || Instant::now() < deadline && is_alive() && given_up() == before;
        while (!self.batch.is_empty() || !self.handoff.is_idle()) && goes_on() {
            self.handoff.wait_until_free(POLL);
            if !self.handoff.is_busy() && goes_on() {
                self.hand_over();
            }
            self.commit();
        }
        let is_everything = self.batch.is_empty() && self.handoff.is_idle() && given_up() == before;
        Ok(if is_everything { Collected::Everything } else { Collected::NotTheLast })
    }
}
