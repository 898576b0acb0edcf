//! What spans of HTTP are called, and which attributes they have.

#[cfg(feature = "server")]
mod forwarded;
#[cfg(feature = "server")]
mod grpc;
pub(crate) mod method;
#[cfg(feature = "server")]
mod secret_headers;
#[cfg(feature = "server")]
mod server;
pub(crate) mod url;

#[cfg(feature = "server")]
pub(crate) use grpc::GrpcStatus;
#[cfg(feature = "server")]
pub(crate) use secret_headers::each_header;
#[cfg(feature = "server")]
pub(crate) use server::{Known, describe, run_name};
