//! The layer for servers: by hand, and on the connections of a real axum server.

mod bodies;
mod conventions;
mod describe;
mod ends;
mod gateway;
mod receiving;
mod routes;
mod service;
mod site;
mod support;
#[path = "../../../../tests/src/tables.rs"]
#[expect(unreachable_pub, reason = "elsewhere it is a part of a library")]
mod tables;
mod wire;
