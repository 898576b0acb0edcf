//! Why a run failed: the first failures in causal order, not in clock order.
//!
//! `facts` collects what edges, settlements and diagnostics say, `state` how each step ended. `explain` has the rules: which
//! steps below one explain that it did not succeed. `attempts` finds what was tried again. `search` follows the rules from
//! every step that failed to where the failure began, and says what became of it. `rows` and `undone` find what was written before
//! it. `describe` and `json` put it into words.

mod answer;
mod attempts;
mod describe;
mod explain;
mod facts;
mod json;
mod model;
mod rows;
mod search;
mod state;
mod undone;

pub use model::{
    Excused, Failure, FailureKind, LastGood, Lost, Note, Outcome, RolledBack, StateChange, StateWriter, Step, Why,
};
