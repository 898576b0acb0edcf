//! What a replay answers instead of RabbitMQ.

use lapin::message::{BasicReturnMessage, Delivery};
use lapin::protocol::{AMQPError, AMQPErrorKind};
use lapin::types::ShortString;
use lapin::{BasicProperties, Confirmation, ErrorKind};
use spanbridge::adapter::{HandoffStatus, Recorded, RecordedError, Refused};
use spanbridge::semconv;
use std::io;

/// Why a confirm cannot be made again.
const NO_ANSWER: &str = "a replay refused the confirm, because the broker's answer to this publish was not recorded";

/// Why messages cannot be had.
const NO_MESSAGES: &str =
    "a replay refused the call, because messages that a handler takes itself are not part of a record";

/// Why a call is refused, as lapin's error: that a connection gives up for a reason of its own is one of them.
pub(crate) fn refused(refused: Refused) -> lapin::Error {
    io::Error::new(io::ErrorKind::PermissionDenied, refused).into()
}

/// The error of a call that takes messages.
pub(crate) fn no_messages() -> lapin::Error {
    refused(Refused::new(NO_MESSAGES))
}

/// AMQP's errors, by their codes.
const CODES: [u16; 18] = [311, 312, 313, 320, 402, 403, 404, 405, 406, 501, 502, 503, 504, 505, 506, 530, 540, 541];

/// A recorded error, as lapin gave it then, as far as it can be made again.
pub(crate) fn error(then: &RecordedError) -> lapin::Error {
    let amqp = then.message().strip_prefix("protocol error: ").and_then(|text| {
        let kinds = CODES.into_iter().filter_map(AMQPErrorKind::from_id);
        let mut found = kinds.filter_map(|kind| text.strip_prefix(&format!("{kind}: ")).map(|text| (kind, text)));
        let (kind, text) = found.next()?;
        Some(AMQPError::new(kind, ShortString::try_new(text).ok()?))
    });
    match amqp {
        Some(amqp) => ErrorKind::ProtocolError(amqp).into(),
        None => io::Error::other(then.clone()).into(),
    }
}

/// The recorded error that is inside of one of lapin's.
pub(crate) fn recorded_error(error: &lapin::Error) -> Option<&RecordedError> {
    match error.kind() {
        ErrorKind::IOError(error) => error.get_ref()?.downcast_ref(),
        _ => None,
    }
}

/// A message that was published, for one that came back.
pub(crate) struct Published {
    pub(crate) exchange: ShortString,
    pub(crate) routing_key: ShortString,
    pub(crate) properties: BasicProperties,
    pub(crate) payload: Vec<u8>,
}

/// The broker's answer to a publish.
///
/// # Errors
/// What the publish failed by, before the broker could say anything. (What the confirm fails by is inside.)
pub(crate) fn confirmation(then: &Recorded, published: Published) -> lapin::Result<lapin::Result<Confirmation>> {
    let status = then.text(semconv::HANDOFF_STATUS).unwrap_or_default();
    let is = |one: HandoffStatus| status == one.as_str();
    Ok(Ok(if is(HandoffStatus::Confirmed) {
        Confirmation::Ack(None)
    } else if is(HandoffStatus::Rejected) {
        Confirmation::Nack(None)
    } else if is(HandoffStatus::Returned) {
        returned(then, published).map_or(Confirmation::Nack(None), |message| Confirmation::Ack(Some(message)))
    } else if is(HandoffStatus::Sent) || is(HandoffStatus::Committed) || is(HandoffStatus::RolledBack) {
        Confirmation::NotRequested
    } else {
        // Nobody waited for the answer, or the connection failed.
        return match then.error() {
            Some(then) => Err(error(then)),
            None => Ok(Err(refused(Refused::new(NO_ANSWER)))),
        };
    }))
}

/// The message that came back: the one that was published, with the recorded reason.
fn returned(then: &Recorded, published: Published) -> Option<BasicReturnMessage> {
    let error = then.error()?;
    let reply_code = error.class()?.parse().ok()?;
    let text = error.message().rsplit_once(&format!("{reply_code} ")).map_or("", |(_, text)| text);
    let Published { exchange, routing_key, properties, payload } = published;
    let mut delivery = Delivery::mock(0, exchange, routing_key, false, payload);
    delivery.properties = properties;
    Some(BasicReturnMessage { delivery, reply_code, reply_text: ShortString::try_new(text).ok()? })
}
