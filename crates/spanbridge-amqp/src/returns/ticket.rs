//! A publish whose answer has not come.

use super::answer::Answer;
use super::pending::{AwaitingReturn, CHANNELS, MAX_AWAITING_RETURN};
use super::returned::{Key, Returned};
use lapin::types::ChannelId;
use spanbridge::adapter::{HandoffStatus, StoppedHandoff};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

/// A publish, until somebody has looked at its answer.
#[derive(Debug)]
pub(crate) struct Ticket {
    channel: ChannelId,
    number: u64,
    answer: Arc<Answer>,
    /// Somebody has looked at the answer, or there is none.
    pub(super) is_over: bool,
}

impl Ticket {
    pub(crate) fn new(channel: ChannelId) -> Self {
        let answer = Arc::<Answer>::default();
        let number = CHANNELS.with(|pending| {
            let pending = pending.entry(channel).or_default();
            pending.last += 1;
            pending.open.insert(pending.last, answer.clone());
            pending.last
        });
        Ticket { channel, number, answer, is_over: false }
    }

    /// There is no answer: it could not be sent.
    pub(crate) fn not_sent(mut self) {
        self.is_over = true
    }

    /// Polls for the answer, and notes when it is there.
    pub(crate) fn poll<F: Future + Unpin>(&mut self, answer: &mut F, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let polled = Answer::noticed(&self.answer, cx, |cx| Pin::new(answer).poll(cx));
        self.is_over = polled.is_ready();
        polled
    }

    /// The message of another publish came with the answer to this one.
    pub(crate) fn returned_for_other(&self, whose: Key, message: Returned) {
        let found = CHANNELS.with(|pending| {
            let pending = pending.entry(self.channel).or_default();
            match pending.awaiting.iter().position(|waiting| waiting.key == whose) {
                Some(at) => pending.awaiting.remove(at).map(|waiting| (waiting, message)),
                None => {
                    if pending.early.len() >= MAX_AWAITING_RETURN {
                        pending.early.truncate(MAX_AWAITING_RETURN - 1);
                        pending.lost_until = pending.last
                    }
                    pending.early.push_front((whose, message));
                    None
                }
            }
        });
        if let Some((waiting, message)) = found {
            waiting.span.failed(HandoffStatus::Returned, &message.failure())
        }
    }

    /// The message of this publish, if it came with the answer to another.
    pub(crate) fn claim(&self, key: Key) -> Option<Returned> {
        CHANNELS.with(|pending| {
            let early = &mut pending.get_mut(&self.channel)?.early;
            let at = early.iter().position(|(whose, _)| *whose == key)?;
            early.remove(at).map(|(_, message)| message)
        })
    }

    /// This publish was answered without its message. If another's message came with the answer (`may_come`), its own may still
    /// come: lapin has a queue of them, and answers without a message only when that is empty.
    pub(crate) fn await_return(&self, key: Key, span: StoppedHandoff, may_come: bool) {
        let over = CHANNELS.with(|pending| {
            let pending = pending.entry(self.channel).or_default();
            let is_lost = pending.may_have_lost(self.number);
            let waiting = AwaitingReturn { until: pending.last, may_come, is_lost, key, span };
            if !pending.may_hold(&waiting, self.number) {
                return Some(waiting);
            }
            pending.awaiting.push_back(waiting);
            let too_many = pending.awaiting.len() > MAX_AWAITING_RETURN;
            let oldest = if too_many { pending.awaiting.pop_front() } else { None };
            oldest.map(|oldest| AwaitingReturn { is_lost: true, ..oldest })
        });
        over.into_iter().for_each(AwaitingReturn::end)
    }
}

