//! What SQS and SNS have in common: a message's span, its context in message attributes, and batches of messages.

use super::failure::{Failure, UNKNOWN};
use super::open::{Entries, Open, Packing, room};
use crate::carrier::{Attribute, Attributes};
use spanbridge::carrier::{Outgoing, outgoing};
use spanbridge::messaging::{CapturePolicy, Handoff, Message, Step, UNKNOWN_TYPE, span};
use spanbridge::observe::{self, Span, SpanBuilder};
use spanbridge::payload::take;
use spanbridge::{Kind, semconv};
use std::collections::{BTreeMap, HashMap};

/// The most that a message, or all of a batch, may be, in bytes: in former times and today. A queue may be set to less.
const LIMITS: [usize; 2] = [256 * 1024, 1024 * 1024];

/// The SDKs' types of an attribute differ in name only.
macro_rules! attribute {
    ($type:ty) => {
        impl crate::carrier::Attribute for $type {
            fn of_text(text: &str) -> Self {
                let value = <$type>::builder().data_type("String").string_value(text).build();
                value.expect("it has the one field that it needs")
            }

            fn bytes(&self) -> Option<&[u8]> {
                self.string_value().map(str::as_bytes).or(self.binary_value().map(AsRef::as_ref))
            }

            fn size(&self) -> usize {
                self.data_type().len() + crate::carrier::Attribute::bytes(self).map_or(0, <[u8]>::len)
            }
        }
    };
}

pub(super) use attribute;

/// The two services.
pub(super) struct Service {
    /// `messaging.system`.
    pub(super) system: &'static str,
    /// `messaging.operation.name`, of one message and of a batch.
    pub(super) send: &'static str,
    pub(super) send_batch: &'static str,
    /// Where the destination is told in full.
    pub(super) destination: &'static str,
}

impl Service {
    /// The span of a message, begun under what is current. A destination in full ends with its name.
    pub(super) fn message(&self, destination: &str) -> Handoff {
        Handoff::new(self.span(self.send, destination).open())
    }

    /// The span of a batch. Its messages have spans of their own under it, and it is those that are handed over.
    pub(super) fn batch(&self, destination: &str, count: usize) -> Open {
        let span = self.span(self.send_batch, destination).kind(Kind::Client);
        Open::Answered(span.attribute(semconv::MESSAGING_BATCH_COUNT, count).open())
    }

    fn span(&self, operation: &'static str, destination: &str) -> SpanBuilder {
        // A URL, an ARN, or neither.
        let name = destination.rsplit(['/', ':']).next().unwrap_or(destination);
        let span = span(self.system, Step::Send, operation, name);
        if destination.is_empty() { span } else { span.attribute(self.destination, destination) }
    }
}

type Map<V> = Option<HashMap<String, V>>;

/// What a message counts as, in bytes.
pub(super) fn size<V: Attribute>(body: &str, attributes: &Map<V>) -> usize {
    let attributes = attributes.iter().flatten();
    body.len() + attributes.map(|(name, value)| name.len() + value.size()).sum::<usize>()
}

/// What is recorded of a message, before its context is packed.
pub(super) fn capture<V: Attribute>(capture: Option<&CapturePolicy>, span: &Span, body: &str, attributes: &Map<V>) {
    if capture.is_none_or(CapturePolicy::tells_size) {
        span.attribute(semconv::MESSAGING_BODY_SIZE, body.len())
    }
    let Some(capture) = capture.filter(|capture| capture.looks_at_messages() && span.id().is_some()) else { return };
    let body = take(body.as_bytes()).payload();
    let message = Message { step: Step::Send, content_type: UNKNOWN_TYPE, payload: &body };
    capture.record(span, &message, |each| {
        // A map has no order, and what is the same is to look the same.
        let sorted: BTreeMap<_, _> = attributes.iter().flatten().collect();
        for (name, value) in sorted {
            each(name, value.bytes().unwrap_or_default())
        }
    })
}

/// Packs the context of a span into a message's attributes, where there is room in what is sent at once. That is of this
/// size so far, and grows.
pub(super) fn pack<V: Attribute>(attributes: &mut Map<V>, span: &Span, all: &mut usize) {
    if !span.context().travels() {
        return;
    }
    let before = size("", attributes);
    let mut carrier = Attributes(attributes.get_or_insert_default());
    match outgoing(span.context(), &carrier) {
        Outgoing::Keep(theirs) => span.link(&theirs),
        Outgoing::Write => {
            if let Some(left_out) = carrier.inject(span.context(), room(&LIMITS, *all)) {
                span.diagnostic(semconv::INJECTION_DROPPED, &left_out)
            }
        }
    }
    if attributes.as_ref().is_some_and(HashMap::is_empty) {
        *attributes = None
    }
    *all = all.saturating_add(size("", attributes)).saturating_sub(before)
}

/// Begins the span of an entry of a batch, for `pack` to capture and pack.
pub(super) fn entry(
    packing: &mut Packing<'_>,
    service: &Service,
    (destination, id): (&str, &str),
    pack: impl FnOnce(&Span),
) {
    let handoff = observe::in_scope(packing.span.context(), || service.message(destination));
    let handoff = packing.capture.into_iter().fold(handoff, Handoff::guarded);
    if let Some(span) = handoff.span() {
        pack(span)
    }
    packing.entries.push((id.to_owned(), handoff))
}

/// An entry that the service did not take.
pub(super) struct Refused<'a> {
    pub(super) id: &'a str,
    pub(super) code: &'a str,
    pub(super) message: Option<&'a str>,
    /// It is the sender's fault, the service says. What is its own fault it may have taken.
    pub(super) is_ours: bool,
}

/// Ends the spans of a batch. What the answer does not speak of is unknown; `refusal` is what a refusal says.
pub(super) fn batch_answered<'a>(
    call: Open,
    mut entries: Entries,
    refusal: &'static str,
    taken: impl Iterator<Item = (&'a str, Option<&'a str>)>,
    refused: impl Iterator<Item = Refused<'a>>,
) {
    let count = entries.len();
    let mut take = |id: &str| {
        let at = entries.iter().position(|(entry, _)| entry == id)?;
        Some(entries.swap_remove(at).1)
    };
    for (id, message_id) in taken {
        if let Some(handoff) = take(id) {
            answered(handoff, message_id)
        }
    }
    let (mut failed, mut code) = (0, None);
    for refused in refused {
        failed += 1;
        let handoff = if refused.is_ours { refusal } else { UNKNOWN };
        let failure = Failure::told(refused.code.to_owned(), refused.message.unwrap_or("the service refused it"));
        if let Some(entry) = take(refused.id) {
            Open::HandedOff(entry).failed(&failure, handoff)
        }
        code.get_or_insert(failure.kind);
    }
    match code {
        None => call.ended(),
        Some(code) => call.failed(&Failure::told(code, format!("{failed} of {count} messages were refused")), refusal),
    }
}

/// The service has the message.
pub(super) fn answered(handoff: Handoff, message_id: Option<&str>) {
    if let (Some(span), Some(id)) = (handoff.span(), message_id) {
        span.attribute(semconv::MESSAGING_MESSAGE_ID, id)
    }
    handoff.ended("confirmed")
}
