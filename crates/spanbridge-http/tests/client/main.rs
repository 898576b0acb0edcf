//! The reqwest middleware, against real servers on the loopback interface.

mod attempts;
mod attributes;
mod bodies;
mod conventions;
mod errors;
mod given_up;
mod propagation;
mod replay;
mod responses;
mod support;
#[path = "../../../../tests/src/tables.rs"]
#[expect(unreachable_pub, reason = "elsewhere it is a part of a library")]
mod tables;
