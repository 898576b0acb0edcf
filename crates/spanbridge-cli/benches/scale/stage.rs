//! What each stage takes.

use super::Outcome;
use super::workload::Workload;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// The stages so far, and where how many bytes are.
pub(super) struct Stages {
    spans: u64,
    stages: Vec<(&'static str, Duration, Duration)>,
    places: Vec<(&'static str, u64)>,
}

impl Stages {
    pub(super) fn begin(spans: u64) -> Self {
        Self { spans, stages: Vec::new(), places: Vec::new() }
    }

    /// A stage in this process.
    pub(super) fn of_this_process<T>(&mut self, name: &'static str, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        self.stage(name, [13, 14], work)
    }

    /// A stage that is a process of its own.
    pub(super) fn of_a_program(&mut self, name: &'static str, command: &mut Command) -> Outcome {
        self.stage(name, [15, 16], || match command.status()? {
            status if status.success() => Ok(()),
            status => Err(format!("{command:?} ended with {status}").into()),
        })
    }

    fn stage<T>(&mut self, name: &'static str, fields: [usize; 2], work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        let (begun, before) = (Instant::now(), cpu(fields));
        let done = work()?;
        self.stages.push((name, begun.elapsed(), cpu(fields).saturating_sub(before)));
        eprintln!("{name}: {:.1} s", begun.elapsed().as_secs_f64());
        Ok(done)
    }

    /// How many bytes are in a place.
    pub(super) fn bytes(&mut self, place: &'static str, bytes: u64) {
        self.places.push((place, bytes));
    }

    pub(super) fn print(&self, workload: &Workload) {
        let spans = workload.spans as f64;
        println!("\n{} spans in {} records of {} runs", workload.spans, workload.records, workload.runs());
        println!("\n| stage ({:.0}M spans) | spans/s | CPU a span |\n|---|---|---|", self.spans as f64 / 1e6);
        for (name, wall, cpu) in &self.stages {
            println!("| {name} | {:.0} | {:.2} µs |", spans / wall.as_secs_f64(), cpu.as_secs_f64() * 1e6 / spans);
        }
        println!("\n| place | bytes a span |\n|---|---|");
        for (name, bytes) in &self.places {
            println!("| {name} | {:.1} |", *bytes as f64 / spans);
        }
    }
}

/// The command over this store.
pub(super) fn program(args: &[&str], store: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    command.args(args).arg("--db").arg(store).env_remove("SPANBRIDGE_DB");
    command
}

/// The bytes of all files below a directory.
pub(super) fn size(directory: &Path) -> u64 {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let of = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(found) if found.is_dir() => size(&entry.path()),
        Ok(found) => found.len(),
        Err(_) => 0,
    };
    entries.map(of).sum()
}

/// User and system time by these fields of `/proc/self/stat`, which has hundredths of a second. 13 and 14: of this process; 15 and 16: of
/// the children that ended. Zero where the system does not say.
fn cpu(fields: [usize; 2]) -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The name of the program may have blanks; the next field is the third.
    let rest = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let rest: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |field: usize| rest.get(field - 2).and_then(|text| text.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis(fields.map(ticks).iter().sum::<u64>() * 10)
}
