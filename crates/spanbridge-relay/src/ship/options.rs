//! How a shipper works.

use std::time::Duration;

/// How a [`Shipper`](super::Shipper) works.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// How long a record waits at most before it is sent. Default: 1 second.
    pub interval: Duration,
    /// Bytes of a batch, as the far end takes them. A delivery of a recorder goes whole, so a batch may exceed it by one. Default: 8 MiB.
    pub max_bytes: usize,
    /// Records of a batch, likewise. Default: 50,000.
    pub max_records: usize,
    /// Ends when all that was there is sent. Fails if the far end does not take a batch after three attempts.
    pub once: bool,
    /// The first time: sends all records of the store, also those whose logs are gone.
    pub from_start: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(1),
            max_bytes: 8 << 20,
            max_records: 50_000,
            once: false,
            from_start: false,
        }
    }
}
