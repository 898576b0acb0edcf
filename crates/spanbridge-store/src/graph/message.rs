//! What the span of a messaging step says about its message, by its attributes.

use super::{Run, Span};
use crate::hash::Map;
use spanbridge::{SpanId, TraceId, semconv};
use std::cell::OnceCell;

impl Span {
    /// The value of an attribute.
    pub fn attribute(&self, key: &str) -> Option<&serde_json::Value> {
        self.attributes.iter().rfind(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// The value of an attribute that is text.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.attribute(key).and_then(|v| v.as_str()).filter(|text| !text.is_empty())
    }

    /// The value of an attribute that is a whole number, or text that reads as one.
    pub(super) fn integer(&self, key: &str) -> Option<i64> {
        self.attribute(key).and_then(|v| v.as_i64().or_else(|| v.as_str()?.parse().ok()))
    }

    /// Whether an attribute is there and true.
    pub(super) fn is_true(&self, key: &str) -> bool {
        self.attribute(key).and_then(serde_json::Value::as_bool).unwrap_or(false)
    }

    pub(super) fn destination(&self) -> &str {
        self.text(semconv::MESSAGING_DESTINATION_NAME).unwrap_or_default()
    }

    /// The work on one message. (The work on a batch has a span beside those of its messages.)
    pub(super) fn is_delivery(&self) -> bool {
        self.primitive == "messaging.process" && self.attribute(semconv::MESSAGING_BATCH_COUNT).is_none()
    }
}

/// Who sent the messages of a run.
pub(super) struct Senders<'g> {
    run: &'g Run,
    spans: &'g [Span],
    by_id: OnceCell<Map<SpanId, usize>>,
}

/// The span that sent a message, and its place in the run if it is recorded there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sender {
    pub(super) trace_id: TraceId,
    pub(super) span_id: SpanId,
    pub(super) place: Option<usize>,
}

impl<'g> Senders<'g> {
    pub(super) fn new(run: &'g Run, spans: &'g [Span]) -> Self {
        Senders { run, spans, by_id: OnceCell::new() }
    }

    /// The place of a span in the run.
    pub(super) fn place(&self, id: SpanId) -> Option<usize> {
        let all = || self.spans.iter().enumerate().map(|(place, s)| (s.span_id, place)).collect();
        self.by_id.get_or_init(all).get(&id).copied()
    }

    /// Who sent the message that a span is the work on: its parent; where the work is a run of its own, what triggered
    /// that; where it has a trace of its own, what it is linked to. In a batch it is linked to that, too, which is in
    /// another run.
    pub(super) fn of(&self, span: &Span) -> Option<Sender> {
        let found = |trace_id, span_id, place| Some(Sender { trace_id, span_id, place });
        if let Some(parent) = span.parent_span_id.filter(|parent| *parent != self.run.run_id.as_parent()) {
            return found(span.trace_id, parent, span.parent.or_else(|| self.place(parent)));
        }
        if span.text(semconv::RELATION) == Some("new_run") {
            return found(span.trace_id, self.run.triggered_by_span_id?, None);
        }
        match &span.links[..] {
            [one] => found(one.trace_id, one.span_id, self.place(one.span_id)),
            several => {
                let mut here = several.iter().filter_map(|l| Some((l, self.place(l.span_id)?)));
                let (one, place) = here.next().filter(|_| here.next().is_none())?;
                found(one.trace_id, one.span_id, Some(place))
            }
        }
    }

    /// Whether a message came without anything that says who sent it.
    pub(super) fn is_unknown(&self, span: &Span) -> bool {
        let alone = match span.parent_span_id {
            Some(_) => span.text(semconv::RELATION) == Some("new_run") && self.run.triggered_by_span_id.is_none(),
            None => true,
        };
        alone && span.links.is_empty() && self.of(span).is_none()
    }
}

/// Where messages are taken from: a queue, or a topic on behalf of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Source<'s> {
    pub(super) system: &'s str,
    pub(super) queue: &'s str,
    pub(super) group: &'s str,
}

impl<'s> Source<'s> {
    pub(super) fn of(span: &'s Span) -> Self {
        Source {
            system: span.text(semconv::MESSAGING_SYSTEM).unwrap_or_default(),
            queue: queue(span),
            group: span.text(semconv::MESSAGING_CONSUMER_GROUP).unwrap_or_default(),
        }
    }
}

