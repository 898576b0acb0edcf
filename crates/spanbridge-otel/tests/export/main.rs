//! Export, against a receiver that misbehaves in every way.
#![cfg(feature = "export")]

mod answers;
mod callback;
mod chance;
mod choice;
mod environment;
mod http_sink;
mod http_sink_words;
mod isolation;
mod losses;
mod plant;
mod privacy;
mod receiver;
mod requests;
mod support;
#[cfg(feature = "tls")]
mod tls;
