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
pub mod engine;
mod engines;
mod error;
mod fingerprint;
pub mod index;
mod joined;
pub mod keeping;
mod large;
mod old;
mod questions;
mod reader;
mod runs;
mod search;
pub mod state;
mod stop;
mod store;
mod tail;
mod unwritable;

pub use answer::{Candidate, Found, Id, ImportReport, Imported};
pub use error::{Error, ErrorKind};
pub use questions::descendants::Descendants;
pub use runs::{RunFilter, RunQuery, RunRow, RunSort};
pub use search::has_text;
pub use store::{Store, Within};
pub use tail::{Tail, TailRead};

use error::Result;
