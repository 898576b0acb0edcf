//! Who gave each column of a row the value that it has.

use super::evolve::{arrange, evolve};
use super::history::{RowChange, RowHistory};
use serde_json::Value;

/// A row as it is now, as far as that is recorded.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RowBlame<'h> {
    /// The row.
    pub row: &'h RowHistory,
    /// Its columns, in the order in which they were first recorded. None of a row that was removed.
    pub columns: Vec<ColumnBlame<'h>>,
    /// The change that removed it.
    pub removed_by: Option<&'h RowChange>,
}

/// A column, and who wrote it last.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ColumnBlame<'h> {
    /// The name of the column.
    pub column: String,
    /// Its value. `None`: it was not captured.
    pub value: Option<Value>,
    /// The change that gave it that value. `None`: none that is recorded did, or it is not known which.
    pub change: Option<&'h RowChange>,
    /// The last change that may have given it that value, if that is not known: it wrote the column, and the value before is not
    /// recorded.
    pub candidate: Option<&'h RowChange>,
}

impl RowHistory {
    /// Puts the changes in order, and works out what each of them changed.
    pub(crate) fn work_out(&mut self) {
        arrange(&mut self.changes);
        evolve(&mut self.changes);
    }

    /// Who gave each column the value that it has.
    pub fn blame(&self) -> RowBlame<'_> {
        let row = evolve(&mut self.changes.clone());
        let change = |at: usize| self.changes.get(at);
        let columns = row.cells.into_iter().map(|cell| ColumnBlame {
            column: cell.column,
            value: cell.value,
            change: cell.by.and_then(change),
            candidate: cell.doubt.and_then(|doubt| change(doubt.at)),
        });
        RowBlame { row: self, columns: columns.collect(), removed_by: row.removed_by.and_then(change) }
    }
}
