//! Reading a row group: all columns side by side, some rows at a time.

use super::checked::{Budget, CheckedPages};
use super::input::Pages;
use super::layout::Place;
use crate::error::{Error, ErrorKind, Result};
use crate::leaf::Leaf;
use parquet::column::reader::{ColumnReader, get_column_reader};
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::serialized_reader::SerializedPageReader;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Rows that are read at once.
const ROWS_AT_ONCE: u64 = 4096;

/// A row group that is being read.
pub(super) struct Group {
    /// A reader for each slot, and the name of its column.
    columns: Vec<(ColumnReader, String)>,
    budget: Arc<Budget>,
    rows: u64,
    rows_read: u64,
}

/// How many rows a row group says that it has.
pub(super) fn rows_of(group: &RowGroupMetaData) -> u64 {
    u64::try_from(group.num_rows()).unwrap_or(0)
}

impl Group {
    pub(super) fn open(pages: &Arc<Pages>, group: &RowGroupMetaData, places: &[Place]) -> Result<Self> {
        let budget = Arc::new(Budget::default());
        let open = |place: &Place| {
            let chunk = group.columns().get(place.at).ok_or_else(|| corrupt("a row group has too few columns"))?;
            let descriptor = chunk.column_descr_ptr();
            let name = descriptor.path().string();
            let reader = SerializedPageReader::new(Arc::clone(pages), chunk, rows_of(group) as usize, None);
            let reader = reader.map_err(|e| Error::from(e).at(format_args!("read the column `{name}`")))?;
            let has_levels = [descriptor.max_rep_level() > 0, descriptor.max_def_level() > 0];
            let pages = CheckedPages::new(reader, Arc::clone(&budget), has_levels);
            Ok((get_column_reader(descriptor, Box::new(pages)), name))
        };
        let columns = places.iter().map(open).collect::<Result<Vec<_>>>()?;
        Ok(Self { columns, budget, rows: rows_of(group), rows_read: 0 })
    }

    pub(super) fn rows_read(&self) -> u64 {
        self.rows_read
    }

    /// Reads the next rows into the leaves, which are empty, and returns how many.
    pub(super) fn read(&mut self, leaves: &mut [Leaf], places: &[Place]) -> Result<usize> {
        let wanted = (self.rows - self.rows_read).min(ROWS_AT_ONCE) as usize;
        if wanted == 0 {
            return Ok(0);
        }
        for (((column, name), leaf), place) in self.columns.iter_mut().zip(leaves).zip(places) {
            self.budget.values.store(0, Ordering::Relaxed);
            let definitions = (place.value > 0).then_some(&mut leaf.definitions);
            let repetitions = (place.depth > 0).then_some(&mut leaf.repetitions);
            let read = match column {
                ColumnReader::ByteArrayColumnReader(reader) => {
                    reader.read_records(wanted, definitions, repetitions, &mut leaf.texts)
                }
                ColumnReader::Int64ColumnReader(reader) => {
                    reader.read_records(wanted, definitions, repetitions, &mut leaf.numbers)
                }
                _ => return Err(corrupt("a column is of a type that has none of ours")),
            };
            let (rows, ..) = read.map_err(|e| Error::from(e).at(format_args!("read the column `{name}`")))?;
            if rows != wanted {
                return Err(corrupt(&format!("the column `{name}` has fewer rows than the row group")));
            }
        }
        self.rows_read += wanted as u64;
        Ok(wanted)
    }
}

fn corrupt(why: &str) -> Error {
    Error::new(ErrorKind::Corrupt, why)
}
