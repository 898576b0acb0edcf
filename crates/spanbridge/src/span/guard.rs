//! What may be recorded of the texts of errors: for adapters, whose spans are of work on the application's messages, and
//! whose errors may quote those.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

/// What becomes of an error's text before it is recorded. (Spans are unwind safe.)
pub(crate) trait Redact: Send + Sync + UnwindSafe + RefUnwindSafe {
    /// What is recorded of it.
    ///
    /// # Errors
    /// When that cannot be told: nothing is recorded of it then.
    fn redacted(&self, text: String) -> Result<String, Unredacted>;
}

/// A text that was to be redacted and could not be.
pub(crate) struct Unredacted;

/// What a span does with the text of its error, where that is not to be recorded as it is.
#[derive(Clone)]
pub(crate) enum Guard {
    /// Nothing is recorded of it.
    Silent,
    /// This says what is.
    Redacted(Arc<dyn Redact>),
}

impl Guard {
    /// What is recorded of a text. None is empty, and is not shown to anybody.
    pub(crate) fn pass(&self, text: String) -> Result<String, Unredacted> {
        match self {
            Guard::Redacted(by) if !text.is_empty() => by.redacted(text),
            Guard::Redacted(_) => Ok(text),
            Guard::Silent => Ok(String::new()),
        }
    }
}
