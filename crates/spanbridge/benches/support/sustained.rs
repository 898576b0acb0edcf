//! Writers at full speed: what is created is delivered or counted, and memory stays under its cap.

use super::bench::DELIVERED;
use super::{clock, ours};
use spanbridge::Recorder;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

const CAP: usize = 64 << 20;

pub(crate) fn main() {
    let millions: u64 = std::env::args().skip(2).find_map(|a| a.parse().ok()).unwrap_or(20);
    for threads in [1, 2] {
        for attributes in [false, true] {
            run(threads, millions * 1_000_000 / threads, attributes)
        }
    }
}

fn run(threads: u64, spans: u64, attributes: bool) {
    let recorder = Recorder::builder("bench").sink(ours::Count::default()).memory_limit(CAP).install().unwrap();
    let (delivered, begun, process) = (DELIVERED.load(Relaxed), Instant::now(), clock::process());
    let write = || {
        let cpu = clock::thread();
        (0..spans / 100).for_each(|_| if attributes { ours::tree::<true>(99) } else { ours::tree::<false>(99) });
        clock::thread() - cpu
    };
    let writing: u64 = std::thread::scope(|s| {
        let writers: Vec<_> = (0..threads).map(|_| s.spawn(write)).collect();
        writers.into_iter().map(|t| t.join().unwrap()).sum()
    });
    let took = begun.elapsed();
    let report = recorder.flush_blocking(Duration::from_secs(30));
    let (created, delivered) = (spans / 100 * 100 * threads, DELIVERED.load(Relaxed) - delivered);
    let behind = report.sinks[0].dropped;
    println!(
        "{threads} threads, {} attributes: application {:.1} ns a span, wall {:.1}, process {:.1}; {created} created = \
         {delivered} delivered + {} dropped + {} of {behind} records that came too fast for the sink ({:.1}%); \
         memory {:.1} MiB",
        if attributes { 4 } else { 0 },
        writing as f64 / created as f64,
        took.as_nanos() as f64 / created as f64,
        (clock::process() - process) as f64 / created as f64,
        report.dropped,
        created.saturating_sub(delivered + report.dropped),
        100.0 - 100.0 * delivered as f64 / created as f64,
        recorder.memory() as f64 / 1048576.0,
    );
    assert!((report.complete || behind > 0) && delivered + report.dropped <= created);
    assert!(delivered + report.dropped + behind >= created, "lost silently");
    assert!(recorder.memory() <= CAP);
}
