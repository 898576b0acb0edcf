//! Writing records.

use crate::error::{Error, ErrorKind, Result};
use crate::group;
use crate::row::{pack, row_of};
use crate::schema::{properties, schema};
use bytes::Bytes;
use parquet::file::writer::SerializedFileWriter;
use spanbridge::record::RecordView;
use std::collections::HashMap;
use std::io::Write;

/// A row group has at most so many rows.
const GROUP_ROWS: usize = 1 << 20;

/// A row group has about so many bytes before they are encoded.
const GROUP_BYTES: usize = 64 << 20;

/// What waits beside the next row group: runs that may go on.
const SLACK_BYTES: usize = 32 << 20;

/// A larger record is refused: a page of a file has at most 2 GiB.
const MAX_RECORD_BYTES: usize = 256 << 20;

/// Writes records as a Parquet file.
///
/// Records may come in any order. They wait until a row group is full, and are ordered by run in it. The runs that have waited longest
/// for another record go first, so a run is in one row group, unless it goes on for longer than others fill one. What is in memory is
/// bounded, whatever is written.
pub struct Writer<W: Write + Send> {
    file: SerializedFileWriter<W>,
    waiting: Waiting,
    group_bytes: usize,
}

/// A record that waits, by what it is ordered.
struct Entry {
    /// 0: none.
    run: u128,
    segment: u64,
    seq: u64,
    /// Where its row begins.
    at: usize,
}

/// Records that wait, in the order in which they came.
#[derive(Default)]
struct Waiting {
    rows: Vec<u8>,
    entries: Vec<Entry>,
}

impl<W: Write + Send> Writer<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// The output fails.
    pub fn new(out: W) -> Result<Self> {
        let file = SerializedFileWriter::new(out, schema()?, properties()?.into())?;
        Ok(Self { file, waiting: Waiting::default(), group_bytes: GROUP_BYTES })
    }

    /// The same file, with row groups of about so many bytes before they are encoded.
    #[doc(hidden)]
    pub fn with_group_bytes(self, group_bytes: usize) -> Self {
        Self { group_bytes, ..self }
    }

    /// Writes a record.
    ///
    /// # Errors
    /// The output fails. [`ErrorKind::Record`]: this record cannot be written; others can.
    pub fn write(&mut self, record: RecordView<'_>) -> Result<()> {
        let row = row_of(record).ok_or_else(|| refused("this release does not know what it says"))?;
        let at = self.waiting.rows.len();
        pack(&mut self.waiting.rows, &row);
        if self.waiting.rows.len() - at > MAX_RECORD_BYTES {
            self.waiting.rows.truncate(at);
            return Err(refused("it has more than 256 MiB"));
        }
        let run = record.run_id().map_or(0, |run| run.get());
        let (segment, seq) = (record.segment_id().get(), record.segment_seq());
        self.waiting.entries.push(Entry { run, segment, seq, at });
        let slack = SLACK_BYTES.min(self.group_bytes / 2);
        if self.waiting.rows.len() >= self.group_bytes + slack || self.waiting.entries.len() >= GROUP_ROWS {
            let chosen = self.waiting.choose(self.group_bytes);
            self.write_group(chosen)?;
        }
        Ok(())
    }

    /// Writes what waits, and the end of the file.
    ///
    /// # Errors
    /// The output fails.
    pub fn finish(mut self) -> Result<W> {
        while !self.waiting.entries.is_empty() {
            let chosen = self.waiting.choose(self.group_bytes);
            self.write_group(chosen)?;
        }
        Ok(self.file.into_inner()?)
    }

    fn write_group(&mut self, chosen: Vec<bool>) -> Result<()> {
        let (mut group, rest) = std::mem::take(&mut self.waiting).split(&chosen);
        self.waiting = rest;
        group.entries.sort_unstable_by_key(|entry| (entry.run, entry.segment, entry.seq, entry.at));
        let places = group.entries.iter().map(|entry| entry.at);
        group::write(&mut self.file, &Bytes::from(group.rows), places)
    }
}

fn refused(why: &str) -> Error {
    Error::new(ErrorKind::Record, format!("write a record: {why}"))
}

impl Waiting {
    /// The bytes of a row.
    fn length(&self, index: usize) -> usize {
        let end = self.entries.get(index + 1).map_or(self.rows.len(), |next| next.at);
        end - self.entries[index].at
    }

    /// Says of each record whether it goes into the next row group: all of the runs whose last record came first, until it is full.
    /// Of a run that does not fit alone, the records that came first.
    fn choose(&self, group_bytes: usize) -> Vec<bool> {
        let mut runs: HashMap<u128, (usize, usize)> = HashMap::new();
        for (index, entry) in self.entries.iter().enumerate() {
            let (last, bytes) = runs.entry(entry.run).or_default();
            *last = index;
            *bytes += self.length(index);
        }
        let mut by_age: Vec<(usize, u128, usize)> =
            runs.into_iter().map(|(run, (last, bytes))| (last, run, bytes)).collect();
        by_age.sort_unstable();
        // The bytes that each chosen run may take.
        let mut room = group_bytes;
        let mut chosen: HashMap<u128, usize> = HashMap::new();
        for (_, run, bytes) in by_age {
            if bytes > room {
                // Those behind it fit only because most of their records are yet to come. A run that fits nowhere goes in pieces.
                if chosen.is_empty() || bytes > group_bytes {
                    chosen.insert(run, room);
                }
                break;
            }
            chosen.insert(run, bytes);
            room -= bytes;
        }
        let take = |(index, entry): (usize, &Entry)| {
            let length = self.length(index);
            chosen.get_mut(&entry.run).is_some_and(|room| {
                let fits = *room > 0;
                *room = room.saturating_sub(length);
                fits
            })
        };
        self.entries.iter().enumerate().map(take).collect()
    }

    /// Those that are chosen, and the rest.
    fn split(self, chosen: &[bool]) -> (Self, Self) {
        if chosen.iter().all(|is| *is) {
            return (self, Self::default());
        }
        let (mut group, mut rest) = (Self::default(), Self::default());
        for (index, is_chosen) in chosen.iter().enumerate() {
            let entry = &self.entries[index];
            let to = if *is_chosen { &mut group } else { &mut rest };
            let at = to.rows.len();
            to.rows.extend_from_slice(&self.rows[entry.at..entry.at + self.length(index)]);
            to.entries.push(Entry { at, ..*entry });
        }
        (group, rest)
    }
}
