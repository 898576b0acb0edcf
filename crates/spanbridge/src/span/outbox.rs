//! Messages that leave with a database transaction: the transactional outbox.
//!
//! You write a message into a table in the same transaction as its data, and a relay sends it later. So the message exists if
//! and only if the data does. [`enqueue`] records the hand-over, and gives you a context to store in a column beside the payload.
//! The relay sends in that context, so the message's span is a child of the span that enqueued it, not of the relay's:
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
//! // Where you write the data. If anything fails before the commit, the hand-over is recorded as rolled back.
//! let enqueued = outbox::enqueue("orders");
//! tx.insert("an order", enqueued.context().to_string()); // INSERT INTO outbox (payload, context) VALUES (…)
//! let table = tx.commit()?;
//! enqueued.commit();
//! # Ok(table) }
//! # let table = place(Transaction(vec![])).unwrap();
//!
//! // The relay, in any process at any time. It sends the message even if it cannot read the column.
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

use super::theirs::under_current;
use crate::observe::{self, Span};
use crate::{IntoValue, Kind, Primitive, RunContext, Value, semconv};
use std::fmt::Display;

/// Records, in the current context, that a message for `destination` is written into an outbox.
pub fn enqueue(destination: &str) -> Enqueued {
    Enqueued(Some(under_current(|| begin(destination))))
}

fn begin(destination: &str) -> Span {
    observe::span(format!("enqueue {destination}"))
        .primitive(Primitive::HANDOFF_PREPARE)
        .kind(Kind::Producer)
        .attribute(semconv::MESSAGING_OPERATION_NAME, Value::Static("enqueue"))
        .attribute(semconv::MESSAGING_OPERATION_TYPE, Value::Static("create"))
        .attribute(semconv::MESSAGING_DESTINATION_NAME, destination)
        .open()
}

/// A message that will be in the outbox when the transaction is committed.
///
/// Dropped, it is recorded as rolled back, as databases roll back a transaction that is dropped. The outcome is recorded in the
/// attribute [`HANDOFF_STATUS`](semconv::HANDOFF_STATUS).
#[must_use = "a message that is dropped is recorded as rolled back"]
#[derive(Debug)]
pub struct Enqueued(Option<Span>);

impl Enqueued {
    /// The context for the relay to send in: store it in a column of the outbox. It can neither resume nor end the run.
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
        if let Some(span) = self.with_status("committed") {
            span.end()
        }
    }

    /// The outcome is not known: the connection was lost during the commit.
    pub fn unknown(mut self, why: impl Display) {
        if let Some(span) = self.with_status("unknown") {
            span.error(why)
        }
    }

    fn with_status(&mut self, status: &'static str) -> Option<Span> {
        let span = self.0.take()?;
        span.attribute(semconv::HANDOFF_STATUS, Value::Static(status));
        Some(span)
    }
}

impl Drop for Enqueued {
    fn drop(&mut self) {
        if let Some(span) = self.with_status("rolled_back") {
            span.cancel()
        }
    }
}
