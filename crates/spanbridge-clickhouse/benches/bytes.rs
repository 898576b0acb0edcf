//! How many bytes a span takes, and how long the goals' questions take, in the cluster at `CLICKHOUSE_URL`, or, with `modern`, on
//! today's ClickHouse at `CLICKHOUSE_MODERN_URL`:
//!
//! ```text
//! cargo xtask clickhouse --modern -- cargo bench -p spanbridge-clickhouse --bench bytes -- 1000000 modern
//! ```
//!
//! The workload is that of the directory's own bench: runs of about twelve spans from four processes. A batch is what they deliver in
//! a second.

use spanbridge_clickhouse::{Address, ClickHouse, Writer};
use spanbridge_graph::RunStatus;
use spanbridge_query::engine::{Engine, Snapshot};
use spanbridge_query::{Error, RunFilter};
use std::time::{Duration, Instant};

#[expect(dead_code, reason = "the other bench uses the rest")]
#[path = "../../spanbridge-query/benches/store/workload.rs"]
mod workload;
use workload::{T0, Workload, run_id};

/// Deliveries that are inserted together.
const TICKS: usize = 5;

fn main() {
    let spans = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(200_000);
    let is_modern = std::env::args().any(|argument| argument == "modern");
    let url = if is_modern { xtask::clickhouse::modern_url() } else { xtask::clickhouse::url() };
    let Some(url) = url else { return };
    let address = url.parse::<Address>().unwrap().with_database(format!("bench_{}", std::process::id()));
    let writer = Writer::open(&address).unwrap();
    let mut workload = Workload::new(40_000);
    let mut inserting = Duration::ZERO;
    while workload.spans < spans {
        let records: Vec<_> = (0..TICKS).flat_map(|_| workload.tick().into_iter().flatten()).collect();
        let begun = Instant::now();
        writer.insert(records.iter().map(|record| record.view())).unwrap();
        inserting += begun.elapsed();
    }
    println!("{} spans, {} records, {} runs", workload.spans, workload.records, workload.runs());
    println!("inserted at {:.0} spans/s", workload.spans as f64 / inserting.as_secs_f64());
    let engine = ClickHouse::open(&address).unwrap();
    let ask = |what: &str, question: &dyn Fn(&dyn Snapshot) -> Result<usize, Error>| {
        let mut times: Vec<(Duration, usize)> = (0..21)
            .map(|_| {
                let begun = Instant::now();
                let found = question(&*engine.snapshot().unwrap()).unwrap();
                (begun.elapsed(), found)
            })
            .collect();
        times.sort_unstable();
        println!("{what}: {:.1} ms ({} found)", times[10].0.as_secs_f64() * 1e3, times[10].1);
    };
    let questions = || {
        let run = run_id(workload.runs() / 3);
        ask("a run", &|snapshot| {
            let mut found = 0;
            snapshot.records(&[run], &mut |_, records| {
                found = records.len();
                Ok(())
            })?;
            Ok(found)
        });
        let all = RunFilter::default;
        let since = T0 + workload.runs() / 40_000 * 6 * 1_000_000_000;
        for (name, filter) in [
            ("no filter", all()),
            ("status error", all().status(RunStatus::Error)),
            ("service", all().service("payments")),
            ("service of one run in 20,000", all().service("reports")),
            ("name", all().name("events")),
            ("name of one run in 20,000", all().name("month end")),
            ("before the middle", all().before(workload.middle(), run)),
            ("since", all().since(since)),
            ("at least 5 s", all().min_duration(Duration::from_secs(5))),
        ] {
            ask(&format!("list, {name}"), &|snapshot| Ok(snapshot.runs(&filter, 50)?.len()));
        }
    };
    questions();
    for (table, bytes, rows) in writer.sizes().unwrap() {
        println!("{table}: {:.1} bytes a span, {rows} rows", bytes as f64 / workload.spans as f64);
    }
    writer.merge().unwrap();
    println!("merged:");
    for (table, bytes, rows) in writer.sizes().unwrap() {
        println!("{table}: {:.1} bytes a span, {rows} rows", bytes as f64 / workload.spans as f64);
    }
    questions();
    Writer::drop_database(&address).unwrap();
}
