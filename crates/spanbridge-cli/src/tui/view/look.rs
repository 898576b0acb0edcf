//! How to draw.

/// How to draw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) color: bool,
    /// ASCII characters alone.
    pub(crate) ascii: bool,
}
