//! Where an export goes.

use crate::args::Cli;
use crate::failure::Failure;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// What is written at once.
const BUFFER_BYTES: usize = 1 << 16;

/// Standard output, or a file. After an error, nothing more is written.
///
/// A file has another name until it is whole, so that an export that was stopped leaves none that looks whole.
pub(super) struct Output {
    out: BufWriter<Box<dyn Write + Send>>,
    name: String,
    result: io::Result<()>,
    partial: Option<Partial>,
}

impl Output {
    pub(super) fn open(cli: &Cli, file: Option<&Path>) -> Result<Self, Failure> {
        let (out, name, partial): (Box<dyn Write + Send>, String, _) = match file {
            None => (Box::new(io::stdout()), "standard output".to_owned(), None),
            Some(file) => {
                let same =
                    |a: &Path, b: &Path| matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b);
                if cli.place()?.directory().is_some_and(|store| same(file, store)) {
                    return Err(Failure::Usage(format!("write {}: that is the store itself", file.display())));
                }
                let name = file.display().to_string();
                let (created, partial) = create(file).map_err(|e| Failure::io(format_args!("write {name}"), &e))?;
                (Box::new(created), name, partial)
            }
        };
        Ok(Output { out: BufWriter::with_capacity(BUFFER_BYTES, out), name, result: Ok(()), partial })
    }

    /// Writes something, unless that failed before.
    pub(super) fn write(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if self.result.is_ok() {
            self.result = write(&mut self.out);
        }
    }

    /// The output itself. Errors of what is written to it are to be given to [`write`](Self::write).
    pub(super) fn writer(&mut self) -> &mut (impl Write + Send + use<>) {
        &mut self.out
    }

    pub(super) fn has_failed(&self) -> bool {
        self.result.is_err()
    }

    pub(super) fn finish(mut self) -> Result<(), Failure> {
        let mut result = self.result.and_then(|()| self.out.flush());
        if let (Ok(()), Some(partial)) = (&result, self.partial) {
            result = partial.complete();
        }
        result.map_err(|e| Failure::io(format_args!("write to {}", self.name), &e))
    }
}

/// A file that has not yet the name that it is to have. It is removed when this is dropped before.
struct Partial {
    written: PathBuf,
    wanted: PathBuf,
}

impl Partial {
    fn complete(self) -> io::Result<()> {
        fs::rename(&self.written, &self.wanted)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After it was renamed, there is none.
        let _ = fs::remove_file(&self.written);
    }
}

/// A file that can be written. Pipes, devices, and files in directories that nothing can be added to are written directly.
fn create(file: &Path) -> io::Result<(File, Option<Partial>)> {
    // Where a link leads to is what is written.
    let wanted = fs::canonicalize(file).unwrap_or_else(|_| file.to_owned());
    let is_file = fs::metadata(&wanted).map_or(true, |found| found.is_file());
    let name = wanted.file_name().filter(|_| is_file).map(|name| name.to_string_lossy().into_owned());
    if let Some(name) = name {
        let written = wanted.with_file_name(format!(".{name}.{}.partial", std::process::id()));
        if let Ok(created) = File::create(&written) {
            return Ok((created, Some(Partial { written, wanted })));
        }
    }
    Ok((File::create(file)?, None))
}
