//! Runs the commands of a task. A signal ends the commands first and then this process, and everything is cleaned up.
//!
//! Each command runs in its own process group, with an empty stdin. A thread forwards SIGINT, SIGTERM and SIGHUP to the
//! groups that are running. The command ends, [`run`] returns [`Interrupted`], and the error passes through the task, so that
//! every destructor runs.

use std::fmt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use signal_hook::consts::{SIGHUP, SIGINT, SIGKILL, SIGTERM};
use signal_hook::iterator::Signals;

/// Time that a command has to end after the first signal. Then it is killed.
const PATIENCE: Duration = Duration::from_secs(20);

static STATE: Mutex<State> = Mutex::new(State { signal: None, groups: Vec::new(), listener: None });

struct State {
    signal: Option<i32>,
    groups: Vec<u32>,
    listener: Option<mpsc::Sender<()>>,
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The task was ended by this signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interrupted(pub i32);

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.0 {
            SIGINT => "SIGINT",
            SIGTERM => "SIGTERM",
            SIGHUP => "SIGHUP",
            _ => "a signal",
        };
        write!(f, "interrupted by {name}")
    }
}

impl std::error::Error for Interrupted {}

/// Listens for SIGINT, SIGTERM and SIGHUP from now on. The binary calls this once.
pub(crate) fn listen_for_signals() -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("failed to listen for signals")?;
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let mut state = state();
            if state.signal.is_some() {
                forward(&state, SIGKILL);
                continue;
            }
            state.signal = Some(signal);
            forward(&state, signal);
            state.listener.take();
            drop(state);
            std::thread::spawn(|| {
                std::thread::sleep(PATIENCE);
                forward(&self::state(), SIGKILL);
            });
        }
    });
    Ok(())
}

fn forward(state: &State, signal: i32) {
    let Some(signal) = Signal::from_named_raw(signal) else { return };
    for pid in state.groups.iter().filter_map(|&group| Pid::from_raw(group.cast_signed())) {
        // An error means that the group has just ended.
        let _ = kill_process_group(pid, signal);
    }
}

/// Fails when a signal has arrived.
pub(crate) fn check() -> Result<()> {
    state().signal.map_or(Ok(()), |signal| Err(Interrupted(signal).into()))
}

/// A channel that receives a message when a signal arrives or has arrived. To end the wait otherwise, send one.
pub(crate) fn until_signal() -> (mpsc::Sender<()>, mpsc::Receiver<()>) {
    let (sender, receiver) = mpsc::channel();
    let (weak, done) = mpsc::channel();
    let mut state = state();
    if state.signal.is_none() {
        state.listener = Some(weak);
    }
    drop(state);
    let relay = sender.clone();
    std::thread::spawn(move || {
        let _ = done.recv();
        let _ = relay.send(());
    });
    (sender, receiver)
}

/// A running command, to which signals are forwarded.
struct Running(Child);

impl Running {
    fn spawn(command: &mut Command) -> Result<Self> {
        // Under the lock: either a signal finds the command registered, or the command is not started.
        let mut state = state();
        if let Some(signal) = state.signal {
            bail!(Interrupted(signal));
        }
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("failed to start {}", show(command)))?;
        state.groups.push(child.id());
        Ok(Self(child))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        state().groups.retain(|&group| group != self.0.id());
    }
}

/// Runs a command to its end. `each_line` gets every line that it and its programs write, as it comes. Both outputs are one
/// pipe, which is copied to `to`: in two pipes, nobody could say which program of cargo's a line is of.
pub(crate) fn run_with(
    command: &mut Command,
    to: impl std::io::Write,
    each_line: impl FnMut(&str),
) -> Result<ExitStatus> {
    let pipe = || -> std::io::Result<_> {
        let (from, to) = std::io::pipe()?;
        Ok((from, to.try_clone()?, to))
    };
    let (from, stdout, stderr) = pipe().context("failed to make a pipe")?;
    let running = Running::spawn(command.stdout(stdout).stderr(stderr));
    // The command has kept our ends of the pipe. Without them, the end of the output is seen.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut running = running?;
    copy_lines(from, to, each_line);
    let status = running.0.wait().with_context(|| format!("failed to wait for {}", show(command)))?;
    check()?;
    Ok(status)
}

