//! An observed pool.

use super::take::take;
use super::transaction::PoolTransaction;
use crate::postgres::call::{allowed, failed};
use crate::postgres::inside::Inside;
use crate::postgres::session::Session;
use crate::{QueryOptions, StatePolicy};
use sqlx::{AssertSqlSafe, Error, PgPool, SqlSafeStr};
use std::ops::Deref;
use std::sync::Arc;

/// Observes a pool.
pub trait PoolExt {
    /// Gives each statement a span, and records what it changed as the policy says.
    fn observed(self, policy: StatePolicy) -> ObservedPool;
}

impl PoolExt for PgPool {
    fn observed(self, policy: StatePolicy) -> ObservedPool {
        let mut session = Session::new(policy);
        session.namespace = self.connect_options().get_database().unwrap_or("").to_owned();
        ObservedPool { pool: self, session: Arc::new(session) }
    }
}

/// A pool whose statements have spans, and whose changes of rows are recorded: `&pool` is an executor for sqlx's queries. Cheap to
/// clone.
#[derive(Clone, Debug)]
pub struct ObservedPool {
    pub(super) pool: PgPool,
    pub(super) session: Arc<Session>,
}

impl ObservedPool {
    /// What is recorded of statements. Default: [`QueryOptions::new`].
    pub fn query_options(self, options: QueryOptions) -> Self {
        self.set(|session| session.options = options)
    }

    /// The name of the database, as the attribute `db.namespace` of spans. Default: that in the pool's options.
    pub fn named(self, database: impl Into<String>) -> Self {
        self.set(|session| session.namespace = database.into())
    }

    /// Takes no changes after commits, because another process does: see [`take_changes`](Self::take_changes).
    pub fn take_elsewhere(self) -> Self {
        self.set(Session::take_elsewhere)
    }

    /// Names no writer outside of transactions: see the [module](super).
    pub fn tag_transactions_only(self) -> Self {
        self.set(|session| session.tags_alone = false)
    }

    fn set(mut self, set: impl FnOnce(&mut Session)) -> Self {
        let mut session = (*self.session).clone();
        set(&mut session);
        self.session = Arc::new(session);
        self
    }

    /// Takes all changes that are in the table now, records them, and returns how many there were: for a task that does so from
    /// time to time, such as where programs without spanbridge write.
    ///
    /// # Errors
    ///
    /// The table cannot be read: `install.sql` has not been run, or this role may not `SELECT` and `DELETE`.
    pub async fn take_changes(&self) -> Result<usize, Error> {
        let mut connection = self.pool.acquire().await?;
        let mut all = 0;
        loop {
            match take(&mut connection, &self.session).await? {
                0 => return Ok(all),
                some => all += some,
            }
        }
    }

    /// As sqlx's method. The transaction's span has the spans of its statements below it, and says how it ended.
    pub async fn begin(&self) -> Result<PoolTransaction<'static>, Error> {
        self.begin_with("BEGIN").await
    }

    /// As sqlx's method: begins a transaction by this statement.
    pub async fn begin_with(&self, statement: impl SqlSafeStr) -> Result<PoolTransaction<'static>, Error> {
        let span = allowed::<Error>(self.session.transaction(), &self.session.namespace).await?;
        let inside = Inside::of(&span);
        let statement = statement.into_sql_str();
        let statement = match self.session.name_locally(span.context()) {
            // The name is made of hex digits and signs that mean nothing in SQL.
            Some(name) => AssertSqlSafe(format!("{}; {name}", statement.as_str())).into_sql_str(),
            None => statement,
        };
        match self.pool.begin_with(statement).await {
            Ok(native) => Ok(PoolTransaction::new(native, self.session.clone(), inside, span)),
            Err(error) => {
                failed(span, &error);
                Err(error)
            }
        }
    }
}

/// What has no span here.
impl Deref for ObservedPool {
    type Target = PgPool;

    fn deref(&self) -> &PgPool {
        &self.pool
    }
}
