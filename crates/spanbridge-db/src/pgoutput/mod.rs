//! PostgreSQL's logical decoding: what the plugin `pgoutput` writes, read exactly.
//!
//! [`Transactions`] makes mutations of the messages of committed transactions, and knows who wrote them: an application says so with
//! [`EMIT_CONTEXT`](crate::EMIT_CONTEXT). [`Message::parse`] reads one message of [protocol version 1](https://www.postgresql.org/docs/current/protocol-logicalrep-message-formats.html),
//! with logical decoding messages (`messages 'true'`), as `pg_logical_slot_peek_binary_changes` returns it. It allocates
//! only for relations, and refuses whatever is not exactly a message.

mod bytes;
mod change;
mod error;
mod lsn;
mod message;
mod parse;
mod relation;
mod table;
mod transactions;
mod tuple;
mod types;

pub use change::RowChange;
pub use error::ParseError;
pub use lsn::Lsn;
pub use message::{
    Begin, Commit, Delete, Insert, LogicalMessage, Message, OldTuple, Origin, Truncate, TypeName, Update,
};
pub use relation::{Column, Relation, ReplicaIdentity};
pub use transactions::Transactions;
pub use tuple::{Tuple, TupleIter, TupleValue};
