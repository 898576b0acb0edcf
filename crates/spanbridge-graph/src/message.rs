//! What the attributes of a messaging step say about its message.

use super::model::{Run, Span};
use crate::hash::Map;
use spanbridge::{SpanId, TraceId, semconv};
use std::cell::OnceCell;

impl Span {
    /// The value of this attribute.
    pub fn attribute(&self, key: &str) -> Option<&serde_json::Value> {
        self.attributes.iter().rfind(|(k, _)| k == key).map(|(_, v)| v)
    }

    /// The value of this attribute, if it is text and not empty.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.attribute(key).and_then(|v| v.as_str()).filter(|text| !text.is_empty())
    }

    /// The value of this attribute, if it is a whole number or text that can be read as one.
    pub(super) fn integer(&self, key: &str) -> Option<i64> {
        self.attribute(key).and_then(|v| v.as_i64().or_else(|| v.as_str()?.parse().ok()))
    }

    /// Whether this attribute is `true`.
    pub(super) fn is_true(&self, key: &str) -> bool {
        self.attribute(key).and_then(serde_json::Value::as_bool).unwrap_or(false)
    }

    pub(super) fn destination(&self) -> &str {
        self.text(semconv::MESSAGING_DESTINATION_NAME).unwrap_or_default()
    }

    /// Whether this is the work on one message. A batch has a span of its own, beside those of its messages.
    pub(super) fn is_delivery(&self) -> bool {
        self.primitive == "messaging.process" && self.attribute(semconv::MESSAGING_BATCH_COUNT).is_none()
    }
}

/// Finds who sent the messages of a run.
pub(super) struct Senders<'g> {
    run: &'g Run,
    spans: &'g [Span],
    by_id: OnceCell<Map<SpanId, usize>>,
}

/// What says who sent a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum SenderEvidence {
    /// A parent, a trigger, or links to senders.
    Known,
    /// Only a link, to the sender or to the batch.
    Link(SpanId),
    /// Nothing.
    None,
}

/// The span that sent a message, and its place in the run, if it is recorded there.
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

    /// Who sent the message that a span is the work on. By the relation that the consumer chose, that is the span's parent,
    /// what triggered the span's run, or what the span is linked to. In a batch the span is also linked to the batch, which
    /// is in another run.
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

    /// What says who sent the message. If that is one link, it may also lead to the batch that the message is part of.
    pub(super) fn evidence(&self, span: &Span) -> SenderEvidence {
        let is_alone = match span.parent_span_id {
            Some(_) => span.text(semconv::RELATION) == Some("new_run") && self.run.triggered_by_span_id.is_none(),
            None => true,
        };
        match &span.links[..] {
            [] if is_alone => SenderEvidence::None,
            [one] if is_alone && span.text(semconv::RELATION) != Some("link") => SenderEvidence::Link(one.span_id),
            _ => SenderEvidence::Known,
        }
    }
}

/// Where messages are received from: a queue, or a topic for a group.
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

/// The queue, or the topic. A consumer of RabbitMQ names `{exchange}:{routing key}:{queue}`, or `{exchange}:{queue}` if the
/// last two are equal. The parts may contain colons; another attribute has the routing key.
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

/// Which message of a topic it is: partition and offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Position<'s> {
    pub(super) partition: &'s str,
    pub(super) number: Option<i64>,
}

impl<'s> Position<'s> {
    /// Partition and offset of the message.
    pub(super) fn offset(span: &'s Span) -> Self {
        let partition = span.text(semconv::MESSAGING_PARTITION_ID).unwrap_or_default();
        Position { partition, number: span.integer(semconv::KAFKA_OFFSET) }
    }
}

/// The destination, and the names that its senders may use for it, the longest first. A consumer of RabbitMQ adds the name
/// of its queue, which the sender does not know.
pub(super) fn sent_to(destination: &str) -> impl Iterator<Item = &str> {
    let cuts = destination.match_indices(':').map(|(at, _)| at).rev();
    std::iter::once(destination.len()).chain(cuts).filter(|cut| *cut > 0).filter_map(|cut| destination.get(..cut))
}

#[cfg(test)]
mod tests {
    use super::*;
    use spanbridge::{RunId, SegmentId};

    fn span(attributes: &[(&str, &str)]) -> Span {
        let (run, segment, id) = (RunId::new(1).unwrap(), SegmentId::new(1).unwrap(), SpanId::new(1).unwrap());
        let attributes = attributes.iter().map(|(k, v)| ((*k).to_owned(), (*v).into())).collect();
        Span { attributes, ..Span::new(run, segment, id, "process") }
    }

    #[test]
    fn the_queue_follows_the_routing_key() {
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
    fn topics_and_named_queues_are_taken_as_they_are() {
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
