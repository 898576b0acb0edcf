//! What holds for every server. Each test has a database of its own.

pub(crate) mod agree;
mod due;
mod follow;
pub(crate) mod inserts;
mod kafka;
mod lists;
mod migration;
pub(crate) mod prune;
