//! Makes batches of what the reader finds: copies the words, so that chunks go back at once, joins what belongs to one
//! span, and numbers the records.

use super::batch::{FULL_WORDS, RecordBatch, Spare};
use super::report::Totals;
use super::segments::{Fold, Segments};
use crate::buffer::atomic::{AtomicU64, Ordering::Relaxed};
use crate::buffer::{self, END, Found, LargeTexts};
use crate::encoder::clock::Clock;
use crate::encoder::{layout::*, new_id};
use crate::record::Via;
use crate::record::packed::{Note, Origin, Packed, Source};
use crate::record::words::{ENDED, ENDED_WORDS, JOINED, Join, Large, Words, is_link};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub(super) struct Assembler {
    source: Arc<Source>,
    spare: Arc<Spare>,
    number: u64,
    note_seq: u64,
    segments: Segments,
    words: Vec<u64>,
    /// Records in `words`.
    records: u32,
    origins: Vec<Origin>,
    notes: Vec<Note>,
    /// Where records begin that may have to be joined to others: late items and late ends.
    late: Vec<u32>,
    /// Texts of records in `words` that are too large for them.
    large: Large,
    waiting: Arc<LargeTexts>,
    fold: Fold,
}

impl Assembler {
    /// Starts over as a new instance. Everything was handed over before.
    pub(super) fn begin_anew(&mut self) {
        let Source { service, resource, .. } = &*self.source;
        let (instance, service, resource) = (new_id(), service.clone(), resource.clone());
        *self = Assembler::new(Arc::new(Source { instance, service, resource }), self.waiting.clone())
    }

    pub(super) fn new(source: Arc<Source>, waiting: Arc<LargeTexts>) -> Self {
        Assembler {
            segments: Segments::new(source.instance),
            source,
            spare: Arc::default(),
            number: 0,
            note_seq: 0,
            words: vec![],
            records: 0,
            origins: vec![],
            notes: vec![],
            late: vec![],
            large: Large::default(),
            waiting,
            fold: Segments::fold(),
        }
    }

