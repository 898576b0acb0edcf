//! What holds for every server. Each test has a database of its own.

mod agree;
pub(crate) mod inserts;
