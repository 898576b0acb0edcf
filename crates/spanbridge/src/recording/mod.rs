//! Writing records into this thread's buffer: spans on the hot path, everything else beside it.
//!
//! Nothing here fails, waits or allocates per span; what finds no room is counted. Without the feature `record` the same
//! functions do nothing.

#[cfg_attr(not(feature = "record"), expect(dead_code, reason = "nobody writes and nobody reads"))]
pub(crate) mod layout;

#[cfg(feature = "record")]
mod cuts;
#[cfg(feature = "record")]
mod items;
#[cfg(feature = "record")]
mod on;
#[cfg(feature = "record")]
mod thread;

#[cfg(feature = "record")]
pub(crate) use {
    items::{Item, Key},
    on::Started,
    thread::{hot, new_id, reseed, watch_forks},
};

#[cfg(not(feature = "record"))]
mod off;
#[cfg(not(feature = "record"))]
pub(crate) use off::{Item, Key, Started, hot};
