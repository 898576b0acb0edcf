//! The records of one delivery.

use crate::clock::Clock;
use crate::record::packed::{Entry, Join, Words};
use crate::record::{AttributeValue, Attributes, Body, Record, Via};
use crate::{RunId, SegmentId, TraceId};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Who records: what every segment says of the process.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) instance: u64,
    pub(crate) service: String,
    pub(crate) resource: Vec<(Cow<'static, str>, AttributeValue<'static>)>,
}

impl Source {
    /// The segment of records that belong to no run.
    pub(crate) fn segment(&self) -> SegmentId {
        SegmentId(self.instance)
    }
}

/// Whose records come next in a batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    pub(crate) trace: u128,
    pub(crate) run: u128,
    /// The place of the first of its entries.
    pub(crate) first: u32,
    pub(crate) via: Via,
    pub(crate) segment: u64,
    /// The number of the record before its first one here.
    pub(crate) before: u64,
    /// The segment begins here: its own record has number 1.
    pub(crate) opens: bool,
}

/// Something about the recording itself, beside all runs.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(crate) seq: u64,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) count: u64,
}

/// The records of one delivery: frozen, so that every sink and every retry sees the same.
pub struct Batch {
    pub(crate) source: Arc<Source>,
    pub(crate) number: u64,
    pub(crate) clock: Clock,
    pub(crate) words: Vec<u64>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) joins: Vec<Join>,
    pub(crate) origins: Vec<Origin>,
    pub(crate) notes: Vec<Note>,
}

impl Batch {
    /// Names the recorder that made it; with the number it names the batch.
    pub fn instance(&self) -> u64 {
        self.source.instance
    }

    /// Counts up from 1 in each recorder. A batch that comes again has the same number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The service that records.
    pub fn service(&self) -> &str {
        &self.source.service
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.entries.len() + self.notes.len() + self.origins.iter().filter(|o| o.opens).count()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The bytes that it takes up.
    pub(crate) fn bytes(&self) -> usize {
        size_of::<Self>()
            + size_of_val(&self.words[..])
            + size_of_val(&self.entries[..])
            + size_of_val(&self.joins[..])
            + size_of_val(&self.origins[..])
    }

    /// The records, in order. Those of one run stand together in stretches, but a run may have several.
    pub fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let ends = self.origins.iter().skip(1).map(|o| o.first as usize).chain([self.entries.len()]);
        let stretches = self.origins.iter().zip(ends);
        stretches.flat_map(|(origin, end)| self.stretch(origin, end)).chain(self.notes.iter().map(|n| self.note(n)))
    }

    #[inline]
    fn stretch<'a>(&'a self, origin: &'a Origin, end: usize) -> impl Iterator<Item = Record<'a>> {
        let words = Words { words: &self.words, joins: &self.joins, clock: &self.clock };
        let entries = &self.entries[origin.first as usize..end];
        let (run_id, trace_id, segment_id) =
            (RunId::new(origin.run), TraceId::new(origin.trace), SegmentId(origin.segment));
        let record = move |segment_seq, body| Record {
            id: None,
            run_id,
            trace_id,
            segment_id,
            segment_seq,
            service: Cow::Borrowed(self.service()),
            body,
        };
        let opening = origin.opens.then(|| {
            let started_at = entries.first().map_or(0, |e| words.time(e));
            let resource = Attributes::slice(&self.source.resource);
            record(1, Body::Segment { started_at, resource, via: origin.via, suspension_id: None })
        });
        let numbered = (origin.before + 1..).zip(entries);
        opening.into_iter().chain(numbered.filter_map(move |(seq, e)| Some(record(seq, words.body(e)?))))
    }

    fn note<'a>(&'a self, note: &'a Note) -> Record<'a> {
        Record {
            id: None,
            run_id: None,
            trace_id: None,
            segment_id: self.source.segment(),
            segment_seq: note.seq,
            service: Cow::Borrowed(self.service()),
            body: Body::Diagnostic {
                code: Cow::Borrowed(note.code),
                message: Cow::Borrowed(&note.message),
                count: Some(note.count),
                span_id: None,
                attributes: Attributes::new(),
            },
        }
    }
}

impl fmt::Debug for Batch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch").field("number", &self.number).field("records", &self.len()).finish_non_exhaustive()
    }
}