impl Drop for Ticket {
    /// Somebody has looked at the answer, or never will. Publishes that only waited for this one are over.
    fn drop(&mut self) {
        let mut over = vec![];
        CHANNELS.with(|all| {
            let Some(pending) = all.get_mut(&self.channel) else { return };
            if !pending.open.get(&self.number).is_some_and(|answer| Arc::ptr_eq(answer, &self.answer)) {
                return; // it belongs to the process that this one was forked from
            }
            pending.open.remove(&self.number);
            if self.is_over {
                pending.looked_at(self.number)
            } else {
                pending.given_up(self.number, &self.answer)
            }
            while pending.awaiting.front().is_some_and(|waiting| !pending.may_hold(waiting, 0)) {
                over.extend(pending.awaiting.pop_front())
            }
            if pending.open.is_empty() && pending.given_up.is_none() {
                all.remove(&self.channel);
            }
        });
        over.into_iter().for_each(AwaitingReturn::end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::returns::returned::key;
    use spanbridge::adapter::Handoff;
    use spanbridge::record::{Body, SpanAttributes, SpanEnd};
    use spanbridge::{Memory, Recorder, observe, semconv};
    use std::time::{Duration, Instant};

    /// What a mandatory publish ended as whose answer came without a message.
    fn answered(mut ticket: Ticket, may_come: bool) {
        let span = observe::span("publish").open();
        let key = key(span.context()).unwrap();
        ticket.is_over = true;
        ticket.await_return(key, Handoff::new(span).stop().unwrap(), may_come)
    }

    /// The statuses of the spans that ended, in that order. Each test has a channel of its own.
    fn statuses(work: impl FnOnce()) -> Vec<String> {
        let memory = Memory::new();
        let recorder = Recorder::builder("returns").sink(memory.clone()).on_flush_only().build().unwrap();
        recorder.in_scope(work);
        assert!(recorder.flush_blocking(Duration::from_secs(10)).complete);
        let status = |attributes: &spanbridge::record::Attributes<'_>| {
            attributes.get(semconv::HANDOFF_STATUS).and_then(|status| status.as_str()).map(str::to_owned)
        };
        let ended = |body: &Body<'_>| match body {
            // A delivery may come between the status and the end.
            Body::Span(span) => status(&span.attributes),
            Body::SpanEnd(SpanEnd { attributes, .. }) | Body::SpanAttributes(SpanAttributes { attributes, .. }) => {
                status(attributes)
            }
            _ => None,
        };
        memory.records().iter().filter_map(|record| ended(&record.body)).collect()
    }

    /// After as long as any queue may take.
    fn at_last(channel: ChannelId) {
        CHANNELS.with(|pending| pending.get_mut(&channel).unwrap().given_up.as_mut().unwrap().until = Instant::now())
    }

    #[test]
    fn an_answer_given_up_may_have_been_the_one() {
        let statuses = statuses(|| {
            let (dropped, awaited) = (Ticket::new(1), Ticket::new(1));
            drop(dropped);
            answered(awaited, false); // begun before, answered after
            at_last(1);
            answered(Ticket::new(1), false); // nobody knows whether the dropped one was answered before this began
            answered(Ticket::new(1), false); // by now it was
        });
        assert_eq!(statuses, ["unknown", "unknown", "confirmed"]);
    }

    /// As with a queue that is slow to confirm, beside others that are not.
    #[test]
    fn later_publishes_may_be_answered_before() {
        let statuses = statuses(|| {
            drop(Ticket::new(5));
            (0..3).for_each(|_| answered(Ticket::new(5), false));
            at_last(5);
            (0..2).for_each(|_| answered(Ticket::new(5), false));
        });
        assert_eq!(statuses, ["unknown", "unknown", "unknown", "unknown", "confirmed"]);
    }

    /// The other one of the same content was kept, and then given up.
    #[test]
    fn a_waiting_ticket_hears_of_one_given_up() {
        let statuses = statuses(|| {
            let (kept, awaited) = (Ticket::new(2), Ticket::new(2));
            answered(awaited, false); // waits for the one that is kept
            drop(kept);
            at_last(2);
            let (looked_at, awaited) = (Ticket::new(2), Ticket::new(2));
            answered(looked_at, false);
            answered(awaited, false);
            answered(Ticket::new(2), false);
        });
        assert_eq!(statuses, ["unknown", "unknown", "unknown", "confirmed"]);
    }

    #[test]
    fn where_all_are_looked_at_all_are_known() {
        let statuses = statuses(|| {
            let tickets: Vec<_> = (0..3).map(|_| Ticket::new(3)).collect();
            for (n, ticket) in tickets.into_iter().enumerate() {
                answered(ticket, n == 1)
            }
            Ticket::new(3).not_sent();
            answered(Ticket::new(3), false);
        });
        assert_eq!(statuses, ["confirmed"; 4]);
        assert!(CHANNELS.with(|pending| !pending.contains_key(&3)), "nothing is kept of a channel where all is known");
    }

    #[test]
    fn beyond_the_bound_nobody_knows() {
        let statuses = statuses(|| {
            let kept = Ticket::new(4);
            (0..=MAX_AWAITING_RETURN).for_each(|_| answered(Ticket::new(4), true));
            let mut kept = kept;
            kept.is_over = true;
        });
        assert_eq!((statuses.len(), &*statuses[0], &*statuses[1]), (MAX_AWAITING_RETURN + 1, "unknown", "confirmed"));
    }
}
