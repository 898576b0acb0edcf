//! A record, borrowed from where it stands.

use super::attributes::AttributesView;
use super::decode;
use super::packed::{Note, Origin, Packed};
use super::view::{BodyView, DiagnosticView, IdView, SegmentView};
use super::words::JOINED;
use super::{Record, Via};
use crate::{RunId, SegmentId, TraceId, buffer};
use std::borrow::Cow;
use std::fmt;

/// A record, borrowed from a batch or from a [`Record`]: a few words that are cheap to copy and to keep for as long as
/// the batch is there.
///
/// What it says is decoded when you call [`RecordView::body`]. That allocates nothing, and neither do attributes and
/// links, which are decoded as you iterate over them. Code that writes records out takes a view, and so works for what
/// is being recorded and for what was read alike.
///
/// ```
/// use spanbridge::record::{BodyView, RecordView};
///
/// fn print(record: RecordView<'_>) {
///     if let BodyView::Span(span) = record.body() {
///         println!("{} {}", span.span_id(), span.name());
///         for (key, value) in span.attributes() {
///             println!("  {key}: {value:?}");
///         }
///     }
/// }
/// ```
#[derive(Clone, Copy)]
pub struct RecordView<'a>(Repr<'a>);

#[derive(Clone, Copy)]
enum Repr<'a> {
    Packed(PackedRecord<'a>),
    /// The segment's own record, which opens a stretch.
    Opening(&'a Packed, &'a Origin),
    Note(&'a Packed, &'a Note),
    Record(&'a Record<'a>),
}

/// A record that lies in the words of a batch.
#[derive(Clone, Copy)]
pub(super) struct PackedRecord<'a> {
    pub(super) packed: &'a Packed,
    pub(super) origin: &'a Origin,
    pub(super) seq: u64,
    pub(super) at: u32,
    pub(super) join: u32,
}

impl<'a> RecordView<'a> {
    #[inline(always)]
    pub(super) fn packed(record: PackedRecord<'a>) -> Self {
        Self(Repr::Packed(record))
    }

    pub(super) fn opening(packed: &'a Packed, origin: &'a Origin) -> Self {
        Self(Repr::Opening(packed, origin))
    }

    pub(super) fn note(packed: &'a Packed, note: &'a Note) -> Self {
        Self(Repr::Note(packed, note))
    }

