//! What happens while records are collected.

use std::time::Duration;

/// What happens while records are collected.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum CollectEvent<'a> {
    /// The group has given us these partitions, in ascending order.
    Assigned(&'a [i32]),
    /// The group has taken these partitions away, in ascending order.
    Revoked(&'a [i32]),
    /// A batch is stored.
    Stored,
    /// The destination, or the dead-letter topic, does not take anything. It is tried again until it does; this is said once.
    Away {
        /// Why. Continues "failed to …".
        error: &'a str,
    },
    /// It takes something again.
    Back {
        /// After so long.
        after: Duration,
    },
    /// A message was set aside.
    SetAside {
        /// Where it is: `TOPIC/PARTITION/OFFSET`.
        source: &'a str,
        /// What is wrong with it.
        why: &'a str,
    },
    /// Something that people should know.
    Note(&'a str),
}
