//! PostgreSQL by tokio-postgres: `client.observed(policy)`, and then the client's own arguments and results.
//!
//! ```no_run
//! use spanbridge_db::StatePolicy;
//! use spanbridge_db::tokio_postgres::ClientExt;
//!
//! # async fn f(client: tokio_postgres::Client) -> Result<(), tokio_postgres::Error> {
//! let mut db = client.observed(StatePolicy::values());
//! db.execute("UPDATE orders SET status = $1 WHERE id = $2", &[&"paid", &1i32]).await?;
//!
//! let tx = db.transaction().await?;
//! tx.execute("UPDATE stock SET count = count - 1 WHERE id = $1", &[&7i32]).await?;
//! tx.commit().await?;
//! # Ok(()) }
//! ```
//!
//! Each statement has a `db.query` span, each transaction one around its statements. What is not wrapped is reached through
//! `Deref`, without a span: `db.cancel_token()`. For changes of rows, install the triggers of [`postgres`](crate::postgres)
//! first.
//!
//! A client out of a pool is observed by reference: `ObservedClient::new(&mut **object, policy)`.
//!
//! # How a statement names its writer
//!
//! In a transaction by `SET LOCAL`, before each statement. Outside of one by `SET` before the statement and `RESET` after it. They
//! are sent together with it, so they cost no round trip of their own, and a statement that fails changes nothing about them.
//! Statements that only read (`SELECT`) are not named outside of a transaction: what a function writes there is recorded as
//! written by somebody unknown.
//!
//! A pooler that gives each statement another connection of the server (`pool_mode = transaction`) may put `SET` and the
//! statement on different ones. Behind such a pooler, write in transactions, and call
//! [`tag_transactions_only`](ObservedClient::tag_transactions_only).
//!
//! # Who records changes
//!
//! After a commit, and after a statement that may have written, the same connection takes what is in the table and records it,
//! also what other programs wrote: one statement more. If another process does that, call [`ObservedClient::take_elsewhere`]: it
//! calls [`ObservedClient::take_changes`] from time to time. A call that you drop while it takes changes may lose them.

mod client;
mod error;
mod parameters;
mod pipeline;
mod prepared;
mod rows;
mod scope;
mod shared;
mod take;
mod transaction;

pub use client::{ClientExt, ObservedClient};
pub use prepared::{Prepared, Sql};
pub use rows::ObservedRows;
pub use transaction::ClientTransaction;
