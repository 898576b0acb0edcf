//! Messages that leave with a database transaction: the transactional outbox.
//!
//! A message is written into a table in the same transaction as the data that it tells of, and a relay sends it later. So
//! the message is there if and only if the data is. [`enqueue`] records the hand-over, and gives a context to be stored in
//! a column beside the payload; the relay sends under that context, so that the message hangs under the span that
//! enqueued it, and not under the relay's:
//!
//! ```
//! # #[cfg(feature = "json")]
//! # fn main() {
//! use spanbridge::{RunContext, observe, outbox};
//!
//! # struct Transaction(Vec<(String, String)>);
//! # impl Transaction {
//! #     fn insert(&mut self, payload: &str, context: String) { self.0.push((payload.to_owned(), context)) }
//! #     fn commit(self) -> Result<Vec<(String, String)>, std::io::Error> { Ok(self.0) }
//! # }
//! # fn publish(_: &str) {}
//! # fn place(mut tx: Transaction) -> Result<Vec<(String, String)>, std::io::Error> {
//! // Where the data is written. Whatever goes wrong before the commit, the hand-off is recorded as rolled back.
//! let enqueued = outbox::enqueue("orders");
//! tx.insert("an order", enqueued.context().to_string()); // INSERT INTO outbox (payload, context) VALUES (…)
//! let table = tx.commit()?;
//! enqueued.commit();
//! # Ok(table) }
//! # let table = place(Transaction(vec![])).unwrap();
//!
//! // The relay, in any process at any time. A column that cannot be read keeps no message back.
//! for (payload, context) in table {
//!     let context: RunContext = context.parse().unwrap_or_default();
//!     observe::in_scope(&context.into(), || publish(&payload)); // or `observe::with_context(context, || publish(..)).await`
//! }
//! # }
//! # #[cfg(not(feature = "json"))]
//! # fn main() {}
//! ```
//!
//! This works with any database. `docs/guide/outbox.md` has the table, the relay and the columns for SQLite and PostgreSQL.

use crate::observe::{self, Span};
use crate::{IntoValue, Kind, Primitive, RunContext, Value, semconv};
use std::fmt::Display;

/// Records that a message for `destination` is written into an outbox, under what is current.
pub fn enqueue(destination: &str) -> Enqueued {
    let span = observe::span(format!("enqueue {destination}"))
        .primitive(Primitive::HANDOFF_PREPARE)
        .kind(Kind::Producer)
        .attribute(semconv::MESSAGING_OPERATION_NAME, Value::Static("enqueue"))
        .attribute(semconv::MESSAGING_OPERATION_TYPE, Value::Static("create"))
        .attribute(semconv::MESSAGING_DESTINATION_NAME, destination);
    Enqueued(Some(span.open()))
}

/// A message that is in an outbox once the transaction is committed.
///
/// Dropped, it is rolled back, which is what databases do with a transaction that is dropped. What became of it stands in
/// the attribute [`HANDOFF_STATUS`](semconv::HANDOFF_STATUS).
#[must_use = "dropped at once it is rolled back"]
#[derive(Debug)]
pub struct Enqueued(Option<Span>);

impl Enqueued {
    /// What the relay sends under: for a column of the outbox. It can neither resume nor end the run.
    pub fn context(&self) -> RunContext {
        self.0.as_ref().map(|span| RunContext::from(span.context())).unwrap_or_default()
    }

    /// Adds an attribute, such as the message's id.
    pub fn attribute<'v>(&self, key: &'static str, value: impl IntoValue<'v>) {
        if let Some(span) = &self.0 {
            span.attribute(key, value)
        }
    }

    /// The transaction is committed.
    pub fn commit(mut self) {
        if let Some(span) = self.told("committed") {
            span.end()
        }
    }

    /// Nobody knows: the connection was lost while it was being committed.
    pub fn unknown(mut self, why: impl Display) {
        if let Some(span) = self.told("unknown") {
            span.error(why)
        }
    }

    fn told(&mut self, status: &'static str) -> Option<Span> {
        let span = self.0.take()?;
        span.attribute(semconv::HANDOFF_STATUS, Value::Static(status));
        Some(span)
    }
}

impl Drop for Enqueued {
    fn drop(&mut self) {
        if let Some(span) = self.told("rolled_back") {
            span.cancel()
        }
    }
}
