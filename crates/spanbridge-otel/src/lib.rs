//! spanbridge in the world of OpenTelemetry: records to OTLP and back.
//!
//! # Records out
//! Give a recorder a [`Telemetry`], besides whatever other sinks it has. Spans are sent to any backend that speaks OTLP over HTTP:
//!
//! ```no_run
//! # #[cfg(feature = "export")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use spanbridge::Recorder;
//! use spanbridge_otel::{Exporter, Telemetry, WithTelemetry};
//!
//! let telemetry = Telemetry::new("orders").exporter(Exporter::url("http://localhost:4318/v1/traces"));
//! let recorder = Recorder::builder("orders").with_telemetry(telemetry)?.install()?;
//! # drop(recorder); Ok(()) }
//! # #[cfg(not(feature = "export"))]
//! # fn main() {}
//! ```
//!
//! [`Telemetry::from_env`] reads OpenTelemetry's variables instead. No content leaves unless you ask for it
//! ([`Telemetry::record_content`]), an exporter may take a part only ([`Choice`]), and nothing is lost without a number
//! ([`ExportCounts`]).
//!
//! To send all that is recorded to a `spanbridge serve` on another machine, use an [`HttpSink`].
//!
//! # Context both ways
//! A team that keeps its tracer takes only our transports: see [`bridge`].
//!
//! # Features
//! | feature | what it adds |
//! |---|---|
//! | `export` (default) | records out, to a receiver of OTLP, to a `spanbridge serve` or to a function of yours |
//! | `tls` (default) | receivers whose URL is `https://` |
//! | `sdk` | records out through OpenTelemetry's SDK: [`sdk`] |
//! | `opentelemetry_0_31`, `_0_32`, `_0_33` | the current context of this version of OpenTelemetry's API: [`bridge`] |
//! | `fastrace` | the same of fastrace (Rust 1.91) |
//! | `metrics` | messaging as metrics, and what is lost, through the facade `metrics` |
//!
//! # How it is built
//! Rooms form layers, and each uses only what stands before it: [`otlp`] is the wire, [`spans`] is how records and the spans
//! of OTLP become each other, `export` sends them, and `sdk` gives them to OpenTelemetry's SDK.
//! `metrics` measures them. [`bridge`] uses none of these.

pub mod bridge;
mod error;
#[cfg(any(feature = "export", feature = "sdk"))]
pub mod export;
#[cfg(feature = "metrics")]
pub mod metrics;
pub mod otlp;
#[cfg(feature = "sdk")]
pub mod sdk;
pub mod spans;

pub use error::{Error, ErrorKind};
pub use export::HttpSink;
#[cfg(feature = "export")]
#[doc(hidden)]
pub use export::Posted;
#[cfg(any(feature = "export", feature = "sdk"))]
pub use export::{Choice, ExportCounter, ExportCounts, Exporter, Telemetry, WithTelemetry};
