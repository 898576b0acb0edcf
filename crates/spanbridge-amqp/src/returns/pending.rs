//! What is known about the publishes of each channel.

use super::answer::Answer;
use super::returned::{Key, Returned};
use lapin::types::ChannelId;
use spanbridge::adapter::{HandoffStatus, PerProcess, StoppedHandoff};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Maximum number of spans, and of messages, that wait for their match on a channel. Beyond that the oldest is let go.
pub(super) const MAX_AWAITING_RETURN: usize = 4096;

pub(super) static CHANNELS: PerProcess<BTreeMap<ChannelId, PendingPublishes>> = PerProcess::new();

/// What is known about one channel's publishes. Spans are never ended while this is locked.
#[derive(Default)]
pub(super) struct PendingPublishes {
    /// The number of the last publish.
    pub(super) last: u64,
    /// Publishes whose answer nobody has looked at.
    pub(super) open: BTreeMap<u64, Arc<Answer>>,
    /// Publishes that were answered without their message, which another answer may have.
    pub(super) awaiting: VecDeque<AwaitingReturn>,
    /// Messages that came with another answer, before anybody has looked at their own.
    pub(super) early: VecDeque<(Key, Returned)>,
    pub(super) given_up: Option<GivenUp>,
    /// The messages of publishes up to this number may have come with an answer that was given up.
    pub(super) lost_until: u64,
}

/// Somebody gave an answer up. Nobody hears when it comes: it may be after those of publishes that began later, because
/// RabbitMQ waits for each queue's own disks and replicas.
#[derive(Clone, Copy)]
pub(super) struct GivenUp {
    /// The last publish at that time.
    at: u64,
    /// The answer has come by then, as far as anybody can know.
    pub(super) until: Instant,
}

/// How long a queue may take to confirm a message, including one that waits for a new leader. After that, no answer that was given
/// up is waited for.
const SLOWEST_CONFIRM: Duration = Duration::from_secs(60);

/// A publish that was answered without its message.
pub(super) struct AwaitingReturn {
    /// Answers to publishes up to this number may have its message.
    pub(super) until: u64,
    /// So may answers that have not come yet.
    pub(super) may_come: bool,
    /// An answer that may have had it was given up.
    pub(super) is_lost: bool,
    pub(super) key: Key,
    pub(super) span: StoppedHandoff,
}

impl AwaitingReturn {
    fn may_be_with(&self, number: u64, answer: &Answer) -> bool {
        number <= self.until && (self.may_come || answer.may_be_there())
    }

    /// No answer has its message.
    pub(super) fn end(self) {
        self.span.ended(if self.is_lost { HandoffStatus::Unknown } else { HandoffStatus::Confirmed })
    }
}

impl PendingPublishes {
    /// Whether the answer to any publish other than `but` may have its message.
    pub(super) fn may_hold(&self, waiting: &AwaitingReturn, but: u64) -> bool {
        self.open.range(..=waiting.until).any(|(n, answer)| *n != but && waiting.may_be_with(*n, answer))
    }

    /// Somebody has looked at the answer to this publish.
    pub(super) fn looked_at(&mut self, number: u64) {
        if self.given_up.is_some_and(|given_up| given_up.at < number && given_up.until <= Instant::now()) {
            (self.given_up, self.lost_until) = (None, self.last)
        }
    }

    /// Nobody will ever look at the answer to this publish.
    pub(super) fn given_up(&mut self, number: u64, answer: &Answer) {
        self.given_up = Some(GivenUp { at: self.last, until: Instant::now() + SLOWEST_CONFIRM });
        self.awaiting.iter_mut().for_each(|waiting| waiting.is_lost |= waiting.may_be_with(number, answer))
    }

    /// Whether the message of this publish may have come with an answer that was given up.
    pub(super) fn may_have_lost(&self, number: u64) -> bool {
        self.given_up.is_some() || number <= self.lost_until
    }
}
