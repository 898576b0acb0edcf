//! Asks a spanbridge store what happened.
//!
//! A [`Store`] lists runs, finds them by the beginning of an id, and builds their [graphs](spanbridge_graph::Graph). Others may
//! write meanwhile.
//!
//! ```no_run
//! use spanbridge_query::{Found, Store};
//! use spanbridge_store::default_path;
//! # fn main() -> Result<(), spanbridge_query::Error> {
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

mod answer;
mod damage;
mod export;
mod find;
mod gaps;
mod import;
mod linked;
mod list;
mod mentions;
mod reader;
mod related;
mod row;
mod snapshot;
mod store;
mod stored;
mod summary;
mod totals;

pub use answer::{Candidate, Found, Id, ImportReport, RunFilter, RunRow};
pub use spanbridge_store::{Error, ErrorKind};
pub use store::Store;

/// The result of everything that can fail in this crate.
type Result<T, E = Error> = std::result::Result<T, E>;
