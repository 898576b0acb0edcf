//! The process of a sandbox.

use super::account::{ACCOUNT, REGION};
use super::function::Function;
use rustix::process::{Pid, Signal, kill_process};
use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};

/// A running process. It is killed when it is dropped.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) id: Option<u32>,
    /// Signals go through the task that owns the child, so that none reaches another process that has got the same id.
    signals: mpsc::UnboundedSender<Signal>,
    ended: watch::Receiver<Option<ExitStatus>>,
    log: Arc<Log>,
}

impl Process {
    pub(super) fn start(function: &Function, runtime_api: SocketAddr) -> io::Result<Option<Self>> {
        let Some(program) = &function.program else { return Ok(None) };
        let mut command = Command::new(program);
        command.args(&function.arguments).env_remove("_X_AMZN_TRACE_ID").envs(variables(function, runtime_api));
        command.envs(function.variables.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn()?;
        let log = Arc::new(Log { name: function.shows_output.then(|| function.name.clone()), lines: Mutex::default() });
        if let Some(stdout) = child.stdout.take() {
            tokio::spawn(log.clone().read_from(stdout));
        }
        if let Some(stderr) = child.stderr.take() {
            tokio::spawn(log.clone().read_from(stderr));
        }
        let (signals, received) = mpsc::unbounded_channel();
        let (end, ended) = watch::channel(None);
        let id = child.id();
        tokio::spawn(supervise(child, received, end));
        Ok(Some(Process { id, signals, ended, log }))
    }

    pub(super) fn signal(&self, signal: Signal) {
        let _ = self.signals.send(signal); // fails if the process has ended
    }

    pub(super) fn is_alive(&self) -> bool {
        self.ended.borrow().is_none()
    }

    /// Waits until the process has ended.
    pub(super) async fn ended(&self) -> ExitStatus {
        let mut ended = self.ended.clone();
        let status = ended.wait_for(Option::is_some).await.ok().and_then(|status| *status);
        status.unwrap_or_default()
    }

    pub(super) fn log(&self) -> &Log {
        &self.log
    }
}

/// Owns the child: sends it signals, waits for its end, and kills it when the [`Process`] is dropped.
async fn supervise(
    mut child: Child,
    mut signals: mpsc::UnboundedReceiver<Signal>,
    end: watch::Sender<Option<ExitStatus>>,
) {
    let id = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
    loop {
        tokio::select! {
            status = child.wait() => {
                end.send_replace(status.ok().or_else(|| Some(ExitStatus::default())));
                return;
            }
            signal = signals.recv() => match (signal, id) {
                // The child has not been waited for, so the id is still its own. An error means that it has just ended.
                (Some(signal), Some(id)) => drop(kill_process(id, signal)),
                _ => drop(child.start_kill()),
            },
        }
        if signals.is_closed() && signals.is_empty() {
            let _ = child.start_kill();
            end.send_replace(child.wait().await.ok().or_else(|| Some(ExitStatus::default())));
            return;
        }
    }
}

/// Lambda's error message for a process that has ended.
pub(super) fn exit_message(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(0), _) => "Runtime exited without providing a reason".to_owned(),
        (Some(code), _) => format!("Runtime exited with error: exit status {code}"),
        (None, Some(9)) => "Runtime exited with error: signal: killed".to_owned(),
        (None, Some(6)) => "Runtime exited with error: signal: aborted".to_owned(),
        (None, Some(11)) => "Runtime exited with error: signal: segmentation fault".to_owned(),
        (None, Some(15)) => "Runtime exited with error: signal: terminated".to_owned(),
        (None, signal) => format!("Runtime exited with error: signal: {}", signal.unwrap_or_default()),
    }
}

/// [Lambda's environment variables](https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html).
fn variables(function: &Function, runtime_api: SocketAddr) -> Vec<(&'static str, String)> {
    let text = |text: &str| text.to_owned();
    let mut variables = vec![
        ("AWS_LAMBDA_RUNTIME_API", runtime_api.to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", function.name.clone()),
        ("AWS_LAMBDA_FUNCTION_VERSION", text("$LATEST")),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory_mib.to_string()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", text(if function.snap_start { "snap-start" } else { "on-demand" })),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{}", function.name)),
        ("AWS_LAMBDA_LOG_STREAM_NAME", format!("2026/01/01/[$LATEST]{:032x}", runtime_api.port())),
        ("AWS_REGION", text(REGION)),
        ("AWS_DEFAULT_REGION", text(REGION)),
        ("AWS_ACCOUNT_ID", text(ACCOUNT)),
        ("AWS_ACCESS_KEY_ID", text("local")),
        ("AWS_SECRET_ACCESS_KEY", text("local")),
        ("AWS_EXECUTION_ENV", text("AWS_Lambda_provided.al2023")),
        ("_HANDLER", text("bootstrap")),
        ("TZ", text(":UTC")),
    ];
    if function.concurrency_per_process > 1 {
        variables.push(("AWS_LAMBDA_MAX_CONCURRENCY", function.concurrency_per_process.to_string()))
    }
    variables
}

/// The last output of a process.
#[derive(Debug)]
pub(super) struct Log {
    /// The function's name, if the output is copied to standard error.
    name: Option<String>,
    lines: Mutex<VecDeque<u8>>,
}

impl Log {
    /// Maximum size of [`LogResult`](https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html) before base64.
    const BYTES: usize = 4096;

    pub(super) fn push_line(&self, line: &[u8]) {
        if let Some(name) = &self.name {
            eprintln!("{name}: {}", String::from_utf8_lossy(line));
        }
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend(line);
        lines.push_back(b'\n');
        let over = lines.len().saturating_sub(Self::BYTES);
        lines.drain(..over);
    }

    pub(super) fn tail(&self) -> Vec<u8> {
        self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    async fn read_from(self: Arc<Self>, from: impl AsyncRead + Unpin) {
        let mut lines = BufReader::new(from).split(b'\n');
        while let Ok(Some(line)) = lines.next_segment().await {
            self.push_line(&line)
        }
    }
}
