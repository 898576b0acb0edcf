//! What became of a request that was taken.

use spanbridge_query::{ImportReport, Imported};

/// What became of the records of a request.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Outcome {
    /// Records that were read, whatever became of them.
    pub(super) read: u64,
    pub(super) stored: u64,
    pub(super) repeated: u64,
    /// Of those that are stored now.
    pub(super) conflicts: u64,
    /// The number of each record that is rejected, or of the span that it is of; and why.
    pub(super) rejected: Vec<(u64, String)>,
    /// Of those that are rejected: they came too late.
    pub(super) late: u64,
}

impl Outcome {
    pub(super) fn became(&mut self, what: Imported) {
        match what {
            Imported::New => self.stored += 1,
            Imported::Repeated => self.repeated += 1,
            Imported::Conflict => {
                self.stored += 1;
                self.conflicts += 1;
            }
            // It is told with the reason.
            _ => {}
        }
    }

    pub(super) fn reject(&mut self, number: u64, why: impl Into<String>) {
        self.rejected.push((number, cut(why.into())));
    }

    pub(super) fn reject_late(&mut self, number: u64) {
        self.late += 1;
        self.reject(number, ImportReport::LATE);
    }
}

/// A reason may quote what was sent.
fn cut(mut why: String) -> String {
    const MAX: usize = 256;
    if why.len() > MAX {
        let end = (0..=MAX).rfind(|end| why.is_char_boundary(*end)).unwrap_or(0);
        why.truncate(end);
        why.push('…');
    }
    why
}
