//! What spans of HTTP are called, and which attributes they have.

#[cfg(feature = "reqwest")]
mod again;
#[cfg(feature = "reqwest")]
mod client;
#[cfg(feature = "reqwest")]
mod error;
#[cfg(feature = "server")]
mod forwarded;
#[cfg(feature = "reqwest")]
mod full_url;
#[cfg(feature = "server")]
mod grpc;
mod method;
#[cfg(any(feature = "server", feature = "reqwest"))]
mod properties;
mod secret_headers;
#[cfg(feature = "server")]
mod server;
mod url;
mod version;

#[cfg(feature = "reqwest")]
pub(crate) use again::Again;
#[cfg(feature = "reqwest")]
pub(crate) use client::{About, Answer, request};
#[cfg(feature = "reqwest")]
pub(crate) use error::TransportError;
#[cfg(feature = "reqwest")]
pub(crate) use full_url::full;
#[cfg(feature = "server")]
pub(crate) use grpc::GrpcStatus;
#[cfg(feature = "server")]
pub(crate) use properties::request_properties;
#[cfg(feature = "reqwest")]
pub(crate) use properties::response_properties;
pub(crate) use secret_headers::each_header;
#[cfg(feature = "server")]
pub(crate) use server::{Known, describe, run_name};
#[cfg(feature = "reqwest")]
pub(crate) use version::version;
