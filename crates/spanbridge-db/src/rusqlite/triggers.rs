//! The temporary triggers that see the rows of a table change.
//!
//! A trigger hands the values of a row to a function of ours, which keeps them in memory, and remembers in a temporary table which
//! of them was the last. SQLite takes that table back with everything else when it rolls back, to a savepoint or as a whole,
//! so it always says what is left of what was kept. See [`super::log`].
//!
//! `INSERT OR REPLACE` and `UPDATE OR REPLACE` remove rows without firing a trigger for that. So another trigger looks, before a
//! row is written, for rows that share a unique value with it, and stages them; when the row is written, those that are no
//! longer there were replaced.

use super::shape::{Shape, quoted};
use rusqlite::{Connection, Result};

/// The table of at most one row: which of the kept rows was the last. Without a row, none is.
pub(super) const TIP: &str = "spanbridge_tip";
/// `() → 0`: the tip gets its row.
pub(super) const BEGIN: &str = "spanbridge_begin";
/// `(tip, table, operation, values…) → tip`: keeps a change.
pub(super) const ROW: &str = "spanbridge_row";
/// `(values…) → NULL`: values of the next call, which has not room for all.
pub(super) const PUT: &str = "spanbridge_put";
/// `(tip, table, is_update, locator…, values…)`: stages a row that may be replaced. Without a row: forgets those of the row before.
pub(super) const STAGE: &str = "spanbridge_stage";
/// `(tip, table, is_update) → bool`: whether any is staged.
pub(super) const STAGED: &str = "spanbridge_staged";
/// `(table, is_update, index, column) → value`: the locator of a staged row.
pub(super) const LOCATOR: &str = "spanbridge_locator";
/// `(tip, table, is_update, index, is_gone) → tip`: keeps the removal of a staged row.
pub(super) const REPLACED: &str = "spanbridge_replaced";

/// Operations, as the functions are told.
pub(super) const INSERT: i64 = 0;
pub(super) const UPDATE: i64 = 1;
pub(super) const DELETE: i64 = 2;

/// Values that a call has room for: SQLite's default is 127 arguments, before 3.50.
pub(super) const CHUNK: usize = 100;

/// What all triggers share. An update hook of the application does not see a table without a row id. A trigger fills it: an `INSERT`
/// elsewhere would count as a change of the connection.
pub(super) fn tip() -> String {
    format!("CREATE TEMP TABLE {TIP} (one INTEGER PRIMARY KEY, seq INTEGER) WITHOUT ROWID;")
}

/// Everything that is installed, as statements.
pub(super) fn names_query() -> String {
    format!("SELECT name FROM temp.sqlite_master WHERE type = 'trigger' AND name GLOB '{PREFIX}*'")
}

const PREFIX: &str = "spanbridge_on_";

/// The triggers of a table, which is called by this number.
pub(super) fn create(shape: &Shape, number: usize) -> String {
    let on = format!("{}.{}", quoted(&shape.schema), quoted(&shape.table));
    let insert = row(number, INSERT, &values(shape, &["NEW"]), &replaced(shape, number, &on, false));
    let update = row(number, UPDATE, &values(shape, &["OLD", "NEW"]), &replaced(shape, number, &on, true));
    let delete = row(number, DELETE, &values(shape, &["OLD"]), "seq");
    let trigger = |event: &str, when: &str, body: &str| {
        let short: String = event.split(' ').filter_map(|word| word.chars().next()).collect();
        format!("CREATE TEMP TRIGGER {PREFIX}{number}_{short} {event} ON {on} FOR EACH ROW {when} BEGIN {body} END;")
    };
    let (insert_when, insert_stage) = stage(shape, number, &on, false);
    let (update_when, update_stage) = stage(shape, number, &on, true);
    [
        trigger("BEFORE INSERT", &insert_when, &insert_stage),
        trigger("AFTER INSERT", "", &insert),
        trigger("BEFORE UPDATE", &update_when, &update_stage),
        trigger("AFTER UPDATE", "", &update),
        trigger("AFTER DELETE", "", &delete),
    ]
    .concat()
}

/// Fails if a statement on this table cannot be compiled with its triggers. Nothing is run.
pub(super) fn probe(db: &Connection, shape: &Shape) -> Result<()> {
    let on = format!("{}.{}", quoted(&shape.schema), quoted(&shape.table));
    let column = shape.locator.first().map(|name| quoted(name)).unwrap_or_default();
    db.prepare(&format!("DELETE FROM {on}"))?;
    db.prepare(&format!("UPDATE {on} SET {column} = {column}"))?;
    db.prepare(&format!("INSERT INTO {on} DEFAULT VALUES")).map(drop)
}

/// The end of the triggers of this table.
pub(super) fn remove(number: usize) -> String {
    ["BI", "AI", "BU", "AU", "AD"].map(|short| format!("DROP TRIGGER temp.{PREFIX}{number}_{short};")).concat()
}

