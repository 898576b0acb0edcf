//! Changes that were seen, until it is known whether they are committed.
//!
//! Each has a number, higher than that of every one before. The number of the last is kept in the database as well, the tip. When
//! SQLite rolls back, the tip is again what it was, so everything with a higher number is undone. Then the next change that
//! is seen, or the next reading, drops it.

use super::shape::Shape;
use super::triggers::{CHUNK, DELETE, INSERT, UPDATE};
use crate::policy::StatePolicy;
use crate::query;
use crate::value::{DbValue, JsonObject, Limit, Sides};
use rusqlite::types::{Value, ValueRef};
use spanbridge::adapter::{MutationOp, records_mutations};
use spanbridge::{Context, observe};
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Bytes of changes that are kept of one transaction.
const MAX_BYTES: usize = 64 << 20;
/// Bytes of a change beside its texts.
const OVERHEAD: usize = 200;
/// Rows that can be staged: as many as a table has unique columns, for some statements inside of each other.
const MAX_STAGED: usize = 1000;

/// A change of a row.
#[derive(Debug)]
pub(super) struct Change {
    number: i64,
    /// When it was made, in nanoseconds since the Unix epoch.
    pub(super) at: Option<u64>,
    /// Who made it. `None`: nobody that is known.
    pub(super) context: Option<Context>,
    pub(super) table: Arc<Shape>,
    pub(super) op: MutationOp,
    pub(super) key: String,
    pub(super) before: Option<String>,
    pub(super) after: Option<String>,
    pub(super) columns: Vec<usize>,
}

impl Change {
    fn size(&self) -> usize {
        let texts = [Some(&self.key), self.before.as_ref(), self.after.as_ref()];
        OVERHEAD + texts.into_iter().flatten().map(String::len).sum::<usize>()
    }
}

/// A row that the statement at work may replace.
struct Staged {
    /// The tip when it was staged. If that is taken back, the statement has ended.
    at: i64,
    table: usize,
    is_update: bool,
    locator: Vec<Value>,
    key: String,
    before: Option<String>,
}

pub(super) struct Log {
    pub(super) policy: StatePolicy,
    /// Of the columns of keys.
    of_keys: StatePolicy,
    /// By their numbers in triggers. None is ever removed: a rollback may bring old triggers back.
    tables: Vec<Arc<Shape>>,
    changes: Vec<Change>,
    bytes: usize,
    /// The first change that had no room, and how many there were.
    no_room: Option<(i64, u64)>,
    last: i64,
    staged: Vec<Staged>,
    /// Values that were put for the next call.
    put: Vec<Value>,
    /// How often the tip was written. SQLite counts these among the changes of the connection.
    pub(super) tip_writes: u64,
    /// Columns whose redaction failed in this transaction.
    unredacted: Vec<(usize, usize)>,
}

/// The values of a row.
type Values<'v> = [ValueRef<'v>];

impl Log {
    pub(super) fn new(policy: StatePolicy) -> Self {
        Log {
            of_keys: policy.of_keys(),
            policy,
            tables: vec![],
            changes: vec![],
            bytes: 0,
            no_room: None,
            last: 0,
            staged: vec![],
            put: vec![],
            tip_writes: 0,
            unredacted: vec![],
        }
    }

    /// The number that a table has in triggers.
    pub(super) fn add_table(&mut self, shape: Shape) -> usize {
        match self.tables.iter().position(|known| **known == shape) {
            Some(number) => number,
            None => {
                self.tables.push(Arc::new(shape));
                self.tables.len() - 1
            }
        }
    }

