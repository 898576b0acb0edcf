//! Copies of files in a temporary directory.

use crate::{Error, ErrorKind, Result};
use std::fs::{self, DirBuilder};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};

/// A directory with copies, which only this user can read. Dropped, it is removed.
pub(crate) struct Copy {
    directory: PathBuf,
}

impl Copy {
    /// Copies of these files, under these names.
    pub(super) fn of(files: &[(&Path, &str)]) -> Result<Self> {
        let random = RandomState::new().hash_one(std::process::id());
        let copy = Self { directory: std::env::temp_dir().join(format!("spanbridge-{random:016x}")) };
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&copy.directory).map_err(failed)?;
        for (file, name) in files {
            // Not `fs::copy`, which would make the copy as read-only as the original is.
            let (mut from, mut to) =
                (fs::File::open(file).map_err(failed)?, fs::File::create(copy.path(name)).map_err(failed)?);
            io::copy(&mut from, &mut to).map_err(failed)?;
        }
        Ok(copy)
    }

    /// The copy under this name.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // Temporary files are removed by the system, too.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn failed(error: io::Error) -> Error {
    let kind = if error.kind() == io::ErrorKind::StorageFull { ErrorKind::Full } else { ErrorKind::Io };
    Error::new(kind, format!("it has a write-ahead log in a read-only directory, and cannot be copied ({error})"))
}
