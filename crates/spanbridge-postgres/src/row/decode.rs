//! From a row to a record.

use super::encode::ids;
use super::{json, lists};
use crate::session::Uuid;
use crate::shape::Known;
use spanbridge::record::Record;
use spanbridge::{RunId, SegmentId, SpanId, TraceId};
use spanbridge_query::engine::row::Row;

/// The columns that [`read`] reads, of the table `record`.
pub(crate) const COLUMNS: &str = "run, segment, seq, shape, flags, at, took, span, parent, trace, attributes::text, fields::text, \
                                  exact";

/// What a row says.
pub(crate) struct ReadRow {
    pub(crate) run: Option<RunId>,
    /// `None`: the row is of a later release, or damaged.
    pub(crate) record: Option<Record<'static>>,
}

/// Reads a row of the [`COLUMNS`]. Its shape has to be among the known ones.
pub(crate) fn read(row: &tokio_postgres::Row, shapes: &Known) -> Result<ReadRow, tokio_postgres::Error> {
    let run = RunId::new(row.try_get::<_, Uuid>(0)?.0);
    let number = |at: usize| row.try_get::<_, Option<i64>>(at).map(|n| n.unwrap_or(0) as u64);
    let (segment, seq) = (SegmentId::new(number(1)?), number(2)?);
    let (shape, flags) = (shapes.get(row.try_get(3)?), row.try_get::<_, i16>(4)?);
    let (at, took, span, parent) = (number(5)?, number(6)?, number(7)?, number(8)?);
    let trace = row.try_get::<_, Option<Uuid>>(9)?.and_then(|trace| TraceId::new(trace.0));
    let lists = match row.try_get::<_, Option<&[u8]>>(12)? {
        Some(exact) => lists::read(exact),
        None => {
            let attributes = row.try_get::<_, Option<&str>>(10)?.map_or(Some(Vec::new()), json::read_attributes);
            let fields = row.try_get::<_, Option<&str>>(11)?.map_or(Some(Vec::new()), json::read_fields);
            attributes.zip(fields)
        }
    };
    let record = segment.zip(shape).zip(lists).and_then(|((segment, shape), (attributes, fields))| {
        let [service, kind, name, primitive, role, status] = shape.each_ref().map(|text| text.to_string().into());
        let row = Row {
            run,
            names_run: flags & ids::RUN != 0,
            names_trace: flags & ids::TRACE != 0,
            trace,
            segment,
            seq,
            service,
            kind,
            span: SpanId::new(span),
            parent: SpanId::new(parent),
            name,
            primitive,
            role,
            status,
            at,
            took,
            attributes,
            fields,
        };
        row.into_record()
    });
    Ok(ReadRow { run, record })
}
