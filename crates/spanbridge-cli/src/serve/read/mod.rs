//! Questions: each as on the command line.

mod diff;
mod doctor;
mod find;
mod graph;
mod rows;
mod runs;
mod state;
mod why;

pub(super) use diff::diff;
pub(super) use doctor::{doctor, doctor_of};
pub(super) use find::find;
pub(super) use graph::graph;
pub(super) use rows::{rows, span};
pub(super) use runs::runs;
pub(super) use state::{blame, history};
pub(super) use why::why;
