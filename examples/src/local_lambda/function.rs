//! A function: how it is to be run, and its environments.

use super::answer::Refusal;
use super::sandbox::{Fate, Invocation, Parts, Sandbox};
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// A function, and how it is to be run.
#[derive(Clone, Debug)]
pub struct Function {
    pub(super) name: String,
    /// `None`: somebody starts it by hand.
    pub(super) program: Option<PathBuf>,
    pub(super) arguments: Vec<OsString>,
    pub(super) variables: Vec<(OsString, OsString)>,
    pub(super) timeout: Duration,
    pub(super) init_timeout: Duration,
    pub(super) memory_mib: u32,
    pub(super) concurrency: usize,
    pub(super) at_once: usize,
    pub(super) retries: Vec<Duration>,
    pub(super) snap_start: bool,
    pub(super) frozen: bool,
    pub(super) shows_output: bool,
}

impl Function {
    /// A function whose program is this file.
    pub fn new(name: impl Into<String>, program: impl Into<PathBuf>) -> Self {
        Function { program: Some(program.into()), ..Self::external(name) }
    }

    /// A function whose process somebody else starts, with [`runtime_api`](super::LocalLambda::runtime_api) as its
    /// `AWS_LAMBDA_RUNTIME_API`. It can be neither frozen nor killed.
    pub fn external(name: impl Into<String>) -> Self {
        Function {
            name: name.into(),
            program: None,
            arguments: vec![],
            variables: vec![],
            timeout: Duration::from_secs(3),
            init_timeout: Duration::from_secs(10),
            memory_mib: 128,
            concurrency: 1000,
            at_once: 1,
            retries: vec![],
            snap_start: false,
            frozen: true,
            shows_output: false,
        }
    }

    /// Adds an argument for the program.
    pub fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds a variable to the process's environment, which is otherwise this process's with Lambda's variables.
    pub fn variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// How long an invocation may take; 3 s where nothing is said.
    pub fn timeout(self, timeout: Duration) -> Self {
        Function { timeout, ..self }
    }

    /// How long a process may take until it asks for its first event; 10 s where nothing is said.
    pub fn init_timeout(self, init_timeout: Duration) -> Self {
        Function { init_timeout, ..self }
    }

    /// What the function is told about its memory, in MiB; 128 where nothing is said. It is not held to it.
    pub fn memory_mib(self, memory_mib: u32) -> Self {
        Function { memory_mib, ..self }
    }

    /// How many invocations run at once before others are throttled; 0 throttles all.
    pub fn concurrency(self, concurrency: usize) -> Self {
        Function { concurrency, ..self }
    }

    /// How many invocations one process takes at once (`AWS_LAMBDA_MAX_CONCURRENCY`); 1 where nothing is said.
    pub fn at_once(self, at_once: usize) -> Self {
        Function { at_once: at_once.max(1), ..self }
    }

    /// After which waits an asynchronous invocation that failed is tried again; the service does so after 1 and 2 minutes.
    /// Never where nothing is said.
    pub fn retries(self, after: impl Into<Vec<Duration>>) -> Self {
        Function { retries: after.into(), ..self }
    }

    /// The process is told that it is restored from a snapshot (`AWS_LAMBDA_INITIALIZATION_TYPE`) and asks for the end of
    /// the restoration before its first event.
    pub fn snap_start(self) -> Self {
        Function { snap_start: true, ..self }
    }

    /// Whether the process is stopped while it has nothing to do, as the service does with those that take one invocation
    /// at a time; `true` where nothing is said.
    pub fn frozen(self, frozen: bool) -> Self {
        Function { frozen, ..self }
    }

    /// Passes on what the process writes to our standard error.
    pub fn show_output(self) -> Self {
        Function { shows_output: true, ..self }
    }

    pub(super) fn arn(&self) -> String {
        format!("arn:aws:lambda:{}:{}:function:{}", super::REGION, super::ACCOUNT, self.name)
    }
}

/// A function that can be invoked.
#[derive(Debug)]
pub(super) struct Deployed {
    pub(super) function: Arc<Function>,
    permits: Arc<Semaphore>,
    /// A sandbox stands here once for each invocation that it could take now.
    free: Mutex<Vec<Arc<Sandbox>>>,
    all: Mutex<Vec<Arc<Sandbox>>>,
    open: watch::Sender<usize>,
}

