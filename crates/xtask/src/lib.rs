//! What a contributor to spanbridge runs, as `cargo xtask <command>`; and, for integration tests, a broker of
//! their own that they may kill: [`rabbitmq::Private`] and [`kafka::Private`].
//!
//! Nothing here is needed to use spanbridge. It depends on no other crate of the workspace and nothing
//! published depends on it.

mod ci;
pub mod cli;
mod compose;
mod debian;
mod guardian;
mod interop;
mod java;
pub mod kafka;
mod maven;
mod net;
mod private;
mod process;
pub mod rabbitmq;
mod service;
mod skip;
mod steps;
mod testing;
mod workspace;

pub use skip::skip;
