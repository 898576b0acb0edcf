//! diesel, by its instrumentation: [`DieselSpans`].
//!
//! One call, and every connection that is made afterwards has spans, also those of a pool:
//!
//! ```
//! use diesel::connection::set_default_instrumentation;
//! use spanbridge_db::diesel::DieselSpans;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! set_default_instrumentation(|| Some(Box::new(DieselSpans::sqlite())))?;
//! # Ok(()) }
//! ```
//!
//! For one connection it is `connection.set_instrumentation(DieselSpans::sqlite())`. Either way your code uses diesel's own
//! connection, as before.
//!
//! Each statement has a `db.query` span below what is current, with the SQL that diesel made. Each transaction has a span around
//! its statements, which says whether it was committed, and so has a transaction inside of another: it is a savepoint.
//!
//! # What diesel does not tell
//!
//! - How many rows a statement has changed or returned.
//! - That a statement failed while its rows were read, with SQLite: `load` or `get_result` returns the error, and the span ends as
//!   if there were none. With `execute`, the error is recorded.
//! - The SQLSTATE or the result code. The class of an error is diesel's: `UniqueViolation`.
//! - That the parameters of a statement could not be bound. Its span is cancelled at the connection's next event.
//!
//! # Rows
//!
//! What is called at each statement has no access to the connection, so it cannot capture rows by itself:
//!
//! - **PostgreSQL**: with the triggers of [`postgres`](crate::postgres), call [`tag_transaction`] at the beginning of a transaction.
//!   For `spanbridge state follow`, execute [`EMIT_CONTEXT`](crate::EMIT_CONTEXT) there instead.
//! - **SQLite**: it takes SQL functions of ours in the connection, and diesel's connection is its own. Write by `rusqlite` what you
//!   want to have recorded.

mod failure;
mod namespace;
mod spans;
mod tag;
mod text;
mod transaction;

pub use spans::DieselSpans;
pub use tag::tag_transaction;
