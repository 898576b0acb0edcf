//! What each change of a row changed, given those before it.

use super::history::{ColumnEffect, RowChange};
use serde_json::Value;
use spanbridge::record::MutationOp;
use spanbridge_graph::{Columns, is_beginning};
use std::cmp::Ordering;

/// A row as it is after some changes.
#[derive(Debug, Default)]
pub(super) struct Row {
    pub(super) cells: Vec<Cell>,
    /// All of its columns are there: its insert is recorded.
    is_whole: bool,
    /// The change that removed it.
    pub(super) removed_by: Option<usize>,
}

/// A column, as far as it is known.
#[derive(Debug)]
pub(super) struct Cell {
    pub(super) column: String,
    /// `None`: it was not captured.
    pub(super) value: Option<Value>,
    /// The change that gave it that value. `None`: none that is recorded did, or it is not known which.
    pub(super) by: Option<usize>,
    /// A change may have given it that value since.
    pub(super) doubt: Option<Doubt>,
}

/// A change of which is not recorded whether it gave a column another value.
#[derive(Debug)]
pub(super) struct Doubt {
    /// The last one.
    pub(super) at: usize,
    /// The value before, and the change that gave it that, if it is the only one since.
    was: Option<(Value, Option<usize>)>,
}

/// Puts changes in order, and marks those of which nothing says which was first.
pub(crate) fn arrange(changes: &mut [RowChange]) {
    changes.sort_by(|a, b| a.mutation.order(&b.mutation).then_with(|| a.recorded.cmp(&b.recorded)));
    for at in 1..changes.len() {
        let (a, b) = (&changes[at - 1], &changes[at]);
        let is_same_writer = a.recorded.0 == b.recorded.0;
        let (m, n) = (&a.mutation, &b.mutation);
        let is_timeless = m.committed_at.is_none() || n.committed_at.is_none();
        let is_placed = m.position.is_some() && n.position.is_some();
        let is_told = m.committed_at != n.committed_at || is_placed && m.order(n) != Ordering::Equal;
        if !is_same_writer && (is_timeless || !is_told) {
            changes[at - 1].is_concurrent = true;
            changes[at].is_concurrent = true;
        }
    }
}

/// Works out what each of these changes, which are in order, changed. Returns the row after them.
pub(super) fn evolve(changes: &mut [RowChange]) -> Row {
    let mut row = Row::default();
    for (at, change) in changes.iter_mut().enumerate() {
        (change.effects, change.unexplained) = row.apply(at, change);
    }
    row
}

impl Row {
    fn apply(&mut self, at: usize, change: &RowChange) -> (Vec<ColumnEffect>, Vec<String>) {
        let m = &change.mutation;
        let value = |of: &Option<Columns>, column: &str| {
            of.iter().flatten().find(|(name, _)| name == column).map(|(_, value)| value.clone())
        };
        let mut unexplained = Vec::new();
        // What it had before is known now, whoever wrote it.
        for (column, before) in m.before.iter().flatten() {
            unexplained.extend(self.learn(column, before));
        }
        match m.op {
            MutationOp::Delete | MutationOp::Truncate => {
                *self = Row { removed_by: Some(at), ..Row::default() };
                return (Vec::new(), unexplained);
            }
            MutationOp::Insert => (self.cells, self.is_whole) = (Vec::new(), true),
            _ => {}
        }
        self.removed_by = None;
        let mut effects = Vec::new();
        let others = m.after.iter().flatten().map(|(column, _)| column).filter(|column| !m.columns.contains(column));
        // An update without values before was not compared by whoever recorded it: it names what was written.
        let is_compared = m.op == MutationOp::Insert || m.before.is_some();
        for column in m.columns.iter() {
            let after = value(&m.after, column);
            let is_unknown = after.is_none() || self.is_unknown(column);
            if !is_compared && is_unknown {
                effects.push(self.doubt(at, column, after));
                continue;
            }
            // Of both only the beginning is known. The database compared all of them.
            if after.as_ref().is_some_and(is_beginning) && value(&m.before, column) == after {
                self.cell(column).value = None;
                let effect = self.write(at, column, after.clone());
                effects.extend(effect.map(|effect| ColumnEffect { before: after, ..effect }));
                continue;
            }
            effects.extend(self.write(at, column, after));
        }
        for column in others {
            let after = value(&m.after, column);
            match after {
                // It did not change, so it had this value before.
                Some(same) if m.op != MutationOp::Insert => unexplained.extend(self.learn(column, &same)),
                after => effects.extend(self.write(at, column, after)),
            }
        }
        (effects, unexplained)
    }

    /// Whether it is not known what a column has. One that the row had not when it was inserted has nothing.
    fn is_unknown(&self, column: &str) -> bool {
        let cell = self.cells.iter().find(|cell| cell.column == column);
        cell.map_or(!self.is_whole, |cell| cell.value.is_none())
    }

    /// Learns a value that a column had. Returns the column if it should have had another.
    fn learn(&mut self, column: &str, value: &Value) -> Option<String> {
        let cell = self.cell(column);
        match &cell.value {
            Some(known) if known == value => None,
            Some(_) => {
                (cell.value, cell.by, cell.doubt) = (Some(value.clone()), None, None);
                Some(column.to_owned())
            }
            // What was written was not captured: this may be it.
            None => {
                cell.value = Some(value.clone());
                if let Some(Doubt { at, was: Some((was, by)) }) = &cell.doubt {
                    cell.by = if was == value { *by } else { Some(*at) };
                    cell.doubt = None
                }
                None
            }
        }
    }

    /// Writes a column, unless it has the value already.
    fn write(&mut self, at: usize, column: &str, after: Option<Value>) -> Option<ColumnEffect> {
        let cell = self.cell(column);
        if after.is_some() && cell.value == after {
            return None;
        }
        let before = std::mem::replace(&mut cell.value, after.clone());
        (cell.by, cell.doubt) = (Some(at), None);
        Some(ColumnEffect { column: column.to_owned(), before, after, is_certain: true })
    }

    /// Writes a column that may have had this value before.
    fn doubt(&mut self, at: usize, column: &str, after: Option<Value>) -> ColumnEffect {
        let cell = self.cell(column);
        let before = std::mem::replace(&mut cell.value, after.clone());
        let was = before.clone().filter(|_| cell.doubt.is_none()).map(|value| (value, cell.by));
        (cell.by, cell.doubt) = (None, Some(Doubt { at, was }));
        ColumnEffect { column: column.to_owned(), before, after, is_certain: false }
    }

    fn cell(&mut self, column: &str) -> &mut Cell {
        let place = self.cells.iter().position(|cell| cell.column == column).unwrap_or_else(|| {
            self.cells.push(Cell { column: column.to_owned(), value: None, by: None, doubt: None });
            self.cells.len() - 1
        });
        &mut self.cells[place]
    }
}
