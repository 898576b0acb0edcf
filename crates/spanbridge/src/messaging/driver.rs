//! How a driver works: what users say about it.

use std::future::Future;
use std::sync::Arc;

/// Any error.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Works on one message, for a driver. A closure will do:
///
/// ```
/// # use std::sync::Arc;
/// # struct Job { data: Vec<u8> }
/// # async fn ship(order: &[u8]) -> Result<(), std::fmt::Error> { Ok(()) }
/// # fn drive(_: impl spanbridge::messaging::JobHandler<Job>) {}
/// drive(|job: Arc<Job>| async move { ship(&job.data).await });
/// ```
///
/// So will a type of your own, with an async method:
///
/// ```
/// # use std::sync::Arc;
/// # struct Job { data: Vec<u8> }
/// # struct Pool;
/// # impl Pool { async fn insert(&self, order: &[u8]) -> std::io::Result<()> { Ok(()) } }
/// use spanbridge::messaging::{BoxError, JobHandler};
///
/// struct Shipping { database: Pool }
///
/// impl JobHandler<Job> for Shipping {
///     async fn handle(&self, job: Arc<Job>) -> Result<(), BoxError> {
///         Ok(self.database.insert(&job.data).await?)
///     }
/// }
/// ```
pub trait JobHandler<J>: Send + Sync {
    /// The work. It runs inside the message's `process` span; the driver settles the message afterwards, unless this did.
    fn handle(&self, job: Arc<J>) -> impl Future<Output = Result<(), BoxError>> + Send;
}

impl<J, F, Fut, E> JobHandler<J> for F
where
    J: Send + Sync,
    F: Fn(Arc<J>) -> Fut + Send + Sync,
    Fut: Future<Output = Result<(), E>> + Send,
    E: Into<BoxError>,
{
    async fn handle(&self, job: Arc<J>) -> Result<(), BoxError> {
        self(job).await.map_err(Into::into)
    }
}

/// What a driver tells the broker after each outcome of the work, in the words of its adapter (`Disposition`).
///
/// There is no default: whether messages may be lost or repeated is your decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SettlePolicy<D> {
    ok: D,
    error: D,
    panic: D,
}

impl<D: Copy> SettlePolicy<D> {
    /// What to do after `Ok`, and after `Err`. After a panic it is the same as after `Err`.
    pub const fn new(ok: D, error: D) -> Self {
        SettlePolicy { ok, error, panic: error }
    }

    /// What to do after a panic.
    pub const fn on_panic(self, panic: D) -> Self {
        SettlePolicy { panic, ..self }
    }

    /// After `Ok`.
    pub const fn ok(&self) -> D {
        self.ok
    }

    /// After `Err`.
    pub const fn error(&self) -> D {
        self.error
    }

    /// After a panic.
    pub const fn panic(&self) -> D {
        self.panic
    }
}

/// How a driver works. Every driver takes these options, a [handler](JobHandler), and a future that stops it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriverOptions<D> {
    policy: SettlePolicy<D>,
    concurrency: Option<usize>,
    retries: u32,
}

impl<D: Copy> DriverOptions<D> {
    /// With this policy.
    pub const fn new(policy: SettlePolicy<D>) -> Self {
        DriverOptions { policy, concurrency: None, retries: 0 }
    }

    /// Maximum number of messages that are worked on at a time. Default: one with RabbitMQ; with Kafka, one of each
    /// partition.
    pub const fn concurrency(self, limit: usize) -> Self {
        DriverOptions { concurrency: Some(if limit == 0 { 1 } else { limit }), ..self }
    }

    /// Number of immediate retries after an error or a panic; each has its own `process` span. Default: none.
    pub const fn retries(self, retries: u32) -> Self {
        DriverOptions { retries, ..self }
    }

    /// What the broker is told.
    pub const fn policy(&self) -> SettlePolicy<D> {
        self.policy
    }

    /// The limit that was set.
    pub const fn max_concurrency(&self) -> Option<usize> {
        self.concurrency
    }

    /// The retries that were set.
    pub const fn max_retries(&self) -> u32 {
        self.retries
    }
}

impl<D: Copy> From<SettlePolicy<D>> for DriverOptions<D> {
    fn from(policy: SettlePolicy<D>) -> Self {
        DriverOptions::new(policy)
    }
}
