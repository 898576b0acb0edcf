//! Changes of rows in PostgreSQL, kept by triggers: what is installed in the database, and what is read from it.
//!
//! PostgreSQL tells a client nothing about the rows that its statements change, so triggers note them: in the transaction of the
//! statement, in the table `spanbridge.mutations`. Install them once, as the owner of the tables:
//!
//! ```sh
//! # print the file with `spanbridge_db::postgres::INSTALL`, or take it from the crate: src/postgres/sql/install.sql
//! psql "$DATABASE_URL" -f install.sql -c "SELECT spanbridge.watch('orders', redact => '{card}')"
//! ```
//!
//! or with any client, in your migrations:
//!
//! ```
//! use spanbridge_db::{StatePolicy, postgres};
//!
//! let policy = StatePolicy::values().redact_column("orders", "card");
//! let migration = [postgres::INSTALL, &postgres::watch(&policy, "orders"), &postgres::watch(&policy, "customers")].join("\n");
//! # assert!(migration.ends_with("SELECT spanbridge.watch('customers', 'values', '{}', 256);"));
//! ```
//!
//! After that, the adapters of [`tokio_postgres`](crate::tokio_postgres) and [`sqlx`](crate::sqlx) name the writer in the
//! setting `spanbridge.context`, and take the rows out of the table after each commit of theirs. Whatever other programs wrote is
//! there, too, and is recorded as written by somebody who is not known.
//!
//! # What you can rely on
//!
//! - Nothing that is installed makes a statement fail, or changes what it does. If a trigger fails, its change is missing, and a
//!   diagnostic `state.capture_failed` says so. Only the cancellation of your statement is left alone.
//! - What is rolled back, by a transaction or to a savepoint, leaves nothing.
//! - The table does not grow without bound: of changes that nobody takes, the newest 100,000 are kept
//!   (`UPDATE spanbridge.installation SET keep = …`); of one statement, the first 10,000.
//! - [`watch()`] alone says which tables and columns are kept. Whoever takes changes takes those of all tables, and can only leave
//!   out more.
//! - Columns that the policy redacts are left out by the trigger, so their values are stored nowhere, also after the column was renamed.
//! - If the policy has a redaction hook, a process without a hook records no values: diagnostic `redaction.failed`.
//! - No superuser is needed, and [`REMOVE`] removes everything.
//!
//! # What is not seen
//!
//! - Writes while `session_replication_role` is `replica` (logical replication), because triggers do not fire.
//! - Writes directly to a partition that was added after `watch`; call it again.
//! - If a trigger of yours changes the same row again after the statement, the two changes may stand in the wrong order, unless their
//!   values say which was first.

pub(crate) mod call;
pub(crate) mod captured;
pub(crate) mod inside;
mod nested;
pub(crate) mod session;
mod text;
mod watch;
pub(crate) mod writer;

pub use watch::watch;

/// SQL that installs the table and the functions, in the schema `spanbridge`. Run again, it changes nothing, or brings them up to
/// date. It is several statements, without parameters, for `batch_execute`, `sqlx::raw_sql` or `psql -f`.
pub const INSTALL: &str = include_str!("sql/install.sql");

/// SQL that removes everything that [`INSTALL`] has created, with all triggers on your tables.
pub const REMOVE: &str = include_str!("sql/remove.sql");
