//! A recorded run, made ready to be handed to the code again: which handler, with which input, and what its calls were answered.
//!
//! The worker is told of it by a [`Case`](spanbridge_replay::Case).

mod batch;
mod belonging;
mod case;
mod entry;
mod plan;
mod report;
mod run;

pub use entry::{Candidate, Entry, choose};
pub use plan::{Plan, Planned};
pub use report::{records, report_json};