/// The queue, or the topic. RabbitMQ's consumers name `{exchange}:{routing key}:{queue}`, or `{exchange}:{queue}` where the
/// two are the same, and the parts may hold colons themselves; the routing key stands beside it.
fn queue(span: &Span) -> &str {
    let destination = span.destination();
    if let Some(queue) = span.text(semconv::QUEUE_NAME) {
        return queue;
    }
    let Some((_, rest)) =
        destination.split_once(':').filter(|_| span.text(semconv::MESSAGING_SYSTEM) == Some("rabbitmq"))
    else {
        return destination;
    };
    match span.text(semconv::RABBITMQ_ROUTING_KEY) {
        Some(key) if rest == key => rest,
        Some(key) => {
            rest.split_once(&format!("{key}:")).filter(|(before, _)| before.is_empty()).map_or(rest, |(_, q)| q)
        }
        None => rest.rsplit(':').next().unwrap_or(rest),
    }
}

/// Which message of a source it is, as far as that is told: RabbitMQ's delivery tag, or partition and offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Position<'s> {
    pub(super) partition: &'s str,
    pub(super) number: Option<i64>,
}

impl<'s> Position<'s> {
    /// Of a message, for as long as it lives.
    pub(super) fn offset(span: &'s Span) -> Self {
        let partition = span.text(semconv::MESSAGING_PARTITION_ID).unwrap_or_default();
        Position { partition, number: span.integer(semconv::KAFKA_OFFSET) }
    }
}

/// The destination, and what it may have been called by who sent there: a consumer of RabbitMQ names its queue after the
/// routing key. The whole name comes first.
pub(super) fn sent_to(destination: &str) -> impl Iterator<Item = &str> {
    let cuts = destination.match_indices(':').map(|(at, _)| at).rev();
    std::iter::once(destination.len()).chain(cuts).filter(|cut| *cut > 0).filter_map(|cut| destination.get(..cut))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::SpanStatus;
    use spanbridge::{Kind, RunId, SegmentId};

    fn span(attributes: &[(&str, &str)]) -> Span {
        Span {
            span_id: SpanId::new(1).unwrap(),
            parent_span_id: None,
            parent: None,
            depth: 0,
            orphan: false,
            trace_id: TraceId::new(1).unwrap(),
            run_id: RunId::new(1).unwrap(),
            segment_id: SegmentId::new(1).unwrap(),
            service: "s".into(),
            name: "process".into(),
            primitive: "messaging.process".into(),
            kind: Kind::Consumer,
            status: SpanStatus::Ok,
            error: None,
            started_at: 0,
            ended_at: None,
            attributes: attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).into())).collect(),
            links: Vec::new(),
            events: Vec::new(),
        }
    }

    #[test]
    fn the_queue_is_what_stands_after_the_routing_key() {
        let queue_of = |destination, key: Option<&str>| {
            let all = [
                ("messaging.system", "rabbitmq"),
                ("messaging.destination.name", destination),
                ("messaging.rabbitmq.destination.routing_key", key.unwrap_or_default()),
            ];
            queue(&span(&all)).to_owned()
        };
        assert_eq!(queue_of("events:order.created:mail", Some("order.created")), "mail");
        assert_eq!(queue_of("events:order:created:app:mail", Some("order:created")), "app:mail");
        assert_eq!(queue_of("amq.default:app:mail", Some("app:mail")), "app:mail");
        assert_eq!(queue_of("events:order.created:mail", None), "mail");
        assert_eq!(queue_of("events:mail", Some("")), "mail");
        assert_eq!(queue_of("events", Some("x")), "events");
        assert_eq!(queue_of("", None), "");
    }

    #[test]
    fn other_systems_have_one_name_and_a_queue_that_is_named_is_believed() {
        let topic = span(&[("messaging.system", "kafka"), ("messaging.destination.name", "a:b")]);
        assert_eq!(queue(&topic), "a:b");
        let named = span(&[
            ("messaging.system", "rabbitmq"),
            ("messaging.destination.name", "a:b:c"),
            (semconv::QUEUE_NAME, "q"),
        ]);
        assert_eq!(queue(&named), "q");
    }
}