    /// Whether there is anything to be recorded, or dropped.
    pub(super) fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.no_room.is_none()
    }

    /// Takes what is left when the tip is this. Also says how many changes had no room.
    pub(super) fn take(&mut self, tip: i64) -> (Vec<Change>, u64) {
        self.undo(tip);
        self.staged.clear();
        self.unredacted.clear();
        self.bytes = 0;
        (std::mem::take(&mut self.changes), self.no_room.take().map_or(0, |(_, count)| count))
    }

    /// Drops what was rolled back.
    fn undo(&mut self, tip: i64) {
        while self.changes.last().is_some_and(|change| change.number > tip) {
            self.bytes -= self.changes.pop().map_or(0, |change| change.size())
        }
        self.no_room = self.no_room.filter(|(first, _)| *first <= tip);
        self.staged.retain(|staged| staged.at <= tip)
    }

    /// A row was changed. Returns the new tip.
    pub(super) fn row(&mut self, tip: i64, table: usize, op: i64, given: &Values<'_>) -> i64 {
        self.tip_writes += 1;
        let put = std::mem::take(&mut self.put);
        let values = with_put(&put, given);
        let Some(shape) = self.tables.get(table).cloned() else { return tip };
        // A replacement has been told before this.
        match op {
            INSERT => self.staged.retain(|staged| staged.table != table || staged.is_update),
            UPDATE => self.staged.retain(|staged| staged.table != table || !staged.is_update),
            _ => {}
        }
        let Some(context) = writer() else { return tip };
        let width = shape.columns.len() + usize::from(shape.is_keyless());
        let (first, second) = values.split_at_checked(width).unwrap_or((&values, &[]));
        match op {
            INSERT => {
                let change = self.whole(table, &shape, context, MutationOp::Insert, first);
                self.push(tip, change)
            }
            DELETE => {
                let change = self.whole(table, &shape, context, MutationOp::Delete, first);
                self.gone(table, &change.key);
                self.push(tip, change)
            }
            _ => self.update(tip, table, &shape, context, (first, second)),
        }
    }

    fn update(
        &mut self,
        tip: i64,
        table: usize,
        shape: &Arc<Shape>,
        context: Option<Context>,
        (old, new): (&Values<'_>, &Values<'_>),
    ) -> i64 {
        let (key, new_key) = (self.key(table, shape, old), self.key(table, shape, new));
        self.gone(table, &key);
        if key_values(shape, old) != key_values(shape, new) {
            // Under another key it is another row.
            let removed = self.whole(table, shape, context.clone(), MutationOp::Delete, old);
            let added = self.whole(table, shape, context, MutationOp::Insert, new);
            let tip = self.push(tip, removed);
            return self.push(tip, added);
        }
        let offset = usize::from(shape.is_keyless());
        let differs = |index: &usize| old.get(index + offset) != new.get(index + offset);
        let columns: Vec<_> = (0..shape.columns.len()).filter(differs).collect();
        if columns.is_empty() {
            return tip;
        }
        let mut sides = Sides::default();
        if self.policy.takes_values() {
            let policy = self.policy.clone();
            for index in &columns {
                let mut failed = [false; 2];
                let [of_old, of_new] = &mut failed;
                sides.push(
                    |object| *of_old = push_column(&policy, object, shape, old, *index),
                    |object| *of_new = push_column(&policy, object, shape, new, *index),
                );
                if failed.contains(&true) {
                    self.not_redacted(table, shape, *index)
                }
            }
        }
        let (before, after) = (Some(sides.before.finish()), Some(sides.after.finish()));
        let (op, table) = (MutationOp::Update, shape.clone());
        self.push(tip, Change { number: 0, at: None, context, table, op, key: new_key, before, after, columns })
    }

    /// Values for the next call.
    pub(super) fn put(&mut self, values: &Values<'_>) {
        self.put.extend(values.iter().filter_map(|value| Value::try_from(*value).ok()))
    }

    /// A row that may be replaced by the one that is about to be written. No row: another is about to be written, so what is
    /// staged is left from one that was ignored. (Or from one that is still to come, if a trigger of yours writes to the same
    /// table before it does. Then what that one replaces is not told.)
    pub(super) fn stage(&mut self, tip: i64, table: usize, is_update: bool, given: &Values<'_>) {
        self.undo(tip);
        if given.is_empty() {
            return self.staged.retain(|staged| staged.table != table || staged.is_update != is_update);
        }
        let put = std::mem::take(&mut self.put);
        let Some(shape) = self.tables.get(table).cloned() else { return };
        // The locator is not part of what was put.
        let Some((locator, given)) = given.split_at_checked(shape.locator.len()) else { return };
        let values = with_put(&put, given);
        let locator: Vec<_> = locator.iter().filter_map(|value| Value::try_from(*value).ok()).collect();
        let is_known = |s: &Staged| s.table == table && s.is_update == is_update && s.locator == locator;
        if self.staged.iter().any(is_known) || self.staged.len() >= MAX_STAGED {
            return;
        }
        let all: Vec<_> = (0..shape.columns.len()).collect();
        let key = self.key(table, &shape, &values);
        let before = Some(self.values(table, &shape, &values, &all));
        self.staged.push(Staged { at: tip, table, is_update, locator, key, before })
    }

    /// Whether rows are staged.
    pub(super) fn has_staged(&mut self, tip: i64, table: usize, is_update: bool) -> bool {
        self.undo(tip);
        self.staged.iter().any(|staged| staged.table == table && staged.is_update == is_update)
    }

    /// A column of the locator of a staged row.
    pub(super) fn locator(&self, table: usize, is_update: bool, index: usize, column: usize) -> Value {
        let staged = self.nth(table, is_update, index).and_then(|at| self.staged.get(at));
        staged.and_then(|staged| staged.locator.get(column)).cloned().unwrap_or(Value::Null)
    }

    /// A staged row is gone: it was replaced. Returns the new tip.
    pub(super) fn replaced(&mut self, tip: i64, table: usize, is_update: bool, index: usize) -> i64 {
        let Some(at) = self.nth(table, is_update, index) else { return tip };
        let (Some(shape), Some(context)) = (self.tables.get(table).cloned(), writer()) else { return tip };
        let Some(staged) = self.staged.get_mut(at) else { return tip };
        let (key, before, locator) = (staged.key.clone(), staged.before.take(), staged.locator.clone());
        // An update that was ignored may have staged it, too. It is gone now, and cannot be replaced again.
        self.staged.retain(|s| s.table != table || s.is_update == is_update || s.locator != locator);
        let (op, columns) = (MutationOp::Delete, vec![]);
        self.push(tip, Change { number: 0, at: None, context, table: shape, op, key, before, after: None, columns })
    }

    fn nth(&self, table: usize, is_update: bool, index: usize) -> Option<usize> {
        let of = |s: &Staged| s.table == table && s.is_update == is_update;
        (0..self.staged.len()).filter(|at| of(&self.staged[*at])).nth(index)
    }

    /// A row has gone, or is another, so it can no longer be replaced.
    fn gone(&mut self, table: usize, key: &str) {
        self.staged.retain(|staged| staged.table != table || staged.key != key)
    }

    /// Statements have ended: what they staged is of no use any more.
    pub(super) fn forget_staged(&mut self) {
        self.staged.clear();
        self.put.clear()
    }

    fn push(&mut self, tip: i64, change: Change) -> i64 {
        self.undo(tip);
        self.last = self.last.max(tip) + 1;
        let size = change.size();
        if self.bytes + size > MAX_BYTES {
            let (first, count) = self.no_room.unwrap_or((self.last, 0));
            self.no_room = Some((first, count + 1));
        } else {
            self.bytes += size;
            self.changes.push(Change { number: self.last, at: now(), ..change })
        }
        self.last
    }

    /// A row that is new, or gone.
    fn whole(
        &mut self,
        table: usize,
        shape: &Arc<Shape>,
        context: Option<Context>,
        op: MutationOp,
        values: &Values<'_>,
    ) -> Change {
        let all: Vec<_> = (0..shape.columns.len()).collect();
        let key = self.key(table, shape, values);
        let object = Some(self.values(table, shape, values, &all));
        let (before, after, columns) =
            if op == MutationOp::Insert { (None, object, all) } else { (object, None, vec![]) };
        Change { number: 0, at: None, context, table: shape.clone(), op, key, before, after, columns }
    }

    fn key(&mut self, table: usize, shape: &Shape, values: &Values<'_>) -> String {
        if !shape.is_keyless() {
            return self.object_by(&self.of_keys.clone(), table, shape, values, &shape.key());
        }
        let mut object = JsonObject::default();
        object.push("rowid", &values.first().map_or(DbValue::Null, |value| db_value(*value)), Limit::KEYS);
        object.finish()
    }

    /// Columns as a JSON object. It is empty if only keys are recorded.
    fn values(&mut self, table: usize, shape: &Shape, values: &Values<'_>, columns: &[usize]) -> String {
        let columns = if self.policy.takes_values() { columns } else { &[] };
        self.object_by(&self.policy.clone(), table, shape, values, columns)
    }

    fn object_by(
        &mut self,
        policy: &StatePolicy,
        table: usize,
        shape: &Shape,
        values: &Values<'_>,
        columns: &[usize],
    ) -> String {
        let mut object = JsonObject::default();
        for index in columns {
            if push_column(policy, &mut object, shape, values, *index) {
                self.not_redacted(table, shape, *index)
            }
        }
        object.finish()
    }

    /// A hook has failed. It is said once in a transaction.
    fn not_redacted(&mut self, table: usize, shape: &Shape, index: usize) {
        if let Some(column) = shape.columns.get(index)
            && !self.unredacted.contains(&(table, index))
        {
            self.unredacted.push((table, index));
            let what = format!("column {} of {}", column.name, shape.table);
            query::redaction_failed(&observe::current_context(), &what)
        }
    }
}

