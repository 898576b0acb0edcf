//! The index: runs, folded from the logs of all writers into one SQLite file.
//!
//! Applications only append to logs. Whoever asks questions folds what the logs have into the index, for a moment or all along,
//! and answers from the index and from what is not folded yet together.
//!
//! `block` is how records are kept, `schema` the tables, `place` where the file lies. `fold` and `folding` bring records in, and
//! `clean` removes logs. `prune` removes runs, and `upkeep` looks after the file. `tails` holds what is not folded, `view` is what a question sees of it, and `snapshot` answers.

mod block;
mod changed;
mod clean;
mod fold;
mod folding;
mod handle;
mod logs;
mod names;
mod network;
mod operations;
mod order;
mod place;
#[cfg(test)]
mod place_tests;
mod position;
pub(crate) mod prune;
mod readers;
mod records;
mod recount;
mod run;
mod schema;
mod snapshot;
mod source;
mod tails;
#[cfg(test)]
mod tests;
mod texts;
mod unsettled;
#[cfg(test)]
mod unsettled_tests;
pub(crate) mod upkeep;
mod view;

#[doc(hidden)]
pub use block::{check_packed, check_sections};
#[doc(hidden)] // for spanbridge-relay
pub use fold::lost::missing;
pub use fold::{FoldBudget, FoldReport};
pub use handle::Index;
#[doc(hidden)] // for spanbridge-relay
pub use logs::{Missing, list_surely};
pub use place::Place;
pub(crate) use position::after_frame;
