//! Something that cannot be read.

/// A part of a store that was left out because it is damaged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub struct Damaged {
    /// Which part, such as `delivery 7`. Two parts of a store have different names.
    pub part: String,
    /// What is wrong with it, such as `a block is missing`.
    pub why: String,
    /// It is not damaged: it was removed before anybody read it.
    pub(crate) is_gone: bool,
}

impl Damaged {
    /// A damaged part, and what is wrong with it.
    pub fn new(part: impl Into<String>, why: impl Into<String>) -> Self {
        Self { part: part.into(), why: why.into(), is_gone: false }
    }

    /// A part that was removed.
    pub(crate) fn gone(part: impl Into<String>, why: impl Into<String>) -> Self {
        Self { is_gone: true, ..Self::new(part, why) }
    }
}