/// Adds a column, as far as the policy allows it. Returns whether a hook has failed.
fn push_column(
    policy: &StatePolicy,
    object: &mut JsonObject,
    shape: &Shape,
    values: &Values<'_>,
    index: usize,
) -> bool {
    let value = values.get(index + usize::from(shape.is_keyless()));
    let (Some(column), Some(value)) = (shape.columns.get(index), value) else { return false };
    policy.push(object, &shape.table, &column.name, db_value(*value)).is_err()
}

/// All values of a call: those that were put, and those that it had room for. In between there is an argument for each that was put.
fn with_put<'v>(put: &'v [Value], given: &Values<'v>) -> Vec<ValueRef<'v>> {
    let given = given.get(put.len() / CHUNK..).unwrap_or_default();
    put.iter().map(ValueRef::from).chain(given.iter().copied()).collect()
}

/// The time, in nanoseconds since the Unix epoch.
pub(super) fn now() -> Option<u64> {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|since| since.as_nanos() as u64)
}

/// Who writes now: `Some(None)` if that is not known, `None` if it is not recorded.
fn writer() -> Option<Option<Context>> {
    let context = Some(observe::current_context()).filter(|context| !context.is_empty());
    records_mutations(context.as_ref()).then_some(context)
}

fn key_values<'v>(shape: &Shape, values: &Values<'v>) -> Vec<ValueRef<'v>> {
    if shape.is_keyless() {
        return values.first().copied().into_iter().collect();
    }
    shape.key().into_iter().filter_map(|index| values.get(index).copied()).collect()
}

pub(super) fn db_value(value: ValueRef<'_>) -> DbValue<'_> {
    match value {
        ValueRef::Null => DbValue::Null,
        ValueRef::Integer(number) => DbValue::Integer(number),
        ValueRef::Real(number) => DbValue::Float(number),
        ValueRef::Text(text) => DbValue::Text(String::from_utf8_lossy(text)),
        ValueRef::Blob(bytes) => DbValue::Bytes(Cow::Borrowed(bytes)),
    }
}
