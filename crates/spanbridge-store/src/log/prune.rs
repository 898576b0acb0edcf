//! Removing log files over the limits.

use super::limits::Limits;
use super::list::{LogFile, list};
use super::name::LogName;
use crate::error::Result;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Removed {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
}

/// Removes closed files that are too old, and the oldest ones while the others are too many for one more of full size. Never
/// removes `own`.
pub(crate) fn prune(directory: &Path, limits: &Limits, own: LogName, now: SystemTime) -> Result<Removed> {
    let files = list(directory)?;
    let mut total: u64 = files.iter().map(|file| file.length).sum();
    let most = limits.max_bytes.saturating_sub(limits.of_a_file());
    let age = |file: &LogFile| now.duration_since(file.modified).unwrap_or_default();
    let mut closed: Vec<&LogFile> =
        files.iter().filter(|file| file.name != own && file.is_closed(&files, now)).collect();
    closed.sort_by_key(|file| file.modified);
    let mut removed = Removed::default();
    for file in closed {
        if total <= most && age(file) <= limits.max_age {
            break;
        }
        total -= file.length;
        // Somebody else may be first. If it cannot be removed, the next one may be.
        if fs::remove_file(&file.path).is_ok() {
            removed.files += 1;
            removed.bytes += file.length;
        }
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::CLOSED_AFTER;
    use std::fs::File;
    use std::time::Duration;

    const HOUR: Duration = Duration::from_secs(3600);

    /// Makes files of 100 bytes, by writer, number and hours since they were written.
    fn make(directory: &Path, files: &[(u64, u32, u32)], now: SystemTime) {
        for (writer, number, hours) in files.iter().copied() {
            let path = directory.join(LogName { writer, number }.to_string());
            fs::write(&path, [0; 100]).unwrap();
            File::options().append(true).open(&path).unwrap().set_modified(now - hours * HOUR).unwrap();
        }
    }

    fn left(directory: &Path) -> Vec<(u64, u32)> {
        list(directory).unwrap().iter().map(|file| (file.name.writer, file.name.number)).collect()
    }

    const OWN: LogName = LogName { writer: 9, number: 3 };

    #[test]
    fn the_oldest_closed_files_go_first() {
        let (dir, now) = (tempfile::tempdir().unwrap(), SystemTime::now());
        // Of writer 1 the last one was just written; writer 2 is dead.
        make(dir.path(), &[(1, 1, 4), (1, 2, 0), (2, 7, 2), (9, 1, 6), (9, 2, 1), (9, 3, 9)], now);
        let limits = Limits::new().max_bytes(450).file_bytes(50);
        assert_eq!(prune(dir.path(), &limits, OWN, now).unwrap(), Removed { files: 2, bytes: 200 });
        assert_eq!(left(dir.path()), [(1, 2), (2, 7), (9, 2), (9, 3)]);
        // What may still be written is kept, however little is allowed.
        assert_eq!(prune(dir.path(), &Limits::new().max_bytes(0), OWN, now).unwrap().files, 2);
        assert_eq!(left(dir.path()), [(1, 2), (9, 3)]);
    }

    #[test]
    fn old_files_go() {
        let (dir, now) = (tempfile::tempdir().unwrap(), SystemTime::now());
        make(dir.path(), &[(1, 1, 4), (2, 1, 2), (9, 3, 9)], now);
        fs::write(dir.path().join("index.db"), "not ours").unwrap();
        assert_eq!(prune(dir.path(), &Limits::new().max_age(3 * HOUR), OWN, now).unwrap().files, 1);
        assert_eq!(left(dir.path()), [(2, 1), (9, 3)]);
        assert_eq!(prune(dir.path(), &Limits::new().max_age(Duration::MAX), OWN, now).unwrap().files, 0);
        assert!(dir.path().join("index.db").exists());
    }

    /// Clocks that differ, or were set back, remove nothing.
    #[test]
    fn files_of_the_future_stay() {
        let (dir, now) = (tempfile::tempdir().unwrap(), SystemTime::now());
        make(dir.path(), &[(1, 1, 0)], now + 5 * HOUR);
        assert_eq!(prune(dir.path(), &Limits::new().max_bytes(0), OWN, now).unwrap().files, 0);
        assert!(CLOSED_AFTER < HOUR);
    }
}
