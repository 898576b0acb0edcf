//! Where a store is, by the path that a user gives.

use crate::error::{Error, ErrorKind, Result};
use crate::path::default_directory;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Where a store is: see [`resolve`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Location {
    /// The directory of the log files. It may not exist yet.
    pub directory: PathBuf,
    /// The file of an old store beside it, in which earlier releases kept everything. It is only read.
    pub old: Option<PathBuf>,
}

/// Finds the directory of a store, and an old store that belongs to it.
///
/// | the path | directory | old store |
/// |---|---|---|
/// | is a directory, or nothing | the path | none |
/// | is the [default](crate::default_path) | the path | `spanbridge.db` beside it, if that is there |
/// | is the file of an old store, `a.db` | `a.db.store` beside it | the path |
/// | was the file of an old store, `a.db`, and `a.db.store` is there | `a.db.store` | none |
///
/// ```
/// let location = spanbridge_store::resolve("/nowhere/records".as_ref())?;
/// assert_eq!((location.directory.to_str(), location.old), (Some("/nowhere/records"), None));
/// # Ok::<(), spanbridge_store::Error>(())
/// ```
///
/// # Errors
/// [`ErrorKind::InvalidPath`] for what other programs take for a database and is no path of a directory: `:memory:`, `file:…`, a URL, or a
/// `~` that no shell has replaced. [`ErrorKind::NotAStore`] if there is another kind of file. [`ErrorKind::Io`] if the system does
/// not let us look.
pub fn resolve(path: &Path) -> Result<Location> {
    resolve_beside(path, default_directory().ok().as_deref()).map_err(|e| e.at("open", &without_login(path)))
}

/// A path as it is shown: of a URL, neither user and password nor parameters.
fn without_login(path: &Path) -> PathBuf {
    match path.to_string_lossy().split_once("://") {
        Some((scheme, rest)) => {
            let place = rest.rsplit('@').next().unwrap_or_default().split('?').next().unwrap_or_default();
            PathBuf::from(format!("{scheme}://{place}"))
        }
        None => path.to_owned(),
    }
}

/// The same, where the default is this directory.
fn resolve_beside(path: &Path, default: Option<&Path>) -> Result<Location> {
    refuse(path)?;
    let failed = |e: io::Error| Error::new(ErrorKind::Io, format!("it cannot be read ({e})"));
    let here = |old| Ok(Location { directory: path.to_owned(), old });
    match fs::metadata(path) {
        Ok(about) if about.is_file() => match is_sqlite(path) {
            Ok(true) => Ok(Location { directory: beside(path), old: Some(path.to_owned()) }),
            Ok(false) => Err(Error::new(ErrorKind::NotAStore, "it is a file of another kind")),
            Err(e) => Err(failed(e)),
        },
        Ok(about) if !about.is_dir() => Err(Error::new(ErrorKind::NotAStore, "it is neither a directory nor a file")),
        Err(e) if e.kind() == io::ErrorKind::NotFound && beside(path).is_dir() => {
            Ok(Location { directory: beside(path), old: None })
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound && path.is_symlink() => {
            Err(Error::new(ErrorKind::NotAStore, "it is a link to something that does not exist"))
        }
        Err(e) if !matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Err(failed(e)),
        _ if default == Some(path) => {
            here(Some(path.with_file_name("spanbridge.db")).filter(|old| is_sqlite(old).unwrap_or(false)))
        }
        _ => here(None),
    }
}

/// Refuses what would make a directory that nobody meant.
fn refuse(path: &Path) -> Result<()> {
    let text = path.to_string_lossy();
    let why = if text.is_empty() {
        "the path is empty"
    } else if text == ":memory:" {
        "there is no store in memory; to keep records in memory, use `spanbridge::Memory`"
    } else if text.contains("://") || text.starts_with("file:") || text.starts_with("sqlite:") {
        "it is a URL, and records are written into a directory: `spanbridge ship` sends them on"
    } else if text.starts_with('~') {
        "a shell would replace `~` by the home directory, and none did"
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::InvalidPath, why))
}

/// The directory that goes with an old store.
fn beside(file: &Path) -> PathBuf {
    let mut name: OsString = file.file_name().unwrap_or_default().to_owned();
    name.push(".store");
    file.with_file_name(name)
}

fn is_sqlite(path: &Path) -> io::Result<bool> {
    let mut begin = [0; 16];
    match File::open(path)?.read_exact(&mut begin) {
        Ok(()) => Ok(&begin == b"SQLite format 3\0"),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::tempdir;

    const OLD: &[u8] = b"SQLite format 3\0and more";

    fn location(directory: PathBuf, old: Option<PathBuf>) -> Location {
        Location { directory, old }
    }

    #[test]
    fn an_old_store_has_a_directory_beside_it() {
        let dir = tempdir().unwrap();
        let old = dir.path().join("a.db");
        let new = dir.path().join("a.db.store");
        assert_eq!(resolve(&old).unwrap(), location(old.clone(), None));
        fs::write(&old, OLD).unwrap();
        assert_eq!(resolve(&old).unwrap(), location(new.clone(), Some(old.clone())));
        // When it was imported and removed, the same path still means the same store.
        fs::create_dir(&new).unwrap();
        fs::remove_file(&old).unwrap();
        assert_eq!(resolve(&old).unwrap(), location(new.clone(), None));
        assert_eq!(resolve(&new).unwrap(), location(new, None));
    }

    #[test]
    fn the_default_reads_the_old_default() {
        let dir = tempdir().unwrap();
        let (store, old) = (dir.path().join("store"), dir.path().join("spanbridge.db"));
        let ask = || resolve_beside(&store, Some(&store)).unwrap();
        assert_eq!(ask(), location(store.clone(), None));
        fs::write(&old, OLD).unwrap();
        assert_eq!(ask(), location(store.clone(), Some(old.clone())));
        fs::create_dir(&store).unwrap();
        assert_eq!(ask(), location(store.clone(), Some(old.clone())));
        assert_eq!(resolve_beside(&store, None).unwrap(), location(store.clone(), None));
        fs::write(&old, "of another program").unwrap();
        assert_eq!(ask(), location(store, None));
    }

    #[test]
    fn surprising_paths_are_refused() {
        let kind = |path: &str| resolve(Path::new(path)).unwrap_err().kind();
        for path in
            ["", ":memory:", "file:a.db", "file:///a.db?mode=ro", "sqlite::memory:", "postgres://u@h/d", "~/a", "~u"]
        {
            assert_eq!(kind(path), ErrorKind::InvalidPath, "{path}");
        }
        assert_eq!(kind("/dev/null"), ErrorKind::NotAStore);
        let dir = tempdir().unwrap();
        #[cfg(unix)]
        {
            let link = dir.path().join("link");
            std::os::unix::fs::symlink("nowhere", &link).unwrap();
            assert_eq!(kind(link.to_str().unwrap()), ErrorKind::NotAStore);
        }
        for content in ["", "short", "a text that is longer than a header"] {
            let path = dir.path().join("file");
            fs::write(&path, content).unwrap();
            assert_eq!(kind(path.to_str().unwrap()), ErrorKind::NotAStore);
        }
        // Applications write what is wrong to standard error.
        for url in ["postgres://u:secret@h/d", "mysql://u:sec@ret@h/d?password=secret"] {
            let error = resolve(Path::new(url)).unwrap_err().to_string();
            assert!(error.contains("://h/d: it is a URL") && !error.contains("ret"), "{error}");
        }
        let error = resolve(Path::new(":memory:")).unwrap_err().to_string();
        assert!(error.starts_with("open the store :memory:: there is no store in memory;"), "{error}");
    }
}
