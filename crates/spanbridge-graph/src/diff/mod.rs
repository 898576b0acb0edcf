//! Two runs compared by structure: name, kind of step and position, not ids, times or the order of concurrent steps.
//!
//! `prints` has hashes of each step and of all below it. `matching` pairs the steps of both sides, `compare` says how a pair
//! differs, `walk` goes through both trees and `answer` sums up. Time is n log n in the spans, also for any number of equal siblings.

mod answer;
mod compare;
mod differing;
mod hidden;
mod json;
mod large;
mod matching;
mod model;
mod prints;
mod walk;

pub use model::{Change, Diff, DiffOptions, DiffSide, Difference, DifferenceKind, Verdict};
