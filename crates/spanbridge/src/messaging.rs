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
//! // Receiving: the process span hangs under the sender's, and the work runs inside it.
//! let received = Received::new(&headers);
//! let span = received.process(|| observe::span("process orders").open());
//! let work = observe::run_with_span(span, async {});
//! # drop(work);
//! ```

use crate::carrier::{self, Extract, Extraction, Outgoing, Problem};
use crate::observe::{self, ActiveSpan, Span, SpanBuilder};
use crate::span::span_of_text;
use crate::{Context, Kind, Primitive, Value, semconv};
use std::fmt::Display;
use std::sync::{Mutex, MutexGuard, PoisonError};

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

/// What came with a message, and where its work and its settlements belong.
#[derive(Debug)]
pub struct Received {
    /// What came, or a detached context.
    context: Context,
    problems: Vec<Problem>,
    /// The context inside the process span, once there is one.
    process: Mutex<Option<Context>>,
}

impl Received {
    /// Reads the headers of a message.
    pub fn new(headers: &(impl Extract + ?Sized)) -> Self {
        carrier::extract(headers).into()
    }

    /// The context that came with the message; empty if there was none.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// Begins a process span under the sender's; without one, as a run of its own, and not under what is current here.
    /// What was wrong with the headers is recorded with it.
    pub fn process(&self, begin: impl FnOnce() -> Span) -> Span {
        let span = observe::in_scope(&self.context, begin);
        for problem in &self.problems {
            span.diagnostic("header.malformed", &problem.to_string())
        }
        *self.inside() = Some(span.context().clone());
        span
    }

    /// Where a settlement belongs: under the last process span; before there is one, under the sender's.
    pub fn settling(&self) -> Context {
        self.inside().as_ref().unwrap_or(&self.context).clone()
    }

    /// The last process span, while or after it runs.
    pub fn span(&self) -> Option<ActiveSpan> {
        self.inside().clone().and_then(ActiveSpan::of)
    }

    fn inside(&self) -> MutexGuard<'_, Option<Context>> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For transports without headers, which carry contexts in their payloads.
impl From<Extraction> for Received {
    fn from(found: Extraction) -> Self {
        let context = if found.context.is_empty() { Context::detached() } else { found.context };
        Received { context, problems: found.problems, process: Mutex::new(None) }
    }
}