    /// Bytes gathered so far.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&self.words[..]) + self.large.bytes
    }

    /// There are no records and no notes.
    pub(super) fn is_empty(&self) -> bool {
        self.records == 0 && self.notes.is_empty()
    }

    pub(super) fn note(&mut self, code: &'static str, message: String, count: u64) {
        self.note_seq += 1;
        self.notes.push(Note { seq: self.note_seq, code, message, count })
    }

    /// Adds a record. `last` is the context record of the record before it; the caller keeps it.
    #[inline(always)]
    pub(super) fn found(&mut self, f: &Found, last: &mut *const AtomicU64) {
        if *last != f.context {
            *last = f.context;
            self.origin(f.context)
        }
        self.records += 1;
        if f.again {
            return self.ended(f);
        }
        let (n, kind, at) = (buffer::words(f.header), buffer::kind(f.header), self.words.len());
        self.words.reserve(n);
        // SAFETY: a published record: its header says how many words there are, and none but the end word changes. There
        // is room for as many, and each is written before it counts.
        unsafe {
            let (from, to) = (f.at.cast::<u64>(), self.words.as_mut_ptr().add(at));
            if kind == buffer::SPAN {
                to.write(f.header);
                to.add(END).write(f.end); // as it was read: the writer may change it now
                std::ptr::copy_nonoverlapping(from.add(END + 1), to.add(END + 1), SPAN_WORDS - END - 1);
                if n > SPAN_WORDS {
                    std::ptr::copy_nonoverlapping(from.add(SPAN_WORDS), to.add(SPAN_WORDS), n - SPAN_WORDS)
                }
            } else {
                std::ptr::copy_nonoverlapping(from, to, n)
            }
            self.words.set_len(at + n)
        }
        match kind {
            buffer::MORE | buffer::LATE_END => self.late.push(at as u32),
            buffer::FACT if Fact::of(f.header) == Some(Fact::LargeArtifact) => self.found_large(at),
            _ => {}
        }
    }

    /// The text of an artifact was put aside before its record was written.
    #[cold]
    fn found_large(&mut self, at: usize) {
        if let Some(text) = self.waiting.take(self.words[at + 2]) {
            self.large.push(at as u32, text)
        }
    }

    /// A span that was handed over open before: only its end is news.
    #[cold]
    fn ended(&mut self, f: &Found) {
        // SAFETY: the words of a published span.
        let word = |i: usize| unsafe { (*f.at.add(i)).load(Relaxed) };
        self.words.extend([buffer::header(ENDED, ENDED_WORDS), f.end, word(2), word(5)])
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
        self.origins.push(Origin {
            trace,
            run,
            ordinal,
            suspension,
            previous_resumption,
            made,
            via,
            segment: 0,
            first: self.words.len() as u32,
            records: self.records, // until it is known how many come
            before: 0,
            opens: false,
        });
    }

    /// The batch of everything since the last call, if there is anything. With it, everything has come that was recorded before
    /// `complete_until`.
    pub(super) fn finish(&mut self, clock: &Clock, complete_until: u64, totals: &Arc<Totals>) -> Option<RecordBatch> {
        if self.is_empty() {
            return None;
        }
        self.count_records();
        let (joins, heads) = if self.late.is_empty() { (vec![], vec![]) } else { self.join() };
        self.number_records();
        self.segments.forget();
        self.number += 1;
        self.records = 0;
        let packed = Packed {
            source: self.source.clone(),
            words: Words { words: self.take_words(), clock: *clock, joins, large: std::mem::take(&mut self.large) },
            heads,
            origins: std::mem::take(&mut self.origins),
            notes: std::mem::take(&mut self.notes),
        };
        Some(RecordBatch::new(self.number, complete_until, packed, self.spare.clone(), totals.clone()))
    }

    /// Takes the words out. A batch may wait for sinks for long, so it must not hold much more memory than it needs: a large
    /// one gets the buffer itself, a small one a copy.
    fn take_words(&mut self) -> Vec<u64> {
        if self.words.len() >= FULL_WORDS / 2 {
            let mut words = std::mem::replace(&mut self.words, self.spare.take(FULL_WORDS));
            if words.capacity() > FULL_WORDS + FULL_WORDS / 4 {
                words.shrink_to(FULL_WORDS)
            }
            return words;
        }
        let words = self.words.to_vec();
        self.words.clear();
        words
    }

    /// Sets how many records each stretch has.
    fn count_records(&mut self) {
        let mut end = self.records;
        for o in self.origins.iter_mut().rev() {
            (o.records, end) = (end - o.records, o.records)
        }
    }

    /// Joins late records to what they belong to: items to a record of their span in this batch, an end to the start of its
    /// span. If there is none in this batch, the late record stays a record of its own.
    ///
    /// Returns the joins, and the heads of [`Packed`].
    fn join(&mut self) -> (Vec<Join>, Vec<(u32, u32)>) {
        #[derive(Default)]
        struct Late {
            /// The last record with items: one more than a place in the chain, or 0.
            last: u32,
            end: Option<u32>,
        }
        // Records with items, each with the one before it of the same span.
        let mut chain: Vec<(u32, u32)> = Vec::with_capacity(self.late.len());
        let mut by_span: HashMap<u64, Late, Fold> =
            HashMap::with_capacity_and_hasher(self.late.len(), self.fold.clone());
        // Few spans have something late. For the others a bit saves the look into the map.
        let mut hint = [0u64; 64];
        let bit = |id: u64| ((id >> 6) as usize % 64, 1u64 << (id % 64));
        for at in self.late.drain(..) {
            let is_end = buffer::kind(self.words[at as usize]) == buffer::LATE_END;
            let id = self.words[at as usize + if is_end { 2 } else { 1 }];
            let late = by_span.entry(id).or_default();
            if is_end && late.end.is_none() {
                late.end = Some(at);
            }
            chain.push((at, late.last));
            late.last = chain.len() as u32;
            let (word, bit) = bit(id);
            hint[word] |= bit
        }
        let (mut joins, mut heads) = (vec![], vec![]);
        let origins = &mut self.origins;
        let mut take = |words: &mut [u64], into: usize, last: &mut u32, begins: bool| {
            let mut first = 0;
            while let Some(&(at, before)) = chain.get((*last as usize).wrapping_sub(1)) {
                *last = before;
                // An end has no links, so a link that comes this late stays a record of its own.
                if at as usize == into || !begins && is_link(words, at as usize) {
                    continue;
                }
                joins.push(Join { at, next: first });
                first = joins.len() as u32;
                words[at as usize] |= u64::from(JOINED);
                let stretch = origins.partition_point(|o| o.first <= at) - 1;
                origins[stretch].records -= 1;
            }
            if first != 0 {
                heads.push((into as u32, first))
            }
        };
        let mut next = 0;
        while next < self.words.len() {
            let at = next;
            let header = self.words[at];
            next += buffer::words(header);
            let begins = match buffer::kind(header) {
                buffer::SPAN => true,
                ENDED => false,
                _ => continue,
            };
            let id = self.words[at + 2];
            let (word, bit) = bit(id);
            if hint[word] & bit == 0 {
                continue;
            }
            let Some(late) = by_span.get_mut(&id) else { continue };
            if let Some(end) = late.end.filter(|_| begins && self.words[at + END] == 0) {
                self.words[at + END] = self.words[end as usize + END];
            }
            take(&mut self.words, at, &mut late.last, begins)
        }
        // A late end whose span is not in this batch takes the items of its span.
        for late in by_span.values_mut() {
            if let Some(end) = late.end.filter(|_| late.last > 0) {
                take(&mut self.words, end as usize, &mut late.last, false)
            }
        }
        heads.sort_unstable();
        (joins, heads)
    }

    /// Runs that began in this process. A context that was passed on within the process looks like a received one, and may
    /// be found before the context that began the run.
    fn begun(&self) -> HashSet<u128, Fold> {
        let usual = || self.origins.iter().filter(|o| o.ordinal == 0);
        let mut begun = HashSet::with_hasher(self.fold.clone());
        if usual().any(|o| o.via == Via::Receive) {
            begun.extend(usual().filter(|o| o.via == Via::Start).map(|o| o.run))
        }
        begun
    }

    fn number_records(&mut self) {
        let begun = self.begun();
        for o in self.origins.iter_mut().filter(|o| o.records > 0) {
            let may_come_back = self.segments.may_have_forgotten(o.made);
            let (segment, opens) = self.segments.of(o.run, o.ordinal);
            (o.segment, o.before, o.opens) = (segment.id, segment.seq, opens);
            // The process that resumed the run recorded that when the context was made.
            if opens && may_come_back && o.via == Via::Resume {
                (o.via, o.suspension) = (Via::Receive, 0)
            }
            if o.ordinal == 0 && begun.contains(&o.run) {
                o.via = Via::Start
            }
            segment.seq += u64::from(o.records);
        }
    }
}
