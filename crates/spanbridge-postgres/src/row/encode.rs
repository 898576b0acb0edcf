//! From a record to a row.

use super::copy::CopyRows;
use super::json::{Written, of_attributes, of_fields};
use super::lists;
use crate::shape::Shape;
use spanbridge::record::RecordView;
use spanbridge::{RunId, SpanId, TraceId};
use spanbridge_graph::{span_of, time_of};
use spanbridge_query::engine::row::Row;
use xxhash_rust::xxh3::xxh3_64;

/// The bits of the column `flags`.
pub(crate) mod ids {
    /// The record names its run.
    pub(crate) const RUN: i16 = 1;
    /// The record names its trace.
    pub(crate) const TRACE: i16 = 2;
    /// A span begins or ends here.
    pub(crate) const SPAN: i16 = 4;
}

/// The columns that are inserted, in the order of [`Encoded::put`].
pub(crate) const INSERTED: &str = "run, id, tx, day, segment, seq, shape, flags, at, took, span, parent, trace, \
                                   near_first, near_last, attributes, fields, exact";

/// A record, encoded as far as it is known before it is stored.
pub(crate) struct Encoded<'r> {
    pub(crate) row: Row<'r>,
    /// When it happened, if it has a time.
    pub(crate) time: Option<u64>,
    /// The hash of the whole record. A record that comes again has the same.
    pub(crate) id: i64,
    is_of_span: bool,
    attributes: Option<String>,
    fields: Option<String>,
    exact: Option<Vec<u8>>,
}

/// What is known of a row once it is stored.
pub(crate) struct Place {
    /// Days since 2000-01-01: the partition.
    pub(crate) day: i32,
    pub(crate) tx: i64,
    pub(crate) shape: i32,
    /// The times of the first and last record that came with one of no run and no time.
    pub(crate) near: Option<(i64, i64)>,
}

/// A time as a number of a table. There are none after 2262.
pub(crate) fn near(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

impl<'r> Encoded<'r> {
    /// `None`: the record says what this release does not know.
    pub(crate) fn of(record: RecordView<'r>) -> Option<Self> {
        let row = Row::of(record)?;
        let mut whole = fixed(&row);
        let lists_at = whole.len();
        lists::put(&mut whole, &row);
        let (attributes, fields) = (of_attributes(&row.attributes), of_fields(&row.fields));
        let is_exact = |written: &Option<Written>| written.as_ref().is_none_or(|written| written.is_exact);
        let exact = (!is_exact(&attributes) || !is_exact(&fields)).then(|| whole[lists_at..].to_vec());
        Some(Self {
            time: time_of(record.body()),
            id: xxh3_64(&whole) as i64,
            is_of_span: span_of(record.body()).is_some(),
            attributes: attributes.map(|written| written.text),
            fields: fields.map(|written| written.text),
            exact,
            row,
        })
    }

    pub(crate) fn run(&self) -> u128 {
        self.row.run.map_or(0, RunId::get)
    }

    pub(crate) fn shape(&self) -> Shape<'_> {
        let row = &self.row;
        Shape {
            texts: [&row.service, &row.kind, &row.name, &row.primitive, &row.role, &row.status].map(|text| &**text),
        }
    }

    /// Appends the row, with the columns of [`INSERTED`].
    pub(crate) fn put(&self, out: &mut CopyRows, place: &Place) {
        let row = &self.row;
        let flag = |is: bool, flag: i16| if is { flag } else { 0 };
        let number = |n: u64| (n != 0).then_some(n as i64);
        out.row(18);
        out.uuid(self.run());
        out.i64(self.id);
        out.i64(place.tx);
        out.i32(place.day);
        out.i64(row.segment.get() as i64);
        out.i64(row.seq as i64);
        out.i32(place.shape);
        out.i16(flag(row.names_run, ids::RUN) | flag(row.names_trace, ids::TRACE) | flag(self.is_of_span, ids::SPAN));
        out.optional_i64(number(row.at));
        out.optional_i64(number(row.took));
        for span in [row.span, row.parent] {
            out.optional_i64(span.map(|span| span.get() as i64));
        }
        out.optional_uuid(row.trace.map(TraceId::get));
        let near = place.near.filter(|_| self.time.is_none());
        out.optional_i64(near.map(|near| near.0));
        out.optional_i64(near.map(|near| near.1));
        out.optional(self.attributes.as_ref().map(String::as_bytes));
        out.optional(self.fields.as_ref().map(String::as_bytes));
        out.optional(self.exact.as_deref());
    }
}

/// What has a column of its own, for the hash.
fn fixed(row: &Row<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(&row.run.map_or(0, RunId::get).to_be_bytes());
    out.extend_from_slice(&[row.names_run.into(), row.names_trace.into()]);
    out.extend_from_slice(&row.trace.map_or(0, TraceId::get).to_be_bytes());
    for span in [row.span, row.parent] {
        out.extend_from_slice(&span.map_or(0, SpanId::get).to_be_bytes());
    }
    for n in [row.segment.get(), row.seq, row.at, row.took] {
        out.extend_from_slice(&n.to_be_bytes());
    }
    for text in [&row.service, &row.kind, &row.name, &row.primitive, &row.role, &row.status] {
        lists::put_text(&mut out, text);
    }
    out
}
