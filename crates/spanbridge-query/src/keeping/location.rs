//! Where the store is.

use crate::store::open::{is_of_others, of_others};
use crate::{Error, ErrorKind, Result};
use std::path::{Path, PathBuf};

/// The directory of a store.
pub(super) fn directory(path: &Path) -> Result<PathBuf> {
    let location = spanbridge_store::resolve(path)?;
    if location.directory.is_dir() {
        return match is_of_others(&location.directory) {
            true => Err(of_others().at("open", &location.directory)),
            false => Ok(location.directory),
        };
    }
    let why = match location.old {
        Some(old) => {
            let (shown, into) = (old.display(), path.display());
            format!(
                "it is an old store, in one file, and only read; `spanbridge import --db {into} {shown}` moves its records over"
            )
        }
        None => "there is none".to_owned(),
    };
    Err(Error::new(ErrorKind::NotFound, why).at("open", path))
}
