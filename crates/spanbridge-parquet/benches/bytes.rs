//! How many bytes a span takes, and how fast files are written and read, with the workload of the directory's own bench:
//!
//! ```text
//! cargo bench -p spanbridge-parquet --bench bytes -- 1000000
//! ```
//!
//! With a path behind the number, the file stays there, for other programs.

use spanbridge_parquet::{Reader, RowRead, Writer};
use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::time::{Duration, Instant};

#[expect(dead_code, reason = "the other bench uses the rest")]
#[path = "../../spanbridge-query/benches/store/workload.rs"]
mod workload;
use workload::Workload;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let spans = words.iter().filter_map(|word| word.parse().ok()).next().unwrap_or(200_000);
    let dir = tempfile::tempdir().unwrap();
    let kept = words.iter().find(|word| word.ends_with(".parquet")).map(PathBuf::from);
    let path = kept.unwrap_or_else(|| dir.path().join("spans.parquet"));
    let mut workload = Workload::new(40_000);
    let mut writer = Writer::new(BufWriter::new(File::create(&path).unwrap())).unwrap();
    let mut writing = Duration::ZERO;
    while workload.spans < spans {
        let records = workload.tick();
        let begun = Instant::now();
        for record in records.iter().flatten() {
            writer.write(record.view()).unwrap();
        }
        writing += begun.elapsed();
    }
    let begun = Instant::now();
    writer.finish().unwrap().into_inner().unwrap().sync_all().unwrap();
    writing += begun.elapsed();
    let per_span = |n: u64| n as f64 / workload.spans as f64;
    println!("{} spans, {} records, {} runs", workload.spans, workload.records, workload.runs());
    println!("written at {:.0} spans/s, up to {} in memory", workload.spans as f64 / writing.as_secs_f64(), peak());
    println!("{:.1} bytes a span", per_span(std::fs::metadata(&path).unwrap().len()));
    let mut reader = Reader::open(File::open(&path).unwrap()).unwrap();
    let mut sizes = reader.column_sizes();
    sizes.sort_by_key(|(_, bytes)| std::cmp::Reverse(*bytes));
    for (column, bytes) in sizes.iter().take(16) {
        println!("  {column}: {:.2}", per_span(*bytes));
    }
    let (begun, mut read) = (Instant::now(), 0);
    while let Some(batch) = reader.next_batch() {
        read += batch.rows.iter().filter(|(_, row)| matches!(row, RowRead::Record(_))).count() as u64;
    }
    assert_eq!(read, workload.records);
    println!(
        "read at {:.0} spans/s, up to {} in memory",
        workload.spans as f64 / begun.elapsed().as_secs_f64(),
        peak()
    );
}

/// The most memory that this process has taken so far.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.map_or("?".to_owned(), |line| line.trim().to_owned())
}
