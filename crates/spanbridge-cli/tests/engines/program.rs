//! A database for a test, and the program over it.

use serde_json::Value;
use spanbridge::record::Record;
use spanbridge_cli::place::Place;
use spanbridge_clickhouse::{Address, Writer};
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long anything may take. The machine may be busy.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

/// A database that nobody else uses. It is dropped with the value.
pub(crate) struct Database {
    pub(crate) url: String,
}

impl Database {
    /// In the cluster that tests use. `None`: there is none, which is reported.
    pub(crate) fn new() -> Option<Self> {
        xtask::clickhouse::url().map(|url| Self::at(&url))
    }

    pub(crate) fn at(url: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let (before, parameters) = url.split_once('?').unwrap_or((url, ""));
        let before = before.rsplit_once('/').unwrap().0;
        let name = format!("engines_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Self { url: format!("{before}/{name}?{parameters}") }
    }

    /// The same, with the tables.
    pub(crate) fn filled(records: &[Record<'_>]) -> Option<Self> {
        let database = Self::new()?;
        database.store(records);
        Some(database)
    }

    /// As another process would.
    pub(crate) fn store(&self, records: &[Record<'_>]) {
        Place::parse(&self.url).open_or_create().unwrap().append(records.iter().cloned()).unwrap();
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let _ = Writer::drop_database(&self.url.parse::<Address>().unwrap());
    }
}

pub(crate) fn program(db: &str, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    command.args(["--db", db]).args(args).env_remove("SPANBRIDGE_DB").env_remove("CLICOLOR_FORCE");
    command
}

/// The exit code, standard output and standard error.
pub(crate) fn said(db: &str, args: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = program(db, args).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

/// A program that runs, and the lines that it writes. It ends with the test.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    notes: Receiver<String>,
}

impl Running {
    pub(crate) fn start(db: &str, args: &[&str]) -> Self {
        let mut command = program(db, args);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = lines(child.stdout.take().unwrap());
        let notes = self::lines(child.stderr.take().unwrap());
        Self { child, lines, notes }
    }

    /// The next line of standard output.
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(DEADLINE).expect("a line")
    }

    /// The same, as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    /// The line of standard error with this text.
    pub(crate) fn note(&self, text: &str) -> String {
        loop {
            let note = self.notes.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("{text:?} is not said"));
            if note.contains(text) {
                return note;
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (to, lines) = channel();
    let from = BufReader::new(from);
    std::thread::spawn(move || from.lines().map_while(Result::ok).try_for_each(|line| to.send(line)));
    lines
}

/// Asks again until there is an answer.
pub(crate) fn until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(begun.elapsed() < DEADLINE, "{what} did not come about");
        std::thread::park_timeout(Duration::from_millis(50));
    }
}