/// The values of a row, before and after if both are asked for. A row without a key has its row id in front.
fn values(shape: &Shape, of: &[&str]) -> Vec<String> {
    let rowid = shape.locator.first().filter(|_| shape.is_keyless()).into_iter();
    let names: Vec<_> = rowid.chain(shape.columns.iter().map(|column| &column.name)).collect();
    of.iter().flat_map(|of| names.iter().map(move |name| format!("{of}.{}", quoted(name)))).collect()
}

/// Arguments of a function: those that it has no room for are put first.
fn arguments(fixed: &[String], values: &[String]) -> String {
    let mut arguments = fixed.to_vec();
    let mut chunks: Vec<_> = values.chunks(CHUNK).collect();
    let last = chunks.pop().unwrap_or_default();
    arguments.extend(chunks.iter().map(|chunk| format!("{PUT}({})", chunk.join(", "))));
    arguments.extend(last.iter().cloned());
    arguments.join(", ")
}

fn row(number: usize, operation: i64, values: &[String], tip: &str) -> String {
    let arguments = arguments(&[tip.to_owned(), number.to_string(), operation.to_string()], values);
    format!(
        "INSERT INTO {TIP} SELECT 0, {BEGIN}() WHERE NOT EXISTS (SELECT 1 FROM temp.{TIP}); \
         UPDATE {TIP} SET seq = {ROW}({arguments});"
    )
}

/// Conditions by which a row is found that shares a unique value with the new one.
fn conflicts(shape: &Shape) -> Vec<String> {
    let by_rowid = shape.locator.first().filter(|_| shape.has_rowid);
    let by_rowid = by_rowid.map(|name| format!("o.{0} = NEW.{0}", quoted(name)));
    let by_index = shape.uniques.iter().map(|unique| {
        let equal = unique
            .columns
            .iter()
            .map(|(name, collation)| format!("o.{0} = NEW.{0} COLLATE {1}", quoted(name), quoted(collation)));
        equal.collect::<Vec<_>>().join(" AND ")
    });
    by_rowid.into_iter().chain(by_index).collect()
}

/// The condition and the body of the trigger that stages rows.
fn stage(shape: &Shape, number: usize, on: &str, is_update: bool) -> (String, String) {
    // On an update the row itself is no conflict.
    let others = shape.locator.iter().map(|name| format!("o.{0} IS OLD.{0}", quoted(name)));
    let others = format!("NOT ({})", others.collect::<Vec<_>>().join(" AND "));
    let from: Vec<_> = conflicts(shape)
        .into_iter()
        .map(|conflict| match is_update {
            true => format!("FROM {on} AS o WHERE {conflict} AND {others}"),
            false => format!("FROM {on} AS o WHERE {conflict}"),
        })
        .collect();
    let exists: Vec<_> = from.iter().map(|from| format!("EXISTS (SELECT 1 {from})")).collect();
    let tip = format!("(SELECT seq FROM temp.{TIP})");
    let fixed = [tip, number.to_string(), i64::from(is_update).to_string()].into_iter();
    let begin = fixed.clone().collect::<Vec<_>>().join(", ");
    let fixed: Vec<_> = fixed.chain(shape.locator.iter().map(|name| format!("o.{}", quoted(name)))).collect();
    let call = format!("{STAGE}({})", arguments(&fixed, &values(shape, &["o"])));
    let body: String = from.iter().map(|from| format!("SELECT {call} {from}; ")).collect();
    (format!("WHEN {}", exists.join(" OR ")), format!("SELECT {STAGE}({begin}); {body}"))
}

/// The tip, after the removal of what was staged and is gone.
fn replaced(shape: &Shape, number: usize, on: &str, is_update: bool) -> String {
    let flag = i64::from(is_update);
    let mut tip = "seq".to_owned();
    for index in 0..conflicts(shape).len() {
        let locators = shape.locator.iter().enumerate();
        let equal = |of: &str, operator: &str| {
            let each = locators.clone().map(|(column, name)| {
                format!("{of}.{} {operator} {LOCATOR}({number}, {flag}, {index}, {column})", quoted(name))
            });
            each.collect::<Vec<_>>().join(" AND ")
        };
        // The new row may have the place of the one that was replaced. What is left from another row may be this one itself.
        let is_there = format!("EXISTS (SELECT 1 FROM {on} AS o WHERE {})", equal("o", "="));
        let is_gone = match is_update {
            true => format!("NOT ({}) AND (({}) OR NOT {is_there})", equal("OLD", "IS"), equal("NEW", "IS")),
            false => format!("({}) OR NOT {is_there}", equal("NEW", "IS")),
        };
        tip = format!("{REPLACED}({tip}, {number}, {flag}, {index}, {is_gone})")
    }
    format!("CASE WHEN {STAGED}(seq, {number}, {flag}) THEN {tip} ELSE seq END")
}
