//! Delivery.
mod sink;
pub use sink::*;
