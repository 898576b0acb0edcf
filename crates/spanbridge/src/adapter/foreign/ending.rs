//! How a span will end.

use crate::span::Open;
use crate::{Context, Failure, Status};

/// What is known of a span's end before it ends.
#[derive(Default)]
pub(super) struct Ending {
    /// The text of a panic that has gone out of it.
    pub(super) panicked: Option<String>,
    /// It counts as ok, whatever failed.
    pub(super) is_ok: bool,
    /// The text and the class of a failure.
    failed: Option<(String, String)>,
}

impl Ending {
    /// Another failure. Without a text it says less than one before it.
    pub(super) fn fail(&mut self, failed: (String, String)) {
        if self.failed.is_none() || !failed.0.is_empty() {
            self.failed = Some(failed)
        }
    }

    pub(super) fn end(self, mut open: Open, context: &Context) {
        match self {
            Ending { panicked: Some(text), .. } => open.panicked(context, || text),
            Ending { is_ok: false, failed: Some((text, class)), .. } => {
                open.fail(context, &Failure::new(&text).class(class))
            }
            _ => open.end(context, Status::Ok),
        }
    }
}
