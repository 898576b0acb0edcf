//! A row that changed, as a mutation.

use super::lsn::Lsn;
use super::message::{Begin, OldTuple};
use super::table::{Key, Table};
use super::tuple::{Tuple, TupleValue};
use crate::StatePolicy;
use crate::value::{JsonObject, Sides};
use spanbridge::Context;
use spanbridge::adapter::{Mutation, MutationOp};
use std::borrow::Cow;

/// A row that was changed, or a table that was emptied, in a transaction that was committed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RowChange<'a> {
    /// The transaction.
    pub transaction: Begin,
    /// Its number among the changes of the transaction, from 1.
    pub number: u64,
    /// What is recorded of it. Its id and position are the same whenever it is read again.
    pub mutation: Mutation<'a>,
    /// The context of who wrote it. `None`: somebody who has not said so, or who is not recorded.
    pub writer: Option<&'a Context>,
    /// Nothing tells which row it was: the table has neither a primary key nor a replica identity.
    pub is_key_unknown: bool,
    /// A redaction hook has failed, so a value was left out.
    pub is_redaction_failed: bool,
}

/// What a change tells of a row.
#[derive(Clone, Copy)]
pub(super) enum Row<'a> {
    Insert(Tuple<'a>),
    Update(Option<OldTuple<'a>>, Tuple<'a>),
    Delete(OldTuple<'a>),
    Truncate,
}

/// Where a change is.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) system_identifier: u64,
    pub(super) transaction: Begin,
    /// Its number among the changes of the transaction, from 1.
    pub(super) number: u64,
    /// Where it was logged.
    pub(super) lsn: Lsn,
    /// Its number among the changes that were logged there, from 0.
    pub(super) number_there: u64,
}

impl Place {
    /// The place in the log names a change whatever else is published, and the number of the transaction tells apart what servers
    /// have logged there that were one before.
    ///
    /// `second`: of the two that a row with another key is.
    fn id(&self, second: bool) -> String {
        let Begin { final_lsn, xid, .. } = self.transaction;
        let (commit, lsn) = (final_lsn.get(), self.lsn.get());
        let suffix = if second { "-new" } else { "" };
        format!("{:x}-{commit:x}-{xid}-{lsn:x}-{}{suffix}", self.system_identifier, self.number_there)
    }

    /// Of fixed width, so that texts have the order of commits.
    fn position(&self, number: u64) -> String {
        format!("{:016X}/{number:08X}", self.transaction.final_lsn.get())
    }

    /// In nanoseconds since the Unix epoch. 1970 was before PostgreSQL, but an origin may say anything.
    fn committed_at(&self) -> Option<u64> {
        u64::try_from(self.transaction.committed_at).ok()?.checked_mul(1000)
    }
}

impl Row<'_> {
    /// Whether it is another row after an update: it has another key.
    pub(super) fn has_other_key(&self, table: &Table) -> bool {
        let (Row::Update(Some(old), new), Key::Columns(places)) = (*self, &table.key) else { return false };
        let columns = both(table, Some(old), new);
        places.iter().any(|at| columns.get(*at).is_some_and(Values::is_other))
    }
}

/// The mutations for a change: none if nothing changed, two if the row is another one after it.
pub(super) fn changes<'a>(
    table: &'a Table,
    row: Row<'_>,
    is_other_row: bool,
    place: Place,
    database: &'a str,
    policy: &StatePolicy,
) -> [Option<RowChange<'a>>; 2] {
    let writing = |second| Writing { table, policy, place, database, second, is_redaction_failed: false };
    match row {
        Row::Insert(new) => [writing(false).change(MutationOp::Insert, &values(new), true), None],
        Row::Delete(old) => {
            [writing(false).change(MutationOp::Delete, &old_values(table, old), is_full(Some(old))), None]
        }
        Row::Truncate => [writing(false).change(MutationOp::Truncate, &[], false), None],
        Row::Update(old, new) => {
            let columns = both(table, old, new);
            match is_other_row {
                true => {
                    let (gone, new): (Vec<_>, Vec<_>) = columns.iter().map(Values::split).unzip();
                    [
                        writing(false).change(MutationOp::Delete, &gone, is_full(old)),
                        writing(true).change(MutationOp::Insert, &new, true),
                    ]
                }
                false => [writing(false).change(MutationOp::Update, &columns, is_full(old)), None],
            }
        }
    }
}

/// Whether the whole row before is told.
fn is_full(old: Option<OldTuple<'_>>) -> bool {
    matches!(old, Some(OldTuple::Full(_)))
}

/// What is known of a column before and after. A value that is not known is absent.
#[derive(Clone, Copy, Default)]
struct Values<'a> {
    old: Option<TupleValue<'a>>,
    new: Option<TupleValue<'a>>,
}

impl<'a> Values<'a> {
    /// Whether it has another value, for sure.
    fn is_other(&self) -> bool {
        self.old.is_some() && self.new.is_some() && self.old != self.new
    }

    /// The row that is gone, and the one that is new. It has what was not changed.
    fn split(&self) -> (Values<'a>, Values<'a>) {
        (Values { old: self.old, new: None }, Values { old: None, new: self.new.or(self.old) })
    }

    /// A column whose value before is not known may have changed.
    fn is_changed(&self) -> bool {
        self.new.is_some_and(|new| self.old != Some(new))
    }

