//! The kinds of mentions: the column `mention.kind`.

/// The run has records of this trace, and that is not its own.
pub(crate) const TRACE: i8 = b't' as i8;
/// This run started it.
pub(crate) const PARENT: i8 = b'p' as i8;
/// A span of it links to this trace, and that is neither the run's own nor the span's.
pub(crate) const LINK: i8 = b'l' as i8;
/// It changed a row of a database with this mark.
pub(crate) const MARK: i8 = b'm' as i8;
/// It shows that this receiver settles messages of several runs with one call.
pub(crate) const SETTLES_OTHERS: i8 = b's' as i8;
