//! Names and attributes of spans, by OpenTelemetry's conventions for RabbitMQ.

mod age;
mod destination;
mod failure;
mod history;
mod properties;
mod routing_key;
mod source;
mod span;

pub(crate) use age::waited;
pub(crate) use failure::failure;
pub(crate) use properties::properties;
pub(crate) use source::{Settlement, Source};
pub(crate) use span::{batch, content_type, process, publish, settle, transaction, with_source};
