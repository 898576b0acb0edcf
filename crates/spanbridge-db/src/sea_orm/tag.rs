//! Who writes in a transaction, for PostgreSQL's triggers.

use crate::postgres::writer::set_writer;
use crate::query::capture_failed;
use sea_orm::{ConnectionTrait, DbBackend};
use spanbridge::observe;

/// Names who writes, until the end of the transaction or the next call: the triggers of [`postgres`](crate::postgres) note it with each row. Call it at
/// the beginning of a transaction, and again after a savepoint was rolled back.
///
/// The writer is the current span. Changes are recorded by who takes them, such as
/// [`ObservedPool::take_changes`](../sqlx/struct.ObservedPool.html#method.take_changes) of the connection's pool.
///
/// ```no_run
/// use sea_orm::{DatabaseConnection, DbErr, TransactionTrait};
/// use spanbridge_db::sea_orm::tag_transaction;
///
/// # async fn f(db: &DatabaseConnection) -> Result<(), DbErr> {
/// let tx = db.begin().await?;
/// tag_transaction(&tx).await;
/// // order.update(&tx).await?;
/// tx.commit().await
/// # }
/// ```
///
/// It is one statement more. If nothing is recorded, or the database is not PostgreSQL, it is none. If it fails, a diagnostic
/// `state.capture_failed` says so, and the changes are recorded as written by nobody known. Outside of a transaction it does nothing.
pub async fn tag_transaction<C: ConnectionTrait>(transaction: &C) {
    let context = observe::current_context();
    let Some(sql) = set_writer(&context).filter(|_| transaction.get_database_backend() == DbBackend::Postgres) else {
        return;
    };
    if let Err(error) = transaction.execute_unprepared(&sql).await {
        capture_failed(&context, &format!("who writes could not be named: {error}"))
    }
}
