//! spanbridge for databases: a `db.query` span for each statement, and a record of each row that statements change.
//!
//! One word on a connection is enough; after that you use the client as before:
//!
//! ```
//! # #[cfg(feature = "rusqlite")]
//! # fn main() -> rusqlite::Result<()> {
//! use rusqlite::Connection;
//! use spanbridge_db::{StatePolicy, rusqlite::ConnectionExt};
//!
//! let mut db = Connection::open_in_memory()?.observed(StatePolicy::values());
//! db.execute_batch("CREATE TABLE orders (id INTEGER PRIMARY KEY, status TEXT)")?;
//!
//! let tx = db.transaction()?;
//! tx.execute("INSERT INTO orders VALUES (?1, ?2)", (1, "new"))?; // span `INSERT orders`
//! tx.execute("UPDATE orders SET status = ?1 WHERE id = ?2", ("paid", 1))?;
//! tx.commit()?; // now both changes of the row are recorded, each with the span that made it
//! # Ok(())
//! # }
//! # #[cfg(not(feature = "rusqlite"))]
//! # fn main() {}
//! ```
//!
//! What a transaction wrote is recorded when it has been committed. What was rolled back, by a transaction or to a savepoint, is
//! not recorded. [`StatePolicy`] says how much of the rows is recorded, [`QueryOptions`] how much of the statements. Nothing that
//! is installed makes a statement fail, or changes what it does: if capture fails, a diagnostic `state.capture_failed` says so.
//!
//! # Clients
//!
//! | feature | client | how |
//! |---|---|---|
//! | `rusqlite` | rusqlite 0.40 | `connection.observed(policy)`: spans and rows |
//! | `tokio-postgres` | tokio-postgres 0.7 | `client.observed(policy)`: spans and rows |
//! | `sqlx` | sqlx 0.9, PostgreSQL | `pool.observed(policy)`: spans and rows |
//! | `diesel` | diesel 2.3 | `set_default_instrumentation`: spans; names the writer of rows in PostgreSQL |
//! | `sea-orm` | sea-orm 2.0 | `set_metric_callback`: spans; names the writer of rows in PostgreSQL |
//! | `pgoutput` | none | reads PostgreSQL's logical decoding |
//!
//! # How it is built
//!
//! What all databases share: values as JSON, redaction, [`StatePolicy`], the scanner of SQL, and the spans of queries. A client's
//! adapter is a room of its own, and uses only these.

#![cfg_attr(
    not(any(test, all(feature = "diesel", feature = "rusqlite", feature = "tokio-postgres"))),
    expect(dead_code, reason = "not every adapter uses all that they share")
)]

#[cfg(feature = "diesel")]
pub mod diesel;
#[cfg(feature = "pgoutput")]
pub mod pgoutput;
#[cfg(feature = "rusqlite")]
pub mod rusqlite;

mod policy;
#[cfg(any(feature = "diesel", feature = "sea-orm", feature = "sqlx", feature = "tokio-postgres"))]
pub mod postgres;
mod query;
mod redact;
#[cfg(any(feature = "rusqlite", feature = "sqlx", feature = "tokio-postgres"))]
mod replayed;
#[cfg(feature = "sea-orm")]
pub mod sea_orm;
mod sql;
#[cfg(feature = "sqlx")]
pub mod sqlx;
mod tag;
#[cfg(feature = "tokio-postgres")]
pub mod tokio_postgres;
mod value;

pub use policy::StatePolicy;
pub use query::QueryOptions;
pub use redact::ColumnValue;
pub use tag::{EMIT_CONTEXT, writer_context};
pub use value::DbValue;
