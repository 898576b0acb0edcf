//! What is known about a partition: where its messages end, which are committed, and which are being handled.

use super::readings::Readings;
use crate::sync::lock;
use slab::Slab;
use spanbridge::adapter::SpanTemplate;
use spanbridge::observe::ActiveSpan;
use spanbridge::{Context, Value, semconv};
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicUsize, Ordering::*};
use std::sync::{Arc, Mutex, OnceLock};

/// Marks a process span: another member of the group will get the message too.
pub(crate) fn revoked(process: Context) {
    if let Some(span) = ActiveSpan::of(process) {
        span.event("partition revoked", &[]);
        span.attribute(semconv::SETTLE_REVOKED, Value::Bool(true))
    }
}

/// How long, in milliseconds, a high watermark is reused: asking for it costs more than everything else about a message.
const WATERMARK_TTL_MS: i64 = 50;

/// What is known about a partition.
#[derive(Debug)]
pub(crate) struct Partition {
    revocations: AtomicU32,
    /// The first message that no commit has covered, and the first that no stored offset has; -1: unknown.
    uncovered: AtomicI64,
    unstored: AtomicI64,
    /// The high watermark, and when it was asked for (in milliseconds since the epoch); -1: unknown.
    high: AtomicI64,
    high_as_of: AtomicI64,
    readings: Readings,
    /// What the process spans of its messages have in common.
    template: OnceLock<SpanTemplate>,
    work: Mutex<Work>,
}

#[derive(Debug, Default)]
struct Work {
    /// Inside the process span of each message that is being handled.
    in_flight: Slab<Context>,
    last: Last,
    /// Inside the span of the last commit.
    commit: Context,
}

/// The process span that began last.
#[derive(Debug)]
enum Last {
    /// It is still in flight, under this key.
    InFlight(usize),
    /// Its job is gone.
    Done(Context),
}

impl Default for Last {
    fn default() -> Self {
        Last::Done(Context::EMPTY)
    }
}

impl Default for Partition {
    fn default() -> Self {
        Partition {
            revocations: AtomicU32::new(0),
            uncovered: AtomicI64::new(-1),
            unstored: AtomicI64::new(-1),
            high: AtomicI64::new(-1),
            high_as_of: AtomicI64::new(0),
            readings: Readings::default(),
            template: OnceLock::new(),
            work: Mutex::default(),
        }
    }
}

impl Partition {
    /// Another member of the group gets the partition: all work in flight is marked.
    pub(crate) fn revoked(&self) {
        self.forget_offsets();
        self.revocations.fetch_add(1, AcqRel);
        // Outside the lock, because recording may take a while.
        let in_flight: Vec<Context> = lock(&self.work).in_flight.iter().map(|(_, work)| work.clone()).collect();
        in_flight.into_iter().for_each(revoked)
    }

    /// What the process spans of its messages have in common; `make` is called once.
    pub(crate) fn template(&self, make: impl FnOnce() -> SpanTemplate) -> &SpanTemplate {
        self.template.get_or_init(make)
    }

    /// A message came.
    pub(crate) fn received(self: Arc<Self>) -> InFlight {
        let revocations = self.revocations.load(Acquire);
        InFlight {
            assignment: Assignment { partition: self, revocations },
            reading: 1,
            key: AtomicUsize::new(NO_KEY),
            runs: AtomicU32::new(0),
        }
    }

    /// The messages from this offset on were not handled and will be read again.
    pub(crate) fn give_back(&self, from: i64) {
        self.readings.give_back(from)
    }

    /// How many messages follow this offset, by a high watermark of at most [`WATERMARK_TTL_MS`] ago.
    pub(crate) fn lag(&self, offset: i64, now_ms: i64, ask: impl FnOnce() -> Option<i64>) -> Option<i64> {
        let mut high = self.high.load(Relaxed);
        let age = now_ms.wrapping_sub(self.high_as_of.load(Relaxed));
        if offset >= high || !(0..WATERMARK_TTL_MS).contains(&age) {
            high = ask()?;
            self.high.store(high, Relaxed);
            self.high_as_of.store(now_ms, Relaxed)
        }
        high.checked_sub(1)?.checked_sub(offset).filter(|behind| *behind >= 0)
    }

    pub(crate) fn forget_offsets(&self) {
        self.readings.forget();
        self.high.store(-1, Relaxed);
        self.uncovered.store(-1, Relaxed);
        self.unstored.store(-1, Relaxed)
    }

    pub(crate) fn uncovered(&self) -> Option<i64> {
        Some(self.uncovered.load(Relaxed)).filter(|offset| *offset >= 0)
    }

    pub(crate) fn unstored(&self) -> Option<i64> {
        Some(self.unstored.load(Relaxed)).filter(|offset| *offset >= 0)
    }

    /// Everything before `next` is committed, or about to be, in the span of `commit`.
    pub(crate) fn committed(&self, next: i64, commit: &Context) {
        self.uncovered.store(next, Relaxed);
        lock(&self.work).commit = commit.clone()
    }

