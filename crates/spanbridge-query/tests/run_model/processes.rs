//! Processes that execute commands, one line each, and answer with one line.

use spanbridge::observe::{self, Run};
use spanbridge::record::{Body, Record, RunEnd, RunResume, RunStart, RunSuspend, Segment, SpanEnd};
use spanbridge::{Memory, Recorder, RunContext};
use spanbridge_store::StoreSink;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

pub(crate) trait Processes {
    fn processes(&self) -> usize;

    /// How many hours the clock of a process is ahead.
    fn ahead(&self, _process: usize) -> u64 {
        0
    }

    /// Has a process execute a command: words separated by tabs.
    fn command(&mut self, process: usize, words: &[&str]) -> String;

    /// Delivers everything that a process recorded.
    fn flush(&mut self, process: usize);

    /// Kills a process, and replaces it. What it did not deliver is lost.
    fn crash(&mut self, process: usize);
}

/// Executes commands.
struct Worker {
    recorder: Recorder,
    runs: Vec<Option<Run>>,
}

impl Worker {
    fn new(recorder: Recorder) -> Self {
        Worker { recorder, runs: vec![] }
    }

    fn run_command(&mut self, words: &[&str]) -> String {
        let root = self.recorder.in_scope(observe::current_context);
        observe::in_scope(&root, || self.act(words))
    }

    fn act(&mut self, words: &[&str]) -> String {
        let span = |name: &str, f: &dyn Fn()| observe::span(name.to_owned()).in_scope(f);
        match *words {
            ["start"] => self.keep(observe::run("model").open()),
            ["resume", text] => self.keep(observe::resume_run(text.parse().unwrap())),
            ["end saved", text] => {
                observe::end_run(text.parse().unwrap(), &());
                String::new()
            }
            ["receive", text, name] => {
                let context: RunContext = text.parse().unwrap();
                observe::in_scope(&context.into(), || span(name, &|| ()));
                String::new()
            }
            ["work", run, outer, inner] => {
                self.run(run).in_scope(|| span(outer, &|| span(inner, &|| ())));
                String::new()
            }
            ["hand over", run, name] => self.run(run).in_scope(|| {
                observe::span(name.to_owned())
                    .in_scope_value(|| RunContext::from(observe::current_context()).to_string())
            }),
            ["capture", run] => self.run(run).checkpoint().to_string(),
            ["suspend", run, reason] => self.take(run).suspend(reason).to_string(),
            ["leave", run] => self.take(run).leave().to_string(),
            ["end", run] => {
                self.take(run).end();
                String::new()
            }
            ["drop", run] => {
                drop(self.take(run));
                String::new()
            }
            ["flush"] => {
                let report = self.recorder.flush_blocking(LONG);
                assert!(report.complete, "{report:?}");
                String::new()
            }
            _ => panic!("unknown command {words:?}"),
        }
    }

    /// Keeps the run, and returns its name and id.
    fn keep(&mut self, run: Run) -> String {
        let id = run.id().map(|id| id.to_string()).unwrap_or_default();
        self.runs.push(Some(run));
        format!("{} {id}", self.runs.len() - 1)
    }

    fn run(&self, run: &str) -> &Run {
        self.runs[run.parse::<usize>().unwrap()].as_ref().unwrap()
    }

    fn take(&mut self, run: &str) -> Run {
        self.runs[run.parse::<usize>().unwrap()].take().unwrap()
    }
}

/// Recorders instead of processes. They deliver to memory.
pub(crate) struct InProcess {
    workers: Vec<(Worker, Memory)>,
    ahead: Vec<u64>,
    records: Vec<Record<'static>>,
}

impl InProcess {
    /// One process for each clock, with the hours that it is ahead.
    pub(crate) fn new(ahead: Vec<u64>) -> Self {
        InProcess { workers: ahead.iter().map(|_| Self::worker()).collect(), ahead, records: vec![] }
    }

    fn worker() -> (Worker, Memory) {
        let memory = Memory::new();
        let recorder = Recorder::builder("worker").sink(memory.clone()).on_flush_only().build().unwrap();
        (Worker::new(recorder), memory)
    }

    /// The delivered records, in order.
    pub(crate) fn records(&self) -> Vec<Record<'static>> {
        self.records.clone()
    }
}

impl Processes for InProcess {
    fn processes(&self) -> usize {
        self.workers.len()
    }

    fn ahead(&self, process: usize) -> u64 {
        self.ahead[process]
    }

    fn command(&mut self, process: usize, words: &[&str]) -> String {
        self.workers[process].0.run_command(words)
    }

    fn flush(&mut self, process: usize) {
        self.command(process, &["flush"]);
        let mut records = self.workers[process].1.take();
        records.iter_mut().for_each(|r| later(&mut r.body, self.ahead[process] * HOUR));
        self.records.extend(records);
    }

    fn crash(&mut self, process: usize) {
        self.workers[process] = Self::worker(); // what the old one still delivers is ignored
    }
}

const HOUR: u64 = 3_600_000_000_000;

/// Changes a record as if a clock were ahead.
fn later(body: &mut Body<'_>, by: u64) {
    match body {
        Body::Segment(Segment { started_at: at, .. })
        | Body::RunStart(RunStart { started_at: at, .. })
        | Body::RunSuspend(RunSuspend { suspended_at: at, .. })
        | Body::RunResume(RunResume { resumed_at: at, .. })
        | Body::RunEnd(RunEnd { ended_at: at, .. }) => *at += by,
        Body::Span(span) => {
            span.started_at += by;
            span.end.iter_mut().for_each(|end| end.ended_at += by);
        }
        Body::SpanEnd(SpanEnd { end, .. }) => end.ended_at += by,
        other => unreachable!("no command records {other:?}"),
    }
}

/// Processes that write to one store.
pub(crate) struct RealProcesses {
    db: PathBuf,
    processes: Vec<Process>,
}

struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

/// The beginning of an answer. The test harness prints to the same stream.
const ANSWER: &str = "@ ";

impl RealProcesses {
    pub(crate) fn new(processes: usize, db: &Path) -> Self {
        RealProcesses { db: db.to_owned(), processes: (0..processes).map(|_| Process::start(db)).collect() }
    }
}

impl Process {
    fn start(db: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "worker", "--nocapture"])
            .env("SPANBRIDGE_TEST_WORKER_DB", db)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Process { child, stdin, stdout }
    }
}

impl Processes for RealProcesses {
    fn processes(&self) -> usize {
        self.processes.len()
    }

    fn command(&mut self, process: usize, words: &[&str]) -> String {
        let process = &mut self.processes[process];
        writeln!(process.stdin, "{}", words.join("\t")).unwrap();
        loop {
            let mut line = String::new();
            assert!(process.stdout.read_line(&mut line).unwrap() > 0, "the process is gone");
            if let Some(answer) = line.strip_prefix(ANSWER) {
                return answer.trim_end().to_owned();
            }
        }
    }

    fn flush(&mut self, process: usize) {
        self.command(process, &["flush"]);
    }

    fn crash(&mut self, process: usize) {
        let next = Process::start(&self.db);
        drop(std::mem::replace(&mut self.processes[process], next));
    }
}

/// On unix this is SIGKILL.
impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A real process: executes the commands on its standard input until that ends.
pub(crate) fn worker(db: &Path) {
    let sink = StoreSink::open(db).unwrap();
    let mut worker = Worker::new(Recorder::builder("worker").sink(sink).on_flush_only().build().unwrap());
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let words: Vec<&str> = line.split('\t').collect();
        println!("\n{ANSWER}{}", worker.run_command(&words));
    }
}
