//! The totals of the records about the run itself.

use spanbridge::Status;
use spanbridge::record::{BodyView, Via};

/// The records about the run itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Lifecycle {
    pub starts: u64,
    pub suspends: u64,
    /// Resumes, and segments that ended a suspension.
    pub resumes: u64,
    /// How often it ended, as ok, as an error and as cancelled.
    pub ends: [u64; 3],
    pub started_at: Option<u64>,
    /// The first end.
    pub ended_at: Option<u64>,
    /// When it was last suspended or resumed.
    pub touched_at: Option<u64>,
}

impl Lifecycle {
    #[inline]
    pub(super) fn add(&mut self, body: &BodyView<'_>) {
        match body {
            BodyView::RunStart(r) => {
                self.starts += 1;
                self.started_at = earlier(self.started_at, Some(r.started_at()));
            }
            BodyView::RunSuspend(r) => {
                self.suspends += 1;
                self.touched_at = self.touched_at.max(Some(r.suspended_at()));
            }
            BodyView::RunResume(r) => {
                self.resumes += 1;
                self.touched_at = self.touched_at.max(Some(r.resumed_at()));
            }
            BodyView::Segment(s) if s.via() == Via::Resume => {
                self.resumes += u64::from(s.suspension_id().is_some());
                self.touched_at = self.touched_at.max(Some(s.started_at()));
            }
            BodyView::RunEnd(r) => {
                let place = match r.status() {
                    Status::Ok => 0,
                    Status::Error | Status::Panicked => 1,
                    Status::Cancelled => 2,
                };
                self.ends[place] += 1;
                self.ended_at = earlier(self.ended_at, Some(r.ended_at()));
            }
            _ => {}
        }
    }

    #[inline]
    pub(super) fn merge(&mut self, other: &Self) {
        self.starts = self.starts.saturating_add(other.starts);
        self.suspends = self.suspends.saturating_add(other.suspends);
        self.resumes = self.resumes.saturating_add(other.resumes);
        for (mine, other) in self.ends.iter_mut().zip(other.ends) {
            *mine = mine.saturating_add(other);
        }
        self.started_at = earlier(self.started_at, other.started_at);
        self.ended_at = earlier(self.ended_at, other.ended_at);
        self.touched_at = self.touched_at.max(other.touched_at);
    }

    /// Whether code declared the run. Otherwise it consists of the spans of its trace.
    pub fn is_owned(&self) -> bool {
        *self != Self::default()
    }
}

fn earlier(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    a.into_iter().chain(b).min()
}
