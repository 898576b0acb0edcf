//! Answers about a store, as the commands print them and the server sends them. Each is built here, once.
//!
//! A function that finds something takes the id as people paste it: any unique prefix of an id of a run, a trace or a span.

mod damage;
mod diff;
mod doctor;
mod graph;
mod lookup;
mod no_answer;
mod runs;
mod slots;
mod state;
mod why;

pub use damage::add_damage;
pub use diff::{diff, last_good};
pub use doctor::{DoctorQuestion, Selection, doctor};
pub use graph::{GraphOptions, follow, graph};
pub use lookup::{find, run_of, runs_of_trace};
pub use no_answer::NoAnswer;
pub use runs::{DEFAULT_LIMIT, RunsQuestion, SORTS, count, row, runs};
pub use slots::{SlotAnswer, add_slots, slots};
pub use state::{ShownChanges, state};
pub use why::why;
