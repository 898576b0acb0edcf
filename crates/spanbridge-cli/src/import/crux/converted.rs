//! What becomes of a record of Crux.

use spanbridge::record::Record;

/// What became of a record of Crux.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Converted {
    /// It is a record of ours.
    Record {
        /// What it says.
        record: Record<'static>,
        /// What it says beyond that, as attributes of its span or its run.
        more: Option<Record<'static>>,
    },
    /// It resumes a run and does not say from which suspension: that is one of several, or in another part of the input.
    /// [`Suspensions::resolve`](super::Suspensions::resolve) finds it.
    Resumed {
        /// What it says. The suspension is that of its own segment.
        record: Record<'static>,
        /// As for [`Converted::Record`].
        more: Option<Record<'static>>,
    },
    /// Its type is not known here.
    Unknown(String),
}
