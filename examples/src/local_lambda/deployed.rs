//! A function that was added to the service, with its sandboxes.

use super::function::Function;
use super::invocation::{Invocation, ResponseSender};
use super::response::ServiceError;
use super::runtime_api;
use super::sandbox::{Sandbox, SandboxState};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// A function that can be invoked.
#[derive(Debug)]
pub(super) struct Deployed {
    pub(super) function: Arc<Function>,
    permits: Arc<Semaphore>,
    /// The sandboxes with free capacity. A sandbox is listed once for each further invocation that it can take.
    free: Mutex<Vec<Arc<Sandbox>>>,
    all: Mutex<Vec<Arc<Sandbox>>>,
    /// The number of invocations that are running or waiting, including asynchronous ones.
    active: watch::Sender<usize>,
}

impl Deployed {
    pub(super) async fn new(function: Function) -> io::Result<Arc<Self>> {
        let deployed = Deployed {
            permits: Arc::new(Semaphore::new(function.concurrency.min(Semaphore::MAX_PERMITS))),
            free: Mutex::default(),
            all: Mutex::default(),
            active: watch::Sender::new(0),
            function: Arc::new(function),
        };
        if deployed.function.program.is_none() {
            deployed.new_sandbox().await?;
        }
        Ok(Arc::new(deployed))
    }

    /// The only sandbox of an external function.
    pub(super) fn external(&self) -> Option<Arc<Sandbox>> {
        self.function.program.is_none().then(|| self.sandboxes().first().cloned())?
    }

    pub(super) fn sandboxes(&self) -> Vec<Arc<Sandbox>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// A permit to run one invocation now.
    ///
    /// # Errors
    ///
    /// The function's concurrency is used up.
    pub(super) fn permit(&self) -> Result<OwnedSemaphorePermit, ServiceError> {
        self.permits.clone().try_acquire_owned().map_err(|_| ServiceError::throttled())
    }

    /// Fails if the function's concurrency is 0, so that it never accepts an invocation.
    pub(super) fn check_enabled(&self) -> Result<(), ServiceError> {
        if self.function.concurrency == 0 { Err(ServiceError::throttled()) } else { Ok(()) }
    }

    /// Runs an invocation. The response goes to `parts`.
    pub(super) async fn invoke(
        self: &Arc<Self>,
        invocation: Invocation,
        parts: ResponseSender,
        permit: OwnedSemaphorePermit,
    ) {
        let _active = self.count_active();
        self.run(invocation, parts).await;
        drop(permit);
    }

    /// Runs an asynchronous invocation: waits for a permit, and retries if it fails.
    pub(super) async fn invoke_async(self: Arc<Self>, invocation: Invocation) {
        let _active = self.count_active();
        let mut waits = self.function.retries.iter();
        loop {
            let Ok(permit) = self.permits.clone().acquire_owned().await else { return };
            let (parts, response) = ResponseSender::collected();
            let (_, buffered) = tokio::join!(self.run(invocation.clone(), parts), response);
            drop(permit);
            match (buffered.response.is_err(), waits.next()) {
                (true, Some(wait)) => tokio::time::sleep(*wait).await,
                _ => return,
            }
        }
    }

    async fn run(&self, invocation: Invocation, parts: ResponseSender) {
        let sandbox = match self.take_free() {
            Some(sandbox) => sandbox,
            None => match self.new_sandbox().await {
                Ok(sandbox) => sandbox,
                Err(e) => return parts.failed("Runtime.InvalidEntrypoint", &invocation.id, &e.to_string()).await,
            },
        };
        match sandbox.run(invocation, parts).await {
            SandboxState::Warm => self.free.lock().unwrap_or_else(PoisonError::into_inner).push(sandbox),
            SandboxState::Dead => self.remove(&sandbox),
        }
    }

    /// Takes a sandbox with free capacity. Removes those whose process has ended meanwhile.
    fn take_free(&self) -> Option<Arc<Sandbox>> {
        loop {
            let sandbox = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            if sandbox.is_alive() {
                return Some(sandbox);
            }
            self.remove(&sandbox)
        }
    }

    async fn new_sandbox(&self) -> io::Result<Arc<Sandbox>> {
        // An external function has one sandbox, which takes one invocation after another.
        if let Some(sandbox) = self.external() {
            return Ok(sandbox);
        }
        let sandbox = Sandbox::start(self.function.clone(), runtime_api::router).await?;
        if self.permits.is_closed() {
            sandbox.end(); // the function was removed meanwhile
        }
        self.all.lock().unwrap_or_else(PoisonError::into_inner).push(sandbox.clone());
        let more = self.function.concurrency_per_process - 1;
        self.free.lock().unwrap_or_else(PoisonError::into_inner).extend(std::iter::repeat_n(sandbox.clone(), more));
        Ok(sandbox)
    }

    fn remove(&self, sandbox: &Arc<Sandbox>) {
        sandbox.end();
        for list in [&self.free, &self.all] {
            list.lock().unwrap_or_else(PoisonError::into_inner).retain(|other| !Arc::ptr_eq(other, sandbox))
        }
    }

    /// Kills the processes, and starts no more.
    pub(super) fn end(&self) {
        self.permits.close();
        self.sandboxes().iter().for_each(|sandbox| sandbox.end())
    }

    fn count_active(&self) -> ActiveInvocation<'_> {
        self.active.send_modify(|active| *active += 1);
        ActiveInvocation(&self.active)
    }

    pub(super) async fn idle(&self) {
        // This cannot fail: `self` holds the sender.
        let _ = self.active.subscribe().wait_for(|active| *active == 0).await;
    }
}

/// Counts an invocation until it is dropped.
struct ActiveInvocation<'a>(&'a watch::Sender<usize>);

impl Drop for ActiveInvocation<'_> {
    fn drop(&mut self) {
        self.0.send_modify(|active| *active -= 1)
    }
}
