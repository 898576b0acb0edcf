//! Copying a store that is in use.

use super::location::directory;
use crate::index::Index;
use crate::old::OldFile;
use crate::store::imported::is_marked;
use crate::{Error, ErrorKind, Result};
use spanbridge_store::log::{self, LogFile, LogReader, Step};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// What was copied.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupReport {
    /// Log files.
    pub logs: u64,
    /// Bytes of the copy.
    pub bytes: u64,
    /// An old store beside the directory, in one file, that was not imported. It is not copied.
    pub old: Option<PathBuf>,
}

/// Copies a store into a new directory, or into one that is empty. The copy is a store: it opens, and answers the same.
///
/// Applications may write meanwhile. What they deliver after the copy began may be in it or not, but each delivery is in it whole or
/// not at all. The copy appears at once when it is complete.
///
/// # Errors
/// [`ErrorKind::Occupied`] if the target has anything in it.
pub fn backup(path: impl AsRef<Path>, target: impl AsRef<Path>) -> Result<BackupReport> {
    let (path, target) = (path.as_ref(), target.as_ref());
    let directory = directory(path)?;
    let failed = |e: Error| {
        let message = format!("copy the store {} to {}: {e}", path.display(), target.display());
        Error::new(e.kind(), message)
    };
    let old = spanbridge_store::resolve(path)?.old.filter(|old| !is_imported(&directory, old));
    let copy = || {
        refuse_occupied(target)?;
        let partial = Partial::beside(target)?;
        let index = Index::open(&directory)?;
        // No log goes, and no watermark moves.
        let mut report = index.while_still(|| copy_into(&index, &directory, &partial.0))?;
        report.old = old;
        sync(&partial.0)?;
        fs::rename(&partial.0, target).map_err(io_error)?;
        Ok(report)
    };
    copy().map_err(failed)
}

/// Whether all of an old store is in the directory, too.
fn is_imported(directory: &Path, old: &Path) -> bool {
    OldFile::open(old).and_then(|old| is_marked(directory, &old)).unwrap_or(false)
}

fn refuse_occupied(target: &Path) -> Result<()> {
    match fs::read_dir(target) {
        Ok(mut entries) => match entries.next() {
            None => Ok(()),
            Some(_) => Err(Error::new(ErrorKind::Occupied, "the directory is not empty")),
        },
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::NotADirectory => {
            Err(Error::new(ErrorKind::Occupied, "it exists, and is not a directory"))
        }
        Err(e) => Err(io_error(e)),
    }
}

fn copy_into(index: &Index, directory: &Path, to: &Path) -> Result<BackupReport> {
    let mut report = BackupReport::default();
    if index.place().is_kept() {
        let copy = to.join("index.db");
        index.copy_to(&copy)?;
        report.bytes += fs::metadata(&copy).map_err(io_error)?.len();
    }
    let folded = index.folded_to()?;
    for file in log::list(directory)? {
        let passed = folded.get(&file.name).copied().unwrap_or(0);
        if file.length > passed {
            report.bytes += copy_log(&file, passed, to)?;
            report.logs += 1;
        }
    }
    Ok(report)
}

/// Copies a log up to its last whole frame. Frames know their place, so what is folded is copied, too.
fn copy_log(file: &LogFile, from: u64, to: &Path) -> Result<u64> {
    let length = match whole_to(file, from) {
        // Only a newer release knows where it ends.
        Err(e) if e.kind() == ErrorKind::NewerFormat => file.length,
        // A writer removed it to keep within its limits.
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(0),
        other => other?,
    };
    let copied = || -> io::Result<u64> {
        let source = File::open(&file.path)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut copy = options.open(to.join(file.name.to_string()))?;
        let copied = io::copy(&mut source.take(length), &mut copy)?;
        // By that it is known when it is closed.
        copy.set_modified(file.modified)?;
        copy.sync_all()?;
        Ok(copied)
    };
    copied().map_err(io_error)
}

/// Where the last whole frame of a log ends.
fn whole_to(file: &LogFile, from: u64) -> Result<u64> {
    let mut reader = LogReader::open(&file.path, from)?;
    loop {
        if let Step::End { at, .. } = reader.step()? {
            return Ok(at);
        }
    }
}

/// A directory that is removed unless it was moved.
struct Partial(PathBuf);

impl Partial {
    fn beside(target: &Path) -> Result<Self> {
        let name = target.file_name().ok_or_else(|| Error::new(ErrorKind::Io, "the target has no name"))?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.partial", std::process::id()));
        let path = target.with_file_name(hidden);
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).map_err(io_error)?;
        Ok(Self(path))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The names of the files survive a power cut. Elsewhere than on Unix a directory cannot be opened, and needs no sync.
fn sync(directory: &Path) -> Result<()> {
    match cfg!(unix) {
        true => File::open(directory).and_then(|opened| opened.sync_all()).map_err(io_error),
        false => Ok(()),
    }
}

fn io_error(error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => ErrorKind::Full,
        _ => ErrorKind::Io,
    };
    Error::new(kind, error.to_string()).with_cause(error)
}
