//! The spans and events of `tracing` in spanbridge's run graph, and run, trace and span ids in your log lines.
//!
//! A service that uses `tracing` adds a recorder and one layer, and changes nothing else:
//!
//! ```
//! use spanbridge::{JsonLines, Recorder};
//! use tracing::{info, info_span, instrument};
//! use tracing_subscriber::prelude::*;
//!
//! // What you have already.
//! #[instrument(err)]
//! fn place_order(items: u32) -> Result<u32, std::io::Error> {
//!     info!(items, "reserving");
//!     info_span!("charge", otel.kind = "client").in_scope(|| Ok(items * 7))
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let output = std::io::sink();
//! // What you add: a recorder, with the feature `record` of `spanbridge` …
//! let recorder = Recorder::builder("orders").sink(JsonLines::new(output)).install()?;
//! // … and `.with(spanbridge_tracing::layer())`.
//! tracing_subscriber::registry().with(spanbridge_tracing::layer()).init();
//!
//! place_order(3)?; // the spans `place_order` and `charge`, and an event
//! # drop(recorder);
//! # Ok(()) }
//! ```
//!
//! # Nested with everything else
//!
//! While a span of `tracing` is entered, its context is spanbridge's current context. So what
//! [`observe`](mod@spanbridge::observe) begins is below it, and an adapter sends it with a message. The other way round, a span of
//! `tracing` begins below the current context, be it a message's, a request's or that of a span of `observe`:
//!
//! ```
//! use spanbridge::observe;
//! use spanbridge_graph::testing; // records a block, for tests
//! use tracing::info_span;
//! use tracing_subscriber::prelude::*;
//!
//! # let subscriber = tracing_subscriber::registry().with(spanbridge_tracing::layer());
//! # tracing::subscriber::with_default(subscriber, || {
//! let recorded = testing::record(|| {
//!     observe::span("request").in_scope(|| {
//!         info_span!("handler").in_scope(|| observe::span("query").in_scope(|| ()))
//!     })
//! });
//! assert_eq!(recorded.tree(), "request\n  handler\n    query\n");
//! # });
//! ```
//!
//! # What becomes of what
//!
//! | `tracing` | the run graph |
//! |---|---|
//! | a span, from its creation to its close | a span |
//! | `parent: &span`, `parent: None` | the parent; a new trace |
//! | fields, also recorded late | attributes |
//! | `otel.name`, `otel.kind` | name and kind, if the span begins with them |
//! | `otel.status_code`, `otel.status_description` or `otel.status_message` | how the span ends |
//! | what `#[instrument(err)]` emits | the span fails with that text |
//! | a panic that goes out of an entered span | the span ends as panicked |
//! | `follows_from` | a link |
//! | an event inside of a span | an event of the span, with `level` and `target` |
//!
//! [`Layer`] has the settings. The guide (`docs/guide/tracing.md`) has the details, the costs, the differences from
//! `tracing-opentelemetry`, and the limits.
//!
//! # Ids in log lines
//!
//! With the feature `fmt`, the lines of `tracing-subscriber`'s formatters name the trace, the span and the run that they belong
//! to. One word switches it on: `tracing_subscriber::fmt().json().with_ids().init()`. See [`fmt`].

#![cfg_attr(
    not(feature = "fmt"),
    expect(rustdoc::broken_intra_doc_links, reason = "the docs are written for all features")
)]

mod fields;
#[cfg(feature = "fmt")]
pub mod fmt;
mod layer;
mod spans;

pub use layer::{Layer, layer};
