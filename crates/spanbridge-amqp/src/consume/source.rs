//! Where messages come from: the same for many of them, and described once.

use crate::client::ConsumerInfo;
use crate::describe::Destination;
use lapin::message::Delivery;
use spanbridge::adapter::Recent;
use std::sync::Arc;

/// A consumer's queue, and the exchange and the routing key that a message came by.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) consumer: ConsumerInfo,
    exchange: Box<str>,
    routing_key: Box<str>,
    /// With the whole routing key.
    pub(super) destination: Destination,
}

thread_local! {
    static SOURCES: Recent<Source> = const { Recent::new() };
}

impl Source {
    pub(super) fn of(delivery: &Delivery, consumer: &ConsumerInfo) -> Arc<Self> {
        let (exchange, routing_key) = (delivery.exchange.as_str(), delivery.routing_key.as_str());
        let is_it = |source: &Source| {
            (&*source.exchange, &*source.routing_key) == (exchange, routing_key) && source.consumer == *consumer
        };
        Recent::of(&SOURCES, is_it, || Source {
            consumer: consumer.clone(),
            exchange: exchange.into(),
            routing_key: routing_key.into(),
            destination: Destination::from(exchange, routing_key, consumer.queue.as_str()),
        })
    }
}
