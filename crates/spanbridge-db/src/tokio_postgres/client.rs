//! An observed client.

use super::pipeline::send;
use super::prepared::{Prepared, Sql};
use super::rows::ObservedRows;
use super::scope::{Scope, statements};
use super::shared::Shared;
use super::take::take;
use super::transaction::ClientTransaction;
use crate::postgres::call::{allowed, failed};
use crate::postgres::inside::Inside;
use crate::postgres::session::Session;
use crate::{QueryOptions, StatePolicy};
use std::borrow::{Borrow, BorrowMut};
use std::fmt;
use std::ops::Deref;
use tokio_postgres::types::{BorrowToSql, ToSql, Type};
use tokio_postgres::{Client, Error, Row, SimpleQueryMessage, TransactionBuilder};

/// Observes a client.
pub trait ClientExt: Borrow<Client> + Sized {
    /// Gives each statement a span, and records what it changed as the policy says.
    fn observed(self, policy: StatePolicy) -> ObservedClient<Self>;
}

impl ClientExt for Client {
    fn observed(self, policy: StatePolicy) -> ObservedClient<Self> {
        ObservedClient::new(self, policy)
    }
}

/// A client whose statements have spans, and whose changes of rows are recorded. `C` is a `Client`, or a reference to one.
pub struct ObservedClient<C> {
    client: C,
    shared: Shared,
}

impl<C: Borrow<Client>> ObservedClient<C> {
    /// Observes a client, `&Client` or `&mut Client` (for transactions).
    pub fn new(client: C, policy: StatePolicy) -> Self {
        ObservedClient { client, shared: Shared::new(Session::new(policy)) }
    }

    /// What is recorded of statements. Default: [`QueryOptions::new`].
    pub fn query_options(mut self, options: QueryOptions) -> Self {
        self.shared.session.options = options;
        self
    }

    /// The name of the database, as the attribute `db.namespace` of spans. Default: none, since the client does not tell it.
    pub fn named(mut self, database: impl Into<String>) -> Self {
        self.shared.session.namespace = database.into();
        self
    }

    /// Takes no changes after commits, because another connection does: see [`take_changes`](Self::take_changes).
    pub fn take_elsewhere(mut self) -> Self {
        self.shared.session.take_elsewhere();
        self
    }

    /// Names no writer outside of transactions: for a pooler that gives each statement another connection of the server.
    pub fn tag_transactions_only(mut self) -> Self {
        self.shared.session.tags_alone = false;
        self
    }

    /// Takes all changes that are in the table now, records them, and returns how many there were: for a task that does so from
    /// time to time, such as where programs without spanbridge write.
    ///
    /// # Errors
    ///
    /// The table cannot be read: `install.sql` has not been run, or this role may not `SELECT` and `DELETE`.
    pub async fn take_changes(&self) -> Result<usize, Error> {
        let mut all = 0;
        loop {
            match take(self.client.borrow(), &self.shared).await? {
                0 => return Ok(all),
                some => all += some,
            }
        }
    }

    /// The client.
    pub fn into_inner(self) -> C {
        self.client
    }

    fn scope(&self) -> Scope<'_> {
        Scope { client: self.client.borrow(), shared: &self.shared, inside: None }
    }

    statements!();
}

impl<C: BorrowMut<Client>> ObservedClient<C> {
    /// As tokio-postgres's method. The transaction's span has the spans of its statements below it, and says how it ended.
    pub async fn transaction(&mut self) -> Result<ClientTransaction<'_>, Error> {
        self.transaction_with(|builder| builder).await
    }

    /// The same with tokio-postgres's options: `transaction_with(|builder| builder.read_only(true))`.
    pub async fn transaction_with(
        &mut self,
        build: impl FnOnce(TransactionBuilder<'_>) -> TransactionBuilder<'_>,
    ) -> Result<ClientTransaction<'_>, Error> {
        let span = allowed(self.shared.session.transaction(), &self.shared.session.namespace).await?;
        let inside = Inside::of(&span);
        match build(self.client.borrow_mut().build_transaction()).start().await {
            Ok(native) => {
                if let Some(name) = self.shared.session.name_locally(span.context()) {
                    send(native.client(), &name)
                }
                Ok(ClientTransaction::new(native, &self.shared, inside, span))
            }
            Err(error) => {
                failed(span, &error);
                Err(error)
            }
        }
    }
}

/// What has no span here.
impl<C: Borrow<Client>> Deref for ObservedClient<C> {
    type Target = Client;

    fn deref(&self) -> &Client {
        self.client.borrow()
    }
}

impl<C> fmt::Debug for ObservedClient<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObservedClient").field("session", &self.shared.session).finish_non_exhaustive()
    }
}
