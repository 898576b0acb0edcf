//! What a read came upon.

/// What one [read](super::Tail::read) came upon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TailRead {
    /// Records that `each` was called with.
    pub records: u64,
    /// Logs that were removed before any of them was read.
    pub missed_logs: u64,
    /// Bytes that were removed before they could be read, or that are damaged.
    pub missed_bytes: u64,
    /// An engine told more again than can be remembered, about a million records: `each` may have got some of them before.
    pub may_repeat: bool,
}
