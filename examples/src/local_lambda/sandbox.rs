//! An execution environment: a process, its Runtime API, and its invocations.

use super::function::Function;
use super::invocation::{FunctionError, Invocation, ResponsePart, ResponseSender, failure, timed_out};
use super::process::{Process, exit_message};
use super::server::Server;
use bytes::Bytes;
use rustix::process::Signal;
use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot, watch};

/// Time that a process with an extension has after SIGTERM.
const SHUTDOWN: Duration = Duration::from_millis(500);

/// Whether a sandbox can take another invocation.
#[derive(Debug, PartialEq)]
pub(super) enum SandboxState {
    Warm,
    Dead,
}

/// An invocation that waits until the process asks for its next event.
#[derive(Debug)]
struct QueuedInvocation {
    invocation: Invocation,
    running: Running,
    taken: oneshot::Sender<()>,
}

/// An invocation that the process is working on.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) parts: ResponseSender,
    pub(super) done: oneshot::Sender<Result<(), FunctionError>>,
}

#[derive(Debug)]
pub(super) struct Sandbox {
    pub(super) function: Arc<Function>,
    runtime_api: SocketAddr,
    /// `None` for an external function.
    process: Option<Process>,
    queue: mpsc::UnboundedSender<QueuedInvocation>,
    queued: tokio::sync::Mutex<mpsc::UnboundedReceiver<QueuedInvocation>>,
    running: Mutex<HashMap<String, Running>>,
    pub(super) init_error: watch::Sender<Option<Bytes>>,
    pub(super) has_extension: AtomicBool,
    /// Whether the process has no invocation and waits for an event. Its work after a response is then finished too.
    idle: watch::Sender<bool>,
    /// The process is being shut down and must not be frozen any more.
    retired: AtomicBool,
    server: OnceLock<Server>,
}

