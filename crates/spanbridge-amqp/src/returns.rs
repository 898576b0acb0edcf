//! Whose a returned message is.
//!
//! lapin hands the oldest message that came back to whichever publish is answered next, so with several under way the
//! answer to one carries the message of another. The message itself says whose it is: by the context in its headers.
//! This room matches the two up. A mandatory publish that was answered without its message, while answers to others are
//! still to be looked at, is not known to have arrived; its span is ended, with the time of its own answer, when they
//! have been. Nobody waits for that: only the record comes later.
//!
//! lapin's channels do not say which connection they belong to, so channels of the same number share their books. That
//! costs nothing but that a record may wait for another connection's answers.

use lapin::message::BasicReturnMessage;
use lapin::types::{ChannelId, ReplyCode, ShortString};
use spanbridge::observe::Stopped;
use spanbridge::{Context, SpanId, TraceId, Value, semconv};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

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
    span.error(message)
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
    open: BTreeSet<u64>,
    /// Answered without their message while those up to this number were begun.
    doubtful: VecDeque<(u64, Key, Stopped)>,
    /// Messages that came before their publish's own answer was looked at.
    early: VecDeque<(Key, Returned)>,
}

/// A publish until its answer is looked at.
#[derive(Debug)]
pub(crate) struct Ticket {
    channel: ChannelId,
    number: u64,
}

impl Ticket {
    pub(crate) fn new(channel: ChannelId) -> Self {
        let mut books = books();
        let books = books.entry(channel).or_default();
        books.last += 1;
        books.open.insert(books.last);
        Ticket { channel, number: books.last }
    }

    /// The message of another publish came with the answer to this one.
    pub(crate) fn stray(&self, whose: Key, message: Returned) {
        let span = {
            let mut books = books();
            let books = books.entry(self.channel).or_default();
            match books.doubtful.iter().position(|(_, key, _)| *key == whose) {
                Some(at) => books.doubtful.remove(at),
                None => {
                    books.early.truncate(MOST - 1);
                    books.early.push_front((whose, message));
                    return;
                }
            }
        };
        if let Some((_, _, span)) = span {
            end_returned(span, &message)
        }
    }

    /// The message of this publish, if it came with the answer to another.
    pub(crate) fn claim(&self, key: Key) -> Option<Returned> {
        let mut books = books();
        let early = &mut books.get_mut(&self.channel)?.early;
        let at = early.iter().position(|(whose, _)| *whose == key)?;
        early.remove(at).map(|(_, message)| message)
    }

    /// This publish was answered without its message, and that may still come with another's answer.
    pub(crate) fn doubt(&self, key: Key, span: Stopped) {
        let certain = {
            let mut books = books();
            let books = books.entry(self.channel).or_default();
            if books.open.iter().all(|n| *n == self.number) {
                Some(span) // nothing else is under way
            } else {
                books.doubtful.push_back((books.last, key, span));
                if books.doubtful.len() > MOST { books.doubtful.pop_front().map(|(_, _, span)| span) } else { None }
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
            let first = books.open.first().copied().unwrap_or(u64::MAX);
            while books.doubtful.front().is_some_and(|(until, _, _)| *until < first) {
                certain.extend(books.doubtful.pop_front().map(|(_, _, span)| span))
            }
            if books.open.is_empty() {
                all.remove(&self.channel);
            }
        }
        certain.into_iter().for_each(end_confirmed)
    }
}
