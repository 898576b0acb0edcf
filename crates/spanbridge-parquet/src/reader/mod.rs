//! Reading records.

mod assemble;
mod checked;
mod group;
mod input;
mod layout;

use crate::error::{Error, ErrorKind, Result};
use crate::leaf::{Leaf, leaves};
use crate::row::{Unreadable, record_of};
use assemble::Assembler;
use group::Group;
use input::{Input, Pages};
use layout::{Place, layout};
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use spanbridge::record::Record;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Reads the records of a Parquet file that a [`Writer`](crate::Writer) wrote, or that another program wrote again with the same columns:
/// in any order, with others beside them, compressed with zstd or Snappy or not at all.
///
/// ```no_run
/// use spanbridge_parquet::{Reader, RowRead};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut reader = Reader::open(std::fs::File::open("spans.parquet")?)?;
/// while let Some(batch) = reader.next_batch() {
///     for (row, read) in batch.rows {
///         match read {
///             RowRead::Record(record) => println!("{}", record.to_json()),
///             RowRead::Invalid(why) => eprintln!("row {row}: {why}"),
///             other => eprintln!("row {row}: {other:?}"),
///         }
///     }
///     if let Some(lost) = batch.lost {
///         eprintln!("{} rows are lost: failed to {}", lost.rows, lost.why);
///     }
/// }
/// # Ok(()) }
/// ```
///
/// A file may come from anywhere. What a page claims is checked against what is there before memory is taken for it, so what is in
/// memory is bounded. Should the library that reads Parquet panic all the same, that is caught, and the rest of the row group is lost as
/// if it were damaged. (A panic hook is called then. A program may want to keep it quiet.)
pub struct Reader {
    pages: Arc<Pages>,
    metadata: ParquetMetaData,
    places: Vec<Place>,
    leaves: Vec<Leaf>,
    next_group: usize,
    group: Option<Group>,
    rows_read: u64,
}

/// Some rows.
#[derive(Debug)]
#[non_exhaustive]
pub struct Batch<'b> {
    /// The rows, each with its number in the file, from 1.
    pub rows: Vec<(u64, RowRead<'b>)>,
    /// What is lost behind them.
    pub lost: Option<Lost>,
}

/// A row.
#[derive(Debug)]
#[non_exhaustive]
#[expect(clippy::large_enum_variant, reason = "nearly all rows are records")]
pub enum RowRead<'b> {
    /// It is a record.
    Record(Record<'b>),
    /// It is of a type that this release does not know.
    UnknownType(String),
    /// It is no record. The words continue "row 7: ".
    Invalid(String),
}

/// A part of a row group that cannot be read. What follows can.
#[derive(Debug)]
#[non_exhaustive]
pub struct Lost {
    /// The number of the row group, from 1.
    pub row_group: u64,
    /// How many of its rows are lost, as far as the file says.
    pub rows: u64,
    /// Why.
    pub why: Error,
}

impl Reader {
    /// Opens a file.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`], [`ErrorKind::OtherColumns`], [`ErrorKind::NewerFormat`], or it cannot be read at all.
    pub fn open(file: File) -> Result<Self> {
        Self::of(Input::File(file))
    }

    /// Reads a file that is at hand.
    ///
    /// # Errors
    /// As [`Reader::open`].
    pub fn of_bytes(file: Vec<u8>) -> Result<Self> {
        Self::of(Input::Bytes(file.into()))
    }

    fn of(input: Input) -> Result<Self> {
        input.check()?;
        let metadata = caught(|| Ok(ParquetMetaDataReader::new().parse_and_finish(&input)?))?;
        let places = layout(metadata.file_metadata())?;
        let pages = Arc::new(Pages(input));
        Ok(Self { pages, metadata, places, leaves: leaves(), next_group: 0, group: None, rows_read: 0 })
    }

    /// How many rows there are, as far as the file says.
    pub fn rows(&self) -> u64 {
        self.metadata.row_groups().iter().fold(0, |all, group| all.saturating_add(group::rows_of(group)))
    }

    /// The bytes of each column in the file.
    #[doc(hidden)]
    pub fn column_sizes(&self) -> Vec<(String, u64)> {
        let mut sizes: Vec<(String, u64)> = Vec::new();
        for chunk in self.metadata.row_groups().iter().flat_map(|group| group.columns()) {
            let (name, bytes) = (chunk.column_path().string(), u64::try_from(chunk.compressed_size()).unwrap_or(0));
            match sizes.iter_mut().find(|(known, _)| *known == name) {
                Some((_, all)) => *all += bytes,
                None => sizes.push((name, bytes)),
            }
        }
        sizes
    }

    /// Reads the next rows, a few thousand at most. `None`: all were read.
    pub fn next_batch(&mut self) -> Option<Batch<'_>> {
        loop {
            let (number, opened) = match self.group.take() {
                Some(group) => (self.next_group, Ok(group)),
                None => {
                    let of_group = self.metadata.row_groups().get(self.next_group)?;
                    self.next_group += 1;
                    (self.next_group, caught(|| Group::open(&self.pages, of_group, &self.places)))
                }
            };
            self.leaves.iter_mut().for_each(Leaf::clear);
            let left = |rows_before: u64| {
                let all = self.metadata.row_groups().get(number - 1).map_or(0, group::rows_of);
                all.saturating_sub(rows_before)
            };
            let (rows, lost) = match opened {
                Err(why) => (0, Some((left(0), why))),
                Ok(mut group) => match caught(|| group.read(&mut self.leaves, &self.places)) {
                    Ok(0) => continue,
                    Ok(rows) => {
                        self.group = Some(group);
                        (rows, None)
                    }
                    Err(why) => (0, Some((left(group.rows_read()), why))),
                },
            };
            let first = self.rows_read + 1;
            self.rows_read =
                self.rows_read.saturating_add(rows as u64).saturating_add(lost.as_ref().map_or(0, |(n, _)| *n));
            let mut assembler = Assembler::new(&self.leaves, &self.places);
            let read = |n| {
                let row = assembler.next().and_then(record_of);
                let read = match row {
                    Ok(record) => RowRead::Record(record),
                    Err(Unreadable::UnknownType(of)) => RowRead::UnknownType(of),
                    Err(Unreadable::Invalid(why)) => RowRead::Invalid(why),
                };
                (first.saturating_add(n), read)
            };
            let rows = (0..rows as u64).map(read).collect();
            let lost = lost.map(|(rows, why)| Lost { row_group: number as u64, rows, why });
            return Some(Batch { rows, lost });
        }
    }
}

/// The result, or an error if the library panics: see [`Reader`].
fn caught<T>(read: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err(Error::new(ErrorKind::Corrupt, "what it has cannot be decoded")))
}
