//! `spanbridge tui`, in a terminal.
#![cfg(all(unix, feature = "tui"))]

#[path = "../../../spanbridge-query/tests/common/mod.rs"]
mod common;
mod ending;
mod looking;
mod old;
mod records;
mod terminal;
