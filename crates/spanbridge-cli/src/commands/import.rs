//! `spanbridge import`: reads records from files of lines, and from other stores.

use super::damage;
use super::lines::{self, Line};
use crate::args::{Cli, Format, Import};
use crate::failure::Failure;
use crate::stream;
use serde_json::json;
use spanbridge::record::Record;
use spanbridge_cli::render::escape;
use spanbridge_query::index::FoldBudget;
use spanbridge_query::{ImportReport, Store};
use spanbridge_store::resolve;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::Path;

/// How many bad lines are named. All are counted.
const MAX_NAMED: usize = 5;

/// Lines are stored in batches of about this many bytes.
const BATCH_BYTES: usize = 8 << 20;

/// The memory that a line takes beside its text. It bounds a batch of very short lines.
const LINE_OVERHEAD_BYTES: usize = 64;

#[derive(Default)]
struct Tally {
    stored: u64,
    repeated: u64,
    conflicts: u64,
    /// Records of an unknown type.
    unknown: u64,
    bad: u64,
    named: Vec<(String, u64, String)>,
}

impl Tally {
    fn bad(&mut self, file: &str, line: u64, why: impl ToString) {
        self.bad += 1;
        if self.named.len() < MAX_NAMED {
            self.named.push((file.to_owned(), line, why.to_string()));
        }
    }

    fn add(&mut self, report: &ImportReport) {
        self.stored += report.stored;
        self.repeated += report.repeated;
        self.conflicts += report.conflicts;
    }
}

pub(super) fn run(cli: &Cli, args: &Import) -> Result<(), Failure> {
    let mut store = Store::open_or_create(cli.store_path()?)?;
    let mut tally = Tally::default();
    let stdin = [Path::new("-").to_owned()];
    let mut unread = None;
    for file in if args.files.is_empty() { &stdin[..] } else { &args.files } {
        let result = if is_store(file) {
            import_store(&mut store, file, &mut tally)
        } else if file.as_os_str() == "-" {
            read(&mut store, &mut io::stdin().lock(), "standard input", &mut tally)
        } else {
            let name = file.display().to_string();
            let opened = File::open(file).map_err(|e| Failure::io(format_args!("read {name}"), &e));
            opened.and_then(|f| read(&mut store, &mut BufReader::with_capacity(1 << 16, f), &name, &mut tally))
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
    report(cli, &tally)?;
    match unread {
        Some(why) => Err(Failure::NotFound(why)),
        None if tally.bad > 0 => {
            Err(Failure::NotFound(format!("read {} as records; the other lines were imported", lines(tally.bad))))
        }
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
    report.rejected.iter().for_each(|(at, why)| tally.bad(&name, at + 1, why));
    Ok(())
}

fn read(store: &mut Store, input: &mut impl BufRead, name: &str, tally: &mut Tally) -> Result<(), Failure> {
    let (mut line, mut number) = (Vec::new(), 0);
    let mut batch = Batch::default();
    loop {
        number += 1;
        match lines::next(input, &mut line).map_err(|e| Failure::io(format_args!("read {name}"), &e)) {
            Ok(Line::Whole) if line.trim_ascii().is_empty() => {}
            Ok(Line::Whole) => match String::from_utf8(line.clone()) {
                Ok(text) => batch.push(number, text),
                Err(_) => tally.bad(name, number, "not UTF-8"),
            },
            Ok(Line::TooLong) => tally.bad(name, number, format!("longer than {} MiB", lines::MAX_LINE_BYTES >> 20)),
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
            Err(why) => tally.bad(name, *number, format!("failed to {why}")),
        }
    }
    if records.is_empty() {
        return Ok(());
    }
    let report = store.import(records)?;
    tally.add(&report);
    for (at, why) in &report.rejected {
        let number = usize::try_from(*at).ok().and_then(|at| numbers.get(at)).copied().unwrap_or_default();
        tally.bad(name, number, why);
    }
    Ok(())
}

fn report(cli: &Cli, tally: &Tally) -> Result<(), Failure> {
    for (file, line, why) in &tally.named {
        stream::note(&format!("line {line} of {}: {}", escape(file), escape(why)));
    }
    let unnamed = tally.bad - tally.named.len() as u64;
    if unnamed > 0 {
        stream::note(&format!("… and {unnamed} more bad {}", if unnamed == 1 { "line" } else { "lines" }));
    }
    if cli.format == Format::Json {
        let named = tally.named.iter().map(|(file, line, why)| json!({ "file": file, "line": line, "reason": why }));
        return stream::print_json(&json!({
            "schemaVersion": 1,
            "stored": tally.stored,
            "repeated": tally.repeated,
            "conflicts": tally.conflicts,
            "unknown": tally.unknown,
            "bad": tally.bad,
            "badLines": named.collect::<Vec<_>>(),
        }));
    }
    let mut text = format!("{} new {}", tally.stored, if tally.stored == 1 { "record" } else { "records" });
    let mut also = |n: u64, what: &str| {
        if n > 0 {
            text.push_str(&format!(", {n} {what}"));
        }
    };
    also(tally.repeated, "already stored");
    also(tally.conflicts, "in conflict with stored ones");
    also(tally.unknown, "of an unknown type");
    also(tally.bad, if tally.bad == 1 { "bad line" } else { "bad lines" });
    text.push('\n');
    stream::print(&text, &stream::options(cli))
}

fn lines(n: u64) -> String {
    format!("{n} line{}", if n == 1 { "" } else { "s" })
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
