//! Spans per second and CPU time per span of a shipper, to a far end that forgets, to a directory, and to the Kafka at `KAFKA_BROKERS`:
//!
//! ```text
//! cargo xtask kafka -- cargo bench -p spanbridge-relay --features kafka --bench ship -- 1000000
//! ```
//!
//! The workload is that of the directory's own bench: runs of about twelve spans from four processes.

use spanbridge::record::Record;
use spanbridge_query::Store;
use spanbridge_relay::ship::{Away, Event, FarEnd, Name, Options, Sent, Shipper, Stop, StoreEnd};
use spanbridge_store::StoreSink;
use std::path::Path;
use std::time::Instant;

#[expect(dead_code, reason = "the other bench uses the rest")]
#[path = "../../spanbridge-query/benches/store/workload.rs"]
mod workload;
use workload::{WRITERS, Workload};

/// Takes everything: what is left is reading the logs.
struct Nowhere;

impl FarEnd for Nowhere {
    fn add(&mut self, _: Record<'_>) -> usize {
        100
    }

    fn send(&mut self, _: &Stop) -> Result<Sent, Away> {
        Ok(Sent::default())
    }
}

fn main() {
    let spans = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(200_000);
    let from = tempfile::tempdir().unwrap();
    let mut workload = Workload::new(40_000);
    let mut sinks: Vec<StoreSink> = (0..WRITERS).map(|_| StoreSink::open(from.path()).unwrap()).collect();
    let mut delivery = 0;
    while workload.spans < spans {
        delivery += 1;
        for ((sink, records), writer) in sinks.iter_mut().zip(workload.tick()).zip(1..) {
            let receipt = sink.deliver_records(writer, delivery, &records).unwrap();
            assert!(receipt.rejected().is_empty());
        }
    }
    println!("{} spans, {} records, {} runs", workload.spans, workload.records, workload.runs());
    ship(from.path(), "nowhere", Box::new(Nowhere), &workload);
    let to = tempfile::tempdir().unwrap();
    let path = to.path().to_owned();
    ship(from.path(), "a directory", Box::new(StoreEnd::new(move || Store::open_or_create(&path))), &workload);
    #[cfg(feature = "kafka")]
    if let Some(brokers) = std::env::var("KAFKA_BROKERS").ok().filter(|brokers| !brokers.is_empty()) {
        let url = format!("kafka://{brokers}/ship.bench.{}", std::process::id());
        let far_end = spanbridge_relay::ship::KafkaEnd::new(url.parse().unwrap()).unwrap();
        ship(from.path(), "Kafka", Box::new(far_end), &workload);
    }
}

fn ship(from: &Path, to: &str, far_end: Box<dyn FarEnd>, workload: &Workload) {
    let mut options = Options::default();
    options.once = true;
    let store = Store::open_or_create(from).unwrap();
    let mut shipper = Shipper::open(store, Name::of(to), far_end, options).unwrap();
    let (begun, before) = (Instant::now(), cpu());
    shipper.run(&Stop::default(), &mut |event| assert!(matches!(event, Event::Arrived), "{event:?}")).unwrap();
    let (took, used) = (begun.elapsed().as_secs_f64(), cpu() - before);
    let spans = workload.spans as f64;
    println!("to {to}: {:.0} spans/s, {:.2} µs of CPU a span", spans / took, used * 1e6 / spans);
}

/// CPU time of this process and all its threads in seconds, user and system. Linux only.
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // What is before the last parenthesis is the name of the program.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}
