//! What SQS and SNS have in common: a message's span, its context in message attributes, and batches of messages.

use super::call_error::{CallError, UNKNOWN};
use super::call_span::{CallSpan, Entries, Packing, room};
use crate::carrier::{Attribute, Attributes};
use spanbridge::adapter::{Handoff, HandoffStatus, Message, OutboundCall, Recorded, Step, send_in, span};
use spanbridge::messaging::CapturePolicy;
use spanbridge::observe::{self, Span, SpanBuilder};
use spanbridge::payload::take;
use spanbridge::{Context, Kind, Primitive, semconv};
use std::collections::{BTreeMap, HashMap};

/// The largest message or batch, in bytes: formerly, and today. A queue may be set to less.
const LIMITS: [usize; 2] = [256 * 1024, 1024 * 1024];

/// A service that takes messages.
pub(super) struct Service {
    /// `messaging.system`.
    pub(super) system: &'static str,
    /// `messaging.operation.name` of a message.
    pub(super) send: &'static str,
    /// `messaging.operation.name` of a batch.
    pub(super) send_batch: &'static str,
    /// The attribute that has the destination in full.
    pub(super) destination: &'static str,
}

impl Service {
    /// The span of a message, under the current context. `destination` is a URL, an ARN or a name.
    pub(super) fn message(&self, destination: &str) -> Handoff {
        Handoff::new(self.span(self.send, destination).open())
    }

    /// The span of a batch. Its messages have their own spans under it, and only they are handed over.
    pub(super) fn batch(&self, destination: &str, count: usize) -> CallSpan {
        let span = self.span(self.send_batch, destination).kind(Kind::Client);
        CallSpan::Response(span.attribute(semconv::MESSAGING_BATCH_COUNT, count).open())
    }

    fn span(&self, operation: &'static str, destination: &str) -> SpanBuilder {
        // The last part of a URL or an ARN is the name.
        let name = destination.rsplit(['/', ':']).next().unwrap_or(destination);
        let span = span(self.system, Step::Send, operation, name);
        if destination.is_empty() { span } else { span.attribute(self.destination, destination) }
    }
}

type Map<V> = Option<HashMap<String, V>>;

/// A message to send, in an SDK's type.
pub(super) trait Sendable {
    type Attribute: Attribute;

    /// The body and the attributes.
    fn parts(&mut self) -> (&str, &mut Map<Self::Attribute>);

    /// Adds X-Ray's header, if the service has a place for it beside the attributes.
    fn add_xray(&mut self, _: &Context) {}
}

/// An entry of a batch, in an SDK's type.
pub(super) trait Entry: Sendable {
    fn id(&self) -> &str;
}

/// The SDKs' types of an attribute and of a refused entry differ only in their paths.
macro_rules! types {
    ($attribute:ty, $refused:ty) => {
        impl crate::carrier::Attribute for $attribute {
            fn of_text(text: &str) -> Self {
                let value = <$attribute>::builder().data_type("String").string_value(text).build();
                value.expect("it has the one field that it needs")
            }

            fn bytes(&self) -> Option<&[u8]> {
                self.string_value().map(str::as_bytes).or(self.binary_value().map(AsRef::as_ref))
            }

            fn size(&self) -> usize {
                self.data_type().len() + crate::carrier::Attribute::bytes(self).map_or(0, <[u8]>::len)
            }
        }

        impl<'a> From<&'a $refused> for message::Refused<'a> {
            fn from(entry: &'a $refused) -> Self {
                let is_ours = entry.sender_fault();
                message::Refused { id: entry.id(), code: entry.code(), message: entry.message(), is_ours }
            }
        }
    };
}

pub(super) use types;

/// Captures a message, and packs the context of its span into its attributes.
pub(super) fn pack(message: &mut impl Sendable, packing: &Packing<'_>) {
    let mut total = size(message);
    pack_one(message, packing.span, packing.capture, &mut total)
}

/// Opens a span for each entry of a batch, and packs each as a message.
pub(super) fn pack_batch(entries: &mut [impl Entry], service: &Service, destination: &str, packing: &mut Packing<'_>) {
    let mut total = entries.iter_mut().map(size).sum();
    for entry in entries {
        let handoff = observe::in_scope(packing.span.context(), || service.message(destination));
        let handoff = packing.capture.into_iter().fold(handoff, Handoff::guarded);
        if let Some(span) = handoff.span() {
            pack_one(entry, span, packing.capture, &mut total)
        }
        packing.entries.push((entry.id().to_owned(), handoff))
    }
}

/// `total` is the size of all that is sent at once, and is updated.
fn pack_one(message: &mut impl Sendable, span: &Span, policy: Option<&CapturePolicy>, total: &mut usize) {
    capture(message, span, policy);
    let (_, attributes) = message.parts();
    inject(attributes, span, total);
    message.add_xray(span.context())
}

/// The size of a message, in bytes.
fn size(message: &mut impl Sendable) -> usize {
    let (body, attributes) = message.parts();
    body.len() + attributes_size(attributes)
}

