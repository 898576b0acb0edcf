//! The private broker: it survives a crash with its data, disturbs no other one, and leaves nothing behind,
//! however the process that started it ends.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use xtask::rabbitmq::{Private, installed};

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn a_killed_broker_comes_back_with_what_it_had_and_others_notice_nothing() {
    if installed().is_none() {
        return xtask::skip("RabbitMQ is not installed");
    }
    let (broker, other) = (Private::start().unwrap(), Private::start().unwrap());
    assert_ne!(broker.url(), other.url());
    let other_node = other.pid();
    broker.ctl(&["add_vhost", "kept"]).unwrap();

    broker.kill().unwrap();
    assert_eq!(broker.pid(), None);
    assert!(!accepts(broker.port()));
    broker.kill().unwrap();

    broker.restart().unwrap();
    assert!(accepts(broker.port()));
    assert!(broker.ctl(&["list_vhosts"]).unwrap().contains("kept"));

    let script = |name: &str| Command::new("sh").arg(broker.directory().join(name)).status().unwrap().success();
    let node = broker.pid();
    assert!(script("kill") && !accepts(broker.port()));
    assert!(script("start") && accepts(broker.port()));
    assert_ne!(broker.pid(), node);

    assert!(accepts(other.port()));
    assert_eq!(other.pid(), other_node);
    assert!(!other.ctl(&["list_vhosts"]).unwrap().contains("kept"));

    let directories = [broker.directory().to_owned(), other.directory().to_owned()];
    assert!(directories.iter().all(|directory| processes_of(directory) >= 2));
    drop((broker, other));
    for directory in directories {
        assert_eq!(processes_of(&directory), 0);
        assert!(!directory.exists());
    }
}

#[test]
fn nothing_is_left_after_the_end_of_stdin_or_a_signal() {
    if installed().is_none() {
        return xtask::skip("RabbitMQ is not installed");
    }
    let mut command = Foreground::start();
    let directory = command.wait_until_ready();
    drop(command.child.stdin.take());
    assert_eq!(command.exit_code(), Some(0));
    command.assert_nothing_left(&directory);

    for (signal, code) in [(Signal::INT, Some(130)), (Signal::TERM, Some(143)), (Signal::KILL, None)] {
        let mut command = Foreground::start();
        let directory = command.wait_until_ready();
        command.send(signal);
        assert_eq!(command.exit_code(), code);
        command.assert_nothing_left(&directory);
    }
}

#[test]
fn nothing_is_left_after_a_signal_while_it_starts() {
    if installed().is_none() {
        return xtask::skip("RabbitMQ is not installed");
    }
    // Each file marks a phase: only reserved, epmd on its way, node on its way, node booting.
    for phase in ["control.sh", "epmd.group", "node.group", "node.pid"] {
        for signal in [Signal::INT, Signal::KILL] {
            if (phase, signal) == ("control.sh", Signal::KILL) {
                continue; // In this millisecond nobody stands by yet, and a directory without processes stays.
            }
            let mut command = Foreground::start();
            let directory = command.wait_for(phase);
            command.send(signal);
            assert_ne!(command.exit_code(), Some(0));
            command.assert_nothing_left(&directory);
        }
    }
}

/// `xtask rabbitmq` with a temporary directory of its own.
struct Foreground {
    child: Child,
    temporary: tempfile::TempDir,
}

impl Foreground {
    fn start() -> Self {
        let temporary = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_xtask"))
            .arg("rabbitmq")
            .env("TMPDIR", temporary.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, temporary }
    }

    /// Reads what it prints, and returns the broker's directory.
    fn wait_until_ready(&mut self) -> String {
        let mut lines = BufReader::new(self.child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let url = lines.next().unwrap();
        assert!(url.starts_with("AMQP_URL=amqp://guest:guest@127.0.0.1:"), "{url}");
        let directory = lines.next().unwrap();
        let directory = directory.strip_prefix("SPANBRIDGE_TEST_RABBITMQ_DIR=").unwrap();
        assert!(processes_of(Path::new(directory)) >= 2);
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

    /// After SIGKILL somebody else cleans up, so it may take a moment.
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

fn accepts(port: u16) -> bool {
    std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
}

/// How many living processes belong to the broker in this directory: each has it in its environment.
fn processes_of(directory: &Path) -> usize {
    let mark = format!("SPANBRIDGE_BROKER={}", directory.display());
    let environments = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path().join("environ"));
    let marked = environments
        .filter(|path| std::fs::read(path).is_ok_and(|text| text.split(|&b| b == 0).any(|v| v == mark.as_bytes())));
    marked.count()
}
