//! spanbridge carries the running context of a program (which run, which trace, which span caused this) across message
//! queues and serverless calls, and records what happened as one run graph.
//!
//! # In an application
//!
//! Set a recorder up once, with the feature `record`. Then say what is happening:
//!
//! ```
//! # #[cfg(feature = "record")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use spanbridge::{JsonLines, Recorder, observe};
//!
//! // The handle flushes, bounded, when it is dropped. A sink keeps the records: here lines of JSON, elsewhere the
//! // embedded store of `spanbridge-store`.
//! let recorder = Recorder::builder("orders").sink(JsonLines::new(std::io::stdout())).install()?;
//!
//! observe::run("nightly import").in_scope(|| {
//!     observe::span("read").attribute("file", "orders.csv").in_scope(|| std::fs::read("orders.csv").map(drop))
//! }).ok();
//! # drop(recorder);
//! # Ok(()) }
//! # #[cfg(not(feature = "record"))]
//! # fn main() {}
//! ```
//!
//! Adapters carry the context over a transport with one more word: `channel.observed()` and `consumer.observed()` of
//! `spanbridge-amqp`, and their like of `spanbridge-kafka`. For a transport that has none, [`carrier`] is what it takes:
//! [`carrier::inject`] where a message is sent, [`carrier::extract`] where it arrives, and [`observe::with_context`] around
//! the work; who writes an adapter finds the rest in [`messaging`].
//!
//! A span ends by what its work returns ([`Outcome`]), so an `Err` is never recorded as ok. The current context follows a
//! future from poll to poll and thread to thread. A task that is spawned does not inherit it: give it along with
//! [`in_current_context`](ContextExt::in_current_context), or [`observe::bind`] for a closure.
//!
//! A run may outlive its process: [`Run::suspend`](observe::Run::suspend) gives a [`RunContext`] to be stored, and
//! [`observe::resume_run`] goes on with it, in any process on any day.
//!
//! What leaves with a database transaction goes through an [`outbox`].
//!
//! Programs that call language models have the spans of [`agent`]: generations, tools, retrieval, and what they cost.
//!
//! # In a library
//!
//! Depend on this crate without features. Contexts are carried, and spans that the library opens are recorded where the
//! application records; else they cost next to nothing. For spans that are details of something larger, say
//! [`implicit_run(false)`](observe::SpanBuilder::implicit_run): they begin no run of their own.
//!
//! # Features
//!
//! | feature | what it adds |
//! |---|---|
//! | `record` | the recorder, its sinks, and [`record`]s. Applications switch it on |
//! | `json` | carriers for JSON objects and payloads, run contexts as text (part of `record`) |
//! | `macros` | the attribute [`#[observe]`](macro@observe) |
//! | `tokio` | `observe::spawn`, `spawn_blocking` and `spawn_local`: tasks that stay inside what spawned them |
//! | `http` | a carrier for `http::HeaderMap`; a `http::Response` says by its status whether the work failed |
//! | `conformance` | the story that every adapter passes, for those who write one (with `record`) |
//!
//! # How it is built
//!
//! Rooms form layers, and each uses only what stands before it: buffers → what is carried ([`w3c`], [`Context`],
//! what is current) → stand-ins → the encoder of spans → [`carrier`] → spans and runs ([`mod@observe`], [`outbox`]) →
//! [`messaging`], [`agent`] → [`record`] → [`Recorder`] → the conformance kit.

#[cfg(feature = "macros")]
#[doc(hidden)] // for the code that the macros write
pub mod __private;
pub mod adapter;
pub mod agent;
#[cfg(feature = "record")]
mod buffer;
pub mod carrier;
#[cfg(feature = "conformance")]
pub mod conformance;
mod context;
mod cut;
mod encoder;
mod fork;
pub mod messaging;
pub mod panics;
#[cfg(feature = "record")]
pub mod record;
mod recorder;
pub mod semconv;
mod span;
mod stand_in;
mod text;

#[cfg(feature = "json")]
pub use carrier::payload;
pub(crate) use context::current;
pub use context::{
    Context, ContextExt, IntoValue, Kind, ParseIdError, Primitive, RunId, SegmentId, SpanId, Status, TraceId, Value,
    family, w3c,
};
#[cfg(feature = "record")]
pub use context::{Sampler, SamplingInput};
#[cfg(feature = "record")]
pub use recorder::{
    Environment, InstallError, JsonLines, Memory, Receipt, RecordBatch, Recorder, RecorderBuilder, Sink, SinkError,
    Variables,
};
pub use recorder::{Flush, Report, SinkReport, flush, flush_at_exit, flush_blocking};
#[cfg(feature = "json")]
pub use span::ParseRunContextError;
pub use span::{Failure, Outcome, RunContext, observe, outbox};
#[cfg(feature = "macros")]
#[doc = include_str!("observe_attribute.md")]
pub use spanbridge_macros::observe;
