//! What happens to spans and events of `tracing`, whatever the subscriber is like. Each binary beside this directory runs it all
//! under another one.

mod ends;
mod events;
mod fields;
mod mode;
mod nesting;
mod parents;
mod quiet;
mod reentry;
mod tasks;
mod threads;

pub(crate) use mode::{Mode, NOISY, alone, default, subscribed, traced, tree_of, under};
