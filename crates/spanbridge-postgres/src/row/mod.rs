//! Records as rows of the table `record`.

pub(crate) mod copy;
mod decode;
mod encode;
mod json;
mod lists;
#[cfg(test)]
mod tests;

pub(crate) use decode::{COLUMNS, ReadRow, read};
pub(crate) use encode::{Encoded, INSERTED, Place, near};
