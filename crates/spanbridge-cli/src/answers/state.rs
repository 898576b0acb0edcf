//! What became of a row of a database.

use super::no_answer::NoAnswer;
use crate::render::escape;
use crate::render::time::instant;
use spanbridge_query::Store;
use spanbridge_query::state::{ChangedTable, RowChange, RowQuery, StateAnswer};

/// Which changes of a row are shown.
#[derive(Clone, Debug, Default)]
pub struct ShownChanges {
    /// Only those of this column.
    pub column: Option<String>,
    /// Only those from this time on, in nanoseconds since the Unix epoch.
    pub since: Option<u64>,
}

impl ShownChanges {
    /// Whether this change is shown. One that removed the row changed every column.
    pub fn has(&self, change: &RowChange) -> bool {
        let is_late = self.since.is_none_or(|since| change.mutation.committed_at.is_none_or(|at| at >= since));
        let is_removed = matches!(change.mutation.op.name(), "delete" | "truncate");
        let of_column = |column: &String| change.effects.iter().any(|effect| effect.column == *column) || is_removed;
        is_late && self.column.as_ref().is_none_or(of_column)
    }

    /// Whether the column that is asked for is known of such a row.
    ///
    /// # Errors
    /// If no change names it. The message names those that are known.
    pub fn check(&self, answer: &StateAnswer) -> Result<(), NoAnswer> {
        let Some(column) = &self.column else { return Ok(()) };
        let mut known: Vec<&str> = Vec::new();
        let mutations = answer.rows.iter().flat_map(|row| &row.changes).map(|change| &change.mutation);
        for m in mutations {
            let values = [Some(&m.key), m.before.as_ref(), m.after.as_ref()].into_iter().flatten().flatten();
            for name in values.map(|(name, _)| name).chain(&m.columns) {
                if !known.contains(&name.as_str()) {
                    known.push(name);
                }
            }
        }
        if known.contains(&column.as_str()) {
            return Ok(());
        }
        let names = listed(known.iter().map(|name| (*name).to_owned()));
        let why = if names.is_empty() { "none is known".to_owned() } else { format!("known are {names}") };
        Err(NoAnswer::NotFound(format!("find the column {}: {why}", escape(column))))
    }
}

/// So many names are listed.
const MAX_NAMES: usize = 12;

fn listed(names: impl Iterator<Item = String>) -> String {
    let names: Vec<String> = names.collect();
    let mut shown: Vec<String> = names.iter().take(MAX_NAMES).map(|name| escape(name).into_owned()).collect();
    if names.len() > MAX_NAMES {
        shown.push(format!("{} more", names.len() - MAX_NAMES));
    }
    shown.join(", ")
}

/// What is known of tables with changes, for somebody who asked for a row of which none is known: the key's columns if the table
/// is known, else the tables, those with a name like it first.
fn near(tables: &[ChangedTable], query: &RowQuery) -> Option<String> {
    let asked = query.table.to_lowercase();
    let name = |table: &ChangedTable| table.table.to_lowercase();
    let plain = |name: &str| name.rsplit_once('.').map_or(name.to_owned(), |(_, plain)| plain.to_owned());
    let is_database =
        |table: &&ChangedTable| query.database.as_ref().is_none_or(|database| *database == table.database);
    let is_it = |table: &&ChangedTable| table.table == query.table || plain(&table.table) == query.table;
    let key = |table: &ChangedTable| format!("{} ({})", table.table, table.key.join(","));
    if let Some(table) = tables.iter().filter(is_it).find(is_database) {
        return Some(format!("of {}, the key is {}", escape(&table.table), listed(table.key.iter().cloned())));
    }
    if let Some(table) = tables.iter().find(is_it) {
        return Some(format!("{} is known in {}", escape(&table.table), escape(&table.database)));
    }
    let mut near: Vec<&ChangedTable> = tables.iter().collect();
    near.sort_by_key(|table| (distance(&plain(&name(table)), &plain(&asked)), name(table)));
    near.dedup_by_key(|table| key(table));
    (!near.is_empty()).then(|| format!("tables of which some are: {}", listed(near.into_iter().map(key))))
}

/// How many characters have to be changed to make one text of the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(100).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(100).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let changed = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// What is known of a row.
///
/// # Errors
/// If no change of it is recorded, or the store cannot be read.
pub fn state(store: &Store, query: &RowQuery) -> Result<StateAnswer, NoAnswer> {
    let answer = store.state(query)?;
    if answer.rows.is_empty() {
        let key = query.key.to_string();
        let row = format!("the row {} of {}", escape(&key), escape(&query.table));
        let row = query.database.as_ref().map_or(row.clone(), |database| format!("{row} in {}", escape(database)));
        let mut why = format!("find {row}: no change of it is recorded");
        if let Some(near) = near(&store.changed_tables()?, query) {
            why = format!("{why}; {near}");
        }
        if let Some(at) = answer.known_since {
            why = format!("{why}; of changes before {} some are missing", instant(at));
        }
        return Err(NoAnswer::NotFound(why));
    }
    Ok(answer)
}
