//! Keep and query spanbridge records in one embedded SQLite file, and build the run graph.
//!
//! # Recording
//! A [`StoreSink`] is a sink like any other; several processes may write the same file at once.
//!
//! ```no_run
//! # fn main() -> Result<(), spanbridge_store::Error> {
//! let sink = spanbridge_store::StoreSink::open_default()?;
//! # drop(sink); Ok(()) }
//! ```
//!
//! # Asking
//! A [`Store`] finds runs by any part of an id, lists them, and builds their [graphs](graph::Graph), while others write.
//!
//! ```no_run
//! use spanbridge_store::{Found, Store, default_path};
//! # fn main() -> Result<(), spanbridge_store::Error> {
//! let store = Store::open(default_path()?)?;
//! if let Found::One { run_ids, .. } = store.find("4bf92f35")? {
//!     for run_id in run_ids {
//!         if let Some(graph) = store.graph(run_id)? {
//!             println!("{}", graph.to_json());
//!         }
//!     }
//! }
//! # Ok(()) }
//! ```
//!
//! # How it is kept
//! A delivery is written as it comes: one row with a small directory, and its records in compressed blocks, ordered by run.
//! A run of a dozen spans touches most of a second's deliveries, so any row per run or per span would cost more than the
//! span itself. What the list of runs needs is kept per delivery as minima, maxima, sums and sets, which merge in any
//! order. `codec` knows blocks, `delivery` the directory, `file` the SQLite file and its version, `store` the questions,
//! and [`graph`] what the records mean.

mod codec;
mod delivery;
mod error;
mod file;
pub mod graph;
mod hash;
mod path;
mod sink;
mod store;
#[cfg(test)]
mod testing;
mod write;

pub use error::{Error, ErrorKind};
pub use path::default_path;
pub use sink::StoreSink;
pub use store::{Candidate, Found, Id, ImportReport, RunFilter, RunRow, Store};
