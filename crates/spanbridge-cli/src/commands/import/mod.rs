//! `spanbridge import`: reads records from files of ours and of others, and from other stores.

mod batch;
mod otlp;
#[cfg(feature = "parquet")]
mod parquet;
mod records;
mod tally;
mod target;

use super::damage;
use super::opening::not_opened;
use crate::args::{Cli, Import, ImportFormat};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::size;
use spanbridge_cli::import::{Content, Form, Source, is_parquet};
#[cfg(not(feature = "parquet"))]
use spanbridge_cli::place::not_built;
use spanbridge_query::Store;
use spanbridge_query::index::FoldBudget;
use spanbridge_store::resolve;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use tally::{Place, Tally};
use target::{Into, Reading};

pub(super) fn run(cli: &Cli, args: &Import) -> Result<(), Failure> {
    let place = cli.place()?;
    let mut store = place.open_or_create().map_err(|error| not_opened(&place, error))?;
    let mut tally = Tally::default();
    let stdin = [Path::new("-").to_owned()];
    let mut unread = None;
    for file in if args.files.is_empty() { &stdin[..] } else { &args.files } {
        let result = if args.from.is_none_or(|from| from == ImportFormat::Lines) && is_store(file) {
            import_store(&mut store, file, &mut tally)
        } else if file.as_os_str() == "-" {
            let mut into = Into { store: &mut store, name: "standard input", tally: &mut tally };
            read_stdin(args.from, &mut into)
        } else {
            let name = file.display().to_string();
            let opened = File::open(file).map_err(|e| Failure::io(format_args!("read {name}"), &e));
            let mut into = Into { store: &mut store, name: &name, tally: &mut tally };
            opened.and_then(|file| read_file(args.from, &mut into, file))
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
    let mut progress = Progress::new();
    store.fold(FoldBudget::everything(), |report| {
        progress.show("folding", report.bytes, report.bytes + report.remaining, size::show);
        true
    })?;
    drop(progress);
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

/// What an input begins with, and whether it is to be read as Parquet.
fn start_of(from: Option<ImportFormat>, input: impl Read) -> io::Result<(Vec<u8>, bool)> {
    let mut start = Vec::new();
    input.take(4).read_to_end(&mut start)?;
    let is_parquet = from.map_or(is_parquet(&start), |from| from == ImportFormat::Parquet);
    Ok((start, is_parquet))
}

fn read_stdin(from: Option<ImportFormat>, into: &mut Into<'_>) -> Result<(), Failure> {
    let mut stdin = io::stdin().lock();
    let (start, is_parquet) = start_of(from, &mut stdin).map_err(|e| into.failed(&e))?;
    let input = io::Cursor::new(start).chain(stdin);
    match is_parquet {
        #[cfg(feature = "parquet")]
        true => parquet::read_stream(into, input),
        #[cfg(not(feature = "parquet"))]
        true => Err(no_parquet(into)),
        false => read(from, into, input, 0),
    }
}

fn read_file(from: Option<ImportFormat>, into: &mut Into<'_>, mut file: File) -> Result<(), Failure> {
    let of_file = file.metadata().map_err(|e| into.failed(&e))?;
    let (start, is_parquet) = start_of(from, &mut file).map_err(|e| into.failed(&e))?;
    match is_parquet {
        #[cfg(feature = "parquet")]
        true if of_file.is_file() => parquet::read(into, file),
        #[cfg(feature = "parquet")]
        true => parquet::read_stream(into, io::Cursor::new(start).chain(file)),
        #[cfg(not(feature = "parquet"))]
        true => Err(no_parquet(into)),
        false => read(from, into, io::Cursor::new(start).chain(file), of_file.len()),
    }
}

/// Files of other kinds are read all the same.
#[cfg(not(feature = "parquet"))]
fn no_parquet(into: &Into<'_>) -> Failure {
    Failure::NotFound(not_built(&format!("read {} as Parquet", into.name), "parquet").to_string())
}

fn read(from: Option<ImportFormat>, into: &mut Into<'_>, input: impl Read, bytes: u64) -> Result<(), Failure> {
    let source = Source::new(input).map_err(|e| into.failed(&e))?;
    let mut reading = Reading { progress: Progress::new(), taken: source.taken(), bytes };
    let form = match from {
        Some(ImportFormat::Lines) => Form::Ours,
        Some(ImportFormat::Crux) => Form::Crux,
        Some(ImportFormat::Otlp) => return otlp::read(into, source, &mut reading),
        Some(ImportFormat::Parquet) | None => match source.content() {
            Some(Content::Text) => Form::Any,
            Some(Content::Otlp) => return otlp::read(into, source, &mut reading),
            Some(Content::Parquet) => {
                let why = "Parquet is read as it is, without another compression around it";
                return Err(Failure::NotFound(format!("read {}: {why}", into.name)));
            }
            _ => return Err(Failure::NotFound(format!("read {}: it is neither text nor OTLP", into.name))),
        },
    };
    records::read(into, source, form, &mut reading)
}
