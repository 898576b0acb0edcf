//! Moves spanbridge records over Kafka: the library behind `spanbridge ship` and `spanbridge collect`.
//!
//! An [`Address`] says which topic of which cluster. A [`format`](mod@format) says how records are in its messages:
//!
//! ```
//! use spanbridge_relay::{Address, format};
//! # use spanbridge::record::Record;
//! # let records: Vec<Record<'static>> = Vec::new();
//! let address: Address = "kafka://kafka1,kafka2:9093/spans?group=night".parse()?;
//! assert_eq!((address.topic(), address.group()), ("spans", "night"));
//!
//! for message in format::encode(records.iter().map(|record| record.view())) {
//!     // … send message.value to the topic under message.key …
//!     let decoded = format::decode(Some(b"1"), Some(message.value.as_bytes()))?;
//!     assert!(decoded.faults.is_empty());
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod address;
#[cfg(feature = "kafka")]
pub mod collect;
mod error;
pub mod format;
pub mod ship;

pub use address::Address;
pub use error::{Error, ErrorKind};