    /// Everything before `next` may be committed.
    pub(crate) fn stored(&self, next: i64) {
        self.unstored.store(next, Relaxed)
    }

    /// Inside the span of the last commit.
    pub(crate) fn last_commit(&self) -> Context {
        lock(&self.work).commit.clone()
    }

    /// Inside the last process span.
    pub(crate) fn last(&self) -> Context {
        let work = lock(&self.work);
        match &work.last {
            Last::InFlight(key) => work.in_flight.get(*key).cloned().unwrap_or_default(),
            Last::Done(context) => context.clone(),
        }
    }
}

/// The assignment of its partition under which a message came.
#[derive(Clone, Debug)]
pub(crate) struct Assignment {
    partition: Arc<Partition>,
    /// How often the partition had been revoked when the message came.
    revocations: u32,
}

impl Assignment {
    pub(crate) fn partition(&self) -> &Partition {
        &self.partition
    }

    /// Whether the partition was revoked since the message came, even if it was assigned again.
    pub(crate) fn is_revoked(&self) -> bool {
        self.partition.revocations.load(Acquire) != self.revocations
    }
}

/// A message from its arrival until its job is dropped.
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(crate) assignment: Assignment,
    /// How often it was read, this time included.
    reading: u32,
    /// Both are changed only under the partition's lock: which entry is its own, or [`NO_KEY`]; and how often its work began.
    key: AtomicUsize,
    runs: AtomicU32,
}

const NO_KEY: usize = usize::MAX;

impl InFlight {
    pub(crate) fn partition(&self) -> &Partition {
        self.assignment.partition()
    }

    pub(crate) fn is_revoked(&self) -> bool {
        self.assignment.is_revoked()
    }

    /// It is a job now, so it counts as read.
    pub(crate) fn is_read(&mut self, offset: i64) {
        let partition = &self.assignment.partition;
        if partition.uncovered.load(Relaxed) < 0 {
            let _ = partition.uncovered.compare_exchange(-1, offset, Relaxed, Relaxed); // another message was first
        }
        self.reading = partition.readings.read(offset)
    }

    /// Its work begins, in this process span. Returns which attempt it is.
    pub(crate) fn begin(&self, process: &Context) -> u32 {
        let process = process.clone();
        let mut work = lock(&self.partition().work);
        let key = match self.key.load(Relaxed) {
            NO_KEY => {
                let key = work.in_flight.insert(process);
                self.key.store(key, Relaxed);
                key
            }
            key => {
                work.in_flight[key] = process;
                key
            }
        };
        work.last = Last::InFlight(key);
        let runs = self.runs.load(Relaxed);
        self.runs.store(runs.saturating_add(1), Relaxed);
        self.reading.saturating_add(runs)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let key = *self.key.get_mut();
        if key == NO_KEY {
            return;
        }
        let mut work = lock(&self.assignment.partition.work);
        let Some(process) = work.in_flight.try_remove(key) else { return };
        if matches!(work.last, Last::InFlight(last) if last == key) {
            work.last = Last::Done(process)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It is asked for again after a moment, and at once when a message is not below it.
    #[test]
    fn a_watermark_is_asked_for_when_it_is_stale() {
        let (partition, then) = (Partition::default(), 1_800_000_000_000);
        let lag = |offset, ms: i64, high: &dyn Fn() -> Option<i64>| partition.lag(offset, then + ms, high);
        let never = || panic!("it was asked for a moment ago");
        assert_eq!(lag(3, 1_000, &|| Some(10)), Some(6));
        assert_eq!(lag(4, 1_000 + WATERMARK_TTL_MS - 1, &never), Some(5));
        assert_eq!(lag(5, 1_000 + WATERMARK_TTL_MS, &|| Some(20)), Some(14));
        assert_eq!(lag(20, 1_001 + WATERMARK_TTL_MS, &|| Some(21)), Some(0), "it went on");
        assert_eq!(lag(21, 1_002 + WATERMARK_TTL_MS, &|| Some(21)), None, "not heard of yet");
        assert_eq!(lag(20, 900, &|| None), None, "the clock was set back, and nobody knows");
        assert_eq!(lag(i64::MIN, 1_002 + WATERMARK_TTL_MS, &never), None, "no offset of Kafka's");
        partition.forget_offsets();
        assert_eq!(lag(0, 1_003 + WATERMARK_TTL_MS, &|| Some(2)), Some(1), "of another assignment");
    }

    #[test]
    fn work_in_flight_is_forgotten_with_its_job() {
        let partition = Arc::<Partition>::default();
        let count = || lock(&partition.work).in_flight.len();
        let (one, two) = (partition.clone().received(), partition.clone().received());
        one.begin(&Context::EMPTY);
        assert_eq!((two.begin(&Context::EMPTY), two.begin(&Context::EMPTY)), (1, 2));
        assert_eq!(count(), 2, "another attempt takes the place of the first");
        drop(one);
        assert_eq!(count(), 1);
        drop(two);
        assert_eq!(count(), 0);
    }
}
