//! How long a message waited.

use lapin::BasicProperties;
use spanbridge::adapter::{self, Waited};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long a message has waited since its publisher set its timestamp. AMQP's timestamps are whole seconds, so this is the
/// least that it can have been; it goes by the publisher's clock, unless a plugin makes it the broker's.
pub(crate) fn waited(properties: &BasicProperties) -> Waited {
    // A larger number is in milliseconds, and no time in seconds.
    let seconds = properties.timestamp().filter(|seconds| *seconds < MILLISECONDS);
    let sent = seconds.map(|seconds| UNIX_EPOCH + Duration::from_millis(seconds * 1000 + 999));
    if sent.is_some() { adapter::waited(sent, SystemTime::now()) } else { Waited::Unknown }
}

/// The year 5138 in seconds, and 1973 in milliseconds.
const MILLISECONDS: u64 = 100_000_000_000;
