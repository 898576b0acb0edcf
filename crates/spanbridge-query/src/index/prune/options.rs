//! What to prune, and what was.

use std::time::Duration;

/// How long a run without an end must be silent before it is pruned.
pub const OPEN_GRACE: Duration = Duration::from_secs(60 * 60);

/// What to prune. Without a criterion, nothing is.
///
/// ```
/// use spanbridge_query::keeping::Prune;
/// use std::time::Duration;
///
/// let month = Duration::from_secs(30 * 86_400);
/// let prune = Prune::new().older_than(month).keep_failed(true);
/// # let _ = prune;
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Prune {
    pub(crate) older_than: Option<Duration>,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) keep_failed: bool,
    pub(crate) keep_suspended: bool,
    pub(crate) dry_run: bool,
}

impl Prune {
    /// Without a criterion.
    pub fn new() -> Self {
        Self::default()
    }

    /// Prunes runs in which nothing happened for this long, and forgets what is known to be lost for that long.
    pub fn older_than(self, age: Duration) -> Self {
        Self { older_than: Some(age), ..self }
    }

    /// Prunes runs, those that began first, until the index and what is not folded have this many bytes or less. What is not
    /// folded stays. What is folded and still in a log does not count: the log goes once it is closed. With [`older_than`](Prune::older_than), runs go that are too old, and then the oldest others.
    pub fn max_bytes(self, bytes: u64) -> Self {
        Self { max_bytes: Some(bytes), ..self }
    }

    /// Keeps runs with the status `error`.
    pub fn keep_failed(self, keep: bool) -> Self {
        Self { keep_failed: keep, ..self }
    }

    /// Keeps runs with the status `suspended`.
    pub fn keep_suspended(self, keep: bool) -> Self {
        Self { keep_suspended: keep, ..self }
    }

    /// Removes nothing, and says what would be removed.
    pub fn dry_run(self, dry_run: bool) -> Self {
        Self { dry_run, ..self }
    }
}

/// What was pruned, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PruneReport {
    /// Runs that were removed.
    pub runs: u64,
    /// Their spans.
    pub spans: u64,
    /// Bytes that they took in the index. In a dry run, about.
    pub bytes: u64,
    /// Failed runs that would have been removed.
    pub kept_failed: u64,
    /// Suspended runs that would have been removed.
    pub kept_suspended: u64,
    /// Runs without an end in which something happened within the last hour, and that would have been removed.
    pub kept_open: u64,
    /// Bytes that are left, of the index and of what is not folded.
    pub bytes_left: u64,
}
