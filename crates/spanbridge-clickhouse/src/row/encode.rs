//! From a record to a row.

use super::bytes::{put_length, put_text};
use super::columns::ids;
use spanbridge::record::RecordView;
use spanbridge::{RunId, SpanId};
use spanbridge_graph::time_of;
use spanbridge_query::engine::row::Row;
use xxhash_rust::xxh3::xxh3_64;

const DAY: u64 = 86_400_000_000_000;
const SECOND: u64 = 1_000_000_000;

/// In 2106. Old servers take later days for the first of all.
const LAST_DAY: u64 = 49_700;

/// The partition of records that are older than what is kept, and whose runs are kept.
pub(crate) const KEPT_DAY: u16 = 49_699;

/// What the rows of a batch have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batch {
    /// See the column `version`.
    pub(crate) version: u64,
    /// The times of its first and last record, in nanoseconds since the Unix epoch. Zeros if no record of it has a time.
    pub(crate) times: (u64, u64),
    /// Partitions of earlier days are dropped.
    pub(crate) first_day: u16,
}

/// Appends the row of a record, and returns the day that it belongs to: its partition. `None`: the record says what this release
/// does not know, and nothing is appended.
pub(crate) fn put_row(out: &mut Vec<u8>, record: RecordView<'_>, batch: Batch) -> Option<u16> {
    let row = Row::of(record)?;
    let time = time_of(record.body());
    let (first, last) = batch.times;
    let near = |at: u64| if time.is_some() { 0 } else { u32::try_from(at / SECOND).unwrap_or(u32::MAX) };
    let day = (time.unwrap_or(last) / DAY).min(LAST_DAY) as u16;
    // What is of no run is as old as it is.
    let day = if day < batch.first_day && row.run.is_some() { KEPT_DAY } else { day };
    out.extend_from_slice(&batch.version.to_le_bytes());
    let hash = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&day.to_le_bytes());
    out.extend_from_slice(&near(first).to_le_bytes());
    out.extend_from_slice(&near(last).to_le_bytes());
    let content = out.len();
    put_content(out, &row);
    let digest = xxh3_64(&out[content..]) as u32;
    out[hash..hash + 4].copy_from_slice(&digest.to_le_bytes());
    Some(day)
}

fn put_content(out: &mut Vec<u8>, row: &Row<'_>) {
    let named = |is: bool, bit: u8| if is { bit } else { 0 };
    out.extend_from_slice(&row.run.map_or(0, RunId::get).to_be_bytes());
    out.push(named(row.names_run, ids::RUN) | named(row.names_trace, ids::TRACE));
    match row.trace {
        Some(trace) => put_text(out, &trace.get().to_be_bytes()),
        None => put_text(out, b""),
    }
    out.extend_from_slice(&row.segment.get().to_be_bytes());
    out.extend_from_slice(&row.seq.to_le_bytes());
    put_text(out, row.service.as_bytes());
    put_text(out, row.kind.as_bytes());
    for span in [row.span, row.parent] {
        out.extend_from_slice(&span.map_or(0, SpanId::get).to_be_bytes());
    }
    for text in [&row.name, &row.primitive, &row.role, &row.status] {
        put_text(out, text.as_bytes());
    }
    for n in [row.at, row.took] {
        out.extend_from_slice(&((n >> 32) as u32).to_le_bytes());
        out.extend_from_slice(&(n as u32).to_le_bytes());
    }
    put_length(out, row.attributes.len());
    row.attributes.iter().for_each(|(key, ..)| put_text(out, key.as_bytes()));
    put_length(out, row.attributes.len());
    out.extend(row.attributes.iter().map(|(_, kind, _)| kind));
    put_length(out, row.attributes.len());
    row.attributes.iter().for_each(|(.., text)| put_text(out, text.as_bytes()));
    put_length(out, row.fields.len());
    row.fields.iter().for_each(|(key, _)| put_text(out, key.as_bytes()));
    put_length(out, row.fields.len());
    row.fields.iter().for_each(|(_, value)| put_text(out, value.as_bytes()));
}
