//! An execution environment: a process, the Runtime API that it asks, and what it works on.

use super::function::Function;
use super::invocation::{FunctionError, Invocation, Part, Parts, failure, timed_out};
use super::process::{Process, how};
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

/// How long an environment with an extension has to end.
const SHUTDOWN: Duration = Duration::from_millis(500);

/// Whether an environment can go on.
#[derive(Debug, PartialEq)]
pub(super) enum Fate {
    Warm,
    Dead,
}

/// An invocation that waits until the process asks for one.
#[derive(Debug)]
struct Offered {
    invocation: Invocation,
    running: Running,
    taken: oneshot::Sender<()>,
}

/// An invocation that the process works on.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) parts: Parts,
    pub(super) done: oneshot::Sender<Result<(), FunctionError>>,
}

#[derive(Debug)]
pub(super) struct Sandbox {
    pub(super) function: Arc<Function>,
    runtime_api: SocketAddr,
    /// `None`: somebody else started it.
    process: Option<Process>,
    offer: mpsc::UnboundedSender<Offered>,
    offered: tokio::sync::Mutex<mpsc::UnboundedReceiver<Offered>>,
    running: Mutex<HashMap<String, Running>>,
    pub(super) init_error: watch::Sender<Option<Bytes>>,
    pub(super) has_extension: AtomicBool,
    /// The process waits for an event and has nothing else to do: whatever it does after a response is done.
    rests: watch::Sender<bool>,
    /// It is to end.
    retired: AtomicBool,
    server: OnceLock<Server>,
}

impl Sandbox {
    /// Starts the process, and a server for it with the routes of the Runtime API.
    pub(super) async fn start(function: Arc<Function>, routes: fn(Arc<Self>) -> axum::Router) -> io::Result<Arc<Self>> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let runtime_api = listener.local_addr()?;
        let (offer, offered) = mpsc::unbounded_channel();
        let sandbox = Arc::new(Sandbox {
            process: Process::start(&function, runtime_api)?,
            function,
            runtime_api,
            offer,
            offered: offered.into(),
            running: Mutex::default(),
            init_error: watch::Sender::new(None),
            has_extension: AtomicBool::new(false),
            rests: watch::Sender::new(false),
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

    /// Ends it at once, and the Runtime API with it.
    pub(super) fn end(&self) {
        self.kill();
        if let Some(server) = self.server.get() {
            server.end()
        }
    }

    pub(super) fn kill(&self) {
        self.signal(Signal::KILL)
    }

    /// Ends the process in good order.
    pub(super) async fn retire(&self) {
        let Some(process) = &self.process else { return };
        // An invocation is over when the process asks for the next one.
        let mut rests = self.rests.subscribe();
        tokio::select! {
            _ = rests.wait_for(|rests| *rests) => {}
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

    /// Has the process work on something, and says whether it can go on.
    pub(super) async fn run(&self, invocation: Invocation, parts: Parts) -> Fate {
        let id = invocation.id.clone();
        let (done, is_done) = oneshot::channel();
        let (taken, is_taken) = oneshot::channel();
        let running = Running { parts: parts.clone(), done };
        let _ = self.offer.send(Offered { invocation, running, taken }); // we hold the other end
        let begun = Instant::now();
        let mut fate = Fate::Dead;
        // First comes the initialisation, which does not count as the invocation's time.
        let error = match self.initialised(&id, is_taken).await {
            Err(error) => Some(error),
            Ok(()) => {
                let invoked = Instant::now();
                self.log(&format!("START RequestId: {id} Version: $LATEST"));
                let error = tokio::select! {
                    biased;
                    Ok(outcome) = is_done => {
                        fate = Fate::Warm;
                        outcome.err()
                    }
                    status = self.process_ended() => Some(failure("Runtime.ExitError", &id, &how(status))),
                    () = tokio::time::sleep(self.function.timeout) => Some(timed_out(&id, self.function.timeout)),
                };
                self.report(&id, invoked.duration_since(begun), invoked.elapsed());
                error
            }
        };
        self.running().remove(&id);
        if fate == Fate::Dead {
            self.kill()
        }
        parts.send(Part::Ended { error, log: self.process.as_ref().map(|p| p.log().tail()).unwrap_or_default() }).await;
        // Somebody else's process cannot be made anew.
        if self.process.is_none() { Fate::Warm } else { fate }
    }

    /// Waits until the process has taken what it is offered.
    async fn initialised(&self, id: &str, is_taken: oneshot::Receiver<()>) -> Result<(), FunctionError> {
        let mut init_error = self.init_error.subscribe();
        let patience = self.function.init_timeout;
        tokio::select! {
            biased;
            Ok(()) = is_taken => Ok(()),
            Ok(error) = async { init_error.wait_for(Option::is_some).await.map(|error| error.clone()) } => {
                Err(FunctionError { in_stream: None, body: error.unwrap_or_default() })
            }
            status = self.process_ended() => Err(failure("Runtime.ExitError", id, &how(status))),
            () = tokio::time::sleep(patience) => Err(timed_out(id, patience)),
        }
    }

    fn log(&self, line: &str) {
        if let Some(process) = &self.process {
            process.log().line(line.as_bytes())
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

    /// Stops the process, if it has nothing to do. One that takes several at once is not stopped: that one of its workers
    /// asks for more says nothing of the others, which may be about to deliver what they have recorded.
    fn freeze(&self) -> bool {
        let running = self.running();
        let freezes = self.function.frozen
            && self.function.at_once == 1
            && running.is_empty()
            && !self.retired.load(Ordering::Relaxed);
        self.rests.send_replace(running.is_empty());
        if freezes {
            self.signal(Signal::STOP)
        }
        freezes
    }

    /// What the process is to work on next; it is stopped while there is nothing. `None` when there never will be.
    pub(super) async fn next(&self) -> Option<Invocation> {
        let mut offered = self.offered.lock().await;
        loop {
            let Offered { invocation, running, taken } = match offered.try_recv() {
                Ok(next) => next,
                Err(_) => {
                    let freezes = self.freeze();
                    let next = offered.recv().await?;
                    self.rests.send_replace(false);
                    if freezes {
                        self.signal(Signal::CONT)
                    }
                    next
                }
            };
            self.running().insert(invocation.id.clone(), running);
            if taken.send(()).is_ok() {
                return Some(invocation);
            }
            // It came too late: nobody waits for that one any more.
            self.running().remove(&invocation.id);
        }
    }
}
