//! Writing records into this thread's buffer: spans on the hot path, everything else beside it.
//!
//! Nothing here fails, waits or allocates per span; what finds no room is counted. Without the feature `record` the same
//! functions do nothing.

#[cfg_attr(not(feature = "record"), expect(dead_code, reason = "nobody writes and nobody reads"))]
pub(crate) mod layout;
pub(crate) mod origin;

#[cfg(feature = "record")]
mod active;
#[cfg(feature = "record")]
pub(crate) mod clock;
#[cfg(feature = "record")]
mod cuts;
#[cfg(feature = "record")]
mod held;
#[cfg(feature = "record")]
mod items;
#[cfg(feature = "record")]
mod large;
#[cfg(feature = "record")]
mod roots;
#[cfg(feature = "record")]
mod template;
#[cfg(feature = "record")]
mod thread;

#[cfg(feature = "record")]
pub(crate) use {
    active::Started,
    items::{Item, Key},
    template::Template,
    thread::{new_id, reseed, thread_recorder, watch_forks},
};

#[cfg(not(feature = "record"))]
mod noop;
#[cfg(not(feature = "record"))]
pub(crate) use noop::{Item, Key, Started, Template, thread_recorder};
