//! What a statement is for, as far as capture must know: by its first word.

use crate::sql::{Dialect, first_words};

/// The kind of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Reads, or only looks at the connection.
    Read,
    /// Writes rows, and SQLite says how many.
    Write,
    /// Begins a transaction, if there is none.
    Begin,
    /// Takes a transaction or a part of it back.
    Rollback,
    /// Changes tables, or which databases there are.
    Schema,
    Other,
}

impl Kind {
    pub(super) fn of(sql: &str) -> Self {
        let word = first_words(sql, Dialect::Sqlite).next().unwrap_or("");
        let is = |words: &[&str]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
        match () {
            () if is(&["SELECT", "VALUES", "EXPLAIN", "PRAGMA"]) => Kind::Read,
            () if is(&["INSERT", "REPLACE", "UPDATE", "DELETE", "WITH"]) => Kind::Write,
            () if is(&["BEGIN", "SAVEPOINT"]) => Kind::Begin,
            () if is(&["ROLLBACK"]) => Kind::Rollback,
            () if is(&["CREATE", "ALTER", "DROP", "ATTACH", "DETACH", "VACUUM"]) => Kind::Schema,
            () => Kind::Other,
        }
    }
}
