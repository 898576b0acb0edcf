//! What a shipper tells.

use super::loss::Loss;

/// What a [`Shipper`](super::Shipper) tells while it works.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'e> {
    /// A batch has arrived.
    Arrived,
    /// It runs for the first time, and the store has runs whose logs are gone: these are not sent.
    LeftOut,
    /// [`Options::from_start`](super::Options::from_start) was set, and it has run before: it goes on where it was.
    NotFirst,
    /// The far end does not take records, for this reason. Told once until it is [back](Event::Back).
    Away(&'e str),
    /// The far end takes records again.
    Back,
    /// Something never arrives.
    Lost(&'e Loss),
    /// The far end can never take so many records; why it cannot take the first.
    Rejected(u64, &'e str),
}
