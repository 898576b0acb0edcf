//! From what the reader finds to a batch: words are copied, so that chunks go back at once; what belongs to one span is
//! joined; records are numbered.

use super::batch::{Batch, Note, Origin, Source};
use super::segments::{Fold, Segments};
use crate::buffer::atomic::{AtomicU64, Ordering::Relaxed};
use crate::buffer::{self, Found};
use crate::encoder::clock::Clock;
use crate::encoder::{layout::*, new_id};
use crate::record::Via;
use crate::record::packed::{Entry, Join, Packed, is_link};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub(super) struct Assembler {
    source: Arc<Source>,
    number: u64,
    note_seq: u64,
    segments: Segments,
    words: Vec<u64>,
    entries: Vec<Entry>,
    origins: Vec<Origin>,
    notes: Vec<Note>,
    /// Records that may have to be joined to others: items that came later, and late ends.
    late: Vec<u32>,
    fold: Fold,
}

impl Assembler {
    /// Everything was handed over, and what comes is told by a new instance.
    pub(super) fn begin_anew(&mut self) {
        let Source { service, resource, .. } = &*self.source;
        let (instance, service, resource) = (new_id(), service.clone(), resource.clone());
        *self = Assembler::new(Arc::new(Source { instance, service, resource, ..Source::default() }))
    }

    pub(super) fn new(source: Arc<Source>) -> Self {
        Assembler {
            segments: Segments::new(source.instance),
            source,
            number: 0,
            note_seq: 0,
            words: vec![],
            entries: vec![],
            origins: vec![],
            notes: vec![],
            late: vec![],
            fold: Segments::fold(),
        }
    }