fn attributes_size<V: Attribute>(attributes: &Map<V>) -> usize {
    attributes.iter().flatten().map(|(name, value)| name.len() + value.size()).sum()
}

/// Captures a message, before its context is packed.
pub(super) fn capture(message: &mut impl Sendable, span: &Span, policy: Option<&CapturePolicy>) {
    let (body, attributes) = message.parts();
    if policy.is_none_or(CapturePolicy::tells_size) {
        span.attribute(semconv::MESSAGING_BODY_SIZE, body.len())
    }
    let Some(policy) = policy.filter(|policy| policy.looks_at_messages() && span.id().is_some()) else { return };
    let body = take(body.as_bytes()).payload();
    let message = Message::new(Step::Send, &body);
    policy.record(span, &message, |each| {
        // Sorted, so that equal attributes are recorded equally.
        let sorted: BTreeMap<_, _> = attributes.iter().flatten().collect();
        for (name, value) in sorted {
            each(name, value.bytes().unwrap_or_default())
        }
    })
}

fn inject<V: Attribute>(attributes: &mut Map<V>, span: &Span, total: &mut usize) {
    if !span.context().travels() {
        return;
    }
    let before = attributes_size(attributes);
    let mut carrier = Attributes(attributes.get_or_insert_default());
    send_in(span, &mut carrier, |carrier, context| carrier.inject(context, room(&LIMITS, *total)));
    if attributes.as_ref().is_some_and(HashMap::is_empty) {
        *attributes = None
    }
    *total = total.saturating_add(attributes_size(attributes)).saturating_sub(before)
}

/// An entry that the service refused.
pub(super) struct Refused<'a> {
    pub(super) id: &'a str,
    pub(super) code: &'a str,
    pub(super) message: Option<&'a str>,
    /// Whether it is the sender's fault, as the service says. What failed by its own fault it may have accepted.
    pub(super) is_ours: bool,
}

/// Ends the spans of a batch. The status of entries that the response does not mention is unknown; `refused_status` is that
/// of refused entries.
pub(super) fn batch_responded<'a>(
    call: CallSpan,
    mut entries: Entries,
    refused_status: HandoffStatus,
    accepted: impl Iterator<Item = (&'a str, Option<&'a str>)>,
    refused: impl Iterator<Item = Refused<'a>>,
) {
    let count = entries.len();
    let mut take = |id: &str| {
        let at = entries.iter().position(|(entry, _)| entry == id)?;
        Some(entries.swap_remove(at).1)
    };
    for (id, message_id) in accepted {
        if let Some(handoff) = take(id) {
            responded(handoff, message_id)
        }
    }
    let (mut failed, mut code) = (0, None);
    for refused in refused {
        failed += 1;
        let status = if refused.is_ours { refused_status } else { UNKNOWN };
        let error = CallError::new(refused.code.to_owned(), refused.message.unwrap_or("the service refused it"));
        if let Some(entry) = take(refused.id) {
            CallSpan::Handoff(entry).fail(&error, status)
        }
        code.get_or_insert(error.kind);
    }
    match code {
        None => call.end(),
        Some(code) => {
            let error = CallError::new(code, format!("{failed} of {count} messages were refused"));
            call.fail(&error, refused_status)
        }
    }
}

/// A message, as it is recorded.
pub(super) fn outbound<'m, V: Attribute>(
    destination: &'m Option<String>,
    body: &'m str,
    attributes: &'m Map<V>,
) -> OutboundCall<'m> {
    let sorted: BTreeMap<_, _> = attributes.iter().flatten().collect();
    OutboundCall::new(Primitive::MESSAGING_PUBLISH, destination.as_deref().unwrap_or_default())
        .with_body(take(body.as_bytes()).payload().into_owned())
        .with_headers(move |each| sorted.iter().for_each(|(name, value)| each(name, value.bytes().unwrap_or_default())))
}

/// A batch: what is sent stands in the spans of its messages, which begin later.
pub(super) fn outbound_batch(destination: &Option<String>) -> OutboundCall<'_> {
    OutboundCall::new(Primitive::MESSAGING_PUBLISH, destination.as_deref().unwrap_or_default())
}

/// The id of a message that was recorded.
pub(super) fn id(then: &Recorded) -> Option<String> {
    then.text(semconv::MESSAGING_MESSAGE_ID).map(str::to_owned)
}

/// The id of a message of a batch, in a replay: the batch's record does not have it.
pub(super) const NO_ID: &str = "not recorded";

/// Why a batch cannot be answered.
pub(super) const NOT_WHICH: &str = "the record of a batch does not say which of its messages were refused";

/// Ends the span of a message that the service has accepted.
pub(super) fn responded(handoff: Handoff, message_id: Option<&str>) {
    if let (Some(span), Some(id)) = (handoff.span(), message_id) {
        span.attribute(semconv::MESSAGING_MESSAGE_ID, id)
    }
    handoff.ended(HandoffStatus::Confirmed)
}
