//! What is the same in two steps, although ids, times and ports are not.

mod attributes;
mod mask;
mod print;

pub(crate) use attributes::{is_outcome, is_volatile};
pub(crate) use mask::masked;
pub(crate) use print::{same_call, value_print};
