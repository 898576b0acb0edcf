//! What is known about the client: where the broker is, and what consumes.

use lapin::types::ShortString;
use spanbridge::adapter::{Recent, SpanTemplate};
use spanbridge::semconv;
use std::sync::Arc;

/// Where the broker is. lapin's channels and consumers do not know, so users say it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Server {
    host: Arc<str>,
    port: u16,
}

impl Server {
    pub(crate) fn new(host: &str, port: u16) -> Self {
        Server { host: host.into(), port }
    }
}

/// The attributes of the server, if it is known.
pub(crate) fn at_server(span: SpanTemplate, server: Option<&Server>) -> SpanTemplate {
    match server {
        Some(Server { host, port }) => {
            span.attribute(semconv::SERVER_ADDRESS, &**host).attribute(semconv::SERVER_PORT, i64::from(*port))
        }
        None => span,
    }
}

/// What is known about a consumer.
#[derive(Clone, Debug, Default)]
pub(crate) struct ConsumerInfo {
    /// Empty if it is not known.
    pub(crate) queue: ShortString,
    pub(crate) server: Option<Server>,
    /// Whether the broker counts a message as settled when it has sent it, if that is known.
    pub(crate) no_ack: Option<bool>,
}

thread_local! {
    static QUEUES: Recent<ConsumerInfo> = const { Recent::new() };
}

impl ConsumerInfo {
    pub(crate) fn of(queue: ShortString) -> Self {
        ConsumerInfo { queue, ..ConsumerInfo::default() }
    }

    /// Of a message that came without a consumer.
    pub(crate) fn of_queue(queue: ShortString) -> Arc<Self> {
        Recent::of(&QUEUES, |known| known.queue == queue, || ConsumerInfo::of(queue.clone()))
    }
}
