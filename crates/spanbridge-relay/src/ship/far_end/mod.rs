//! Where records go.

mod contract;
mod http;
#[cfg(feature = "kafka")]
mod kafka;
mod store;

pub use contract::{Away, FarEnd, Sent};
pub use http::HttpEnd;
#[cfg(feature = "kafka")]
pub use kafka::KafkaEnd;
pub use store::StoreEnd;