    /// What it contributes to the key. The row had its old key when it was changed.
    fn key(&self) -> Option<TupleValue<'a>> {
        self.old.or(self.new)
    }
}

fn known(value: TupleValue<'_>) -> Option<TupleValue<'_>> {
    Some(value).filter(|value| *value != TupleValue::Unchanged)
}

fn values(new: Tuple<'_>) -> Vec<Values<'_>> {
    new.iter().map(|new| Values { old: None, new: known(new) }).collect()
}

fn old_values<'a>(table: &Table, old: OldTuple<'a>) -> Vec<Values<'a>> {
    let is_told = |at: usize| match old {
        OldTuple::Full(_) => true,
        OldTuple::Key(_) => table.columns.get(at).is_some_and(|column| column.is_identity),
    };
    let old = old.tuple().iter().enumerate();
    old.map(|(at, old)| Values { old: known(old).filter(|_| is_told(at)), new: None }).collect()
}

fn both<'a>(table: &Table, old: Option<OldTuple<'a>>, new: Tuple<'a>) -> Vec<Values<'a>> {
    let mut columns = match old {
        Some(old) => old_values(table, old),
        None => vec![],
    };
    columns.resize(new.len(), Values::default());
    for ((at, column), new) in columns.iter_mut().enumerate().zip(new.iter()) {
        column.new = known(new);
        // The server would have told it.
        if old.is_none() && table.tells_identity && table.columns.get(at).is_some_and(|column| column.is_identity) {
            column.old = column.new;
        }
    }
    columns
}

/// Writes a mutation, as far as the policy allows it.
struct Writing<'a, 'p> {
    table: &'a Table,
    policy: &'p StatePolicy,
    place: Place,
    database: &'a str,
    /// It is the second mutation of one change.
    second: bool,
    is_redaction_failed: bool,
}

impl<'a> Writing<'a, '_> {
    /// `is_compared`: all values before are known, so columns that did not change are not named.
    fn change(mut self, op: MutationOp, columns: &[Values<'_>], is_compared: bool) -> Option<RowChange<'a>> {
        let table = self.table;
        let changed: Vec<usize> = match op {
            MutationOp::Insert => (0..columns.len().min(table.columns.len())).collect(),
            MutationOp::Update => {
                (0..columns.len()).filter(|at| columns.get(*at).is_some_and(Values::is_changed)).collect()
            }
            _ => vec![],
        };
        if op == MutationOp::Update && changed.is_empty() {
            return None;
        }
        let key = self.key(op, columns);
        let mut sides = Sides::default();
        if self.policy.takes_values() {
            let told = if op == MutationOp::Delete { (0..columns.len()).collect() } else { changed.clone() };
            for at in told {
                let Values { old, new } = columns.get(at).copied().unwrap_or_default();
                let mut failed = [false; 2];
                let [of_old, of_new] = &mut failed;
                sides.push(
                    |object| *of_old = is_compared && push(self.policy, table, object, at, old),
                    |object| *of_new = push(self.policy, table, object, at, new),
                );
                self.is_redaction_failed |= failed.contains(&true)
            }
        }
        let has_before = is_compared && matches!(op, MutationOp::Update | MutationOp::Delete);
        let has_after = matches!(op, MutationOp::Update | MutationOp::Insert);
        let names = changed.iter().filter_map(|at| table.columns.get(*at)).map(|column| Cow::Borrowed(&*column.name));
        let number = self.place.number + u64::from(self.second);
        let mutation = Mutation::new(self.place.id(self.second), self.database, &*table.name, key.finish(), op)
            .with_before(has_before.then(|| sides.before.finish().into()))
            .with_after(has_after.then(|| sides.after.finish().into()))
            .with_columns(names.collect())
            .with_committed_at(self.place.committed_at())
            .with_position(Some(self.place.position(number).into()));
        Some(RowChange {
            transaction: self.place.transaction,
            number,
            mutation,
            writer: None,
            is_key_unknown: op != MutationOp::Truncate && table.key == Key::Unknown,
            is_redaction_failed: self.is_redaction_failed,
        })
    }

    fn key(&mut self, op: MutationOp, columns: &[Values<'_>]) -> JsonObject {
        let places = match (&self.table.key, op) {
            (_, MutationOp::Truncate) | (Key::Unknown, _) => vec![],
            (Key::Columns(places), _) => places.clone(),
            (Key::WholeRow, _) if self.policy.takes_values() => (0..columns.len()).collect(),
            (Key::WholeRow, _) => vec![],
        };
        let (policy, mut object) = (self.policy.of_keys(), JsonObject::default());
        for at in places {
            let value = columns.get(at).and_then(Values::key);
            self.is_redaction_failed |= push(&policy, self.table, &mut object, at, value)
        }
        object
    }
}

/// Adds a column, if its value is known. Returns whether a hook has failed.
fn push(
    policy: &StatePolicy,
    table: &Table,
    object: &mut JsonObject,
    at: usize,
    value: Option<TupleValue<'_>>,
) -> bool {
    let Some(column) = table.columns.get(at) else { return false };
    let Some(value) = value.and_then(|value| column.value_type.value(value)) else { return false };
    policy.push(object, &table.name, &column.name, value).is_err()
}
