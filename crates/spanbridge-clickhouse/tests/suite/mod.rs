//! What holds for every server. Each test has a database of its own.

mod agree;
mod follow;
pub(crate) mod inserts;
mod lists;
