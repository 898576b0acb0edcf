//! Numbers as they are stored in the index, where all are signed.

/// A number whose order as a signed number is its own.
pub(super) const fn ordered(n: u64) -> i64 {
    (n ^ 1 << 63) as i64
}

/// What [`ordered`] was given.
pub(super) const fn unordered(n: i64) -> u64 {
    n as u64 ^ 1 << 63
}
