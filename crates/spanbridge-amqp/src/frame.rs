//! How much room there is for a context. All properties of a message travel in one frame, and a frame that is too large ends the
//! connection.

use crate::carrier::{PER_HEADER, size_of_theirs};
use lapin::{BasicProperties, Channel};
use spanbridge::carrier::Budget;
use spanbridge::{Context, w3c};
use std::fmt::{self, Write};

/// Every peer must accept a frame of this size in bytes (AMQP 0-9-1, `frame-min-size`).
const MIN_FRAME: usize = 4096;
/// What RabbitMQ and lapin negotiate by default.
const DEFAULT_FRAME: usize = 128 << 10;
/// The frame itself, the class, the size of the body, the flags, and the properties that are not text.
const OVERHEAD: usize = 64;

/// The room for the context of a message, beside the user's headers and properties, and within the limit that the user set.
pub(crate) fn budget(channel: &Channel, properties: &BasicProperties, context: &Context, most: usize) -> Budget {
    room(|| frame_max(channel).unwrap_or(DEFAULT_FRAME), properties, context, most)
}

pub(crate) fn room(
    frame: impl FnOnce() -> usize,
    properties: &BasicProperties,
    context: &Context,
    most: usize,
) -> Budget {
    let used = OVERHEAD + texts(properties) + properties.headers().as_ref().map_or(0, size_of_theirs);
    // Nearly every message fits any frame, and nobody has to be asked.
    let frame = if used + largest(context) <= MIN_FRAME { MIN_FRAME } else { frame() };
    Budget::new(frame.saturating_sub(used).min(most), PER_HEADER, usize::MAX)
}

/// The most that a context takes.
fn largest(context: &Context) -> usize {
    let names = 3 * PER_HEADER + w3c::TRACEPARENT.len() + w3c::TRACESTATE.len() + w3c::BAGGAGE.len();
    let run = 64; // its member, with room
    names + w3c::TraceParent::LEN + run + context.trace_state().as_str().len() + context.baggage().as_str().len()
}

/// The texts among the properties, with their lengths.
fn texts(p: &BasicProperties) -> usize {
    let texts = [
        p.content_type(),
        p.content_encoding(),
        p.correlation_id(),
        p.reply_to(),
        p.expiration(),
        p.message_id(),
        p.kind(),
        p.user_id(),
        p.app_id(),
        p.cluster_id(),
    ];
    texts.into_iter().flatten().map(|text| 1 + text.as_str().len()).sum()
}

/// The largest frame of the channel's connection. lapin shows it only in the debug format of a channel.
fn frame_max(channel: &Channel) -> Option<usize> {
    let mut shown = Shown::default();
    let _ = write!(shown, "{channel:?}"); // an error means that it was found, and the rest is not shown
    let (_, rest) = shown.0.split_once(NAME)?;
    rest.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok().filter(|size| *size >= MIN_FRAME)
}

const NAME: &str = "frame_max: ";

/// What lapin shows, as far as the number.
#[derive(Default)]
struct Shown(String);

impl Write for Shown {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push_str(text);
        let found = self.0.split_once(NAME).is_some_and(|(_, rest)| rest.contains(|c: char| !c.is_ascii_digit()));
        if found || self.0.len() > MIN_FRAME { Err(fmt::Error) } else { Ok(()) }
    }
}
