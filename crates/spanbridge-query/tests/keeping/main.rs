//! Keeping a store: compact, prune, check, backup, rebuild.

mod backup;
mod cached;
mod check;
#[path = "../common/mod.rs"]
mod common;
mod kill;
mod place;
mod prune;
mod pruned;
mod together;
