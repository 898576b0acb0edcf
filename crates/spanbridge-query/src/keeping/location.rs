//! Where the store is.

use crate::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

/// The directory of a store.
pub(super) fn directory(path: &Path) -> Result<PathBuf> {
    let location = spanbridge_store::resolve(path)?;
    if location.directory.is_dir() {
        return Ok(location.directory);
    }
    let why = match location.old {
        Some(_) => "it is an old store, in one file; it can be imported into a new one",
        None => "there is none",
    };
    Err(Error::new(ErrorKind::NotFound, why).at("open", path))
}
