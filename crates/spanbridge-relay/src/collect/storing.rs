//! The thread that reads and stores batches.

use super::aside::{Faults, read};
use super::batch::Batch;
use super::dead_letters::{DeadLetters, Letter};
use super::event::CollectEvent;
use super::figures::CollectFigures;
use super::group::{Handoff, Stored};
use super::options::CollectOptions;
use rdkafka::Message;
use spanbridge::record::Record;
use spanbridge_query::ImportReport;
use std::convert::Infallible;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

/// Pauses after the destination did not take something: the first one, and the longest. They double.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

/// Said once. All are counted.
const LATE: &str =
    "records came too late: their runs were pruned, or are older than what is kept; they are counted and not stored";

/// Stores records. Once it returns, they are safe. The same records may come again, after an error or from another collector, and
/// are to be stored once. An error is waited for: the same records come again later.
pub type StoreRecords<'s> = dyn FnMut(Vec<Record<'_>>) -> Result<ImportReport, spanbridge_query::Error> + Send + 's;

/// Reads and stores batches.
pub(super) struct Storing<'o> {
    pub(super) options: &'o CollectOptions,
    pub(super) store: &'o mut StoreRecords<'o>,
    pub(super) dead_letters: DeadLetters<'o>,
    pub(super) figures: &'o CollectFigures,
    pub(super) handoff: &'o Handoff,
    pub(super) each: &'o (dyn Fn(CollectEvent<'_>) + Sync),
}

/// It was given up: whoever has the partitions next reads the messages.
struct GivenUp;

impl Storing<'_> {
    /// Stores a batch, however long that takes.
    pub(super) fn batch(&mut self, mut batch: Batch<'_>) {
        let done = self.store(&batch).and_then(|faults| self.set_aside(&batch, &faults));
        let work = std::mem::take(&mut batch.work);
        let mut totals = self.figures.lock();
        if done.is_err() {
            totals.given_up += 1;
            drop(totals);
            work.cancel();
            return self.handoff.finished(None);
        }
        totals.batches += 1;
        totals.messages += batch.messages.len() as u64;
        totals.bytes += batch.bytes as u64;
        drop(totals);
        let offsets = std::mem::take(&mut batch.offsets);
        self.handoff.finished(Some(Stored { offsets, work }));
        (self.each)(CollectEvent::Stored);
    }

    /// Reads the batch and stores its records. Returns what is to be set aside.
    fn store(&mut self, batch: &Batch<'_>) -> Result<Faults, GivenUp> {
        let mut away = Away::default();
        loop {
            let began = Instant::now();
            let mut read = batch.work.step("decode", || Ok::<_, Infallible>(read(batch))).unwrap_or_default();
            let decoded = Instant::now();
            let count = read.records.len() as u64;
            let result = if read.records.is_empty() {
                Ok(Default::default())
            } else {
                batch.work.step("store", || (self.store)(read.records))
            };
            match result {
                Ok(report) => {
                    let mut totals = self.figures.lock();
                    totals.decoding += decoded - began;
                    totals.storing += decoded.elapsed();
                    totals.records += count;
                    totals.stored += report.stored;
                    totals.repeated += report.repeated;
                    totals.conflicts += report.conflicts;
                    let is_first_late = totals.late == 0 && !report.late.is_empty();
                    totals.late += report.late.len() as u64;
                    drop(totals);
                    if is_first_late {
                        (self.each)(CollectEvent::Note(LATE));
                    }
                    batch.work.attribute("spanbridge.collect.records", count);
                    for (at, why) in report.rejected {
                        let place = usize::try_from(at).ok().and_then(|at| read.places.get(at));
                        place.into_iter().for_each(|place| read.faults.add(*place, format!("a record: {why}")));
                    }
                    away.back(self);
                    return Ok(read.faults);
                }
                Err(error) => away.wait(self, &error.to_string())?,
            }
        }
    }

    fn set_aside(&mut self, batch: &Batch<'_>, faults: &Faults) -> Result<(), GivenUp> {
        if faults.is_empty() {
            return Ok(());
        }
        let topic = self.options.from.topic();
        let letters: Vec<Letter<'_, '_>> = faults
            .by_message()
            .filter_map(|(place, why)| {
                let message = batch.messages.get(place as usize)?;
                let source = format!("{topic}/{}/{}", message.partition(), message.offset());
                Some(Letter { message, source, why })
            })
            .collect();
        let mut away = Away::default();
        while let Err(error) = batch.work.step("set aside", || self.dead_letters.send(&letters)) {
            away.wait(self, &error.to_string())?;
        }
        away.back(self);
        let (messages, all) = faults.counts();
        let mut totals = self.figures.lock();
        totals.set_aside += messages;
        totals.faults += all;
        drop(totals);
        letters
            .iter()
            .for_each(|letter| (self.each)(CollectEvent::SetAside { source: &letter.source, why: &letter.why }));
        Ok(())
    }
}

/// How long something does not take anything.
#[derive(Default)]
struct Away(Option<(Instant, Duration)>);

impl Away {
    /// Says so once, and waits for the next attempt.
    fn wait(&mut self, storing: &Storing<'_>, error: &str) -> Result<(), GivenUp> {
        storing.figures.lock().retries += 1;
        let (since, pause) = *self.0.get_or_insert_with(|| {
            (storing.each)(CollectEvent::Away { error });
            (Instant::now(), PAUSES.0)
        });
        self.0 = Some((since, (pause * 2).min(PAUSES.1)));
        if storing.handoff.wait_for_next_attempt(jittered(pause)) { Ok(()) } else { Err(GivenUp) }
    }

    fn back(self, storing: &Storing<'_>) {
        if let Some((since, _)) = self.0 {
            storing.handoff.is_back();
            (storing.each)(CollectEvent::Back { after: since.elapsed() });
        }
    }
}

/// Between half of it and all of it, so that many do not come back at once.
fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().build_hasher().finish() as u32;
    let half = pause / 2;
    half + half.mul_f64(f64::from(random) / f64::from(u32::MAX))
}
