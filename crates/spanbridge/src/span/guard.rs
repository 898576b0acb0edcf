//! How much of an error's text is recorded: errors of work on a message may quote the message.

use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

/// Redacts the text of an error before it is recorded. (Spans are unwind safe.)
pub(crate) trait Redact: Send + Sync + UnwindSafe + RefUnwindSafe {
    /// The text to record.
    ///
    /// # Errors
    /// When redaction failed: then no text is recorded.
    fn redacted(&self, text: String) -> Result<String, Unredacted>;
}

/// Redaction failed.
pub(crate) struct Unredacted;

/// What a span does with the text of its error, unless it records it unchanged.
#[derive(Clone)]
pub(crate) enum Guard {
    /// Records no text.
    Silent,
    /// Records the redacted text.
    Redacted(Arc<dyn Redact>),
}

impl Guard {
    /// The text to record. An empty text stays empty, without a call of the hook.
    pub(crate) fn pass(&self, text: String) -> Result<String, Unredacted> {
        match self {
            Guard::Redacted(by) if !text.is_empty() => by.redacted(text),
            Guard::Redacted(_) => Ok(text),
            Guard::Silent => Ok(String::new()),
        }
    }
}
