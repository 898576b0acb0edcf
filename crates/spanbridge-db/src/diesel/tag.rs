//! Who writes in a transaction, for PostgreSQL's triggers.

use super::spans::DieselSpans;
use crate::postgres::writer::set_writer;
use crate::query::capture_failed;
use diesel::Connection;
use spanbridge::{Context, observe, panics};

/// Names who writes, until the end of the transaction or the next call: the triggers of [`postgres`](crate::postgres) note it with each row. Call it at
/// the beginning of a transaction, and again after a savepoint was rolled back.
///
/// The writer is the transaction's span; inside of another span that you began in the transaction, it is that one. Changes are
/// recorded by who takes them, such as [`ObservedPool::take_changes`](../sqlx/struct.ObservedPool.html#method.take_changes) of a
/// task of yours.
///
/// ```no_run
/// use diesel::prelude::*;
/// use spanbridge_db::diesel::tag_transaction;
///
/// # fn f<C: diesel::connection::LoadConnection>(db: &mut C) -> QueryResult<()> {
/// db.transaction(|db| {
///     tag_transaction(db);
///     // diesel::update(orders.find(1)).set(status.eq("paid")).execute(db)?;
///     Ok(())
/// })
/// # }
/// ```
///
/// It is one statement more. If nothing is recorded, it is none. If it fails, a diagnostic `state.capture_failed` says so, and the
/// changes are recorded as written by nobody known. Outside of a transaction it does nothing.
pub fn tag_transaction<C: Connection>(connection: &mut C) {
    let context = writer(connection);
    let Some(sql) = set_writer(&context) else { return };
    if let Err(error) = connection.batch_execute(&sql) {
        capture_failed(&context, &format!("who writes could not be named: {error}"))
    }
}

fn writer<C: Connection>(connection: &mut C) -> Context {
    let spans = || connection.instrumentation().downcast_ref::<DieselSpans>().map(DieselSpans::writer);
    panics::caught(spans).ok().flatten().unwrap_or_else(observe::current_context)
}
