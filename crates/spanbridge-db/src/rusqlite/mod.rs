//! SQLite by rusqlite: [`Connection::open(path)?.observed(policy)`](ConnectionExt::observed).
//!
//! # Rows
//!
//! Rows are seen by temporary triggers, which belong to the connection and are gone with it; the database's file does not change.
//! They see what cascades, upserts, triggers of yours and `INSERT OR REPLACE` do as well. Installed are, when the first
//! statement is recorded:
//!
//! - for each table five triggers, named `spanbridge_on_…`, in the schema `temp`
//! - the table `temp.spanbridge_tip` of one row
//! - seven functions, named `spanbridge_…`
//!
//! Tables without a primary key are recorded by their row id: `{"rowid":1}` (which `VACUUM` may change). A row that gets another
//! key is recorded as one that was deleted and one that was inserted. An update that changes nothing is not recorded.
//!
//! Not recorded are:
//!
//! - virtual tables and what extensions keep for them, and tables of the schema `temp`
//! - a row that `OR REPLACE` removes because of a unique index over expressions, or over a generated column
//! - what code does on the [`Connection`] itself that asks for no triggers, such as a restored backup
//! - of a transaction whatever exceeds 64 MiB; a diagnostic says how many rows that are
//!
//! # What your code can see of it
//!
//! Row counts and row ids ([`changes`](Connection::changes), [`last_insert_rowid`](Connection::last_insert_rowid), and
//! [`total_changes`](SqliteConnection::total_changes) of the observed connection) are those without us. Update hooks see your rows only, commit and rollback hooks your
//! transactions; but each time that triggers are installed, a commit hook sees one commit more. A preupdate hook sees
//! `spanbridge_tip`. SQL's function `total_changes()` counts one more for each row. An authorizer has to allow what is named
//! `spanbridge_…`.
//!
//! # Changes of the schema
//!
//! Triggers name columns, so they are made anew when tables change: at once for a statement that runs here, and before the next
//! transaction for a change by another connection.

mod calls;
mod capture;
mod connection;
mod failure;
mod functions;
mod kind;
mod log;
mod shape;
mod statement;
mod transaction;
mod triggers;

pub use connection::SqliteConnection;
pub use statement::{SqliteMappedRows, SqliteRows, SqliteStatement};
pub use transaction::{SqliteSavepoint, SqliteTransaction};

use crate::policy::StatePolicy;
use rusqlite::Connection;

/// `observed` on rusqlite's connection.
pub trait ConnectionExt {
    /// Records its statements, and of the rows that they change as much as the policy says. It never fails: if rows cannot be
    /// captured, a diagnostic `state.capture_failed` says why.
    fn observed(self, policy: StatePolicy) -> SqliteConnection;
}

impl ConnectionExt for Connection {
    fn observed(self, policy: StatePolicy) -> SqliteConnection {
        SqliteConnection::new(self, policy)
    }
}
