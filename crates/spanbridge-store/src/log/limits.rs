//! How much a store may keep.

use std::time::Duration;

const MIB: u64 = 1 << 20;
const HOUR: Duration = Duration::from_secs(3600);

/// How much the log files of a store may hold, and when a writer begins another file.
///
/// Log files that were folded into an index are removed by whoever folds. These limits are for when nobody asks questions, so that a
/// service that records for months does not fill the disk. Each writer keeps them for the whole directory, files of dead processes
/// included: when it begins a file, it removes the oldest closed ones that are too many or too old. What was removed is recorded
/// as a diagnostic, `store.logs_removed`.
///
/// ```
/// use spanbridge_store::Limits;
/// use std::time::Duration;
///
/// let limits = Limits::new().max_bytes(256 << 20).max_age(Duration::from_secs(7 * 86_400));
/// assert_eq!(limits, limits.clone());
/// ```
///
/// | limit | default | why |
/// |---|---|---|
/// | [`max_bytes`](Limits::max_bytes) | 1 GiB | about ten million spans |
/// | [`max_age`](Limits::max_age) | 30 days | a run that waits for weeks still has its beginning |
/// | [`file_bytes`](Limits::file_bytes) | 32 MiB | large enough that few files are open or listed, small enough that removing one frees what is needed and no more |
/// | [`file_age`](Limits::file_age) | 1 hour | a writer that records little closes its files, too, so that they can be folded and removed |
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    pub(super) max_bytes: u64,
    pub(super) max_age: Duration,
    file_bytes: u64,
    pub(super) file_age: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_bytes: 1024 * MIB, max_age: 30 * 24 * HOUR, file_bytes: 32 * MIB, file_age: HOUR }
    }
}

impl Limits {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Maximum bytes of all log files in the directory. One writer keeps within it; each further one may exceed it by the size of a
    /// file, because it looks when it begins one. `u64::MAX`: no limit.
    pub fn max_bytes(self, max_bytes: u64) -> Self {
        Self { max_bytes, ..self }
    }

    /// Maximum time since a file was last written. `Duration::MAX`: no limit.
    pub fn max_age(self, max_age: Duration) -> Self {
        Self { max_age, ..self }
    }

    /// Bytes after which a writer begins another file. If that is more than an eighth of [`max_bytes`](Limits::max_bytes), the eighth
    /// counts.
    pub fn file_bytes(self, file_bytes: u64) -> Self {
        Self { file_bytes, ..self }
    }

    /// Time after which a writer begins another file.
    pub fn file_age(self, file_age: Duration) -> Self {
        Self { file_age, ..self }
    }

    /// Bytes after which another file is begun.
    pub(super) fn of_a_file(&self) -> u64 {
        self.file_bytes.min(self.max_bytes / 8)
    }
}
