//! Records as a Parquet file.

use super::output::Output;
use super::runs::Runs;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::stream;
use spanbridge_parquet::{Error, ErrorKind, Writer};
use spanbridge_query::Store;
use std::io::{self, IsTerminal};

/// Returns how many records were written.
pub(super) fn write(store: &Store, runs: &Runs, output: &mut Output, is_file: bool) -> Result<usize, Failure> {
    if !is_file && io::stdout().is_terminal() {
        return Err(Failure::Usage("write Parquet to a terminal\n  Name a file with -o, or pipe it.".to_owned()));
    }
    let (mut progress, mut written, mut refused) = (Progress::new(), 0, 0);
    let mut writer = Writer::new(output.writer());
    runs.each(|done, run| {
        store.records(run, |record| {
            let Ok(to) = &mut writer else { return };
            match to.write(record.view()) {
                Ok(()) => written += 1,
                Err(error) if error.kind() == ErrorKind::Record => {
                    stream::note(&format!("record {}: failed to {error}", record.record_id()));
                    refused += 1;
                }
                Err(error) => writer = Err(error),
            }
            if run.is_none() {
                runs.show(&mut progress, written);
            }
        })?;
        runs.show(&mut progress, done);
        Ok(writer.is_ok())
    })?;
    drop(progress);
    let finished = writer.and_then(Writer::finish).map(drop);
    output.write(|_| finished.map_err(into_io));
    if refused > 0 && !output.has_failed() {
        return Err(Failure::NotFound(format!("write {refused} records as Parquet; no file was written")));
    }
    Ok(written)
}

fn into_io(error: Error) -> io::Error {
    let message = error.to_string();
    error.into_io().unwrap_or_else(|| io::Error::other(message))
}
