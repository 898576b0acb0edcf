//! Records past one machine, end to end: written into a directory, shipped to Kafka, collected into ClickHouse, and asked there. Beside it
//! the same records in the directory's own index.
//!
//! ```text
//! cargo xtask kafka -- cargo xtask clickhouse -- \
//!     cargo bench -p spanbridge-cli --features clickhouse,kafka --bench scale -- 2M 20M
//! ```
//!
//! The workload is that of the store's bench: runs of about 12 spans over four processes. CPU time is that of our processes, all threads;
//! what Kafka and ClickHouse take beside them is not in it. A million spans need 0.5 GB for temporary files and the servers.

mod ask;
mod stage;

#[expect(dead_code, reason = "the other bench uses the rest")]
#[path = "../../../spanbridge-query/benches/store/workload.rs"]
mod workload;

use ask::questions;
use spanbridge_cli::place::Place;
use spanbridge_query::Store;
use spanbridge_store::{Limits, StoreSink};
use stage::{Stages, program, size};
use std::path::Path;
use workload::Workload;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

/// Spans that the four processes record in a second.
const SPANS_PER_SECOND: u64 = 40_000;

fn main() -> Outcome {
    let (Ok(brokers), Ok(url)) = (std::env::var("KAFKA_BROKERS"), std::env::var("CLICKHOUSE_URL")) else {
        println!("skipped: KAFKA_BROKERS and CLICKHOUSE_URL are not set");
        return Ok(());
    };
    let words = std::env::args().skip(1).filter(|word| !word.starts_with("--"));
    for word in words {
        let (digits, unit) = word.strip_suffix('M').map_or((word.as_str(), 1), |digits| (digits, 1_000_000));
        measure(digits.parse::<u64>()? * unit, &brokers, &url)?;
    }
    Ok(())
}

fn measure(spans: u64, brokers: &str, url: &str) -> Outcome {
    let dir = tempfile::tempdir()?;
    let store = dir.path().join("store");
    let name = format!("scale_{}_{spans}", std::process::id());
    let topic = format!("kafka://{brokers}/{name}");
    let database = in_database(url, &name);
    let mut stages = Stages::begin(spans);

    let workload = stages.of_this_process("write into the directory", || write(&store, spans))?;
    stages.bytes("the directory's logs", size(&store));
    let before = kafka_bytes();
    stages.of_a_program("ship to Kafka", &mut program(&["ship", "--once", "--to", &topic], &store))?;
    if let (Some(before), Some(after)) = (before, kafka_bytes()) {
        stages.bytes("the topic", after.saturating_sub(before));
    }
    let from = format!("{topic}?group={name}");
    stages.of_a_program(
        "collect into ClickHouse",
        &mut program(&["collect", "--once", "--from", &from, "--to", &database], &store),
    )?;
    let address = database.parse::<spanbridge_clickhouse::Address>()?;
    let writer = spanbridge_clickhouse::Writer::open(&address)?;
    let bytes = |sizes: &[(String, u64, u64)]| sizes.iter().map(|(_, bytes, _)| bytes).sum();
    stages.bytes("ClickHouse, as inserted", bytes(&writer.sizes()?));
    questions("ClickHouse, as inserted", &Place::parse(&database).open()?, &workload)?;
    writer.merge()?;
    stages.bytes("ClickHouse, merged", bytes(&writer.sizes()?));
    questions("ClickHouse, merged", &Place::parse(&database).open()?, &workload)?;

    stages.of_a_program("fold the directory", &mut program(&["compact"], &store))?;
    stages.bytes("the directory, folded", size(&store));
    questions("the directory", &Store::open(&store)?, &workload)?;
    stages.print(&workload);
    spanbridge_clickhouse::Writer::drop_database(&address)?;
    Ok(())
}

/// Writes as four processes do, each with a file of its own.
fn write(store: &Path, spans: u64) -> Outcome<Workload> {
    let limits = Limits::new().max_bytes(u64::MAX);
    let sinks = (0..workload::WRITERS).map(|_| StoreSink::open_with(store, limits.clone()));
    let mut sinks = sinks.collect::<Result<Vec<_>, _>>()?;
    let mut workload = Workload::new(SPANS_PER_SECOND);
    let mut ticks = 0;
    while workload.spans < spans {
        ticks += 1;
        for (writer, records) in workload.tick().iter().enumerate() {
            let receipt = sinks[writer].deliver_records(writer as u64 + 1, ticks, records)?;
            assert!(receipt.rejected().is_empty(), "every record is stored");
        }
    }
    Ok(workload)
}

/// The same servers with another database.
fn in_database(url: &str, name: &str) -> String {
    let (before, parameters) = url.split_once('?').unwrap_or((url, ""));
    let before = before.rsplit_once('/').map_or(before, |(before, _)| before);
    format!("{before}/{name}?{parameters}")
}

/// What a private Kafka has on disk. `None`: it is another one.
fn kafka_bytes() -> Option<u64> {
    Some(size(Path::new(&std::env::var_os("SPANBRIDGE_TEST_KAFKA_DIR")?)))
}
