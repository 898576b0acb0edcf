//! Logs as applications write them, and far ends in memory.

use spanbridge::record::{Body, End, Record, SpanData};
use spanbridge::{RunId, SegmentId, SpanId, Status, TraceId};
use spanbridge_query::{Error, Store};
use spanbridge_relay::ship::{Away, Event, FarEnd, Name, Options, Sent, Shipper, Stop};
use spanbridge_store::{Limits, StoreSink};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

/// A span with this number, of a run that it shares with some others.
pub(crate) fn span(number: u64) -> Record<'static> {
    let run = u128::from(number / 5) + 1;
    let at = 1_790_000_000_000_000_000 + number;
    let data = SpanData::new(SpanId::new(number + 1).unwrap(), format!("step {}", number % 7), at);
    let data = data.with_end(Some(End::new(at + 9, Status::Ok)));
    Record::new(SegmentId::new(7).unwrap(), number + 1, "shop", Body::Span(data))
        .of_run(RunId::new(run), TraceId::new(run))
}

/// An application: writes spans, in deliveries.
pub(crate) struct Application {
    sink: StoreSink,
    delivery: u64,
    /// The number of the next span.
    pub(crate) next: u64,
    step: u64,
}

impl Application {
    /// One of so many, which share the numbers among them.
    pub(crate) fn start(store: &Path, limits: Limits, (which, of): (u64, u64)) -> Self {
        Self { sink: StoreSink::open_with(store, limits).unwrap(), delivery: 0, next: which, step: of }
    }

    pub(crate) fn alone(store: &Path) -> Self {
        Self::start(store, Limits::new(), (0, 1))
    }

    /// Writes a delivery of so many spans, and returns them as lines.
    pub(crate) fn write(&mut self, spans: u64) -> Vec<String> {
        let records: Vec<_> = (0..spans).map(|n| span(self.next + n * self.step)).collect();
        self.next += spans * self.step;
        self.delivery += 1;
        let receipt =
            self.sink.deliver_records(self.step * 1000 + self.next % self.step, self.delivery, &records).unwrap();
        assert!(receipt.rejected().is_empty());
        records.iter().map(Record::to_json).collect()
    }
}

/// What a far end in memory has, and whether it takes records now.
#[derive(Clone, Default)]
pub(crate) struct Memory {
    pub(crate) arrived: Arc<Mutex<Vec<String>>>,
    pub(crate) is_away: Arc<AtomicBool>,
    /// Attempts while it was away.
    pub(crate) attempts: Arc<Mutex<u64>>,
    batch: Vec<String>,
}

impl Memory {
    /// Takes what has arrived, sorted.
    pub(crate) fn take(&self) -> Vec<String> {
        let mut arrived = std::mem::take(&mut *self.arrived.lock().unwrap());
        arrived.sort_unstable();
        arrived
    }

    pub(crate) fn set_away(&self, is_away: bool) {
        self.is_away.store(is_away, SeqCst);
    }
}

impl FarEnd for Memory {
    fn add(&mut self, record: Record<'_>) -> usize {
        self.batch.push(record.to_json());
        self.batch.last().map_or(0, String::len)
    }

    fn send(&mut self, _: &Stop) -> Result<Sent, Away> {
        if self.is_away.load(SeqCst) {
            *self.attempts.lock().unwrap() += 1;
            return Err(Away::new("the cable is out"));
        }
        self.arrived.lock().unwrap().append(&mut self.batch);
        Ok(Sent::default())
    }
}

/// Options that end when all is sent.
pub(crate) fn once() -> Options {
    let mut options = Options::default();
    options.once = true;
    options
}

/// A shipper of this name.
pub(crate) fn open(store: &Path, to: &str, far_end: impl FarEnd + 'static, options: Options) -> Result<Shipper, Error> {
    Shipper::open(Store::open_or_create(store)?, Name::of(to), Box::new(far_end), options)
}

/// Sends what is there. Returns what was told.
pub(crate) fn ship(store: &Path, far_end: &Memory) -> Vec<String> {
    ship_as(store, "memory", far_end, once())
}

pub(crate) fn ship_as(store: &Path, to: &str, far_end: &Memory, options: Options) -> Vec<String> {
    let mut told = Vec::new();
    let mut shipper = open(store, to, far_end.clone(), options).unwrap();
    shipper.run(&Stop::default(), &mut |event| told.extend(text(&event))).unwrap();
    told
}

/// What is told, unless all is well.
pub(crate) fn text(event: &Event<'_>) -> Option<String> {
    match event {
        Event::Arrived => None,
        Event::Lost(loss) => Some(loss.message()),
        other => Some(format!("{other:?}")),
    }
}

pub(crate) fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort_unstable();
    lines
}

/// Waits until something is so. Fails the test if that takes too long.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(120);
    while !is_so() {
        assert!(std::time::Instant::now() < deadline, "waited in vain: {what}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}
