//! An observed transaction, or a savepoint in one.

use super::take::take_some;
use crate::postgres::call::{allowed, failed};
use crate::postgres::inside::{Ended, Inside};
use crate::postgres::session::Session;
use spanbridge::observe::Span;
use sqlx::{Connection, Error, PgConnection, PgTransaction};
use sqlx_core::transaction::TransactionManager;
use sqlx_postgres::PgTransactionManager;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// sqlx's transaction, with a span: `&mut transaction` is an executor for sqlx's queries. Dropped, it rolls back, and its span
/// is cancelled.
///
/// The span's attribute `spanbridge.db.transaction` says how it ended: `committed` or `rolled_back`. It is absent if nobody
/// knows, because the connection broke.
pub struct PoolTransaction<'c> {
    /// `None` once it has ended.
    native: Option<PgTransaction<'c>>,
    pub(super) session: Arc<Session>,
    pub(super) inside: Inside,
    span: Option<Span>,
}

impl<'c> PoolTransaction<'c> {
    pub(super) fn new(native: PgTransaction<'c>, session: Arc<Session>, inside: Inside, span: Span) -> Self {
        PoolTransaction { native: Some(native), session, inside, span: Some(span) }
    }

    /// As sqlx's method: a savepoint.
    pub async fn begin(&mut self) -> Result<PoolTransaction<'_>, Error> {
        let span = allowed::<Error>(self.inside.begin(|| self.session.savepoint()), &self.session.namespace).await?;
        let inside = self.inside.nested(&span);
        let session = self.session.clone();
        let failing = self.inside.clone();
        let connection: &mut PgConnection = self;
        match connection.begin().await {
            Ok(native) => Ok(PoolTransaction::new(native, session, inside, span)),
            Err(error) => {
                failing.failed(&error);
                failed(span, &error);
                Err(error)
            }
        }
    }

    /// As sqlx's method. After the commit of all, changes are taken and recorded.
    pub async fn commit(mut self) -> Result<(), Error> {
        let Some(mut native) = self.native.take() else { return Ok(()) };
        // As sqlx's method does it. That would give the connection back.
        let result = PgTransactionManager::commit(&mut native).await;
        if result.is_ok() && !self.inside.is_nested() && self.session.takes() {
            take_some(&mut native, &self.session).await
        }
        drop(native);
        self.inside.ended(self.span.take(), result, Ended::Commit)
    }

    /// As sqlx's method.
    pub async fn rollback(mut self) -> Result<(), Error> {
        let Some(native) = self.native.take() else { return Ok(()) };
        let result = native.rollback().await;
        self.inside.ended(self.span.take(), result, Ended::Rollback)
    }
}

impl Drop for PoolTransaction<'_> {
    fn drop(&mut self) {
        self.inside.dropped(self.span.take(), self.native.is_some())
    }
}

/// What has no span here.
impl Deref for PoolTransaction<'_> {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match &self.native {
            Some(native) => native,
            None => unreachable!("only methods that consume it take it"),
        }
    }
}

impl DerefMut for PoolTransaction<'_> {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match &mut self.native {
            Some(native) => native,
            None => unreachable!("only methods that consume it take it"),
        }
    }
}

impl fmt::Debug for PoolTransaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PoolTransaction").field("inside", &self.inside).finish_non_exhaustive()
    }
}
