//! The files through which a worker gets its case and gives its report.

use std::fs::{self, DirBuilder};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::path::{Path, PathBuf};

/// A directory of our own, which only we can read. It is gone with everything in it once this is dropped: payloads are in it.
pub(super) struct Files {
    directory: PathBuf,
}

impl Files {
    pub(super) fn new() -> io::Result<Self> {
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        loop {
            // Each hasher has keys of its own, from the system.
            let number = RandomState::new().hash_one(std::process::id());
            let directory = std::env::temp_dir().join(format!("spanbridge-replay-{number:016x}"));
            match builder.create(&directory) {
                Ok(()) => return Ok(Files { directory }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub(super) fn case(&self) -> PathBuf {
        self.directory.join("case.json")
    }

    pub(super) fn report(&self) -> PathBuf {
        self.directory.join("report.json")
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Writes a file that only we can read. One that is there is overwritten, and keeps its mode.
pub(super) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    io::Write::write_all(&mut file, text.as_bytes())
}
