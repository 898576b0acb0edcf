//! Connections, for callers that are not asynchronous.

use crate::address::Address;
use crate::error::{Error, ErrorKind, Result};
use bytes::Bytes;
use futures_util::SinkExt;
use std::cell::RefCell;
use std::error::Error as StdError;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Row, SimpleQueryMessage, SimpleQueryRow};

/// Queries look into all partitions of the table of records, for which a compiler takes longer than the query.
const SESSION: &str =
    "SET jit = off; SET client_min_messages = warning; SET default_transaction_isolation = 'read committed'";

/// How long the end of a connection may take to say goodbye to the server.
const GOODBYE: Duration = Duration::from_millis(200);

/// Bytes of one message of `COPY`.
const PIECE: usize = 1 << 20;

type Parameters<'p> = [&'p (dyn ToSql + Sync)];

/// An id of 128 bits: the type `uuid`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Uuid(pub(crate) u128);

impl ToSql for Uuid {
    fn to_sql(&self, _: &Type, out: &mut bytes::BytesMut) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        out.extend_from_slice(&self.0.to_be_bytes());
        Ok(IsNull::No)
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::UUID
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Uuid {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn StdError + Sync + Send>> {
        Ok(Self(u128::from_be_bytes(raw.try_into()?)))
    }

    fn accepts(of: &Type) -> bool {
        *of == Type::UUID
    }
}

/// The connections to a server that are not in use, and the runtime that they need.
pub(crate) struct Pool {
    pub(crate) address: Address,
    /// `None` only while it is dropped.
    runtime: Option<Runtime>,
    idle: RefCell<Vec<Client>>,
}

impl Pool {
    pub(crate) fn new(address: Address) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| Error::new(ErrorKind::Unreachable, format!("start: {error}")))?;
        Ok(Self { address, runtime: Some(runtime), idle: RefCell::default() })
    }

    /// Waits for a future. Also on a thread of somebody else's runtime, which must not be blocked by another runtime, but may by a thread.
    fn wait<F: Future<Output: Send> + Send>(&self, future: F) -> F::Output {
        let Some(runtime) = &self.runtime else { unreachable!("it is there until it is dropped") };
        if Handle::try_current().is_err() {
            return runtime.block_on(future);
        }
        let result = std::thread::scope(|scope| scope.spawn(|| runtime.block_on(future)).join());
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// A connection that nobody else uses. It comes back when it is dropped.
    pub(crate) fn session(&self) -> Result<Session<'_>> {
        while let Some(client) = self.idle.borrow_mut().pop() {
            // The server may have ended it meanwhile, which a question finds out.
            if !client.is_closed() && self.wait(client.batch_execute("")).is_ok() {
                return Ok(Session { pool: self, client: Some(client), is_broken: false.into() });
            }
        }
        let session = format!("{SESSION}; SET search_path = {}", self.address.quoted_schema());
        let client = self.wait(self.address.server.connect(&session))?;
        Ok(Session { pool: self, client: Some(client), is_broken: false.into() })
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.idle.get_mut().clear();
        let Some(runtime) = self.runtime.take() else { return };
        if Handle::try_current().is_err() {
            // Connections end by themselves, if somebody lets them.
            runtime.block_on(async {
                let metrics = Handle::current().metrics();
                let ended = async {
                    while metrics.num_alive_tasks() > 0 {
                        tokio::time::sleep(Duration::from_millis(1)).await;
                    }
                };
                let _ = tokio::time::timeout(GOODBYE, ended).await;
            });
        }
        runtime.shutdown_background();
    }
}

/// A connection in use.
pub(crate) struct Session<'p> {
    pool: &'p Pool,
    client: Option<Client>,
    /// Whether it must not be used again.
    is_broken: std::cell::Cell<bool>,
}

impl Session<'_> {
    fn client(&self) -> &Client {
        let Some(client) = &self.client else { unreachable!("it is there until it is dropped") };
        client
    }

    pub(crate) fn address(&self) -> &Address {
        &self.pool.address
    }

    /// The error of something that failed.
    pub(crate) fn failed(&self, doing: &str, error: &tokio_postgres::Error) -> Error {
        self.is_broken.set(true);
        Error::of(&format!("{doing} in {}", self.pool.address.server.name), error)
    }

    fn told<T>(&self, doing: &str, result: Result<T, tokio_postgres::Error>) -> Result<T> {
        result.map_err(|error| self.failed(doing, &error))
    }

    /// Runs statements without parameters.
    pub(crate) fn run(&self, doing: &str, statements: &str) -> Result<()> {
        self.told(doing, self.pool.wait(self.client().batch_execute(statements)))
    }

    pub(crate) fn execute(&self, doing: &str, statement: &str, parameters: &Parameters<'_>) -> Result<u64> {
        self.told(doing, self.pool.wait(self.client().execute(statement, parameters)))
    }

    pub(crate) fn query(&self, doing: &str, query: &str, parameters: &Parameters<'_>) -> Result<Vec<Row>> {
        self.told(doing, self.pool.wait(self.client().query(query, parameters)))
    }

    /// What a statement says, as texts.
    pub(crate) fn texts(&self, statement: &str) -> Result<Vec<String>> {
        let messages = self.told("ask", self.pool.wait(self.client().simple_query(statement)))?;
        let text = |row: &SimpleQueryRow| {
            let columns: Vec<&str> = (0..row.len()).map(|at| row.get(at).unwrap_or_default()).collect();
            columns.join(" | ")
        };
        let rows = messages.iter().filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(text(row)),
            _ => None,
        });
        Ok(rows.collect())
    }

    /// The value in the first column of the only row.
    pub(crate) fn value<T: for<'a> FromSql<'a>>(
        &self,
        doing: &str,
        query: &str,
        parameters: &Parameters<'_>,
    ) -> Result<T> {
        let row = self.told(doing, self.pool.wait(self.client().query_one(query, parameters)))?;
        self.told(doing, row.try_get(0))
    }

    /// Sends rows, with a statement `COPY … FROM STDIN (FORMAT binary)`.
    pub(crate) fn copy(&self, doing: &str, statement: &str, mut rows: Bytes) -> Result<u64> {
        let client = self.client();
        let copied = self.pool.wait(async {
            let mut sink = pin!(client.copy_in::<_, Bytes>(statement).await?);
            while !rows.is_empty() {
                sink.send(rows.split_to(rows.len().min(PIECE))).await?;
            }
            sink.finish().await
        });
        self.told(doing, copied)
    }
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        // After an error, a transaction may be open.
        if let Some(client) = self.client.take().filter(|_| !self.is_broken.get()) {
            self.pool.idle.borrow_mut().push(client);
        }
    }
}
