//! Tasks for contributors to spanbridge: `cargo xtask <command>`. It also provides the brokers that integration tests start
//! and kill: [`rabbitmq::Broker`], [`kafka::Cluster`], [`postgres::Server`] and [`clickhouse::Cluster`].
//!
//! It depends on no other crate of the workspace, and no published crate depends on it.

mod browser;
mod cache;
mod ci;
pub mod cli;
pub mod clickhouse;
mod coexist;
mod debian;
mod guardian;
mod interop;
mod java;
pub mod kafka;
mod maven;
mod net;
mod npm;
mod port;
pub mod postgres;
mod private;
mod process;
mod python;
pub mod rabbitmq;
mod services;
mod size;
mod skip;
mod steps;
mod testing;
mod throwaway;
mod workspace;

pub use port::Port;
pub use skip::skip;
