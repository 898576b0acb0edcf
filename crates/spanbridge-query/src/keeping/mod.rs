//! Keeping a store: folding its logs, pruning, checking, copying.
//!
//! Each function takes the path of a store, as [`Store::open`](crate::Store::open) does. Applications may write meanwhile, and
//! others may read, fold and prune: none of this needs to be alone, except [`rebuild`].
//!
//! ```no_run
//! use spanbridge_query::keeping::{self, Prune};
//! use std::time::Duration;
//! # fn main() -> Result<(), spanbridge_query::Error> {
//! let store = spanbridge_store::default_path()?;
//! let prune = Prune::new().older_than(Duration::from_secs(30 * 86_400)).keep_failed(true);
//! let report = keeping::prune(&store, &prune, |_| true)?;
//! println!("{} runs, {} bytes", report.runs, report.bytes);
//! keeping::backup(&store, "/mnt/backup/store")?;
//! # Ok(()) }
//! ```

mod backup;
mod check;
mod compact;
mod elsewhere;
mod location;
mod prune;
mod rebuild;

pub use crate::index::prune::{OPEN_GRACE, Prune, PruneReport};
pub use crate::index::{FoldBudget, FoldReport};
pub use backup::{BackupReport, backup};
pub use check::{CheckReport, IndexTotals, LogTotals, Problem, Progress, check};
pub use compact::compact;
pub use elsewhere::prune_store;
pub use prune::prune;
pub use rebuild::{RebuildReport, rebuild};
