//! The directory of a store, and the words for what the system refuses.

use crate::error::{Error, ErrorKind};
use crate::log::private;
use spanbridge_graph::hash::join;
use std::fs::{self, DirBuilder};
use std::io::{self, Write};
use std::path::Path;
use std::process;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{SystemTime, UNIX_EPOCH};

/// Makes the directory, and checks that files can be made in it.
pub(super) fn check(directory: &Path) -> io::Result<()> {
    make(directory)?;
    let probe = directory.join(format!("{:016x}.probe", random()));
    private().open(&probe)?;
    fs::remove_file(probe)
}

/// Makes a directory that is only this user's, and those above it.
pub(super) fn make(directory: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory)
}

/// Says once in a process that an old store is not written to any more.
pub(super) fn warn_once(old: &Path, directory: &Path) {
    static WARNED: AtomicBool = AtomicBool::new(false);
    if !WARNED.swap(true, Relaxed) {
        let (old, directory) = (old.display(), directory.display());
        // A closed stderr is no reason to panic.
        let _ = writeln!(
            io::stderr(),
            "spanbridge: {old} is a store of an earlier release; records go to {directory}, and questions read both"
        );
    }
}

/// A number that no other sink has: neither of another process, nor of a fork, nor of a machine restored from the same snapshot.
pub(super) fn random() -> u64 {
    let mut bytes = [0; 8];
    // Without the system's random numbers, process and time have to do.
    let _ = getrandom::fill(&mut bytes);
    let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    join(u64::from_le_bytes(bytes), join(time.as_nanos() as u64, u64::from(process::id())))
}

/// The error of an operation of the system.
pub(super) fn failed(error: io::Error) -> Error {
    use io::ErrorKind::{
        FileTooLarge, NotADirectory, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem, StorageFull,
    };
    let (kind, what) = match error.kind() {
        StorageFull | QuotaExceeded | FileTooLarge => (ErrorKind::Full, "the disk is full"),
        PermissionDenied => (ErrorKind::Io, "access is denied"),
        ReadOnlyFilesystem => (ErrorKind::Io, "it is read-only"),
        NotADirectory | io::ErrorKind::AlreadyExists => (ErrorKind::NotAStore, "it is not a directory"),
        _ => (ErrorKind::Io, "the system reported an error"),
    };
    Error::new(kind, format!("{what} ({error})"))
}
