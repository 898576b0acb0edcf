//! From a row to a record.

use super::bytes::Values;
use super::columns::{JSON, ids};
use spanbridge::record::Record;
use spanbridge::{RunId, SegmentId, SpanId, TraceId};
use spanbridge_graph::run_of;
use spanbridge_query::engine::row::Row;
use std::io::{self, Read};

/// What a row says.
pub(crate) struct Found {
    /// The run that the record belongs to, whether it names it or not.
    pub(crate) run: Option<RunId>,
    /// `None`: the row is of a later release, or damaged.
    pub(crate) record: Option<Record<'static>>,
}

/// Reads a row of all [columns](super::columns::COLUMNS) from `run` on.
pub(crate) fn read_row(values: &mut Values<impl Read>) -> io::Result<Found> {
    let run = RunId::new(u128::from_be_bytes(values.fixed()?));
    let named = values.u8()?;
    let trace = values.bytes()?;
    let segment = SegmentId::new(u64::from_be_bytes(values.fixed()?));
    let seq = values.u64()?;
    let service = values.text()?.into();
    let kind = values.text()?.into();
    let span = SpanId::new(u64::from_be_bytes(values.fixed()?));
    let parent = SpanId::new(u64::from_be_bytes(values.fixed()?));
    let [name, primitive, role, status] =
        [values.text()?, values.text()?, values.text()?, values.text()?].map(Into::into);
    let [at, took] = [time(values)?, time(values)?];
    let keys = values.array(|values| values.text())?;
    let kinds = values.array(|values| values.u8())?;
    let texts = values.array(|values| values.text())?;
    let field_keys = values.array(|values| values.text())?;
    let fields = values.array(|values| values.text())?;

    if let Some(at) = field_keys.iter().position(|key| key == JSON) {
        let json = fields.get(at).map_or("", String::as_str);
        let record = Record::from_json(json).ok().flatten().map(Record::into_owned);
        return Ok(Found { run, record: record.filter(|record| run_of(record) == run) });
    }
    let row = segment.map(|segment| Row {
        run,
        names_run: named & ids::RUN != 0,
        names_trace: named & ids::TRACE != 0,
        trace: <[u8; 16]>::try_from(&trace[..]).ok().and_then(|trace| TraceId::new(u128::from_be_bytes(trace))),
        segment,
        seq,
        service,
        kind,
        span,
        parent,
        name,
        primitive,
        role,
        status,
        at,
        took,
        attributes: keys
            .into_iter()
            .zip(kinds)
            .zip(texts)
            .map(|((key, kind), text)| (key.into(), kind, text.into()))
            .collect(),
        fields: field_keys.into_iter().zip(fields).map(|(key, value)| (key.into(), value.into())).collect(),
    });
    Ok(Found { run, record: row.and_then(Row::into_record) })
}

fn time(values: &mut Values<impl Read>) -> io::Result<u64> {
    Ok(u64::from(values.u32()?) << 32 | u64::from(values.u32()?))
}
