//! When to read again what has changed.

use super::ask::Ticket;

/// Reading may take this share of the time: after it took a second, nothing is read for so many seconds.
const PAUSE: u64 = 3;

/// One thing that is read, and read again when it has changed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Refresh {
    /// The question that has no answer yet.
    pub(crate) pending: Option<Ticket>,
    is_stale: bool,
    not_before: u64,
}

impl Refresh {
    pub(crate) fn ask(&mut self, ticket: Ticket) {
        (self.pending, self.is_stale) = (Some(ticket), false);
    }

    pub(crate) fn change(&mut self) {
        self.is_stale = true;
    }

    pub(crate) fn is_stale(&self) -> bool {
        self.is_stale
    }

    /// Whether it should be read now.
    pub(crate) fn is_due(&self, now: u64) -> bool {
        self.is_stale && self.pending.is_none() && now >= self.not_before
    }

    /// Takes an answer. `false`: nobody waits for it any more.
    pub(crate) fn take(&mut self, ticket: Ticket, took: u64, now: u64) -> bool {
        if self.pending != Some(ticket) {
            return false;
        }
        (self.pending, self.not_before) = (None, now.saturating_add(took.saturating_mul(PAUSE)));
        true
    }

    /// Takes an error as an answer.
    pub(crate) fn fail(&mut self, ticket: Ticket) -> bool {
        self.take(ticket, 0, 0)
    }
}
