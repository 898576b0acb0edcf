//! For authors of adapters: you describe your transport, and this does the rest.
//!
//! An adapter gives one client two words, `producer.observed()` and `consumer.observed()`. What it has to say is how headers
//! are read and written ([`Extract`](crate::carrier::Extract), [`Inject`](crate::carrier::Inject)), what spans are called and
//! which attributes they have ([`Describe`], [`span`]), and what a settlement is. Contexts, relations, trust, capture,
//! redaction, age, batches, retries and panics are the same for every transport, and are done here.
//!
//! ```
//! use spanbridge::adapter::{self, Describe, Handoff, HandoffStatus, Step, Values, Work};
//! use spanbridge::carrier::{Budget, Extract};
//! use spanbridge::messaging::{CapturePolicy, ReceiveOptions};
//! use spanbridge::observe::{self, SpanBuilder};
//! use std::collections::HashMap;
//!
//! struct Letter { headers: HashMap<String, String>, body: Vec<u8> }
//!
//! // Sending: the span's context goes into the headers, and the span ends with the broker's answer.
//! fn send(letter: &mut Letter, capture: Option<&CapturePolicy>) -> Handoff {
//!     let values = Values::of(capture);
//!     let span = adapter::span("post", Step::Send, "send", "letters");
//!     adapter::send(span, &values, &mut letter.headers, |_, _| Budget::UNLIMITED)
//! }
//! let mut letter = Letter { headers: HashMap::new(), body: b"{}".to_vec() };
//! let handoff = send(&mut letter, None);
//! // … send, in the context `handoff.context()`; then
//! handoff.ended(HandoffStatus::Confirmed);
//!
//! // Receiving: say what a letter is …
//! impl Describe for Letter {
//!     type View = (); // for `ReceiveOptions::relation_by`
//!     fn view(&self) {}
//!     fn headers(&self) -> impl Extract {
//!         &self.headers
//!     }
//!     fn run_name(&self, _: &mut Values<'_>) -> String {
//!         "process letters".to_owned()
//!     }
//!     fn describe(&self, _: &mut Values<'_>) -> SpanBuilder {
//!         adapter::span("post", Step::Process, "process", "letters")
//!     }
//!     fn payload(&self) -> Option<&[u8]> {
//!         Some(&self.body)
//!     }
//! }
//!
//! // … and its work runs in a process span under the sender's span.
//! let work = Work::receive(&letter, &ReceiveOptions::new());
//! let done = work.run_value(&letter, || async { /* observe::span(..) is inside */ });
//! # drop(done);
//!
//! // A settlement is recorded whenever it comes: before, in or after that.
//! let span = |_: &mut Values<'_>| adapter::span("post", Step::Settle, "give_back", "letters");
//! let given_back: Result<(), std::io::Error> = work.settle_in_scope(span, || Ok(()), |_| None);
//! # given_back.unwrap()
//! ```
//!
//! Work that is polled in pieces and goes on after that, such as the body of a response, runs in [`in_open_span`].
//!
//! A library that has spans of its own, and tells by numbers what is entered and left, is bridged by [`ForeignSpans`].
//!
//! # Contexts of another library
//!
//! A team may keep its tracer, and take only our transports: then the adapters have to send and restore *its* current context. A
//! [`ContextSource`] says what is current in such a library, and makes a context current there; [`install_sources`] sets the
//! sources of a process, once. `spanbridge-otel` has those for OpenTelemetry's API and for fastrace.
//!
//! - A message that is sent hangs under their current span, unless that is only what surrounds ours: see [`under_current`]. Say it
//!   around everything that begins the span of a send.
//! - The work on a message runs inside the sender's context there; if a process span is recorded, inside that span. The span that
//!   [`Work::begin`] and [`Received::process`](crate::messaging::Received::process) return does it: in
//!   [`Span::run`](crate::observe::Span::run), `in_scope` and [`in_open_span`], but not in
//!   [`Span::with_context`](crate::observe::Span::with_context). What an adapter polls by the context alone, it wraps in
//!   [`Restored`].
//! - A span or a run of ours that begins where nothing of ours is current hangs under theirs.
//!
//! Their code may panic, send messages by an adapter, or be called again: it is called with no lock held, and without sources
//! nothing is called.
//!
//! A job that has its [`Work`] is a [`Job`]: then [`Batch`] works, and [`drive_one`] in the steps of [`Turns`] is most of a
//! driver. `docs/guide/adapters.md` builds a whole adapter, and tests it with the [conformance kit](crate::conformance).

mod as_recorded;
mod batch;
mod describe;
mod drive;
mod foreign;
mod handoff;
mod job;
mod message;
mod recent;
mod send;
mod send_options;
mod sends;
mod status;
mod transaction;
mod turns;
mod waited;
mod work;

pub use crate::context::restored::{InRestored, Restored};
pub use crate::context::source::{ContextSource, SourceContext, SourceScope, SourcesInstalled, install_sources};
pub use crate::fork::{PerProcess, forks};
pub use crate::messaging::capture::{Message, UNKNOWN_TYPE};
pub use crate::messaging::properties::Properties;
pub use crate::messaging::step::Step;
pub use crate::messaging::streamed::StreamedPayload;
pub use crate::messaging::values::Values;
pub use crate::recorder::reseed;
pub use crate::span::{
    Mutation, MutationOp, SpanTemplate, StoppedSpan, begun_before, in_open_span, in_scope_with_span, may_record,
    record_mutation, records_mutations, span_with_id, under_current, unrecorded_span,
};
pub use crate::stand_in::{
    BegunSpan, OutboundCall, Recorded, RecordedArtifact, RecordedError, Refused, Reply, StandIn, ask, ask_here,
    stands_in,
};
pub use crate::text::shown;
pub use as_recorded::as_recorded;
pub use batch::{Batch, same};
pub use describe::{Destination, named_span, span, template};
pub use drive::{Driven, drive_one};
pub use foreign::ForeignSpans;
pub use handoff::{Handoff, StoppedHandoff};
pub use job::{DrivenJob, Job};
pub use message::Describe;
pub use recent::Recent;
pub use send::{send, send_in};
pub use send_options::SendOptions;
pub use status::HandoffStatus;
pub use transaction::{InTransaction, Transaction};
pub use turns::Turns;
pub use waited::{Waited, waited};
pub use work::Work;
