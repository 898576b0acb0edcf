//! A row of `spanbridge.mutations`, and what is recorded of it.

use super::text;
use crate::policy::StatePolicy;
use crate::query::{capture_failed, not_redacted, redaction_failed};
use crate::tag;
use crate::value::{JsonObject, Sides};
use spanbridge::adapter::{self, Mutation, MutationOp};
use spanbridge::{Context, Primitive, observe};
use std::borrow::Cow;

/// Takes up to `$1` of the oldest rows out of the table, those aside that another process takes right now. In a transaction that
/// has written, it takes none: what was not committed must not be recorded.
pub(crate) const TAKE: &str = "\
WITH taken AS (
    DELETE FROM spanbridge.mutations WHERE id = ANY (ARRAY(
        SELECT m.id FROM spanbridge.mutations m WHERE pg_current_xact_id_if_assigned() IS NULL
        ORDER BY m.id LIMIT $1 FOR UPDATE SKIP LOCKED
    )) RETURNING *
)
SELECT t.id, t.transaction::text, CASE WHEN c.at BETWEEN '0001-01-01' AND '9999-01-01' THEN (extract(epoch FROM c.at) * 1000000)::bigint ELSE 0 END, t.op, t.source, t.context,
       t.columns, t.types::bigint[], t.flags, t.before, t.after, t.before_sizes, t.after_sizes, t.count, t.note,
       current_database()::text, (SELECT replace(i.id::text, '-', '') FROM spanbridge.installation i), t.depth
FROM taken t, LATERAL (SELECT coalesce(CASE WHEN current_setting('track_commit_timestamp') = 'on'
    THEN pg_xact_commit_timestamp(t.transaction::xid) END, t.at) AS at) c ORDER BY t.id";

/// Rows that are taken at once.
pub(crate) const BATCH: i64 = 500;

const CHANGED: i16 = 1;
const LEFT_OUT: i16 = 2;
/// From this bit on: the place of a column in the key, from 1 on.
const KEY_PLACE: u32 = 2;
/// From this place on, there is no key, and the column is a part of the row.
const NO_KEY: i16 = 1000;
/// The note of a row whose values may be recorded only if a redaction hook has seen them.
const HOOK: &str = "hook";

/// What [`TAKE`] returns, in the same order.
#[derive(Debug, Default)]
pub(crate) struct Captured {
    pub(crate) id: i64,
    /// Its place in the order of changes, if that is not its id.
    pub(crate) place: Option<i64>,
    pub(crate) transaction: String,
    /// When it was committed, if the server tracks that, else when it was written; in microseconds since the Unix epoch.
    pub(crate) at: i64,
    pub(crate) op: String,
    pub(crate) source: String,
    pub(crate) context: Option<String>,
    pub(crate) columns: Vec<String>,
    pub(crate) types: Vec<i64>,
    pub(crate) flags: Vec<i16>,
    pub(crate) before: Vec<Option<String>>,
    pub(crate) after: Vec<Option<String>>,
    pub(crate) before_sizes: Vec<Option<i32>>,
    pub(crate) after_sizes: Vec<Option<i32>>,
    pub(crate) count: Option<i64>,
    pub(crate) note: Option<String>,
    pub(crate) database: String,
    pub(crate) installation: Option<String>,
    /// How many triggers the statement was inside of, with the one that noted it.
    pub(crate) depth: i16,
}

/// Reads it out of a row of a client, whose `try_get` makes what is asked for.
macro_rules! from_row {
    ($row:expr) => {{
        let row = $row;
        let columns: Option<Vec<String>> = row.try_get(6)?;
        let types: Option<Vec<i64>> = row.try_get(7)?;
        let flags: Option<Vec<i16>> = row.try_get(8)?;
        let (before, after): (Option<Vec<Option<String>>>, Option<Vec<Option<String>>>) =
            (row.try_get(9)?, row.try_get(10)?);
        let (before_sizes, after_sizes): (Option<Vec<Option<i32>>>, Option<Vec<Option<i32>>>) =
            (row.try_get(11)?, row.try_get(12)?);
        Ok(Captured {
            id: row.try_get(0)?,
            place: None,
            transaction: row.try_get(1)?,
            at: row.try_get(2)?,
            op: row.try_get(3)?,
            source: row.try_get(4)?,
            context: row.try_get(5)?,
            columns: columns.unwrap_or_default(),
            types: types.unwrap_or_default(),
            flags: flags.unwrap_or_default(),
            before: before.unwrap_or_default(),
            after: after.unwrap_or_default(),
            before_sizes: before_sizes.unwrap_or_default(),
            after_sizes: after_sizes.unwrap_or_default(),
            count: row.try_get(13)?,
            note: row.try_get(14)?,
            database: row.try_get(15)?,
            installation: row.try_get(16)?,
            depth: row.try_get(17)?,
        })
    }};
}
pub(crate) use from_row;