impl Sandbox {
    /// Starts the process and its server. `routes` makes the routes of the Runtime API.
    pub(super) async fn start(function: Arc<Function>, routes: fn(Arc<Self>) -> axum::Router) -> io::Result<Arc<Self>> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let runtime_api = listener.local_addr()?;
        let (queue, receiver) = mpsc::unbounded_channel();
        let sandbox = Arc::new(Sandbox {
            process: Process::start(&function, runtime_api)?,
            function,
            runtime_api,
            queue,
            queued: receiver.into(),
            running: Mutex::default(),
            init_error: watch::Sender::new(None),
            has_extension: AtomicBool::new(false),
            idle: watch::Sender::new(false),
            retired: AtomicBool::new(false),
            server: OnceLock::new(),
        });
        sandbox.server.get_or_init(|| Server::serve(listener, routes(sandbox.clone())));
        Ok(sandbox)
    }

    pub(super) fn runtime_api(&self) -> SocketAddr {
        self.runtime_api
    }

    pub(super) fn process_id(&self) -> Option<u32> {
        self.process.as_ref()?.id
    }

    pub(super) fn is_alive(&self) -> bool {
        self.process.as_ref().is_none_or(Process::is_alive)
    }

    /// Kills the process and stops the Runtime API.
    pub(super) fn end(&self) {
        self.kill();
        if let Some(server) = self.server.get() {
            server.end()
        }
    }

    pub(super) fn kill(&self) {
        self.signal(Signal::KILL)
    }

    /// Shuts the process down. See [`LocalLambda::retire`](super::LocalLambda::retire).
    pub(super) async fn retire(&self) {
        let Some(process) = &self.process else { return };
        // An invocation ends when the process asks for the next one.
        let mut idle = self.idle.subscribe();
        tokio::select! {
            _ = idle.wait_for(|idle| *idle) => {}
            _ = process.ended() => {}
            () = tokio::time::sleep(self.function.timeout) => {}
        }
        {
            let _no_freeze_now = self.running();
            self.retired.store(true, Ordering::Relaxed);
            process.signal(Signal::CONT);
        }
        if self.has_extension.load(Ordering::Relaxed) {
            process.signal(Signal::TERM);
            let _ = tokio::time::timeout(SHUTDOWN, process.ended()).await;
        }
        process.signal(Signal::KILL);
        process.ended().await;
    }

    fn signal(&self, signal: Signal) {
        if let Some(process) = &self.process {
            process.signal(signal)
        }
    }

    pub(super) fn running(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn process_ended(&self) -> ExitStatus {
        match &self.process {
            Some(process) => process.ended().await,
            None => std::future::pending().await,
        }
    }

    /// Runs an invocation in the process.
    pub(super) async fn run(&self, invocation: Invocation, parts: ResponseSender) -> SandboxState {
        let id = invocation.id.clone();
        let (done, is_done) = oneshot::channel();
        let (taken, is_taken) = oneshot::channel();
        let running = Running { parts: parts.clone(), done };
        // This cannot fail: `self` holds the receiver.
        let _ = self.queue.send(QueuedInvocation { invocation, running, taken });
        let begun = Instant::now();
        let mut state = SandboxState::Dead;
        // The initialization comes first. Its time does not count for the invocation.
        let error = match self.initialised(&id, is_taken).await {
            Err(error) => Some(error),
            Ok(()) => {
                let invoked = Instant::now();
                self.log(&format!("START RequestId: {id} Version: $LATEST"));
                let error = tokio::select! {
                    biased;
                    Ok(outcome) = is_done => {
                        state = SandboxState::Warm;
                        outcome.err()
                    }
                    status = self.process_ended() => Some(failure("Runtime.ExitError", &id, &exit_message(status))),
                    () = tokio::time::sleep(self.function.timeout) => Some(timed_out(&id, self.function.timeout)),
                };
                self.report(&id, invoked.duration_since(begun), invoked.elapsed());
                error
            }
        };
        self.running().remove(&id);
        if state == SandboxState::Dead {
            self.kill()
        }
        parts
            .send(ResponsePart::Ended { error, log: self.process.as_ref().map(|p| p.log().tail()).unwrap_or_default() })
            .await;
        // The process of an external function cannot be replaced.
        if self.process.is_none() { SandboxState::Warm } else { state }
    }

    /// Waits until the process has taken its next event.
    async fn initialised(&self, id: &str, is_taken: oneshot::Receiver<()>) -> Result<(), FunctionError> {
        let mut init_error = self.init_error.subscribe();
        let timeout = self.function.init_timeout;
        tokio::select! {
            biased;
            Ok(()) = is_taken => Ok(()),
            Ok(error) = async { init_error.wait_for(Option::is_some).await.map(|error| error.clone()) } => {
                Err(FunctionError { in_stream: None, body: error.unwrap_or_default() })
            }
            status = self.process_ended() => Err(failure("Runtime.ExitError", id, &exit_message(status))),
            () = tokio::time::sleep(timeout) => Err(timed_out(id, timeout)),
        }
    }

    fn log(&self, line: &str) {
        if let Some(process) = &self.process {
            process.log().push_line(line.as_bytes())
        }
    }

    fn report(&self, id: &str, init: Duration, took: Duration) {
        let (took, memory) = (took.as_secs_f64() * 1e3, self.function.memory_mib);
        self.log(&format!("END RequestId: {id}"));
        self.log(&format!(
            "REPORT RequestId: {id}\tDuration: {took:.2} ms\tBilled Duration: {:.0} ms\tMemory Size: {memory} MB\t\
             Init Duration: {:.2} ms",
            took.ceil(),
            init.as_secs_f64() * 1e3
        ));
    }

    /// Freezes the process if it has no invocation. Returns whether it did.
    ///
    /// A process that takes several invocations at once is not frozen: one of its workers asks for an event, and the others
    /// may still have records to deliver.
    fn freeze(&self) -> bool {
        let running = self.running();
        let frozen = self.function.frozen
            && self.function.concurrency_per_process == 1
            && running.is_empty()
            && !self.retired.load(Ordering::Relaxed);
        self.idle.send_replace(running.is_empty());
        if frozen {
            self.signal(Signal::STOP)
        }
        frozen
    }

    /// The next invocation for the process, which is frozen while there is none. `None` if there will be no more.
    pub(super) async fn next(&self) -> Option<Invocation> {
        let mut queued = self.queued.lock().await;
        loop {
            let QueuedInvocation { invocation, running, taken } = match queued.try_recv() {
                Ok(next) => next,
                Err(_) => {
                    let frozen = self.freeze();
                    let next = queued.recv().await?;
                    self.idle.send_replace(false);
                    if frozen {
                        self.signal(Signal::CONT)
                    }
                    next
                }
            };
            self.running().insert(invocation.id.clone(), running);
            if taken.send(()).is_ok() {
                return Some(invocation);
            }
            // Its caller has stopped waiting, because the initialization took too long.
            self.running().remove(&invocation.id);
        }
    }
}
