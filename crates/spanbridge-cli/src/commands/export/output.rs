//! Where an export goes.

use crate::args::Cli;
use crate::failure::Failure;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// What is written at once.
const BUFFER_BYTES: usize = 1 << 16;

/// Standard output, or a file. After an error, nothing more is written.
pub(super) struct Output {
    out: BufWriter<Box<dyn Write>>,
    name: String,
    result: io::Result<()>,
}

impl Output {
    pub(super) fn open(cli: &Cli, file: Option<&Path>) -> Result<Self, Failure> {
        let (out, name): (Box<dyn Write>, String) = match file {
            None => (Box::new(io::stdout()), "standard output".to_owned()),
            Some(file) => {
                let same =
                    |a: &Path, b: &Path| matches!((fs::canonicalize(a), fs::canonicalize(b)), (Ok(a), Ok(b)) if a == b);
                if cli.place()?.directory().is_some_and(|store| same(file, store)) {
                    return Err(Failure::Usage(format!("write {}: that is the store itself", file.display())));
                }
                let name = file.display().to_string();
                let created = File::create(file).map_err(|e| Failure::io(format_args!("write {name}"), &e))?;
                (Box::new(created), name)
            }
        };
        Ok(Output { out: BufWriter::with_capacity(BUFFER_BYTES, out), name, result: Ok(()) })
    }

    /// Writes something, unless that failed before.
    pub(super) fn write(&mut self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        if self.result.is_ok() {
            self.result = write(&mut self.out);
        }
    }

    /// The output itself. Errors of what is written to it are to be given to [`write`](Self::write).
    pub(super) fn writer(&mut self) -> &mut impl Write {
        &mut self.out
    }

    pub(super) fn has_failed(&self) -> bool {
        self.result.is_err()
    }

    pub(super) fn finish(mut self) -> Result<(), Failure> {
        let result = self.result.and_then(|()| self.out.flush());
        result.map_err(|e| Failure::io(format_args!("write to {}", self.name), &e))
    }
}
