//! Whose a returned message is.
//!
//! lapin hands the oldest message that came back to whichever publish is answered next, so with several under way the
//! answer to one carries the message of another. The message itself says whose it is: by the context in its headers.
//! This room matches the two up. A mandatory publish whose answer has no message of its own has arrived, unless its
//! message went to an answer that is there and that nobody has looked at. Then its span is ended, with the time of its
//! own answer, when they have been looked at. Nobody waits for that: only the record comes later.
//!
//! An answer that nobody looks at, because its confirm is dropped, keeps what came with it to itself. So where it may have
//! been the one, nobody knows whether the message has arrived.
//!
//! lapin's channels do not say which connection they belong to, so channels of the same number share their pending. That
//! costs nothing but that a record may wait for another connection's answers to be looked at, or say that it is not known.

use lapin::message::BasicReturnMessage;
use lapin::types::{ChannelId, ReplyCode, ShortString};
use spanbridge::adapter::{HandoffStatus, PerProcess, StoppedHandoff};
use spanbridge::{Context, Failure, SpanId, TraceId};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{self, Poll, Wake, Waker};
use std::time::{Duration, Instant};

/// How many spans, and how many messages, may wait for their match on a channel. Beyond that the oldest is let go.
const MAX_AWAITING_RETURN: usize = 4096;

/// A message, by the context that it carries. Messages that carry another trace's may share it: then any will do.
pub(crate) type Key = (TraceId, SpanId);

pub(crate) fn key(context: &Context) -> Option<Key> {
    context.trace_parent().map(|p| (p.trace_id, p.span_id))
}

/// Why a message came back.
#[derive(Debug)]
pub(crate) struct Returned {
    code: ReplyCode,
    text: ShortString,
}

impl Returned {
    /// What went wrong; its class is AMQP's reply code.
    pub(crate) fn failure(&self) -> Failure<'_> {
        Failure::new(self).class(self.code.to_string())
    }
}

impl From<&BasicReturnMessage> for Returned {
    fn from(message: &BasicReturnMessage) -> Self {
        Returned { code: message.reply_code, text: message.reply_text.clone() }
    }
}

impl fmt::Display for Returned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "returned by the broker: {} {}", self.code, self.text)
    }
}

/// By channel.
static PENDING: PerProcess<BTreeMap<ChannelId, PendingPublishes>> = PerProcess::new();

/// What is known of one channel's publishes. Spans are never ended while these are locked.
#[derive(Default)]
struct PendingPublishes {
    last: u64,
    /// Publishes whose answer nobody has looked at.
    open: BTreeMap<u64, Arc<Answer>>,
    /// Answered without their message, which one of those up to this number may have.
    doubtful: VecDeque<AwaitingReturn>,
    /// Messages that came before their publish's own answer was looked at.
    early: VecDeque<(Key, Returned)>,
    given_up: Option<GivenUp>,
    /// The messages of publishes up to this number may have come with an answer that was given up.
    lost_until: u64,
}

/// Somebody gave an answer up. Nobody hears of it then, so nobody knows when it comes: it may be after those of publishes that
/// began later, for RabbitMQ waits for each queue's own disks and replicas.
#[derive(Clone, Copy)]
struct GivenUp {
    /// The last publish at that time.
    at: u64,
    /// It is there by then, as far as anybody can know.
    until: Instant,
}

/// So long a queue may take to confirm a message, one that waits for a new leader among them. Longer than that, and no answer
/// that is given up is waited for.
const SLOWEST: Duration = Duration::from_secs(60);

struct AwaitingReturn {
    until: u64,
    /// Also one that is not answered yet may have it.
    may_come: bool,
    /// One that may have had it was given up.
    is_lost: bool,
    key: Key,
    span: StoppedHandoff,
}

impl AwaitingReturn {
    fn may_be_with(&self, number: u64, answer: &Answer) -> bool {
        number <= self.until && (self.may_come || answer.may_be_there())
    }

    /// Nobody has its message.
    fn end(self) {
        self.span.ended(if self.is_lost { HandoffStatus::Unknown } else { HandoffStatus::Confirmed })
    }
}

impl PendingPublishes {
    /// Whether a publish up to this number, other than `but`, may have a message that is not its own.
    fn may_hold(&self, doubt: &AwaitingReturn, but: u64) -> bool {
        self.open.range(..=doubt.until).any(|(n, answer)| *n != but && doubt.may_be_with(*n, answer))
    }

    /// The answer to this publish was looked at.
    fn looked_at(&mut self, number: u64) {
        if self.given_up.is_some_and(|given_up| given_up.at < number && given_up.until <= Instant::now()) {
            (self.given_up, self.lost_until) = (None, self.last)
        }
    }

    /// Nobody will ever look at the answer to this publish.
    fn given_up(&mut self, number: u64, answer: &Answer) {
        self.given_up = Some(GivenUp { at: self.last, until: Instant::now() + SLOWEST });
        self.doubtful.iter_mut().for_each(|doubt| doubt.is_lost |= doubt.may_be_with(number, answer))
    }

