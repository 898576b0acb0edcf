//! What the tests of the private brokers share.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

const PATIENCE: Duration = Duration::from_secs(60);

/// A task of `xtask` that runs a broker in the foreground.
pub(crate) struct Foreground {
    pub(crate) task: &'static str,
    /// How its first line begins, with the broker's address.
    pub(crate) address: &'static str,
    /// How its second line begins, with the broker's directory.
    pub(crate) directory: &'static str,
    /// At least as many processes belong to a broker that is ready.
    pub(crate) processes: usize,
}

impl Foreground {
    /// Ends it by closing its stdin, and by each signal; it must exit with this code.
    pub(crate) fn leaves_nothing_when_it_ends(&self, signals: &[(Signal, Option<i32>)]) {
        let mut running = Running::start(self);
        let directory = running.wait_until_ready(self);
        drop(running.child.stdin.take());
        assert_eq!(running.exit_code(), Some(0));
        running.assert_nothing_left(&directory);

        for (signal, code) in signals {
            let mut running = Running::start(self);
            let directory = running.wait_until_ready(self);
            running.send(*signal);
            assert_eq!(running.exit_code(), *code);
            running.assert_nothing_left(&directory);
        }
    }

    /// Ends it by each signal in the phase of its start in which this file appears in the broker's directory.
    pub(crate) fn leaves_nothing_when_it_starts(&self, phase: &str, signals: &[Signal]) {
        for signal in signals {
            let mut running = Running::start(self);
            let directory = running.wait_for(phase);
            running.send(*signal);
            assert_ne!(running.exit_code(), Some(0));
            running.assert_nothing_left(&directory);
        }
    }
}

/// The task, with a temporary directory of its own.
struct Running {
    child: Child,
    temporary: tempfile::TempDir,
}

impl Running {
    fn start(task: &Foreground) -> Self {
        // Not in the target directory: the server may belong to another user, who may not enter every home.
        let temporary = tempfile::tempdir().unwrap();
        std::fs::set_permissions(temporary.path(), PermissionsExt::from_mode(0o711)).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .arg(task.task)
            .envs([("AMQP_URL", ""), ("KAFKA_BROKERS", ""), ("POSTGRES_URL", ""), ("CLICKHOUSE_URL", "")])
            .env("TMPDIR", temporary.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, temporary }
    }

    /// Reads what it prints, and returns the broker's directory.
    fn wait_until_ready(&mut self, task: &Foreground) -> String {
        let mut lines = BufReader::new(self.child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let address = lines.next().unwrap();
        assert!(address.starts_with(task.address), "{address}");
        let line = lines.next().unwrap();
        let directory = line.strip_prefix(task.directory).unwrap();
        assert!(processes_of(Path::new(directory)) >= task.processes);
        directory.to_owned()
    }

    /// Waits until a file is in the broker's directory, and returns the directory.
    fn wait_for(&mut self, file: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let entries = std::fs::read_dir(self.temporary.path()).unwrap();
            let found = entries.map(|entry| entry.unwrap().path()).find(|path| path.join(file).exists());
            if let Some(directory) = found {
                return directory.display().to_string();
            }
            assert!(Instant::now() < deadline, "no {file}");
            std::thread::yield_now();
        }
    }

    fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn exit_code(&mut self) -> Option<i32> {
        // `wait` would close it, which is one of the ways to end.
        let _stdin = self.child.stdin.take();
        self.child.wait().unwrap().code()
    }

    /// After SIGKILL, another process cleans up, so this waits.
    fn assert_nothing_left(&self, directory: &str) {
        let deadline = Instant::now() + PATIENCE;
        let left = || {
            let files: Vec<_> = std::fs::read_dir(self.temporary.path()).unwrap().map(|e| e.unwrap().path()).collect();
            (processes_of(Path::new(directory)), files)
        };
        while left() != (0, Vec::new()) {
            assert!(Instant::now() < deadline, "left: {:?}", left());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

pub(crate) fn accepts(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// How many living processes belong to the broker in this directory: each has it in its environment.
pub(crate) fn processes_of(directory: &Path) -> usize {
    let mark = format!("SPANBRIDGE_BROKER={}", directory.display());
    let environments = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path().join("environ"));
    let marked = environments
        .filter(|path| std::fs::read(path).is_ok_and(|text| text.split(|&b| b == 0).any(|v| v == mark.as_bytes())));
    marked.count()
}
