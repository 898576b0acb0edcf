//! An observed transaction, or a savepoint in one.

use super::prepared::{Prepared, Sql};
use super::rows::ObservedRows;
use super::scope::{Scope, statements};
use super::shared::Shared;
use super::take::take_some_alone;
use crate::postgres::call::{allowed, failed};
use crate::postgres::inside::{Ended, Inside};
use spanbridge::observe::Span;
use std::fmt;
use std::ops::Deref;
use tokio_postgres::types::{BorrowToSql, ToSql, Type};
use tokio_postgres::{Error, Row, SimpleQueryMessage};

/// tokio-postgres's transaction, with a span. Dropped, it rolls back, and its span is cancelled.
///
/// The span's attribute `spanbridge.db.transaction` says how it ended: `committed` or `rolled_back`. It is absent if nobody
/// knows, because the connection broke.
pub struct ClientTransaction<'a> {
    /// `None` once it has ended.
    native: Option<tokio_postgres::Transaction<'a>>,
    shared: &'a Shared,
    inside: Inside,
    span: Option<Span>,
}

impl<'a> ClientTransaction<'a> {
    pub(super) fn new(native: tokio_postgres::Transaction<'a>, shared: &'a Shared, inside: Inside, span: Span) -> Self {
        ClientTransaction { native: Some(native), shared, inside, span: Some(span) }
    }

    fn native(&self) -> &tokio_postgres::Transaction<'a> {
        match &self.native {
            Some(native) => native,
            None => unreachable!("only methods that consume it take it"),
        }
    }

    fn scope(&self) -> Scope<'_> {
        Scope { client: self.native().client(), shared: self.shared, inside: Some(&self.inside) }
    }

    statements!();

    /// As tokio-postgres's method: a savepoint.
    pub async fn transaction(&mut self) -> Result<ClientTransaction<'_>, Error> {
        self.nested(None).await
    }

    /// As tokio-postgres's method: a savepoint with a name.
    pub async fn savepoint(&mut self, name: impl Into<String>) -> Result<ClientTransaction<'_>, Error> {
        self.nested(Some(name.into())).await
    }

    async fn nested(&mut self, name: Option<String>) -> Result<ClientTransaction<'_>, Error> {
        let span = self.inside.begin(|| self.shared.session.savepoint());
        let span = allowed(span, &self.shared.session.namespace).await?;
        let inside = self.inside.nested(&span);
        let Some(native) = &mut self.native else { unreachable!("only methods that consume it take it") };
        let begun = match name {
            Some(name) => native.savepoint(name).await,
            None => native.transaction().await,
        };
        match begun {
            Ok(native) => Ok(ClientTransaction::new(native, self.shared, inside, span)),
            Err(error) => {
                self.inside.failed(&error);
                failed(span, &error);
                Err(error)
            }
        }
    }

    /// As tokio-postgres's method. After the commit of all, changes are taken and recorded.
    pub async fn commit(mut self) -> Result<(), Error> {
        let Some(native) = self.native.take() else { return Ok(()) };
        if self.inside.is_nested() {
            let result = native.commit().await;
            return self.inside.ended(self.span.take(), result, Ended::Commit);
        }
        // As the method of tokio-postgres does it. That would consume it, and with it the way to the client.
        let result = native.batch_execute("COMMIT").await;
        if result.is_ok() && self.shared.session.takes() {
            take_some_alone(native.client(), self.shared).await
        }
        match &result {
            // It has ended, so it must not roll back. All that it holds is a reference.
            Ok(()) => std::mem::forget(native),
            Err(_) => drop(native),
        }
        self.inside.ended(self.span.take(), result, Ended::Commit)
    }

    /// As tokio-postgres's method.
    pub async fn rollback(mut self) -> Result<(), Error> {
        let Some(native) = self.native.take() else { return Ok(()) };
        let result = native.rollback().await;
        self.inside.ended(self.span.take(), result, Ended::Rollback)
    }
}

impl Drop for ClientTransaction<'_> {
    fn drop(&mut self) {
        self.inside.dropped(self.span.take(), self.native.is_some())
    }
}

/// What has no span here.
impl<'a> Deref for ClientTransaction<'a> {
    type Target = tokio_postgres::Transaction<'a>;

    fn deref(&self) -> &Self::Target {
        self.native()
    }
}

impl fmt::Debug for ClientTransaction<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientTransaction").field("inside", &self.inside).finish_non_exhaustive()
    }
}
