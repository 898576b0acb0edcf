//! Records as rows of a table: one row each.

pub(crate) mod bytes;
pub(crate) mod columns;
mod decode;
pub(crate) mod encode;
#[cfg(test)]
mod tests;

pub(crate) use decode::read_row;
pub(crate) use encode::{Batch, KEPT_DAY, put_row};
