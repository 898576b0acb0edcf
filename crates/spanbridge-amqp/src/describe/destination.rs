//! Names of destinations, by OpenTelemetry's conventions for RabbitMQ.

use spanbridge::adapter;

/// Where messages go to, or come from.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Destination {
    name: String,
    /// For a name that RabbitMQ has generated: that is a new one each time.
    template: Option<String>,
}

impl Destination {
    /// `{exchange}:{routing key}`; the default exchange has a name for this purpose.
    pub(crate) fn to(exchange: &str, routing_key: &str) -> Self {
        Destination::of([named(exchange), routing_key, ""])
    }

    /// `{exchange}:{routing key}:{queue}`, without the key if it is the name of the queue.
    pub(crate) fn from(exchange: &str, routing_key: &str, queue: &str) -> Self {
        Destination::of([named(exchange), if routing_key == queue { "" } else { routing_key }, queue])
    }

    fn of(parts: [&str; 3]) -> Self {
        let is_generated = |part: &str| GENERATED.iter().any(|prefix| part.starts_with(prefix));
        let template = parts.iter().any(|part| is_generated(part));
        let template = template.then(|| joined(parts.map(|part| if is_generated(part) { ANONYMOUS } else { part })));
        Destination { name: joined(parts), template }
    }

    /// What is the same for all of its kind.
    pub(crate) fn kind(&self) -> &str {
        self.template.as_ref().unwrap_or(&self.name)
    }

    pub(crate) fn is_generated(&self) -> bool {
        self.template.is_some()
    }
}

impl<'a> From<&'a Destination> for adapter::Destination<'a> {
    fn from(destination: &'a Destination) -> Self {
        adapter::Destination::new(&destination.name, destination.template.as_deref())
    }
}

fn named(exchange: &str) -> &str {
    if exchange.is_empty() { "amq.default" } else { exchange }
}

/// The parts that are not empty. (Formatting takes longer than the rest of a span.)
fn joined(parts: [&str; 3]) -> String {
    let mut all = String::with_capacity(parts.iter().map(|part| part.len() + 1).sum());
    for part in parts.into_iter().filter(|part| !part.is_empty()) {
        if !all.is_empty() {
            all.push(':')
        }
        all.push_str(part)
    }
    all
}

/// How the names begin that RabbitMQ generates, for queues without a name and for direct replies.
const GENERATED: [&str; 2] = ["amq.gen-", "amq.rabbitmq.reply-to"];

/// What stands for them.
const ANONYMOUS: &str = "{anonymous}";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn destinations_are_named_by_convention() {
        let named = |name: &str| Destination { name: name.to_owned(), template: None };
        assert_eq!(Destination::to("", "orders"), named("amq.default:orders"));
        assert_eq!(Destination::to("events", "order.created"), named("events:order.created"));
        assert_eq!(Destination::to("events", ""), named("events"));
        assert_eq!(Destination::from("", "orders", "orders"), named("amq.default:orders"));
        assert_eq!(Destination::from("events", "order.created", "mail"), named("events:order.created:mail"));
        assert_eq!(Destination::from("events", "order.created", ""), named("events:order.created"));
    }

    #[test]
    fn generated_names_have_a_template() {
        let known = [
            (Destination::to("", "amq.gen-Zx1"), "amq.default:amq.gen-Zx1", "amq.default:{anonymous}"),
            (Destination::from("", "amq.gen-Zx1", "amq.gen-Zx1"), "amq.default:amq.gen-Zx1", "amq.default:{anonymous}"),
            (
                Destination::from("events", "created", "amq.gen-Zx1"),
                "events:created:amq.gen-Zx1",
                "events:created:{anonymous}",
            ),
            (
                Destination::to("", "amq.rabbitmq.reply-to.g1h2AA"),
                "amq.default:amq.rabbitmq.reply-to.g1h2AA",
                "amq.default:{anonymous}",
            ),
        ];
        for (destination, name, template) in known {
            assert_eq!((destination.name.as_str(), destination.kind()), (name, template));
        }
    }
}