    /// Its id where it was recorded elsewhere under another than `<segmentId>-<segmentSeq>`.
    pub fn id(self) -> Option<&'a str> {
        match self.0 {
            Repr::Record(record) => record.id.as_deref(),
            _ => None,
        }
    }

    /// The record's id: its own, or `<segmentId>-<segmentSeq>`.
    pub fn record_id(self) -> Cow<'a, str> {
        match self.id() {
            Some(id) => Cow::Borrowed(id),
            None => format!("{}-{}", self.segment_id(), self.segment_seq()).into(),
        }
    }

    /// The run; absent only on diagnostics and mutations.
    #[inline(always)]
    pub fn run_id(self) -> Option<RunId> {
        match self.0 {
            Repr::Packed(PackedRecord { origin, .. }) | Repr::Opening(_, origin) => RunId::new(origin.run),
            Repr::Note(..) => None,
            Repr::Record(record) => record.run_id,
        }
    }

    /// The trace; absent only on diagnostics and mutations.
    #[inline(always)]
    pub fn trace_id(self) -> Option<TraceId> {
        match self.0 {
            Repr::Packed(PackedRecord { origin, .. }) | Repr::Opening(_, origin) => TraceId::new(origin.trace),
            Repr::Note(..) => None,
            Repr::Record(record) => record.trace_id,
        }
    }

    /// The segment that recorded it.
    #[inline(always)]
    pub fn segment_id(self) -> SegmentId {
        match self.0 {
            Repr::Packed(PackedRecord { origin, .. }) | Repr::Opening(_, origin) => SegmentId(origin.segment),
            Repr::Note(packed, _) => SegmentId(packed.source.instance),
            Repr::Record(record) => record.segment_id,
        }
    }

    /// Its number in the segment, from 1, without gaps.
    #[inline(always)]
    pub fn segment_seq(self) -> u64 {
        match self.0 {
            Repr::Packed(record) => record.seq,
            Repr::Opening(..) => 1,
            Repr::Note(_, note) => note.seq,
            Repr::Record(record) => record.segment_seq,
        }
    }

    /// The service that recorded it.
    #[inline(always)]
    pub fn service(self) -> &'a str {
        match self.0 {
            Repr::Packed(PackedRecord { packed, .. }) | Repr::Opening(packed, _) | Repr::Note(packed, _) => {
                &packed.source.service
            }
            Repr::Record(record) => &record.service,
        }
    }

    /// What it says.
    #[inline(always)]
    pub fn body(self) -> BodyView<'a> {
        match self.0 {
            Repr::Packed(PackedRecord { packed, origin, at, join, .. }) => {
                decode::body(&packed.words, at as usize, join, origin.trace)
            }
            _ => self.rare_body(),
        }
    }

    #[cold]
    #[inline(never)]
    fn rare_body(self) -> BodyView<'a> {
        match self.0 {
            Repr::Packed(r) => decode::body(&r.packed.words, r.at as usize, r.join, r.origin.trace),
            Repr::Opening(packed, origin) => BodyView::Segment(segment(packed, origin)),
            Repr::Note(_, note) => BodyView::Diagnostic(DiagnosticView {
                code: note.code,
                message: &note.message,
                count: Some(note.count),
                span_id: None,
                attributes: AttributesView::list(&[]),
            }),
            Repr::Record(record) => BodyView::from(&record.body),
        }
    }

    /// Whether the record lies in one piece of the recording buffers, perhaps with one large text (2 MiB at most) beside it, so
    /// that all its texts together are shorter than 3 MiB.
    #[doc(hidden)] // for the store, which need not measure such records
    #[inline]
    pub fn is_small(self) -> bool {
        matches!(self.0, Repr::Packed(PackedRecord { join: 0, .. }))
    }

    /// The owned form. Texts stay borrowed where they can; [`Record::into_owned`] copies them.
    pub fn to_record(self) -> Record<'a> {
        Record {
            id: self.id().map(Cow::Borrowed),
            run_id: self.run_id(),
            trace_id: self.trace_id(),
            segment_id: self.segment_id(),
            segment_seq: self.segment_seq(),
            service: Cow::Borrowed(self.service()),
            body: self.body().to_body(),
        }
    }
}

/// The first record of a segment.
fn segment<'a>(packed: &'a Packed, origin: &'a Origin) -> SegmentView<'a> {
    let words = &packed.words;
    let mut at = origin.first as usize;
    let header = |at: usize| words.words.get(at).copied();
    while let Some(joined) = header(at).filter(|h| buffer::kind(*h) & JOINED != 0) {
        at += buffer::words(joined)
    }
    let id = |id: u64| (id != 0).then(|| IdView::number(id));
    let resumed = origin.via == Via::Resume;
    SegmentView {
        started_at: header(at).map_or(0, |_| decode::time(words, at)),
        resource: AttributesView::list(&packed.source.resource),
        via: origin.via,
        suspension_id: id(origin.suspension),
        resumption_id: id(origin.ordinal).filter(|_| resumed),
        previous_resumption_id: id(origin.previous_resumption).filter(|_| resumed),
    }
}

impl<'a> From<&'a Record<'_>> for RecordView<'a> {
    #[inline(always)]
    fn from(record: &'a Record<'_>) -> Self {
        Self(Repr::Record(record))
    }
}

impl Record<'_> {
    /// The record, borrowed as a sink sees it.
    pub fn view(&self) -> RecordView<'_> {
        self.into()
    }

    /// The record's id: its own, or `<segmentId>-<segmentSeq>`.
    pub fn record_id(&self) -> Cow<'_, str> {
        self.view().record_id()
    }
}

/// Equal where the records are.
impl PartialEq for RecordView<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.to_record() == other.to_record()
    }
}

impl fmt::Debug for RecordView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_record().fmt(f)
    }
}
