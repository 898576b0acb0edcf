//! What every adapter of a message transport does alike: beginning a send, holding its span until the broker has
//! answered, and the context of a received message.
//!
//! ```
//! use spanbridge::messaging::{Handoff, Received, begin_send};
//! use spanbridge::{carrier::{Outgoing, inject}, observe};
//! use std::collections::HashMap;
//!
//! // Sending: the span's context goes into the headers, and the span ends with the broker's answer.
//! let mut headers = HashMap::<String, String>::new();
//! let (span, outgoing) = begin_send(observe::span("publish orders"), &headers);
//! if let Outgoing::Write = outgoing {
//!     inject(span.context(), &mut headers)
//! }
//! let handoff = Handoff::new(span);
//! // … send, in the context `handoff.context()`; then
//! handoff.ended("confirmed");
//!
//! // Receiving: the process span hangs under the sender's, and the work runs inside it. (What a consumer wants otherwise
//! // is a `ReceiveOptions`, and `Received::with`.)
//! let received = Received::new(&headers);
//! let span = received.process(|| observe::span("process orders").open());
//! let work = span.run(async || {});
//! # drop(work);
//! ```

mod batch;
mod capture;
mod handoff;
mod part;
mod received;
mod receiving;
mod transaction;
mod turns;
mod values;

pub use batch::{Batch, Batched};
pub use capture::{CaptureMode, CapturePolicy, Message, UNKNOWN_TYPE};
pub use handoff::Handoff;
pub use part::{Part, PartKind};
pub use received::Received;
pub use receiving::{MessageInfo, ReceiveOptions, Relation, Trust};
pub use transaction::Transaction;
pub use turns::Turns;
pub use values::Values;

use crate::carrier::{self, Extract, Outgoing};
use crate::observe::{self, Span, SpanBuilder};
use crate::span::span_of_text;
use crate::{Kind, Primitive, Value, semconv};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What is done to a message, in one of the conventions' words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is handed to the broker.
    Send,
    /// It is worked on.
    Process,
    /// The broker is told what became of it.
    Settle,
}

/// Where a message goes to, or comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Destination<'a> {
    /// Its name; empty for want of one, or because there are several.
    pub name: &'a str,
    /// What stands for names of its kind where the name is a new one each time (`orders.{id}`, a generated name).
    pub template: Option<&'a str>,
}

impl<'a> From<&'a str> for Destination<'a> {
    fn from(name: &'a str) -> Self {
        Destination { name, template: None }
    }
}

/// The span of a step, begun under what is current, with what the conventions ask of every one: its name is
/// `{operation} {destination}`, by the template where there is one. `operation` is the client's own word. A destination
/// that is empty is not told.
pub fn span<'a>(
    system: &'static str,
    step: Step,
    operation: &'static str,
    destination: impl Into<Destination<'a>>,
) -> SpanBuilder {
    let Destination { name, template } = destination.into();
    let (operation_type, primitive, kind) = match step {
        Step::Send => ("send", Primitive::MESSAGING_PUBLISH, Kind::Producer),
        Step::Process => ("process", Primitive::MESSAGING_PROCESS, Kind::Consumer),
        Step::Settle => ("settle", Primitive::MESSAGING_SETTLE, Kind::Client),
    };
    let span = match template.unwrap_or(name) {
        "" => observe::span(operation),
        destination => span_of(operation, destination),
    };
    let span = span
        .primitive(primitive)
        .kind(kind)
        .attribute(semconv::MESSAGING_SYSTEM, Value::Static(system))
        .attribute(semconv::MESSAGING_OPERATION_NAME, Value::Static(operation))
        .attribute(semconv::MESSAGING_OPERATION_TYPE, Value::Static(operation_type));
    let span = match template {
        Some(template) => span.attribute(semconv::MESSAGING_DESTINATION_TEMPLATE, template),
        None => span,
    };
    if name.is_empty() { span } else { span.attribute(semconv::MESSAGING_DESTINATION_NAME, name) }
}

/// A span of the name `{operation} {destination}`, which is put together without an allocation where it is short.
fn span_of(operation: &str, destination: &str) -> SpanBuilder {
    let (mut name, end) = ([0; 128], operation.len() + 1 + destination.len());
    if let Some(name) = name.get_mut(..end) {
        name[..operation.len()].copy_from_slice(operation.as_bytes());
        name[operation.len()] = b' ';
        name[operation.len() + 1..].copy_from_slice(destination.as_bytes());
        if let Ok(name) = std::str::from_utf8(name) {
            return span_of_text(name);
        }
    }
    span_of_text(&format!("{operation} {destination}"))
}

/// Begins the span of a message that is about to be sent under what is current, and says whether its context is to be
/// written into the headers. A context of another trace that they carry already is linked to.
pub fn begin_send(span: SpanBuilder, headers: &(impl Extract + ?Sized)) -> (Span, Outgoing) {
    // What is current has the span's trace, or there is none and no header can be of it.
    let outgoing = carrier::outgoing(&observe::current_context(), headers);
    let span = match &outgoing {
        Outgoing::Keep(theirs) => span.link(theirs),
        Outgoing::Write => span,
    };
    (span.open(), outgoing)
}

/// How long a message waited in its broker.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Waited {
    /// So long.
    Known(Duration),
    /// The broker's timestamp is not one.
    Unknown,
    /// The broker's timestamp lies so far in the future.
    Ahead(Duration),
}

impl Waited {
    /// How long, if that is known.
    pub fn known(self) -> Option<Duration> {
        match self {
            Waited::Known(time) => Some(time),
            Waited::Unknown | Waited::Ahead(_) => None,
        }
    }
}

/// Clocks of machines that take care of them differ by less.
const SKEW: Duration = Duration::from_secs(5);
/// 2004, when the oldest of the brokers appeared. What says it is older, or 0, is not a time.
const FIRST: Duration = Duration::from_secs(1_072_915_200);

/// How long a message has waited until now that was sent then, by the broker's clock.
pub fn waited(sent: Option<SystemTime>, now: SystemTime) -> Waited {
    match sent {
        Some(sent) if sent.duration_since(UNIX_EPOCH).is_ok_and(|since| since >= FIRST) => {
            match now.duration_since(sent) {
                Ok(waited) => Waited::Known(waited),
                Err(ahead) if ahead.duration() <= SKEW => Waited::Known(Duration::ZERO),
                Err(ahead) => Waited::Ahead(ahead.duration()),
            }
        }
        _ => Waited::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plausible_timestamps_count() {
        let now = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
        let long = Duration::from_millis(250);
        assert_eq!(waited(Some(now - long), now), Waited::Known(long));
        assert_eq!(
            [Waited::Known(long), Waited::Unknown, Waited::Ahead(long)].map(Waited::known),
            [Some(long), None, None]
        );
        assert_eq!(waited(Some(now + SKEW), now), Waited::Known(Duration::ZERO));
        assert_eq!(waited(Some(now + SKEW + long), now), Waited::Ahead(SKEW + long));
        for nonsense in
            [None, Some(UNIX_EPOCH), Some(UNIX_EPOCH - long), Some(UNIX_EPOCH + Duration::from_millis(1234))]
        {
            assert_eq!(waited(nonsense, now), Waited::Unknown);
        }
    }
}
