//! The adapters of PostgreSQL, on a real server: what is recorded of statements, transactions and rows, and that nothing that is
//! installed disturbs a statement.

mod by_text;
mod harmless;
mod install;
mod replay;
mod sqlx;
mod statements;
mod support;
mod transactions;
mod values;
mod writers;