impl Captured {
    /// Whether this is a change of the same row, in the same transaction.
    pub(crate) fn is_of_row(&self, other: &Captured) -> bool {
        let key = |row: &Captured| -> Vec<(String, Option<String>)> {
            let places =
                (0..row.columns.len()).filter(|column| (1..NO_KEY).contains(&(row.flags(*column) >> KEY_PLACE)));
            let of =
                |column: usize| Some((row.columns.get(column)?.clone(), row.before.get(column).cloned().flatten()));
            places.filter_map(of).collect()
        };
        let key_of_this = key(self);
        (&self.transaction, &self.source) == (&other.transaction, &other.source)
            && !key_of_this.is_empty()
            && key_of_this == key(other)
    }

    /// Whether this update began with what the other one left: of the columns that both changed, there is one, and each had its value.
    pub(crate) fn follows(&self, other: &Captured) -> bool {
        let changed = |row: &Captured| -> Vec<usize> {
            (0..row.columns.len()).filter(|at| row.flags(*at) & (CHANGED | LEFT_OUT) == CHANGED).collect()
        };
        let mut both = changed(self).into_iter().filter_map(|at| {
            let there = other.columns.iter().position(|name| Some(name) == self.columns.get(at))?;
            changed(other).contains(&there).then_some((at, there))
        });
        let mut any = false;
        both.all(|(at, there)| {
            any = true;
            self.before.get(at) == other.after.get(there)
        }) && any
    }

    /// Gives this one the place of the other in the order of changes.
    pub(crate) fn swap_places(&mut self, other: &mut Captured) {
        std::mem::swap(&mut self.at, &mut other.at);
        let places = (self.place.unwrap_or(self.id), other.place.unwrap_or(other.id));
        (self.place, other.place) = (Some(places.1), Some(places.0))
    }
}

/// Before or after.
#[derive(Clone, Copy)]
struct Side<'a> {
    values: &'a [Option<String>],
    sizes: &'a [Option<i32>],
}

impl Captured {
    /// Records it: for who wrote it, or as written by nobody that is known. Which tables and columns are kept was said to the
    /// database; the policy of whoever takes it can only leave out more.
    pub(crate) fn record(&self, policy: &StatePolicy) {
        let context = self.context.as_deref().and_then(tag::read);
        let Some(op) = MutationOp::from_name(&self.op) else { return self.tell() };
        if !adapter::records_mutations(context.as_ref()) {
            return;
        }
        let mut failed = 0;
        // A row that gets another key is one that is gone and one that is new.
        if op == MutationOp::Update && self.changes_key() {
            self.record_as(MutationOp::Delete, "", policy, context.as_ref(), &mut failed);
            self.record_as(MutationOp::Insert, "-new", policy, context.as_ref(), &mut failed)
        } else {
            self.record_as(op, "", policy, context.as_ref(), &mut failed)
        }
        if failed > 0 {
            let what = format!("{failed} values of {}", self.source);
            match self.lacks_hook(policy) {
                true => reader(|context| not_redacted(context, &what, "this process has no redaction hook")),
                false => reader(|context| redaction_failed(context, &what)),
            }
        }
    }

    /// Whether it has values that this policy does not record, since it is about keys.
    pub(crate) fn exceeds(&self, policy: &StatePolicy) -> bool {
        let is_told = |flags: &i16| flags & LEFT_OUT == 0 && flags >> KEY_PLACE == 0;
        !policy.takes_values() && self.flags.iter().any(is_told)
    }

    /// Whether a redaction hook must see its values, and there is none.
    fn lacks_hook(&self, policy: &StatePolicy) -> bool {
        self.note.as_deref() == Some(HOOK) && !policy.has_hook()
    }

    fn record_as(
        &self,
        op: MutationOp,
        suffix: &str,
        policy: &StatePolicy,
        context: Option<&Context>,
        failed: &mut usize,
    ) {
        let mutation_id = format!("{}-{}{suffix}", self.installation.as_deref().unwrap_or("postgresql"), self.id);
        let key = self.key(policy, op, failed);
        let mut mutation = Mutation::new(mutation_id, &self.database, &self.source, key, op)
            .with_span_id(context.and_then(Context::span_id))
            .with_columns(self.changed(op))
            .with_committed_at(u64::try_from(self.at).ok().and_then(|at| at.checked_mul(1000)))
            .with_position(Some(format!("{}/{}{suffix}", self.transaction, self.place.unwrap_or(self.id)).into()));
        let sides = self.sides(policy, op, failed);
        if op == MutationOp::Update || op == MutationOp::Delete {
            mutation = mutation.with_before(Some(sides.before.finish().into()))
        }
        if op == MutationOp::Update || op == MutationOp::Insert {
            mutation = mutation.with_after(Some(sides.after.finish().into()))
        }
        adapter::record_mutation(context, &mutation)
    }

