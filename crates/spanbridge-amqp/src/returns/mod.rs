//! Matches returned messages to the publishes that they belong to.
//!
//! lapin hands the oldest message that came back to whichever publish is answered next, so with several under way the answer
//! to one carries the message of another. The message itself says whose it is, by the context in its headers. If the answer to a
//! mandatory publish has no message of its own, the message has arrived, unless it went to an answer that is there and that
//! nobody has looked at. Then the publish span is ended, with the time of its own answer, when they have been looked at. Nobody
//! waits for that: only the record comes later.
//!
//! An answer that nobody looks at, because its confirm is dropped, keeps what came with it. If it may have been the one, nobody
//! knows whether the message has arrived.
//!
//! lapin's channels do not say which connection they belong to, so channels of the same number share what is kept here. The worst
//! of that is a record that waits for another connection's answers, or says that it is not known.

mod answer;
mod pending;
mod returned;
mod ticket;

pub(crate) use returned::{Returned, key};
pub(crate) use ticket::Ticket;
