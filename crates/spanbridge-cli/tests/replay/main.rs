//! `spanbridge replay`: which handler is chosen, what its worker is told, and what is made of the report.
#![cfg(unix)]

#[path = "../../../spanbridge-query/tests/common/mod.rs"]
mod common;
mod entries;
mod reports;
mod support;
mod workers;
