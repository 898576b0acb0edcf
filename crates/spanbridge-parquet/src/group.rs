//! Writing a row group. All columns grow at the same time, each as pages in memory, which are compressed already.

use crate::columns::COLUMNS;
use crate::error::{Error, ErrorKind, Result};
use crate::leaf::{Leaf, leaves, leaves_of};
use crate::row::unpack;
use bytes::Bytes;
use parquet::column::writer::{ColumnCloseResult, ColumnWriter, get_column_writer};
use parquet::errors::ParquetError;
use parquet::file::writer::{SerializedFileWriter, SerializedPageWriter, TrackedWrite};
use std::io::Write;

/// Rows that are taken apart at once, at most; and the bytes after which no other is. A page may end after each time.
const ROWS_AT_ONCE: usize = 1024;
const BYTES_AT_ONCE: usize = 1 << 20;

/// Writes the rows that begin at these places of the buffer.
pub(crate) fn write<W: Write + Send>(
    file: &mut SerializedFileWriter<W>,
    rows: &Bytes,
    places: impl Iterator<Item = usize>,
) -> Result<()> {
    let columns = file.schema_descr().columns().to_vec();
    let properties = file.properties().clone();
    let slots: Vec<usize> = COLUMNS.iter().flat_map(|(_, column)| leaves_of(*column)).map(|(_, slot)| slot).collect();
    let mut pages: Vec<TrackedWrite<Vec<u8>>> = columns.iter().map(|_| TrackedWrite::new(Vec::new())).collect();
    let writer = |(column, page)| {
        get_column_writer(std::sync::Arc::clone(column), properties.clone(), Box::new(SerializedPageWriter::new(page)))
    };
    let mut writers: Vec<ColumnWriter<'_>> = columns.iter().zip(&mut pages).map(writer).collect();
    let mut leaves = leaves();
    let mut places = places.peekable();
    while places.peek().is_some() {
        let mut bytes = 0;
        for at in places.by_ref().take(ROWS_AT_ONCE) {
            bytes += unpack(rows, at, &mut leaves).ok_or_else(cut_off)? - at;
            if bytes >= BYTES_AT_ONCE {
                break;
            }
        }
        for (writer, slot) in writers.iter_mut().zip(&slots) {
            put(writer, &mut leaves[*slot])?;
        }
    }
    let closed =
        writers.into_iter().map(ColumnWriter::close).collect::<Result<Vec<ColumnCloseResult>, ParquetError>>()?;
    let mut group = file.next_row_group()?;
    for (pages, closed) in pages.into_iter().zip(closed) {
        group.append_column(&Bytes::from(pages.into_inner()?), closed)?;
    }
    group.close()?;
    Ok(())
}

fn cut_off() -> Error {
    Error::new(ErrorKind::Record, "write a record: its row is cut off")
}

/// Writes what a leaf has, and empties it.
fn put(writer: &mut ColumnWriter<'_>, leaf: &mut Leaf) -> Result<()> {
    let column = match writer {
        ColumnWriter::ByteArrayColumnWriter(writer) => writer.get_descriptor(),
        ColumnWriter::Int64ColumnWriter(writer) => writer.get_descriptor(),
        _ => return Err(Error::new(ErrorKind::Record, "write a column: it is of a type that has none of ours")),
    };
    let definitions = (column.max_def_level() > 0).then_some(&leaf.definitions[..]);
    let repetitions = (column.max_rep_level() > 0).then_some(&leaf.repetitions[..]);
    match writer {
        ColumnWriter::ByteArrayColumnWriter(writer) => writer.write_batch(&leaf.texts, definitions, repetitions)?,
        ColumnWriter::Int64ColumnWriter(writer) => writer.write_batch(&leaf.numbers, definitions, repetitions)?,
        _ => 0,
    };
    leaf.clear();
    Ok(())
}
