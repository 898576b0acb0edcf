//! What the reader of a source finds in an event.

use super::record::{MAX_RECORDS, Record};
use super::source::Source;
use crate::json::Json;
use spanbridge::carrier::Extraction;
use std::borrow::Cow;
use std::ops::Range;

/// The parts of an event, as far as they were found.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) source: Source,
    pub(super) carried: Extraction,
    /// X-Ray's header, from the headers of a request.
    pub(super) xray: Option<Vec<u8>>,
    pub(super) records: Vec<Record>,
    /// The number of records beyond [`MAX_RECORDS`].
    pub(super) left_out: usize,
    pub(super) attributes: Vec<(&'static str, Cow<'static, str>)>,
    pub(super) route: Option<String>,
    /// The ranges of the payload that are removed before the handler gets it.
    pub(super) cuts: Vec<Range<usize>>,
}

impl Content {
    pub(super) fn of(source: Source) -> Self {
        Content { source, ..Content::default() }
    }

    /// The content of a batch with these records.
    pub(super) fn batch<'a>(
        source: Source,
        all: impl Iterator<Item = Json<'a>>,
        read: impl FnMut(Json<'a>) -> Record,
    ) -> Self {
        let mut content = Content::of(source);
        content.add_records(all, read);
        content
    }

    /// Reads records up to [`MAX_RECORDS`], and counts the rest.
    pub(super) fn add_records<'a>(
        &mut self,
        mut all: impl Iterator<Item = Json<'a>>,
        read: impl FnMut(Json<'a>) -> Record,
    ) {
        let room = MAX_RECORDS - self.records.len();
        self.records.extend(all.by_ref().take(room).map(read));
        self.left_out += all.count()
    }

    /// Sets the context found in an object of the payload, and the ranges to remove from that object.
    pub(super) fn set_part(&mut self, (carried, cuts): (Extraction, Vec<Range<usize>>)) {
        (self.carried, self.cuts) = (carried, cuts)
    }

    pub(super) fn attribute(&mut self, name: &'static str, value: Option<impl Into<Cow<'static, str>>>) {
        self.attributes.extend(value.map(|value| (name, value.into())))
    }
}

/// The payload without some ranges, which do not overlap.
pub(super) fn without(payload: &[u8], mut cuts: Vec<Range<usize>>) -> Cow<'_, [u8]> {
    if cuts.is_empty() {
        return Cow::Borrowed(payload);
    }
    cuts.sort_by_key(|cut| cut.start);
    let mut rest = Vec::with_capacity(payload.len());
    let mut from = 0;
    for cut in cuts {
        rest.extend_from_slice(payload.get(from..cut.start).unwrap_or_default());
        from = cut.end.max(from);
    }
    rest.extend_from_slice(payload.get(from..).unwrap_or_default());
    Cow::Owned(rest)
}
