//! Messaging as metrics, through the facade [`metrics`](https://docs.rs/metrics) (0.24).
//!
//! Give a recorder a [`MetricsSink`], besides whatever other sinks it has. It measures spans as they end, so code that sends
//! and works on messages is not touched:
//!
//! ```
//! use spanbridge::{Memory, Recorder};
//! use spanbridge_otel::metrics::MetricsSink;
//!
//! // First your exporter for metrics, for example `PrometheusBuilder::new().install()?`.
//! let recorder = Recorder::builder("orders").sink(Memory::new()).sink(MetricsSink::new()).build()?;
//! # drop(recorder);
//! # Ok::<(), spanbridge::InstallError>(())
//! ```

mod measure;
mod meter;
mod related;
mod sink;

pub use sink::MetricsSink;
