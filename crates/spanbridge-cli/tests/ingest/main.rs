//! What is sent to `spanbridge serve`: records, and OTLP.
#![cfg(feature = "serve")]

mod limits;
mod records;
mod support;
mod traces;