fn copy_lines(from: impl std::io::Read, mut to: impl std::io::Write, mut each_line: impl FnMut(&str)) {
    use std::io::BufRead;
    let mut from = std::io::BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        // If our output is closed, the command continues.
        let _ = to.write_all(&line).and_then(|()| to.flush());
        each_line(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
}

/// Runs a command to its end. If its deadline passes, kills it and returns no status. For each line that the command writes,
/// `each_line` may return a later deadline.
pub(crate) fn watch(
    command: &mut Command,
    mut until: Instant,
    mut each_line: impl FnMut(&str) -> Option<Instant>,
) -> Result<Option<ExitStatus>> {
    let mut running = Running::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let (sender, lines) = mpsc::channel();
    let (stdout, stderr) = (running.0.stdout.take(), running.0.stderr.take());
    let read = |from: Option<Box<dyn std::io::Read + Send>>| {
        let sender = sender.clone();
        std::thread::spawn(move || {
            let send = |line: &str| drop(sender.send(line.to_owned()));
            from.map(|from| copy_lines(from, std::io::sink(), send))
        })
    };
    let readers = [read(stdout.map(|from| Box::new(from) as _)), read(stderr.map(|from| Box::new(from) as _))];
    drop(sender);
    let killed = loop {
        match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) => until = each_line(&line).unwrap_or(until),
            Err(RecvTimeoutError::Disconnected) => break false,
            Err(RecvTimeoutError::Timeout) => {
                if let Some(group) = Pid::from_raw(running.0.id().cast_signed()) {
                    // An error means that it has just ended.
                    let _ = kill_process_group(group, Signal::KILL);
                }
                break true;
            }
        }
    };
    let status = running.0.wait().with_context(|| format!("failed to wait for {}", show(command)))?;
    for reader in readers {
        // It cannot panic.
        let _ = reader.join();
    }
    check()?;
    Ok((!killed).then_some(status))
}

/// Runs a command to its end with our own stdout and stderr.
pub(crate) fn run(command: &mut Command) -> Result<ExitStatus> {
    let mut running = Running::spawn(command)?;
    let status = running.0.wait().with_context(|| format!("failed to wait for {}", show(command)))?;
    check()?;
    Ok(status)
}

/// Runs a command that must succeed, with our own stdout and stderr.
pub(crate) fn run_ok(command: &mut Command) -> Result<()> {
    let status = run(command)?;
    if !status.success() {
        bail!("{} ended with {status}", show(command));
    }
    Ok(())
}

/// Runs a command that must succeed, and returns its stdout. If it fails, its stderr is in the error.
pub(crate) fn capture(command: &mut Command) -> Result<String> {
    let output = try_capture(command)?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        bail!("{} ended with {}\n{}", show(command), output.status, stderr.trim_end());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a command, and returns its status and its output.
pub(crate) fn try_capture(command: &mut Command) -> Result<Output> {
    let mut running = Running::spawn(command.stdout(Stdio::piped()).stderr(Stdio::piped()))?;
    let mut stderr = running.0.stderr.take();
    let reader = std::thread::spawn(move || {
        let mut text = Vec::new();
        stderr.as_mut().map(|from| std::io::Read::read_to_end(from, &mut text));
        text
    });
    let mut stdout = Vec::new();
    running.0.stdout.as_mut().map(|from| std::io::Read::read_to_end(from, &mut stdout));
    let stderr = reader.join().unwrap_or_default();
    let status = running.0.wait().with_context(|| format!("failed to wait for {}", show(command)))?;
    check()?;
    Ok(Output { status, stdout, stderr })
}

/// The command as you would type it in a shell.
pub(crate) fn show(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_in_the_order_of_writing() {
        let script = "for n in 1 2 3 4 5 6 7 8 9; do echo out $n; echo err $n >&2; done";
        let mut lines = Vec::new();
        let status =
            run_with(Command::new("sh").args(["-c", script]), std::io::sink(), |line| lines.push(line.to_owned()))
                .unwrap();
        assert!(status.success());
        let expected: Vec<_> = (1..=9).flat_map(|n| [format!("out {n}"), format!("err {n}")]).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn a_watched_command_ends_in_time() {
        let shell = |script: &str, patience: Duration| {
            let mut lines = Vec::new();
            let status = watch(Command::new("sh").args(["-c", script]), Instant::now() + patience, |line| {
                lines.push(line.to_owned());
                (line == "more").then(|| Instant::now() + Duration::from_secs(60))
            });
            (status.unwrap().and_then(|status| status.code()), lines)
        };
        let minute = Duration::from_secs(60);
        let (code, mut lines) = shell("echo out; echo err >&2; exit 3", minute);
        lines.sort();
        assert_eq!((code, lines), (Some(3), vec!["err".to_owned(), "out".to_owned()]));
        // With its children, and without waiting for them.
        let begun = Instant::now();
        assert_eq!(shell("echo hello; sleep 600; true", Duration::from_millis(300)), (None, vec!["hello".to_owned()]));
        assert!(begun.elapsed() < minute);
        assert_eq!(shell("echo more; sleep 0.5", Duration::from_millis(300)).0, Some(0));
    }
}
