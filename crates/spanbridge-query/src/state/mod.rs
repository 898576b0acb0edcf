//! What became of a row of a database, and who made it so: over all runs and processes.
//!
//! `key` says which row is asked for. `history` is the answer, and `evolve` works out of the changes, in their order, what each
//! of them changed. `questions` finds the changes.

mod blame;
mod evolve;
mod history;
mod json;
mod key;
mod table;

pub use blame::{ColumnBlame, RowBlame};
pub use history::{ColumnEffect, RowChange, RowHistory, StateAnswer};
pub use key::{RowKey, RowQuery};
pub use table::ChangedTable;
