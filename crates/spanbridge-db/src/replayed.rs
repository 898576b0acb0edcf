//! Statements in a replay: they run on the database that was named for it, and on no other.

use spanbridge::adapter::{OutboundCall, Refused, Reply};
use spanbridge::{Context, Primitive, adapter};

/// Why the record of a statement does not answer it.
const NOT_RECORDED: &str =
    "a replay refused the statement, because rows that a statement returns are not part of a record";

/// Whether a replay refuses a statement on this database, in this context.
pub(crate) fn refused(context: &Context, database: &str) -> Option<Refused> {
    refusal(adapter::ask(context, || OutboundCall::new(Primitive::DB_QUERY, database)))
}

/// The same, in what is current: for what has no span.
pub(crate) fn refused_here(database: &str) -> Option<Refused> {
    refusal(adapter::ask_here(|| OutboundCall::new(Primitive::DB_QUERY, database)))
}

fn refusal(reply: Reply) -> Option<Refused> {
    match reply {
        Reply::Live => None,
        Reply::Recorded(_) => Some(Refused::new(NOT_RECORDED)),
        Reply::Refused(refused) => Some(refused),
    }
}
