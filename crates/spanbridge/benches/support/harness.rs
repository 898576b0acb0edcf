//! The parent: has the children work in turn, and prints the medians.

use super::bench::Bench;
use super::worker::{self, Sample};
use std::fmt;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// CPU time of one go that is long enough to be measured.
const LONG_ENOUGH: f64 = 1_500_000.0;

struct Worker {
    name: String,
    operations: u64,
    most: u64,
    iterations: u64,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    application: Vec<f64>,
    process: Vec<f64>,
    allocations: [f64; 2],
    delivered: (u64, u64),
}

impl Worker {
    fn start(bench: &Bench) -> Self {
        let exe = std::env::current_exe().unwrap();
        let mut command = Command::new(exe);
        command.args(["worker", &bench.name]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        let mut worker = Worker {
            name: bench.name.clone(),
            operations: bench.operations,
            most: bench.most,
            iterations: 1,
            child,
            input,
            output,
            application: vec![],
            process: vec![],
            allocations: [0.0; 2],
            delivered: (0, 0),
        };
        worker.warm_up();
        worker
    }

    fn go(&mut self, allocations: bool) -> Sample {
        writeln!(self.input, "{} {}", self.iterations, allocations as u8).unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        let mut words = line.split_whitespace().map(|w| w.parse().unwrap());
        let mut next = || words.next().unwrap();
        Sample {
            application: next(),
            process: next(),
            delivered: next(),
            own_allocations: next(),
            all_allocations: next(),
        }
    }

    /// Finds how many iterations are enough, and counts allocations once everything has its size.
    fn warm_up(&mut self) {
        loop {
            let took = self.go(false).application as f64;
            if took > LONG_ENOUGH * 0.6 || self.iterations >= self.most {
                break;
            }
            let more = self.iterations as f64 * (LONG_ENOUGH / took.max(1.0)).clamp(1.2, 8.0);
            self.iterations = (more.ceil() as u64).min(self.most);
        }
        for _ in 0..3 {
            self.go(false);
        }
        let s = self.go(true);
        let operations = self.per_go() as f64;
        self.allocations = [s.own_allocations as f64 / operations, s.all_allocations as f64 / operations];
    }

    fn per_go(&self) -> u64 {
        self.iterations * self.operations
    }

    fn round(&mut self) {
        let s = self.go(false);
        let operations = self.per_go();
        self.application.push(s.application as f64 / operations as f64);
        self.process.push(s.process as f64 / operations as f64);
        self.delivered = (self.delivered.0 + s.delivered, self.delivered.1 + operations);
    }

    fn end(mut self) -> Figures {
        drop(self.input);
        self.child.wait().unwrap();
        let [application, process] = [&mut self.application, &mut self.process].map(|v| median(v));
        let delivered = self.delivered.0 as f64 / self.delivered.1 as f64;
        Figures { name: self.name, application, process, allocations: self.allocations, delivered }
    }
}

/// What a bench has shown: medians, for each operation.
pub(crate) struct Figures {
    pub(crate) name: String,
    /// Nanoseconds of the application thread.
    pub(crate) application: f64,
    process: f64,
    allocations: [f64; 2],
    delivered: f64,
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figures { name, application, process, allocations: [own, all], delivered } = self;
        write!(f, "| {name:<28} | {application:>7.1} | {process:>7.1} | {own:>6.3} | {all:>6.3} | {delivered:>6.3} |")
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

pub(crate) fn main(benches: fn() -> Vec<Bench>) -> Vec<Figures> {
    // `cargo bench` adds its own `--bench`.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let named = |name: &str| benches().into_iter().find(|b| b.name == name).expect("a bench of that name");
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["worker", name] => worker::serve(named(name)),
        ["one", name, iterations] => worker::once(named(name), iterations.parse().unwrap()),
        _ => compare(benches(), arguments.first().map_or("", String::as_str)),
    }
}

fn compare(benches: Vec<Bench>, filter: &str) -> Vec<Figures> {
    let rounds = std::env::var("ROUNDS").ok().and_then(|r| r.parse().ok()).unwrap_or(31);
    let wanted = |b: &&Bench| filter.split(',').any(|f| b.name.contains(f));
    let mut workers: Vec<_> = benches.iter().filter(wanted).map(Worker::start).collect();
    for _ in 0..rounds {
        workers.iter_mut().for_each(Worker::round)
    }
    println!("| bench | application ns | all threads ns | allocations | of all threads | delivered |");
    println!("|---|---|---|---|---|---|");
    let figures: Vec<_> = workers.into_iter().map(Worker::end).collect();
    figures.iter().for_each(|figures| println!("{figures}"));
    figures
}
