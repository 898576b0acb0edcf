//! Keeps spanbridge records in one embedded SQLite file, answers questions about them, and builds the run graph.
//!
//! # Recording
//! One line sets up recording from the environment. It cannot stop your service from starting:
//!
//! ```no_run
//! let _recording = spanbridge_store::install_from_env("orders");
//! ```
//!
//! To build a recorder yourself, give it a [`StoreSink`]. Several processes may write to the same file at once.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use spanbridge_store::StoreSink;
//!
//! let recorder = spanbridge::Recorder::builder("orders").sink(StoreSink::open_default()?).install()?;
//! # drop(recorder); Ok(()) }
//! ```
//!
//! # Reading
//! A [`Store`] lists runs, finds them by the beginning of an id, and builds their [graphs](graph::Graph). Others may write
//! meanwhile.
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
//! # Storage
//! A delivery is written as it comes: one row with a small directory, and its records in compressed blocks, ordered by run.
//! A run of a dozen spans takes part in most deliveries of its second, so a row per run or span would cost more than the span
//! itself. What the list of runs needs is kept per delivery as minima, maxima, sums and sets, which merge in any order.
//!
//! The layers, lowest first: [`graph`] says what records mean, `codec` packs them into blocks, `delivery` adds the directory,
//! `file` knows the SQLite file and its version, and `store` answers questions. Each uses only the ones before it.

mod codec;
mod delivery;
mod error;
mod file;
pub mod graph;
mod hash;
mod install;
mod path;
mod sink;
mod store;
#[cfg(test)]
mod testing;
mod write;

pub use error::{Error, ErrorKind};
pub use install::{Recording, install_from_env, try_install_from_env};
pub use path::default_path;
pub use sink::StoreSink;
pub use store::{Candidate, Found, Id, ImportReport, RunFilter, RunRow, Store};
