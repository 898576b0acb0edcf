//! Where messages come from and go to: the same for many of them, and described once.

use super::destination::Destination;
use super::routing_key::Key;
use crate::client::{ConsumerInfo, Server, at_server};
use spanbridge::adapter::{Recent, SpanTemplate, Step, template};
use spanbridge::semconv;
use std::sync::{Arc, OnceLock};

/// What all spans of a step at a destination have in common.
pub(super) fn step(
    step: Step,
    operation: &'static str,
    destination: &Destination,
    server: Option<&Server>,
) -> SpanTemplate {
    let span = template("rabbitmq", step, operation, destination);
    let anonymous = destination.is_generated().then_some(true);
    at_server(span.attribute(semconv::MESSAGING_DESTINATION_ANONYMOUS, anonymous), server)
}

/// An exchange and a routing key, with as much of it as may be recorded.
#[derive(Debug)]
struct Route {
    exchange: Box<str>,
    told: Option<Box<str>>,
    /// With the default exchange, the name of the queue.
    queue: Option<Box<str>>,
}

impl Route {
    fn of(exchange: &str, key: &Key<'_>) -> Self {
        Route { exchange: exchange.into(), told: key.told().map(Into::into), queue: key.queue().map(Into::into) }
    }

    fn is(&self, exchange: &str, key: &Key<'_>) -> bool {
        (&*self.exchange, self.told.as_deref(), self.queue.as_deref()) == (exchange, key.told(), key.queue())
    }
}

/// Where messages of a consumer come from.
#[derive(Debug)]
pub(crate) struct Source {
    consumer: Arc<ConsumerInfo>,
    route: Route,
    pub(crate) destination: Destination,
    pub(super) process: SpanTemplate,
    settle: [OnceLock<SpanTemplate>; 3],
}

/// What a consumer tells the broker.
#[derive(Clone, Copy)]
pub(crate) enum Settlement {
    Ack,
    Nack,
    Reject,
}

impl Settlement {
    fn operation(self) -> &'static str {
        match self {
            Settlement::Ack => "ack",
            Settlement::Nack => "nack",
            Settlement::Reject => "reject",
        }
    }
}

/// Where published messages go to.
#[derive(Debug)]
pub(super) struct Target {
    route: Route,
    server: Option<Server>,
    pub(super) publish: SpanTemplate,
}

thread_local! {
    static SOURCES: Recent<Source> = const { Recent::new() };
    static TARGETS: Recent<Target> = const { Recent::new() };
}

impl Source {
    /// Looks at the one of this route.
    pub(crate) fn with<R>(
        exchange: &str,
        key: &Key<'_>,
        consumer: &Arc<ConsumerInfo>,
        look: impl FnOnce(&Self) -> R,
    ) -> R {
        let is_it = |known: &Source| Arc::ptr_eq(&known.consumer, consumer) && known.route.is(exchange, key);
        Recent::with(&SOURCES, is_it, || Source::new(exchange, key, consumer), look)
    }

    fn new(exchange: &str, key: &Key<'_>, consumer: &Arc<ConsumerInfo>) -> Self {
        let ConsumerInfo { queue, server, no_ack } = &**consumer;
        let destination = Destination::from(exchange, key.in_destination(), queue.as_str());
        let process = step(Step::Process, "process", &destination, server.as_ref())
            .attribute(semconv::RABBITMQ_ROUTING_KEY, key.told())
            .attribute(semconv::QUEUE_NAME, Some(queue.as_str()).filter(|queue| !queue.is_empty()))
            .attribute(semconv::SETTLE_AUTOMATIC, no_ack.filter(|no_ack| *no_ack))
            .attribute(semconv::SETTLE_EXPECTED, no_ack.filter(|no_ack| !no_ack).map(|_| "ack"));
        let (consumer, route) = (consumer.clone(), Route::of(exchange, key));
        Source { consumer, route, destination, process, settle: Default::default() }
    }

    pub(super) fn settle(&self, settlement: Settlement) -> &SpanTemplate {
        let describe = || step(Step::Settle, settlement.operation(), &self.destination, self.consumer.server.as_ref());
        self.settle[settlement as usize].get_or_init(describe)
    }
}

impl Target {
    /// Looks at the one of this route.
    pub(super) fn with<R>(exchange: &str, key: &Key<'_>, server: Option<&Server>, look: impl FnOnce(&Self) -> R) -> R {
        let is_it = |known: &Target| known.server.as_ref() == server && known.route.is(exchange, key);
        let make = || {
            let destination = Destination::to(exchange, key.in_destination());
            let publish =
                step(Step::Send, "publish", &destination, server).attribute(semconv::RABBITMQ_ROUTING_KEY, key.told());
            Target { route: Route::of(exchange, key), server: server.cloned(), publish }
        };
        Recent::with(&TARGETS, is_it, make, look)
    }
}
