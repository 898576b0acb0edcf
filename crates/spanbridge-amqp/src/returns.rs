//! Whose a returned message is.
//!
//! lapin hands the oldest message that came back to whichever publish is answered next, so with several under way the
//! answer to one carries the message of another. The message itself says whose it is: by the context in its headers.
//! This room matches the two up. A mandatory publish whose answer has no message of its own has arrived, unless its
//! message went to an answer that is there and that nobody has looked at. Then its span is ended, with the time of its
//! own answer, when they have been looked at. Nobody waits for that: only the record comes later.
//!
//! lapin's channels do not say which connection they belong to, so channels of the same number share their books. That
//! costs nothing but that a record may wait for another connection's answers to be looked at.

use lapin::message::BasicReturnMessage;
use lapin::types::{ChannelId, ReplyCode, ShortString};
use spanbridge::observe::Stopped;
use spanbridge::{Context, Failure, SpanId, TraceId, Value, semconv};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering::*};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{self, Poll, Wake, Waker};

/// How many spans, and how many messages, may wait for their match on a channel. Beyond that the oldest is let go.
const MOST: usize = 4096;

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

pub(crate) fn end_returned(span: Stopped, message: &Returned) {
    span.attribute(semconv::HANDOFF_STATUS, Value::Static("returned"));
    span.failed(&message.failure())
}

pub(crate) fn end_confirmed(span: Stopped) {
    span.attribute(semconv::HANDOFF_STATUS, Value::Static("confirmed"));
    span.end()
}

static BOOKS: Mutex<BTreeMap<ChannelId, Books>> = Mutex::new(BTreeMap::new());

fn books<'a>() -> MutexGuard<'a, BTreeMap<ChannelId, Books>> {
    BOOKS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is known of one channel's publishes. Spans are never ended while these are locked.
#[derive(Default)]
struct Books {
    last: u64,
    /// Publishes whose answer nobody has looked at.
    open: BTreeMap<u64, Arc<Answer>>,
    /// Answered without their message, which one of those up to this number may have.
    doubtful: VecDeque<Doubt>,
    /// Messages that came before their publish's own answer was looked at.
    early: VecDeque<(Key, Returned)>,
}

struct Doubt {
    until: u64,
    /// Also one that is not answered yet may have it.
    may_come: bool,
    key: Key,
    span: Stopped,
}

impl Books {
    /// Whether a publish up to this number, other than `but`, may have a message that is not its own.
    fn may_hold(&self, until: u64, may_come: bool, but: u64) -> bool {
        self.open.range(..=until).any(|(n, answer)| *n != but && (may_come || answer.may_be_there()))
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
}

impl Ticket {
    pub(crate) fn new(channel: ChannelId) -> Self {
        let answer = Arc::<Answer>::default();
        let mut books = books();
        let books = books.entry(channel).or_default();
        books.last += 1;
        books.open.insert(books.last, answer.clone());
        Ticket { channel, number: books.last, answer }
    }

    /// Polls for the answer, and notices when it is there.
    pub(crate) fn poll<F: Future + Unpin>(&self, answer: &mut F, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        *self.answer.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(cx.waker().clone());
        let noticing = Waker::from(self.answer.clone());
        let polled = Pin::new(answer).poll(&mut task::Context::from_waker(&noticing));
        self.answer.asked.store(true, Release);
        polled
    }

    /// The message of another publish came with the answer to this one.
    pub(crate) fn stray(&self, whose: Key, message: Returned) {
        let doubt = {
            let mut books = books();
            let books = books.entry(self.channel).or_default();
            match books.doubtful.iter().position(|doubt| doubt.key == whose) {
                Some(at) => books.doubtful.remove(at),
                None => {
                    books.early.truncate(MOST - 1);
                    books.early.push_front((whose, message));
                    return;
                }
            }
        };
        if let Some(doubt) = doubt {
            end_returned(doubt.span, &message)
        }
    }

    /// The message of this publish, if it came with the answer to another.
    pub(crate) fn claim(&self, key: Key) -> Option<Returned> {
        let mut books = books();
        let early = &mut books.get_mut(&self.channel)?.early;
        let at = early.iter().position(|(whose, _)| *whose == key)?;
        early.remove(at).map(|(_, message)| message)
    }

    /// This publish was answered without its message. Had another's message come with the answer, its own may still come:
    /// lapin has a queue of them, which is empty when none comes.
    pub(crate) fn doubt(&self, key: Key, span: Stopped, may_come: bool) {
        let certain = {
            let mut books = books();
            let books = books.entry(self.channel).or_default();
            let until = books.last;
            if books.may_hold(until, may_come, self.number) {
                books.doubtful.push_back(Doubt { until, may_come, key, span });
                if books.doubtful.len() > MOST { books.doubtful.pop_front().map(|doubt| doubt.span) } else { None }
            } else {
                Some(span)
            }
        };
        certain.into_iter().for_each(end_confirmed)
    }
}

impl Drop for Ticket {
    /// The answer was looked at, or never will be. What only waited for this has arrived.
    fn drop(&mut self) {
        let mut certain = vec![];
        {
            let mut all = books();
            let Some(books) = all.get_mut(&self.channel) else { return };
            books.open.remove(&self.number);
            while books.doubtful.front().is_some_and(|d| !books.may_hold(d.until, d.may_come, 0)) {
                certain.extend(books.doubtful.pop_front().map(|doubt| doubt.span))
            }
            if books.open.is_empty() {
                all.remove(&self.channel);
            }
        }
        certain.into_iter().for_each(end_confirmed)
    }
}