    /// Whether a column of the key changed, if there is one.
    fn changes_key(&self) -> bool {
        self.flags.iter().any(|flags| flags & CHANGED != 0 && (1..NO_KEY).contains(&(flags >> KEY_PLACE)))
    }

    fn before(&self) -> Side<'_> {
        Side { values: &self.before, sizes: &self.before_sizes }
    }

    fn after(&self) -> Side<'_> {
        Side { values: &self.after, sizes: &self.after_sizes }
    }

    fn flags(&self, column: usize) -> i16 {
        self.flags.get(column).copied().unwrap_or(LEFT_OUT)
    }

    /// The columns of the key in their order, as they were before the change; of a new row, as they are.
    fn key(&self, policy: &StatePolicy, op: MutationOp, failed: &mut usize) -> String {
        let side = if op == MutationOp::Insert { self.after() } else { self.before() };
        let mut places: Vec<_> =
            (0..self.columns.len()).filter(|column| self.flags(*column) >> KEY_PLACE > 0).collect();
        places.sort_by_key(|column| self.flags(*column) >> KEY_PLACE);
        let (policy, mut object) = (policy.of_keys(), JsonObject::default());
        for column in places {
            *failed += usize::from(self.push(&policy, &mut object, side, column))
        }
        object.finish()
    }

    fn sides(&self, policy: &StatePolicy, op: MutationOp, failed: &mut usize) -> Sides {
        let (has_before, has_after) = (op != MutationOp::Insert, op != MutationOp::Delete);
        let is_told = |column: &usize| op != MutationOp::Update || self.flags(*column) & CHANGED != 0;
        let mut sides = Sides::default();
        for column in (0..self.columns.len()).filter(is_told).filter(|_| policy.takes_values()) {
            let (mut of_before, mut of_after) = (false, false);
            sides.push(
                |object| of_before = has_before && self.push(policy, object, self.before(), column),
                |object| of_after = has_after && self.push(policy, object, self.after(), column),
            );
            *failed += usize::from(of_before) + usize::from(of_after)
        }
        sides
    }

    fn changed(&self, op: MutationOp) -> Vec<Cow<'_, str>> {
        let named = |column: usize| match op {
            MutationOp::Insert => true,
            MutationOp::Update => self.flags(column) & CHANGED != 0,
            _ => false,
        };
        let columns = self.columns.iter().enumerate().filter(|(column, _)| named(*column));
        columns.map(|(_, name)| Cow::Borrowed(name.as_str())).collect()
    }

    /// Adds a column, as far as it may be recorded. Returns whether it is left out because no hook could look at it.
    fn push(&self, policy: &StatePolicy, object: &mut JsonObject, side: Side<'_>, column: usize) -> bool {
        let (Some(name), Some(value)) = (self.columns.get(column), side.values.get(column)) else { return false };
        if self.flags(column) & LEFT_OUT != 0 {
            return false;
        }
        if self.lacks_hook(policy) {
            return true;
        }
        let type_oid = self.types.get(column).and_then(|oid| u32::try_from(*oid).ok()).unwrap_or(0);
        let value = value.as_deref().map_or(crate::DbValue::Null, |text| text::value(type_oid, text));
        let size = side.sizes.get(column).copied().flatten().and_then(|size| usize::try_from(size).ok());
        policy.push_of(size, object, &self.source, name, value).is_err()
    }

    /// What is no change says that some could not be kept.
    fn tell(&self) {
        let count = self.count.unwrap_or(1);
        let what = if self.source.is_empty() { "tables".to_owned() } else { self.source.clone() };
        let why = match (self.op.as_str(), &self.note) {
            ("lost", _) => format!("{count} changes of {what} were not kept: there were too many"),
            (_, Some(state)) => {
                format!("{count} changes of {what} were not kept: the trigger failed with SQLSTATE {state}")
            }
            (op, None) => {
                format!("{count} rows of the kind {op:?} were not understood: a newer version installed them")
            }
        };
        reader(|context| capture_failed(context, &why))
    }
}

/// Diagnostics are of the span that reads, since the one that wrote may be of another process. If there is none, it gets one.
pub(super) fn reader(diagnose: impl FnOnce(&Context)) {
    match observe::active_span() {
        Some(span) => diagnose(span.context()),
        None => {
            let span = observe::span("take changes").primitive(Primitive::DB_QUERY).open();
            diagnose(span.context());
            span.end()
        }
    }
}