impl Deployed {
    pub(super) async fn new(function: Function) -> io::Result<Arc<Self>> {
        let deployed = Deployed {
            permits: Arc::new(Semaphore::new(function.concurrency.min(Semaphore::MAX_PERMITS))),
            free: Mutex::default(),
            all: Mutex::default(),
            open: watch::Sender::new(0),
            function: Arc::new(function),
        };
        if deployed.function.program.is_none() {
            deployed.new_sandbox().await?;
        }
        Ok(Arc::new(deployed))
    }

    /// The environment of a function whose process somebody else starts.
    pub(super) fn external(&self) -> Option<Arc<Sandbox>> {
        self.function.program.is_none().then(|| self.sandboxes().first().cloned())?
    }

    pub(super) fn sandboxes(&self) -> Vec<Arc<Sandbox>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Leave to run one invocation, now.
    pub(super) fn permit(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        self.permits.clone().try_acquire_owned().map_err(|_| Refusal::throttled())
    }

    /// Whether there may ever be room: with a concurrency of 0 nothing is accepted.
    pub(super) fn permits_any(&self) -> Result<(), Refusal> {
        if self.function.concurrency == 0 { Err(Refusal::throttled()) } else { Ok(()) }
    }

    /// Runs an invocation; what comes of it goes to `parts`.
    pub(super) async fn invoke(self: &Arc<Self>, invocation: Invocation, parts: Parts, permit: OwnedSemaphorePermit) {
        let _open = self.opened();
        self.run(invocation, parts).await;
        drop(permit);
    }

    /// Runs an invocation that nobody waits for: when there is room, and again when it fails.
    pub(super) async fn invoke_later(self: Arc<Self>, invocation: Invocation) {
        let _open = self.opened();
        let mut waits = self.function.retries.iter();
        loop {
            let Ok(permit) = self.permits.clone().acquire_owned().await else { return };
            let (parts, whole) = Parts::collected();
            let (_, whole) = tokio::join!(self.run(invocation.clone(), parts), whole);
            drop(permit);
            match (whole.response.is_err(), waits.next()) {
                (true, Some(wait)) => tokio::time::sleep(*wait).await,
                _ => return,
            }
        }
    }

    async fn run(&self, invocation: Invocation, parts: Parts) {
        let sandbox = match self.free() {
            Some(sandbox) => sandbox,
            None => match self.new_sandbox().await {
                Ok(sandbox) => sandbox,
                Err(e) => return parts.failed("Runtime.InvalidEntrypoint", &invocation.id, &e.to_string()).await,
            },
        };
        match sandbox.run(invocation, parts).await {
            Fate::Warm => self.free.lock().unwrap_or_else(PoisonError::into_inner).push(sandbox),
            Fate::Dead => self.forget(&sandbox),
        }
    }

    /// An environment that has nothing to do. One that died meanwhile is no more use.
    fn free(&self) -> Option<Arc<Sandbox>> {
        loop {
            let sandbox = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if sandbox.is_alive() {
                return Some(sandbox);
            }
            self.forget(&sandbox)
        }
    }

    async fn new_sandbox(&self) -> io::Result<Arc<Sandbox>> {
        // Where somebody else starts the process there is one, which takes one after another.
        if let Some(sandbox) = self.external() {
            return Ok(sandbox);
        }
        let sandbox = Sandbox::start(self.function.clone()).await?;
        if self.permits.is_closed() {
            sandbox.end(); // it was too late to begin
        }
        self.all.lock().unwrap_or_else(PoisonError::into_inner).push(sandbox.clone());
        let more = self.function.at_once - 1;
        self.free.lock().unwrap_or_else(PoisonError::into_inner).extend(std::iter::repeat_n(sandbox.clone(), more));
        Ok(sandbox)
    }

    fn forget(&self, sandbox: &Arc<Sandbox>) {
        sandbox.end();
        for list in [&self.free, &self.all] {
            list.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| !Arc::ptr_eq(other, sandbox))
        }
    }

    /// Ends the processes; there will be no more.
    pub(super) fn end(&self) {
        self.permits.close();
        self.sandboxes().iter().for_each(|sandbox| sandbox.end())
    }

    fn opened(&self) -> Open<'_> {
        self.open.send_modify(|open| *open += 1);
        Open(&self.open)
    }

    pub(super) async fn idle(&self) {
        // It cannot be closed: we hold the sender.
        let _ = self.open.subscribe().wait_for(|open| *open == 0).await;
    }
}

/// Counts an invocation while it lives.
struct Open<'a>(&'a watch::Sender<usize>);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|open| *open -= 1)
    }
}
