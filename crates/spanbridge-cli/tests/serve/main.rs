//! The server of `spanbridge serve`, in this process and over real connections.
#![cfg(feature = "serve")]

#[path = "../../../spanbridge-query/tests/common/mod.rs"]
mod common;
#[path = "../schema/published.rs"]
mod published;

mod answers;
mod described;
mod events;
mod live;
mod many;
mod page;
mod refusals;
mod rows;
mod server;
mod starting;
mod upkeep;