    /// Bytes gathered so far.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&self.words[..]) + size_of_val(&self.entries[..])
    }

    /// Nothing was gathered, and nothing is to be said.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty() && self.notes.is_empty()
    }

    pub(super) fn note(&mut self, code: &'static str, message: String, count: u64) {
        self.note_seq += 1;
        self.notes.push(Note { seq: self.note_seq, code, message, count })
    }

    /// Takes a record in. `last` is the context record that the record before it had, for the caller to keep.
    #[inline]
    pub(super) fn found(&mut self, f: &Found, last: &mut *const AtomicU64) {
        if *last != f.context {
            *last = f.context;
            self.origin(f.context)
        }
        // SAFETY: a published record: its header says how many words there are, and they do not change.
        let word = |i: usize| unsafe { (*f.at.add(i)).load(Relaxed) };
        let header = word(0);
        let (at, kind) = (self.words.len() as u32, buffer::kind(header));
        let n = if f.again { SPAN_WORDS } else { buffer::words(header) };
        self.words.reserve(n);
        let end = self.words.len();
        // SAFETY: there is room for so many more, and each is written before it counts.
        unsafe {
            let to = self.words.as_mut_ptr().add(end);
            (0..SPAN_WORDS.min(n)).for_each(|i| to.add(i).write(word(i)));
            (SPAN_WORDS..n).for_each(|i| to.add(i).write(word(i)));
            self.words.set_len(end + n)
        }
        if kind == buffer::MORE || kind == buffer::LATE_END {
            self.late.push(self.entries.len() as u32)
        }
        let end = if kind == buffer::LATE_END { word(buffer::END) } else { f.end };
        self.entries.push(Entry { at, again: f.again, join: 0, end });
    }

    #[cold]
    #[inline(never)]
    fn origin(&mut self, context: *const AtomicU64) {
        // SAFETY: a published context record is CONTEXT_WORDS words, or as many as its header says.
        let word = |i: usize| unsafe { (*context.add(i)).load(Relaxed) };
        let long = |i| u128::from(word(i)) | u128::from(word(i + 1)) << 64;
        let (trace, run, header) = (long(1), long(3), word(0));
        let has_own = buffer::words(header) > CONTEXT_WORDS;
        let own = |i| if has_own { word(CONTEXT_WORDS + i) } else { 0 };
        let [ordinal, suspension, made, previous_resumption] = [0, 1, 2, 3].map(own);
        let via = match (header >> RESUMED_AT & 1, header >> REMOTE_AT & 1) {
            (1, _) => Via::Resume,
            (_, 1) => Via::Receive,
            _ => Via::Start,
        };
        if let Some(last) = self.origins.last_mut().filter(|o| (o.trace, o.run, o.ordinal) == (trace, run, ordinal)) {
            if via == Via::Start {
                last.via = via
            }
            return;
        }
        let first = self.entries.len() as u32;
        self.origins.push(Origin {
            trace,
            run,
            ordinal,
            suspension,
            previous_resumption,
            made,
            first,
            via,
            segment: 0,
            before: 0,
            opens: false,
        });
    }

    /// The batch of all that was gathered, if there is anything.
    pub(super) fn finish(&mut self, clock: &Clock) -> Option<Batch> {
        if self.is_empty() {
            return None;
        }
        let joins = if self.late.is_empty() { vec![] } else { self.join() };
        self.number_records();
        self.segments.forget();
        self.number += 1;
        let (words, entries) = self.source.spare(self.words.len(), self.entries.len());
        let words = fitted(std::mem::replace(&mut self.words, words));
        let entries = fitted(std::mem::replace(&mut self.entries, entries));
        Some(Batch {
            source: self.source.clone(),
            number: self.number,
            packed: Packed { words, joins, clock: *clock },
            entries,
            origins: std::mem::take(&mut self.origins),
            notes: std::mem::take(&mut self.notes),
        })
    }

    /// Puts what came late to where it belongs: items to a record of their span that is in this batch, a late end to
    /// the start of its span. What finds no place stays a record of its own.
    fn join(&mut self) -> Vec<Join> {
        #[derive(Default)]
        struct Late {
            /// The last entry with items: one more than a place in the chain, or 0.
            last: u32,
            end: Option<u32>,
        }
        // Entries with items, each with the one before it of the same span.
        let mut chain: Vec<(u32, u32)> = Vec::with_capacity(self.late.len());
        let mut by_span: HashMap<u64, Late, Fold> =
            HashMap::with_capacity_and_hasher(self.late.len(), self.fold.clone());
        // Few spans have something late: the others are told apart by a bit, without a look into the map.
        let mut hint = [0u64; 64];
        let bit = |id: u64| ((id >> 6) as usize % 64, 1u64 << (id % 64));
        for i in self.late.drain(..) {
            let at = self.entries[i as usize].at as usize;
            let header = self.words[at];
            let late = by_span.entry(self.words[at + header_id(header)]).or_default();
            if buffer::kind(header) == buffer::LATE_END && late.end.is_none() {
                late.end = Some(i);
            }
            chain.push((i, late.last));
            late.last = chain.len() as u32;
            let (word, bit) = bit(self.words[at + header_id(header)]);
            hint[word] |= bit
        }
        let mut joins: Vec<Join> = vec![];
        let mut gone: Vec<u32> = vec![];
        let words = &self.words;
        let mut take = |entries: &mut Vec<Entry>, into: usize, last: &mut u32, begins: bool| {
            while let Some(&(i, before)) = chain.get((*last as usize).wrapping_sub(1)) {
                *last = before;
                // An end has no links: a link that comes so late stays a record of its own.
                if i as usize == into || !begins && is_link(words, entries[i as usize].at as usize) {
                    continue;
                }
                joins.push(Join { at: entries[i as usize].at, next: entries[into].join });
                entries[into].join = joins.len() as u32;
                gone.push(i)
            }
        };
        for i in 0..self.entries.len() {
            let entry = self.entries[i];
            let at = entry.at as usize;
            if buffer::kind(self.words[at]) != buffer::SPAN {
                continue;
            }
            let (word, bit) = bit(self.words[at + 2]);
            if hint[word] & bit == 0 {
                continue;
            }
            let Some(late) = by_span.get_mut(&self.words[at + 2]) else { continue };
            if let Some(end) = late.end.filter(|_| !entry.again && entry.end == 0) {
                self.entries[i].end = self.entries[end as usize].end;
            }
            take(&mut self.entries, i, &mut late.last, !entry.again)
        }
        // A late end whose span is not in this batch takes the items of its span.
        for late in by_span.values_mut() {
            if let Some(end) = late.end.filter(|_| late.last > 0) {
                take(&mut self.entries, end as usize, &mut late.last, false)
            }
        }
        self.remove(gone);
        joins
    }

    fn remove(&mut self, mut gone: Vec<u32>) {
        if gone.is_empty() {
            return;
        }
        gone.sort_unstable();
        let before = |i: u32| gone.partition_point(|g| *g < i) as u32;
        for o in &mut self.origins {
            o.first -= before(o.first)
        }
        let mut to = gone[0] as usize;
        for (n, g) in gone.iter().enumerate() {
            let kept = *g as usize + 1..gone.get(n + 1).map_or(self.entries.len(), |next| *next as usize);
            let many = kept.len();
            self.entries.copy_within(kept, to);
            to += many
        }
        self.entries.truncate(to)
    }

    /// Runs that began here: handed over within the process, their contexts also look as if they had come from elsewhere,
    /// and may be found first.
    fn begun(&self) -> HashSet<u128, Fold> {
        let usual = || self.origins.iter().filter(|o| o.ordinal == 0);
        let mut begun = HashSet::with_hasher(self.fold.clone());
        if usual().any(|o| o.via == Via::Receive) {
            begun.extend(usual().filter(|o| o.via == Via::Start).map(|o| o.run))
        }
        begun
    }

    fn number_records(&mut self) {
        let (all, begun) = (self.entries.len() as u32, self.begun());
        for i in 0..self.origins.len() {
            let end = self.origins.get(i + 1).map_or(all, |next| next.first);
            let o = &mut self.origins[i];
            if end > o.first {
                let may_come_back = self.segments.may_have_forgotten(o.made);
                let (segment, opens) = self.segments.of(o.run, o.ordinal);
                (o.segment, o.before, o.opens) = (segment.id, segment.seq, opens);
                // Who resumed the run has told of it when it was made.
                if opens && may_come_back && o.via == Via::Resume {
                    (o.via, o.suspension) = (Via::Receive, 0)
                }
                if o.ordinal == 0 && begun.contains(&o.run) {
                    o.via = Via::Start
                }
                segment.seq += u64::from(end - o.first);
            }
        }
    }
}

/// A batch waits for sinks, so it holds not much more than it has to: a small one that follows a large one was given the room of
/// that, and one that grew has up to twice of what it needs.
fn fitted<T>(mut all: Vec<T>) -> Vec<T> {
    if all.capacity() > all.len() + all.len() / 4 {
        all.shrink_to_fit()
    }
    all
}

/// Where the span's id stands in a record that came late.
fn header_id(header: u64) -> usize {
    if buffer::kind(header) == buffer::LATE_END { 2 } else { 1 }
}