    /// Whether the message of this publish may have come with an answer that was given up.
    fn may_have_lost(&self, number: u64) -> bool {
        self.given_up.is_some() || number <= self.lost_until
    }
}

/// Notices that lapin has an answer, and passes on to whom it may concern.
#[derive(Debug, Default)]
struct Answer {
    /// Somebody asked, and lapin tells us.
    asked: AtomicBool,
    there: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Answer {
    fn may_be_there(&self) -> bool {
        !self.asked.load(Acquire) || self.there.load(Acquire)
    }
}

impl Wake for Answer {
    fn wake(self: Arc<Self>) {
        self.there.store(true, Release);
        let waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake()
        }
    }
}

/// A publish until its answer is looked at.
#[derive(Debug)]
pub(crate) struct Ticket {
    channel: ChannelId,
    number: u64,
    answer: Arc<Answer>,
    /// The answer was looked at, or there is none.
    is_over: bool,
}

impl Ticket {
    pub(crate) fn new(channel: ChannelId) -> Self {
        let answer = Arc::<Answer>::default();
        let number = PENDING.with(|pending| {
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

    /// Polls for the answer, and notices when it is there.
    pub(crate) fn poll<F: Future + Unpin>(&mut self, answer: &mut F, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        *self.answer.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        let noticing = Waker::from(self.answer.clone());
        let polled = Pin::new(answer).poll(&mut task::Context::from_waker(&noticing));
        self.answer.asked.store(true, Release);
        self.is_over = polled.is_ready();
        polled
    }

    /// The message of another publish came with the answer to this one.
    pub(crate) fn returned_for_other(&self, whose: Key, message: Returned) {
        let found = PENDING.with(|pending| {
            let pending = pending.entry(self.channel).or_default();
            match pending.doubtful.iter().position(|doubt| doubt.key == whose) {
                Some(at) => pending.doubtful.remove(at).map(|doubt| (doubt, message)),
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
        if let Some((doubt, message)) = found {
            doubt.span.failed(HandoffStatus::Returned, &message.failure())
        }
    }

    /// The message of this publish, if it came with the answer to another.
    pub(crate) fn claim(&self, key: Key) -> Option<Returned> {
        PENDING.with(|pending| {
            let early = &mut pending.get_mut(&self.channel)?.early;
            let at = early.iter().position(|(whose, _)| *whose == key)?;
            early.remove(at).map(|(_, message)| message)
        })
    }

    /// This publish was answered without its message. Had another's message come with the answer, its own may still come:
    /// lapin has a queue of them, which is empty when none comes.
    pub(crate) fn await_return(&self, key: Key, span: StoppedHandoff, may_come: bool) {
        let over = PENDING.with(|pending| {
            let pending = pending.entry(self.channel).or_default();
            let doubt = AwaitingReturn {
                until: pending.last,
                may_come,
                is_lost: pending.may_have_lost(self.number),
                key,
                span,
            };
            if !pending.may_hold(&doubt, self.number) {
                return Some(doubt);
            }
            pending.doubtful.push_back(doubt);
            let too_many = pending.doubtful.len() > MAX_AWAITING_RETURN;
            let oldest = if too_many { pending.doubtful.pop_front() } else { None };
            oldest.map(|oldest| AwaitingReturn { is_lost: true, ..oldest })
        });
        over.into_iter().for_each(AwaitingReturn::end)
    }
}

impl Drop for Ticket {
    /// The answer was looked at, or never will be. What only waited for this is over.
    fn drop(&mut self) {
        let mut over = vec![];
        PENDING.with(|all| {
            let Some(pending) = all.get_mut(&self.channel) else { return };
            if !pending.open.get(&self.number).is_some_and(|answer| Arc::ptr_eq(answer, &self.answer)) {
                return; // of the process that this one is a fork of
            }
            pending.open.remove(&self.number);
            if self.is_over {
                pending.looked_at(self.number)
            } else {
                pending.given_up(self.number, &self.answer)
            }
            while pending.doubtful.front().is_some_and(|doubt| !pending.may_hold(doubt, 0)) {
                over.extend(pending.doubtful.pop_front())
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
    use spanbridge::adapter::Handoff;
    use spanbridge::record::Body;
    use spanbridge::{Memory, Recorder, observe, semconv};

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
            Body::Span(span, _) => status(&span.attributes),
            Body::SpanEnd { attributes, .. } => status(attributes),
            _ => None,
        };
        memory.records().iter().filter_map(|record| ended(&record.body)).collect()
    }

    /// After as long as any queue may take.
    fn at_last(channel: ChannelId) {
        PENDING.with(|pending| pending.get_mut(&channel).unwrap().given_up.as_mut().unwrap().until = Instant::now())
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

    #[test]
    fn one_that_waits_is_told_when_the_other_is_given_up() {
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
        assert!(PENDING.with(|pending| !pending.contains_key(&3)), "nothing is kept of a channel where all is known");
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
