//! Keep and query spanbridge records in one embedded SQLite file, and build the run graph.

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
