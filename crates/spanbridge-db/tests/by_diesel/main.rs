//! diesel's own connections, with our instrumentation.

mod default;
mod harmless;
mod spans;
mod support;
mod transactions;
