//! Export through OpenTelemetry's SDK, with its own exporters and processors, and with some that misbehave in every way.
#![cfg(feature = "sdk")]

#[path = "../otlp/arbitrary.rs"]
mod arbitrary;
mod data;
mod exporters;
#[path = "../export/plant.rs"]
mod plant;
mod privacy;
mod processors;
mod provider;
mod span_exporter;
mod span_processor;
#[path = "../export/support.rs"]
mod support;
