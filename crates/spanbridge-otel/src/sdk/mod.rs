//! Records out through OpenTelemetry's SDK for Rust (0.33): for applications that have an exporter, a span processor or a tracer
//! provider already.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use opentelemetry_sdk::trace::InMemorySpanExporter;
//! use spanbridge::{Recorder, observe};
//! use spanbridge_otel::{Exporter, Telemetry, WithTelemetry};
//! use std::time::Duration;
//!
//! let spans = InMemorySpanExporter::default();
//! let telemetry = Telemetry::new("my-app").exporter(Exporter::span_exporter(spans.clone()));
//! let recorder = Recorder::builder("my-app").with_telemetry(telemetry)?.build()?;
//! recorder.in_scope(|| observe::span("nightly import").in_scope(|| ()));
//! recorder.flush_blocking(Duration::from_secs(2));
//! assert_eq!(spans.get_finished_spans()?[0].name, "nightly import");
//! # Ok(()) }
//! ```
//!
//! | | ids | what it answers |
//! |---|---|---|
//! | [`Exporter::span_exporter`] | ours | is known |
//! | [`Exporter::span_processor`] | ours | is known as far as `force_flush` tells it |
//! | [`Exporter::global_provider`] | the provider's, with links to ours | is not known |
//!
//! Take the first that you have. [Choice](crate::Choice), counters, content, limits and the resource's attributes are as with every
//! exporter; only the global provider has a resource and limits of its own. Calls are made on the thread of the exporter's sink. There,
//! neither the recorder nor the SDK traces anything, so that an exporter does not export its own work. What it does on other threads
//! (those of a runtime, or of a `BatchSpanProcessor`) is work like any other to the recorder: if a layer of `tracing` records the
//! spans of the HTTP client in there, leave that client out by a filter, else each export causes the next.
//!
//! # Which version
//! The types are those of `opentelemetry_sdk` 0.33. An exporter of another version does not fit; with [`Exporter::callback`] and
//! a function that copies spans, or over OTLP ([`Exporter::url`](crate::Exporter)), any version does.
//!
//! [`Exporter::span_exporter`]: crate::Exporter::span_exporter
//! [`Exporter::span_processor`]: crate::Exporter::span_processor
//! [`Exporter::global_provider`]: crate::Exporter::global_provider
//! [`Exporter::callback`]: crate::Exporter::callback

mod caller;
mod context;
mod packed;
mod provider;
mod span_data;
mod span_exporter;
mod span_processor;
mod value;

pub use provider::GlobalProvider;
pub use span_data::span_data;
pub use span_exporter::SdkExporter;
pub use span_processor::SdkProcessor;
