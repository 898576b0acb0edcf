//! What the tests of private brokers share.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// `xtask rabbitmq` or the like, with a temporary directory of its own.
pub(crate) struct Foreground {
    pub(crate) child: Child,
    temporary: tempfile::TempDir,
}

impl Foreground {
    pub(crate) fn start(task: &str) -> Self {
        let temporary = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .arg(task)
            .envs([("AMQP_URL", ""), ("KAFKA_BROKERS", "")])
            .env("TMPDIR", temporary.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, temporary }
    }

    /// Reads what it prints, an address that begins so and the broker's directory, and returns the directory.
    pub(crate) fn wait_until_ready(&mut self, address: &str, directory: &str, processes: usize) -> String {
        let mut lines = BufReader::new(self.child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let url = lines.next().unwrap();
        assert!(url.starts_with(address), "{url}");
        let line = lines.next().unwrap();
        let directory = line.strip_prefix(directory).unwrap().strip_prefix('=').unwrap();
        assert!(processes_of(Path::new(directory)) >= processes);
        directory.to_owned()
    }

    /// Waits until a file is in the broker's directory, and returns the directory.
    pub(crate) fn wait_for(&mut self, file: &str) -> String {
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

    pub(crate) fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        // `wait` would close it, which is one of the ways to end.
        let _stdin = self.child.stdin.take();
        self.child.wait().unwrap().code()
    }

    /// After SIGKILL somebody else cleans up, so it may take a moment.
    pub(crate) fn assert_nothing_left(&self, directory: &str) {
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
