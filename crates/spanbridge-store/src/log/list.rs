//! The log files in a directory.

use super::name::LogName;
use crate::error::{Error, ErrorKind, Result};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// How long after its last modification a log file counts as closed. Long enough for clocks that differ by minutes between hosts.
pub const CLOSED_AFTER: Duration = Duration::from_secs(15 * 60);

/// A log file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogFile {
    /// Writer and number, by its name.
    pub name: LogName,
    /// Where it is.
    pub path: PathBuf,
    /// Its length in bytes.
    pub length: u64,
    /// When it was written last.
    pub modified: SystemTime,
}

impl LogFile {
    /// Whether nothing is appended any more: among `files`, which are those of the directory, there is a later one of the same
    /// writer, or this one was not modified for [`CLOSED_AFTER`].
    pub fn is_closed(&self, files: &[LogFile], now: SystemTime) -> bool {
        let next = files.get(files.partition_point(|file| file.name <= self.name));
        let is_followed = next.is_some_and(|next| next.name.writer == self.name.writer);
        is_followed || now.duration_since(self.modified).is_ok_and(|silence| silence > CLOSED_AFTER)
    }
}

/// The log files in a directory, sorted by name. Anything else there is ignored.
///
/// # Errors
/// [`ErrorKind::NotFound`] if there is no such directory, [`ErrorKind::Io`] if it cannot be read.
pub fn list(directory: &Path) -> Result<Vec<LogFile>> {
    let failed = |e: io::Error| {
        let kind = if e.kind() == io::ErrorKind::NotFound { ErrorKind::NotFound } else { ErrorKind::Io };
        Error::new(kind, format!("list the logs in {}: {e}", directory.display()))
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Some(name) = entry.file_name().to_str().and_then(LogName::parse) else { continue };
        match entry.metadata() {
            Ok(about) if about.is_file() => {
                let modified = about.modified().map_err(failed)?;
                files.push(LogFile { name, path: entry.path(), length: about.len(), modified });
            }
            Ok(_) => {}
            // Somebody has removed it meanwhile.
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(failed(e)),
        }
    }
    files.sort_unstable_by_key(|file| file.name);
    Ok(files)
}
