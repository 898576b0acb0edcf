//! The reading end of one lane. Owned by the delivering thread.

use super::atomic::{AtomicU64, Ordering::*};
use super::{CONTEXT, Chunk, END, Lane, Pool, SPAN, kind, words};
use std::ptr::null;
use std::sync::Arc;

/// Reads a lane from its first word to its last, each record once, and the end of a span once more if it came later.
pub(crate) struct LaneReader {
    /// The lane.
    pub(crate) lane: Arc<Lane>,
    head: *const Chunk,
    read: usize,
    /// Where the latest context record of the current chunk stands.
    context: usize,
    /// Spans of the current chunk that were handed over open, and where their context record stands.
    open: Vec<(usize, usize)>,
    /// What was already told of the lane's counters.
    pub(crate) seen_dropped: u64,
    /// See `seen_dropped`.
    pub(crate) seen_cut: u64,
}

// SAFETY: the chunk pointer is only dereferenced under the protocol of this module.
unsafe impl Send for LaneReader {}

/// A record as the reader finds it.
pub(crate) struct Found {
    /// Its words. They stay as they are until the chunk is recycled.
    pub(crate) at: *const AtomicU64,
    /// The first of them.
    pub(crate) header: u64,
    /// Of a span: its end word as it was read, 0 while open.
    pub(crate) end: u64,
    /// The words of its context record.
    pub(crate) context: *const AtomicU64,
    /// A span that was handed over open before and has ended since.
    pub(crate) again: bool,
}

/// Where a lane stands after a look at it.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) enum State {
    /// All was read.
    Idle,
    /// The writer has moved on to another chunk: look again.
    More,
    /// The thread ended, and everything was read.
    Gone,
}

impl LaneReader {
    /// At the beginning of the lane.
    pub(crate) fn new(lane: Arc<Lane>) -> Self {
        LaneReader { lane, head: null(), read: 0, context: 0, open: vec![], seen_dropped: 0, seen_cut: 0 }
    }

    /// Reads what is new in one chunk. Chunks that are done with go to `done`; give them back with [`recycle`] when no
    /// record is looked at any more.
    pub(crate) fn read(&mut self, done: &mut Vec<*const Chunk>, mut f: impl FnMut(Found)) -> State {
        let closed = self.lane.closed.load(Acquire); // before anything else: what follows is then final
        let idle = if closed { State::Gone } else { State::Idle };
        if self.head.is_null() {
            self.head = self.lane.first.load(Acquire);
            if self.head.is_null() {
                return idle;
            }
        }
        // SAFETY: `head` is this lane's current chunk or a retired one, and only we recycle.
        let chunk = unsafe { &*self.head };
        let next = chunk.next.load(Acquire); // before `len`: if it is set, `len` and the end words are final
        let len = chunk.len.load(Acquire);
        let base = chunk.words.as_ptr(); // not `&words[at]`: that reference would cover one word only
        let ptr = |i: usize| base.wrapping_add(i);
        self.open.retain(|&(at, context)| {
            let end = chunk.words[at + END].load(Acquire);
            if end != 0 {
                let header = chunk.words[at].load(Relaxed);
                f(Found { at: ptr(at), header, end, context: ptr(context), again: true })
            }
            end == 0
        });
        while self.read < len {
            let at = self.read;
            let header = chunk.words[at].load(Relaxed);
            self.read += words(header);
            let span = match kind(header) {
                CONTEXT => {
                    self.context = at;
                    continue;
                }
                k => k == SPAN,
            };
            let end = if span { chunk.words[at + END].load(Acquire) } else { 0 };
            if span && end == 0 {
                self.open.push((at, self.context))
            }
            f(Found { at: ptr(at), header, end, context: ptr(self.context), again: false });
        }
        if next.is_null() {
            if closed {
                done.push(self.head)
            }
            return idle;
        }
        self.open.clear(); // their ends will be records of their own
        done.push(self.head);
        (self.head, self.read, self.context) = (next, 0, 0);
        State::More
    }
}

/// Gives chunks back to the pool.
pub(crate) fn recycle(pool: &Pool, done: &mut Vec<*const Chunk>) {
    done.drain(..).for_each(|c| pool.put(c))
}
