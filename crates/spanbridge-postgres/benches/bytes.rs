//! How many bytes a span takes, and how long the goals' questions take, in the PostgreSQL at `POSTGRES_URL`:
//!
//! ```text
//! cargo xtask postgres -- cargo bench -p spanbridge-postgres --bench bytes -- 1000000
//! ```
//!
//! The workload is that of the directory's own bench: runs of about twelve spans from four processes. A batch is what they deliver in
//! a second.

use spanbridge_graph::RunStatus;
use spanbridge_postgres::{Address, Postgres};
use spanbridge_query::engine::{Engine, Snapshot};
use spanbridge_query::{Error, RunFilter};
use std::time::{Duration, Instant};

#[expect(dead_code, reason = "the other bench uses the rest")]
#[path = "../../spanbridge-query/benches/store/workload.rs"]
mod workload;
use workload::{T0, Workload, run_id};

/// Deliveries that are stored together.
const TICKS: usize = 5;

const SIZES: &str = "SELECT regexp_replace(t.relname, '_[0-9]+$', ''), 'rows', sum(pg_table_size(t.oid)), 'indexes', \
     sum(pg_indexes_size(t.oid)) FROM pg_class t WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' \
     GROUP BY 1 ORDER BY 3 DESC";

const TOTAL: &str = "SELECT sum(pg_total_relation_size(oid)) FROM pg_class \
     WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'";

fn main() {
    let spans = std::env::args().filter_map(|argument| argument.parse().ok()).next().unwrap_or(200_000);
    let Some(url) = xtask::postgres::url() else { return };
    let schema = format!("bench_{}", std::process::id());
    let address = url.parse::<Address>().unwrap().with_schema(schema).unwrap();
    let mut engine = Postgres::open_or_create(&address).unwrap();
    let mut workload = Workload::new(40_000);
    let mut storing = Duration::ZERO;
    while workload.spans < spans {
        let records: Vec<_> = (0..TICKS).flat_map(|_| workload.tick().into_iter().flatten()).collect();
        let begun = Instant::now();
        engine.store(&records).unwrap();
        storing += begun.elapsed();
    }
    println!("{} spans, {} records, {} runs", workload.spans, workload.records, workload.runs());
    println!("stored at {:.0} spans/s", workload.spans as f64 / storing.as_secs_f64());
    // As the server does by itself in time.
    engine.ask("ANALYZE").unwrap();
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
        ("service that is not there", all().service("nobody")),
        ("name", all().name("events")),
        ("name that is not there", all().name("nothing")),
        ("since", all().since(since)),
        ("at least 5 s", all().min_duration(Duration::from_secs(5))),
    ] {
        ask(&format!("list, {name}"), &|snapshot| Ok(snapshot.runs(&filter, 50)?.len()));
    }
    let begun = Instant::now();
    let found = engine.snapshot().unwrap().operations(&all(), 50).unwrap().len();
    println!("list of operations: {:.1} ms ({found} found)", begun.elapsed().as_secs_f64() * 1e3);
    let total: f64 = engine.ask(TOTAL).unwrap()[0].parse().unwrap();
    println!("{:.1} bytes a span", total / workload.spans as f64);
    for line in engine.ask(SIZES).unwrap() {
        println!("  {line}");
    }
    Postgres::drop_schema(&address).unwrap();
}
