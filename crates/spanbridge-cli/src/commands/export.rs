//! `spanbridge export`: writes records.

use super::lookup::find;
use crate::args::{Cli, Export};
use crate::failure::Failure;
use crate::stream;
use spanbridge::RunId;
use spanbridge_query::Store;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

pub(super) fn run(cli: &Cli, args: &Export, store: &Store) -> Result<(), Failure> {
    let runs = match &args.id {
        Some(id) => find(store, id)?.1.into_iter().map(Some).collect(),
        None => vec![None],
    };
    let Some(file) = &args.output else {
        return write(store, &runs, &mut BufWriter::with_capacity(1 << 16, io::stdout().lock()), "standard output");
    };
    let same = |a: &Path, b: &Path| matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b);
    if same(file, &cli.store_path()?) {
        return Err(Failure::Usage(format!("write {}: that is the store itself", file.display())));
    }
    let name = file.display().to_string();
    let out = File::create(file).map_err(|e| Failure::io(format_args!("write {name}"), &e))?;
    write(store, &runs, &mut BufWriter::with_capacity(1 << 16, out), &name)
}

fn write(store: &Store, runs: &[Option<RunId>], out: &mut impl Write, name: &str) -> Result<(), Failure> {
    let (mut result, mut written) = (Ok(()), 0u64);
    for run in runs {
        store.records(*run, |record| {
            // The store cannot be told to stop. After an error, the remaining records are ignored.
            if result.is_ok() {
                result = writeln!(out, "{}", record.to_json());
                written += 1;
            }
        })?;
    }
    if written == 0 {
        stream::note("there are no records to write");
    }
    result.and_then(|()| out.flush()).map_err(|e| Failure::io(format_args!("write to {name}"), &e))
}
