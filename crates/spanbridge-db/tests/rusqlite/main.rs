//! SQLite by rusqlite: the rows that statements change, their spans, and that nothing else is different.
#![cfg(feature = "rusqlite")]

mod conventions;
mod edges;
mod replay;
mod replayed;
mod rows;
mod same;
mod schema;
mod spans;
mod support;
