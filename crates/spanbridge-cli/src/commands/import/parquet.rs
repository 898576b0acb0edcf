//! Reads records from Parquet files.

use super::batch::Batch;
use super::tally::Place;
use super::target::Into;
use crate::failure::Failure;
use crate::progress::Progress;
use spanbridge_parquet::{Reader, RowRead};
use std::fs::File;
use std::io::{self, Read, Seek};
use std::panic;

/// Reads an input that has no length and no end yet: it is kept in a file without a name first.
pub(super) fn read_stream(into: &mut Into<'_>, mut input: impl Read) -> Result<(), Failure> {
    let mut spooled = || {
        let mut file = tempfile::tempfile()?;
        io::copy(&mut input, &mut file)?;
        file.rewind()?;
        Ok(file)
    };
    let file = spooled().map_err(|e| into.failed(&e))?;
    read(into, file)
}

pub(super) fn read(into: &mut Into<'_>, file: File) -> Result<(), Failure> {
    // The library that decodes pages may panic over damaged ones. That is caught, and told as any other damage.
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| ()));
    let result = read_all(into, file);
    panic::set_hook(hook);
    result
}

fn read_all(into: &mut Into<'_>, file: File) -> Result<(), Failure> {
    let failed = |name: &str, why: &dyn std::fmt::Display| Failure::NotFound(format!("read {name}: {why}"));
    let mut reader = Reader::open(file).map_err(|why| failed(into.name, &why))?;
    let (mut progress, all) = (Progress::new(), reader.rows());
    while let Some(found) = reader.next_batch() {
        let mut batch = Batch::of_rows();
        let mut last = 0;
        for (row, read) in found.rows {
            last = row;
            match read {
                RowRead::Record(record) => batch.push(row, record, None),
                RowRead::UnknownType(record_type) => into.tally.unknown(record_type),
                RowRead::Invalid(why) => into.tally.bad(into.name, Place::Row(row), format!("not a record: {why}")),
                _ => into.tally.bad(into.name, Place::Row(row), "of a kind that is not known here"),
            }
        }
        batch.store(into)?;
        if let Some(lost) = found.lost {
            let rows = lost.rows;
            let why = format!("{} of its rows {} lost: {}", rows, if rows == 1 { "is" } else { "are" }, lost.why);
            into.tally.bad(into.name, Place::RowGroup(lost.row_group, rows), why);
        }
        progress.show("importing", last, all, |rows| format!("{rows} records"));
    }
    Ok(())
}
