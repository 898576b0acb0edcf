//! A function that was added to the service, with its environments.

use super::answer::Refusal;
use super::function::Function;
use super::invocation::{Invocation, Parts};
use super::runtime_api;
use super::sandbox::{Fate, Sandbox};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

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
        let sandbox = Sandbox::start(self.function.clone(), runtime_api::router).await?;
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
