//! PostgreSQL by sqlx: `pool.observed(policy)`, and then sqlx's own queries, with the pool or a transaction as their executor.
//!
//! ```no_run
//! use spanbridge_db::StatePolicy;
//! use spanbridge_db::sqlx::PoolExt;
//!
//! # async fn f(pool: sqlx::PgPool) -> sqlx::Result<()> {
//! let db = pool.observed(StatePolicy::values());
//! let orders: i64 = sqlx::query_scalar("SELECT count(*) FROM orders").fetch_one(&db).await?;
//!
//! let mut tx = db.begin().await?;
//! sqlx::query("UPDATE orders SET status = $1 WHERE id = $2").bind("paid").bind(1).execute(&mut tx).await?;
//! tx.commit().await?;
//! # drop(orders);
//! # Ok(()) }
//! ```
//!
//! Each statement has a `db.query` span, each transaction one around its statements. What is not wrapped is reached through
//! `Deref`, without a span. Parameters are not recorded, since sqlx does not show them. For changes of rows, install the
//! triggers of [`postgres`](crate::postgres) first.
//!
//! # How a statement names its writer
//!
//! A transaction names itself together with its `BEGIN`, which costs no round trip: changes are those of the transaction's span.
//! sqlx waits for each answer before it sends more. So a statement outside of a transaction that may write costs two round trips
//! more, one to set the name and one to take it back. If you drop such a call before its end, its connection is closed, so
//! that nobody inherits the name.
//!
//! [`ObservedPool::tag_transactions_only`] spares these: then changes outside of transactions are recorded as written by somebody
//! unknown. Call it also behind a pooler that gives each statement another connection of the server.
//!
//! # Who records changes
//!
//! After a commit, and after a statement that may have written, the same connection takes what is in the table and records it,
//! also what other programs wrote: one statement more. If another process does that, call
//! [`ObservedPool::take_elsewhere`]: it calls [`ObservedPool::take_changes`] from time to time.

mod error;
mod executor;
mod pool;
mod query;
mod run;
mod stream;
mod take;
mod transaction;

pub use pool::{ObservedPool, PoolExt};
pub use transaction::PoolTransaction;
