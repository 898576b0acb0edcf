//! `spanbridge import`: reads records from files of lines, from other stores, and from what others write.

mod otlp;
mod tally;

use super::damage;
use super::lines::{self, Line};
use crate::args::{Cli, Import, ImportFormat};
use crate::failure::Failure;
use spanbridge::record::Record;
use spanbridge_query::Store;
use spanbridge_query::index::FoldBudget;
use spanbridge_store::resolve;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;
use tally::{Place, Tally};

/// Lines are stored in batches of about this many bytes.
const BATCH_BYTES: usize = 8 << 20;

/// The memory that a line takes beside its text. It bounds a batch of very short lines.
const LINE_OVERHEAD_BYTES: usize = 64;

pub(super) fn run(cli: &Cli, args: &Import) -> Result<(), Failure> {
    let mut store = Store::open_or_create(cli.store_path()?)?;
    let mut tally = Tally::default();
    let stdin = [Path::new("-").to_owned()];
    let mut unread = None;
    for file in if args.files.is_empty() { &stdin[..] } else { &args.files } {
        let result = if args.from == ImportFormat::Records && is_store(file) {
            import_store(&mut store, file, &mut tally)
        } else if file.as_os_str() == "-" {
            read(args.from, &mut store, &mut io::stdin().lock(), "standard input", &mut tally)
        } else {
            let name = file.display().to_string();
            let opened = File::open(file).map_err(|e| Failure::io(format_args!("read {name}"), &e));
            let input = opened.map(|file| BufReader::with_capacity(1 << 16, file));
            input.and_then(|mut input| read(args.from, &mut store, &mut input, &name, &mut tally))
        };
        match result {
            // Go on with the other files.
            Err(Failure::NotFound(why)) => {
                unread.get_or_insert(why);
            }
            other => other?,
        }
    }
    // What was imported is wanted soon, and is safe in the index from the limits of those who record into the same store.
    store.fold(FoldBudget::everything(), |_| true)?;
    damage::report(&store);
    tally.report(cli)?;
    match unread.or(tally.failure()) {
        Some(why) => Err(Failure::NotFound(why)),
        None => Ok(()),
    }
}

/// Whether this is another store: a directory, or the file of an earlier release.
fn is_store(path: &Path) -> bool {
    path.is_dir() || resolve(path).is_ok_and(|location| location.old.as_deref() == Some(path))
}

fn import_store(store: &mut Store, path: &Path, tally: &mut Tally) -> Result<(), Failure> {
    // One of several files, as another one that cannot be read. The advice of other commands is about `--db`.
    let from = Store::open(path).map_err(|e| Failure::NotFound(e.to_string()))?;
    let report = store.import_store(&from)?;
    damage::report(&from);
    tally.add(&report);
    let name = path.display().to_string();
    report.rejected.iter().for_each(|(at, why)| tally.bad(&name, Place::Line(at + 1), why));
    Ok(())
}

fn read(
    from: ImportFormat,
    store: &mut Store,
    input: &mut impl BufRead,
    name: &str,
    tally: &mut Tally,
) -> Result<(), Failure> {
    match from {
        ImportFormat::Records => read_records(store, input, name, tally),
        ImportFormat::Otlp => otlp::read(store, input, name, tally),
    }
}

fn read_records(store: &mut Store, input: &mut impl BufRead, name: &str, tally: &mut Tally) -> Result<(), Failure> {
    let (mut line, mut number) = (Vec::new(), 0);
    let mut batch = Batch::default();
    loop {
        number += 1;
        match lines::next(input, &mut line).map_err(|e| Failure::io(format_args!("read {name}"), &e)) {
            Ok(Line::Whole) if line.trim_ascii().is_empty() => {}
            Ok(Line::Whole) => match String::from_utf8(line.clone()) {
                Ok(text) => batch.push(number, text),
                Err(_) => tally.bad(name, Place::Line(number), "not UTF-8"),
            },
            Ok(Line::TooLong) => {
                tally.bad(name, Place::Line(number), format!("longer than {} MiB", lines::MAX_LINE_BYTES >> 20))
            }
            end => {
                store_batch(store, &batch.lines, name, tally)?;
                return end.map(drop);
            }
        }
        if batch.is_full() {
            store_batch(store, &batch.lines, name, tally)?;
            batch = Batch::default()
        }
    }
}

/// Lines and their numbers, before they are stored.
#[derive(Default)]
struct Batch {
    lines: Vec<(u64, String)>,
    size: usize,
}

impl Batch {
    fn push(&mut self, number: u64, text: String) {
        self.size += text.len() + LINE_OVERHEAD_BYTES;
        self.lines.push((number, text))
    }

    fn is_full(&self) -> bool {
        self.size >= BATCH_BYTES
    }
}

/// Stores the records of a batch.
fn store_batch(store: &mut Store, batch: &[(u64, String)], name: &str, tally: &mut Tally) -> Result<(), Failure> {
    let (mut records, mut numbers) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
    for (number, text) in batch {
        match Record::from_json(text) {
            Ok(Some(record)) => {
                records.push(record);
                numbers.push(*number);
            }
            Ok(None) => tally.unknown += 1,
            Err(why) => tally.bad(name, Place::Line(*number), format!("failed to {why}")),
        }
    }
    if records.is_empty() {
        return Ok(());
    }
    let report = store.import(records)?;
    tally.add(&report);
    for (at, why) in &report.rejected {
        let number = usize::try_from(*at).ok().and_then(|at| numbers.get(at)).copied().unwrap_or_default();
        tally.bad(name, Place::Line(number), why);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_lines_fill_a_batch() {
        for (text, most) in [("0", 200_000), (&*"x".repeat(1 << 20), 9)] {
            let mut batch = Batch::default();
            while !batch.is_full() {
                batch.push(1, text.to_owned())
            }
            assert!(batch.lines.len() < most, "{}", batch.lines.len());
        }
    }
}
