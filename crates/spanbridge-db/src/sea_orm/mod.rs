//! sea-orm, by its metric callback: [`SeaOrmSpans`].
//!
//! ```no_run
//! use sea_orm::Database;
//! use spanbridge_db::sea_orm::SeaOrmSpans;
//!
//! # async fn f() -> Result<(), sea_orm::DbErr> {
//! let mut db = Database::connect("postgres://app@db/shop").await?;
//! db.set_metric_callback(SeaOrmSpans::new().named("shop").callback());
//! # Ok(()) }
//! ```
//!
//! Your code uses sea-orm's own connection, as before. Each statement has a `db.query` span, which is made when the statement has
//! ended, below what is current then: its begin is the end less the time that sea-orm has measured. A transaction that was begun by
//! the connection has the callback as well.
//!
//! # What sea-orm does not tell
//!
//! - How a transaction ended, and that it began: there is no span around its statements.
//! - Why a statement failed: only that it did. A stream of rows does not tell that either, and its time is what waiting for rows took.
//! - Statements that are run as text by `execute_unprepared`, and those whose future was dropped.
//! - How many rows a statement has changed or returned.
//!
//! For all of that, use `sqlx`, whose pool a sea-orm connection has: `db.get_postgres_connection_pool().clone().observed(policy)`.
//!
//! # Rows
//!
//! With the triggers of [`postgres`](crate::postgres), call [`tag_transaction`] at the beginning of a transaction. For
//! `spanbridge state follow`, execute [`EMIT_CONTEXT`](crate::EMIT_CONTEXT) there instead. Rows of SQLite are not recorded: write
//! by `rusqlite` what you want to have recorded.

mod parameters;
mod spans;
mod tag;

pub use spans::SeaOrmSpans;
pub use tag::tag_transaction;
