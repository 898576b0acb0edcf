//! What the benches on brokers share: what is sent, sinks, and rounds in which the variants take turns, so that whatever
//! else the machine does meets all of them.

use rustix::time::{ClockId, clock_gettime};
use spanbridge::carrier::extract;
use spanbridge::{Context, Receipt, RecordBatch, Recorder, Sink, SinkError, observe};
use spanbridge_store::StoreSink;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// The headers that the bare variant writes as constants.
pub(crate) const THEIRS: [(&str, &str); 3] = [
    ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ("tracestate", "sb=r:0123456789abcdef0123456789abcdef"),
    ("baggage", "tier=gold"),
];
/// What every message consists of.
pub(crate) const BODY: &[u8] = &[b'x'; 256];

/// Counts records, having looked at each.
struct Count(Arc<AtomicU64>);

impl Sink for Count {
    fn deliver(&mut self, batch: &RecordBatch) -> Result<Receipt, SinkError> {
        batch.iter().for_each(|record| _ = black_box(record.body()));
        self.0.fetch_add(batch.len() as u64, Relaxed);
        Ok(Receipt::default())
    }
}

/// The client alone (looking at headers, or not), and observed with one sink or the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Variant {
    Bare,
    BareHeaders,
    Counted,
    Stored,
}

impl Variant {
    pub(crate) const ALL: [Variant; 4] = [Variant::Bare, Variant::BareHeaders, Variant::Counted, Variant::Stored];

    pub(crate) fn is_bare(self) -> bool {
        matches!(self, Variant::Bare | Variant::BareHeaders)
    }

    fn name(self) -> &'static str {
        ["bare", "bare, headers", "counting sink", "store as sink"][self as usize]
    }
}

/// The recorders of the two observed variants.
pub(crate) struct Recorders {
    counted: Recorder,
    stored: Recorder,
    count: Arc<AtomicU64>,
    _directory: tempfile::TempDir,
}

impl Recorders {
    pub(crate) fn new() -> Self {
        let count = Arc::new(AtomicU64::new(0));
        let counted = Recorder::builder("bench").sink(Count(count.clone())).build().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let store = StoreSink::open(directory.path().join("bench.db")).unwrap();
        let stored = Recorder::builder("bench").sink(store).build().unwrap();
        Recorders { counted, stored, count, _directory: directory }
    }

    /// The recorder of an observed variant.
    pub(crate) fn of(&self, variant: Variant) -> Option<&Recorder> {
        match variant {
            Variant::Bare | Variant::BareHeaders => None,
            Variant::Counted => Some(&self.counted),
            Variant::Stored => Some(&self.stored),
        }
    }

    /// What a sender's context is, under the recorder of a variant.
    pub(crate) fn sender(&self, variant: Variant) -> Context {
        let Some(recorder) = self.of(variant) else { return Context::EMPTY };
        let sender = recorder.in_scope(|| extract(&BTreeMap::from(THEIRS)).context);
        assert!(observe::in_scope(&sender, || observe::span("warm").id()).is_some(), "it is recorded");
        sender
    }

    /// Everything is delivered, so that no variant pays for another one's records.
    pub(crate) fn settle(&self, variant: Variant) {
        if let Some(recorder) = self.of(variant) {
            recorder.flush_blocking(Duration::from_secs(60));
        }
    }

    /// Says how many records there were.
    pub(crate) fn finish(self) {
        let counted = self.counted.shutdown(Duration::from_secs(10));
        let stored = self.stored.shutdown(Duration::from_secs(60));
        let (count, delivered) = (self.count.load(Relaxed), stored.sinks.iter().map(|s| s.delivered).sum::<u64>());
        println!(
            "{count} records counted, {} dropped; {delivered} stored, {} dropped",
            counted.dropped, stored.dropped
        );
    }
}

/// How long something took, by the wall's clock and by the processor's (of all threads of this process).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spent {
    wall: f64,
    cpu: f64,
}

/// A stop-watch.
pub(crate) struct Watch(Instant, f64);

fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

impl Watch {
    pub(crate) fn start() -> Self {
        Watch(Instant::now(), cpu())
    }

    pub(crate) fn stop(self) -> Spent {
        Spent { wall: self.0.elapsed().as_secs_f64(), cpu: cpu() - self.1 }
    }
}

/// What was measured, by what was done, variant and round.
#[derive(Default)]
pub(crate) struct Rounds(BTreeMap<&'static str, [Vec<Spent>; 4]>);

impl Rounds {
    pub(crate) fn note(&mut self, done: &'static str, variant: Variant, spent: Spent) {
        self.0.entry(done).or_default()[variant as usize].push(spent)
    }

    /// Medians and quartiles. A ratio is of two neighbours in the same round, before its median is taken.
    pub(crate) fn print(&self, messages: usize) {
        let rounds = self.0.values().map(|v| v[0].len()).max().unwrap_or(0);
        println!(
            "median [quartiles] of {rounds} rounds of {messages} messages; a ratio compares neighbours of a round"
        );
        for (done, by_variant) in &self.0 {
            for variant in Variant::ALL {
                let spent = &by_variant[variant as usize];
                if spent.is_empty() {
                    continue;
                }
                let [_, rate, _] = quartiles(spent.iter().map(|s| messages as f64 / s.wall));
                let [_, each, _] = quartiles(spent.iter().map(|s| s.cpu / messages as f64 * 1e6));
                print!("{done:18} {:14} {rate:9.0} msg/s  cpu {each:6.2} us", variant.name());
                if variant != Variant::Bare {
                    let pairs = || by_variant[0].iter().zip(spent);
                    let [low, ratio, high] = quartiles(pairs().map(|(bare, s)| bare.wall / s.wall));
                    let [_, more, _] = quartiles(pairs().map(|(bare, s)| (s.cpu - bare.cpu) / messages as f64 * 1e6));
                    print!("  ratio {ratio:.3} [{low:.3} {high:.3}]  {more:+.2} us cpu each");
                }
                println!();
            }
        }
    }
}

fn quartiles(values: impl Iterator<Item = f64>) -> [f64; 3] {
    let mut values: Vec<f64> = values.collect();
    values.sort_unstable_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| values.get(values.len() * quarter / 4).copied().unwrap_or(f64::NAN))
}

/// A number from the environment: fewer messages under an instruction counter, more rounds on a noisy machine.
pub(crate) fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().and_then(|n| n.parse().ok()).unwrap_or(default)
}

/// The variants in an order that changes with every round.
pub(crate) fn order(round: usize, variants: &[Variant]) -> impl Iterator<Item = Variant> {
    (0..variants.len()).map(move |i| variants[(i + round) % variants.len()])
}
