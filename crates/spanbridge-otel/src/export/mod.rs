//! Records out: spans for a receiver of OTLP, for a function of yours, or for [OpenTelemetry's SDK](crate::sdk).
//!
//! ```
//! # #[cfg(feature = "export")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use spanbridge::{Memory, Recorder, observe};
//! use spanbridge_otel::{Choice, Exporter, Telemetry, WithTelemetry};
//! use std::time::Duration;
//!
//! # let (url, key) = ("http://127.0.0.1:9/v1/traces", "key");
//! let exporter = Exporter::url(url).header("x-api-key", key).choice(Choice::failed_or_slow(Duration::from_secs(2)));
//! let counter = exporter.counter();
//! let telemetry = Telemetry::new("my-app")
//!     .attributes([("deployment.environment.name", "production")])
//!     .record_content(false)
//!     .exporter(exporter)
//!     .exporter(Exporter::callback(|spans| println!("{} spans", spans.len())));
//!
//! // Besides a local store, or any other sink. Each gets every record, and none waits for another.
//! let recorder = Recorder::builder("my-app").sink(Memory::new()).with_telemetry(telemetry)?.build()?;
//! recorder.in_scope(|| observe::span("nightly import").in_scope(|| ()));
//! let report = recorder.shutdown(Duration::from_secs(2));
//!
//! // Every span is accepted, lost, not chosen or waiting: nothing was slow here, and nothing failed.
//! let counts = counter.counts();
//! assert_eq!((counts.spans(), counts.not_chosen), (1, 1));
//! # assert!(report.complete);
//! # Ok(()) }
//! # #[cfg(not(feature = "export"))]
//! # fn main() {}
//! ```
//!
//! Spans are exported once they have ended. The exporter works on the sink's thread, with no runtime: a request takes 5 seconds at
//! most. A batch goes through `sink`: the assembler makes spans of records, the [choice](Choice) takes or leaves them (in
//! `hold` until a run is known to have failed or to be slow), `settings` takes out content and what is over a limit, and the
//! `destination` packs and sends them.

#[cfg(feature = "export")]
mod answer;
mod callback;
mod choice;
#[cfg(feature = "export")]
mod client;
mod content;
mod counts;
pub(crate) mod destination;
#[cfg(feature = "export")]
mod environment;
mod exporter;
#[cfg(feature = "export")]
mod from_environment;
mod hold;
#[cfg(feature = "export")]
mod http;
#[cfg(feature = "export")]
mod http_sink;
mod limits;
#[cfg(feature = "export")]
mod receiver;
#[cfg(feature = "export")]
mod retry_after;
mod settings;
mod sink;
mod telemetry;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "export")]
mod url;

pub use callback::Callback;
pub use choice::Choice;
pub use counts::{ExportCounter, ExportCounts};
pub use exporter::{AnyExporter, Exporter};
#[doc(hidden)]
pub use http_sink::Posted;
#[cfg(feature = "export")]
pub use http_sink::{HttpSink, HttpSinkBuilder};
pub use telemetry::{Telemetry, WithTelemetry};
#[cfg(feature = "export")]
pub use url::Url;
