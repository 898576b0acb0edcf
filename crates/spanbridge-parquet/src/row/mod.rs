//! Records as rows: one row each.

mod cells;
mod decode;
mod encode;
mod pack;

pub(crate) use cells::{LinkRow, Pairs, Row};
pub(crate) use decode::{Unreadable, record_of};
pub(crate) use encode::row_of;
pub(crate) use pack::{pack, unpack};
