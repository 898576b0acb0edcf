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
//! // is a `Receiving`, and `Received::under`.)
//! let received = Received::new(&headers);
//! let span = received.process(|| observe::span("process orders").open());
//! let work = observe::run_with_span(span, async {});
//! # drop(work);
//! ```

mod batch;
mod capture;
mod received;
mod receiving;
mod transaction;

pub use batch::{Batch, Batched};
pub use capture::{Capture, Capturing, Message, Part, UNKNOWN_TYPE};
pub use received::Received;
pub use receiving::{Arrival, Receiving, Relation, Trust};
pub use transaction::Transaction;

use crate::carrier::{self, Extract, Outgoing};
use crate::observe::{self, Span, SpanBuilder};
use crate::span::span_of_text;
use crate::{Context, Kind, Primitive, Value, semconv};
use std::fmt::Display;
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

/// The span of a step, begun under what is current, with what the conventions ask of every one: its name is
/// `{operation} {destination}`. `operation` is the client's own word. A destination that is empty, for want of a name or
/// because there are several, is not told.
pub fn span(system: &'static str, step: Step, operation: &'static str, destination: &str) -> SpanBuilder {
    let (operation_type, primitive, kind) = match step {
        Step::Send => ("send", Primitive::MESSAGING_PUBLISH, Kind::Producer),
        Step::Process => ("process", Primitive::MESSAGING_PROCESS, Kind::Consumer),
        Step::Settle => ("settle", Primitive::MESSAGING_SETTLE, Kind::Client),
    };
    let span = match destination {
        "" => observe::span(operation),
        destination => span_of(operation, destination),
    };
    let span = span
        .primitive(primitive)
        .kind(kind)
        .attribute(semconv::MESSAGING_SYSTEM, Value::Static(system))
        .attribute(semconv::MESSAGING_OPERATION_NAME, Value::Static(operation))
        .attribute(semconv::MESSAGING_OPERATION_TYPE, Value::Static(operation_type));
    if destination.is_empty() { span } else { span.attribute(semconv::MESSAGING_DESTINATION_NAME, destination) }
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
    let outgoing = carrier::outgoing(&observe::capture_context(), headers);
    let span = match &outgoing {
        Outgoing::Keep(theirs) => span.link(theirs),
        Outgoing::Write => span,
    };
    (span.open(), outgoing)
}

/// The span of a send until it is known what became of the message, which the attribute
/// [`HANDOFF_STATUS`](semconv::HANDOFF_STATUS) says.
///
/// Dropped, it ends as `unknown`: the message may arrive all the same.
#[derive(Debug)]
pub struct Handoff(Option<Span>);

impl Handoff {
    /// Of this span.
    pub fn new(span: Span) -> Self {
        Handoff(Some(span))
    }

    /// The context inside the span: what is current while the client sends.
    pub fn context(&self) -> Context {
        self.span().map(|span| span.context().clone()).unwrap_or_default()
    }

    /// The span.
    pub fn span(&self) -> Option<&Span> {
        self.0.as_ref()
    }

    /// The message has gone where it should.
    pub fn ended(mut self, status: &'static str) {
        self.end(status)
    }

    /// It has not, or nobody knows.
    pub fn failed(mut self, status: &'static str, why: impl Display) {
        if let Some(span) = self.0.take() {
            span.attribute(semconv::HANDOFF_STATUS, Value::Static(status));
            span.error(why)
        }
    }

    /// The same, with the class of what went wrong ([`ERROR_TYPE`](semconv::ERROR_TYPE)).
    pub fn failed_as(self, status: &'static str, class: &str, why: impl Display) {
        if let Some(span) = self.span() {
            span.attribute(semconv::ERROR_TYPE, class)
        }
        self.failed(status, why)
    }

    /// The span, for who ends it another way.
    pub fn into_span(mut self) -> Option<Span> {
        self.0.take()
    }

    fn end(&mut self, status: &'static str) {
        if let Some(span) = self.0.take() {
            span.attribute(semconv::HANDOFF_STATUS, Value::Static(status));
            span.end()
        }
    }
}

impl Drop for Handoff {
    fn drop(&mut self) {
        self.end("unknown")
    }
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
