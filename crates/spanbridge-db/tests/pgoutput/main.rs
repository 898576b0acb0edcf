//! The parser of pgoutput, and what becomes of transactions.

mod captures;
mod messages;
mod mutations;
mod properties;
