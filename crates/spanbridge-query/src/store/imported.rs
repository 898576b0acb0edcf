//! Marks that say that an old store was imported into a directory, so that it is not read a second time beside it.

use crate::engine::Engine;
use crate::old::OldFile;
use crate::{Error, ErrorKind, Result};
use spanbridge_graph::hash::{join, stable};
use std::fs;
use std::path::{Path, PathBuf};

/// Whether all that the old store has now was imported into the directory.
pub(crate) fn is_marked(directory: &Path, old: &OldFile) -> Result<bool> {
    Ok(mark(directory, old)?.exists())
}

/// The mark for what the old store has now: an empty file, whose name says which file that is and up to where.
pub(super) fn mark(directory: &Path, old: &OldFile) -> Result<PathBuf> {
    let path = fs::canonicalize(old.path()).unwrap_or_else(|_| old.path().to_owned());
    let end = old.snapshot()?.end()?;
    let hash = join(stable(path.as_os_str().as_encoded_bytes()), stable(end.as_bytes()));
    Ok(directory.join(format!("imported-{hash:016x}")))
}

/// Makes the mark.
pub(super) fn set(mark: &Path) -> Result<()> {
    fs::write(mark, "").map_err(|e| Error::new(ErrorKind::Io, format!("what was imported cannot be marked ({e})")))
}
