//! Which engines read the store at a path.

use super::imported;
use crate::engines::Engines;
use crate::index::Index;
use crate::joined::Joined;
use crate::old::OldFile;
use crate::{Error, ErrorKind, Result};
use spanbridge_store::log::LogName;
use spanbridge_store::{Location, resolve};
use std::ffi::OsStr;
use std::fs::{self, DirBuilder};
use std::path::{Path, PathBuf};

/// A store that was opened.
pub(super) struct Opened {
    pub(super) engine: Engines,
    /// The directory of the logs. It may not exist yet.
    pub(super) directory: PathBuf,
    pub(super) notes: Vec<String>,
}

/// Opens the store at this path.
pub(super) fn open(path: &Path, create: bool) -> Result<Opened> {
    let Location { directory, old, .. } = resolve(path)?;
    let mut notes = Vec::new();
    let old = match old {
        Some(file) => open_old(path, &file, &directory, &mut notes)?,
        None => None,
    };
    if create {
        make(&directory).map_err(|e| e.at("open", path))?;
    }
    let engine = match (old, open_directory(&directory)?) {
        (Some(old), Some(index)) => Engines::Both(Box::new(Joined { earlier: old, later: index })),
        (Some(old), None) => Engines::Old(Box::new(old)),
        (None, Some(index)) => Engines::Directory(Box::new(index)),
        (None, None) => return Err(Error::new(ErrorKind::NotFound, "there is none").at("open", path)),
    };
    Ok(Opened { engine, directory, notes })
}

/// `None` if all of it was imported into the directory.
fn open_old(path: &Path, file: &Path, directory: &Path, notes: &mut Vec<String>) -> Result<Option<OldFile>> {
    let old = OldFile::open(file)?;
    let shown = file.display();
    if imported::is_marked(directory, &old)? {
        notes.push(format!("{shown} was imported into {} and is not read any more", directory.display()));
        return Ok(None);
    }
    // Whoever names the file reads the directory beside it, too.
    let into = if path == file { format!("--db {shown} ") } else { String::new() };
    notes.push(format!(
        "{shown} is of an earlier release and is only read, which takes long if it is large; `spanbridge import \
         {into}{shown}` moves its records to the current form"
    ));
    Ok(Some(old))
}

fn open_directory(directory: &Path) -> Result<Option<Index>> {
    match directory.try_exists() {
        Ok(false) => Ok(None),
        Ok(true) if is_of_others(directory) => Err(of_others().at("open", directory)),
        // If it cannot be looked at, opening it says why.
        _ => Index::open(directory).map(Some).map_err(|e| e.at("open", directory)),
    }
}

/// Whether a directory has files, and none is of a store. An index made there would surprise. An empty directory may be that of
/// a service which has not recorded yet.
pub(crate) fn is_of_others(directory: &Path) -> bool {
    let Ok(entries) = fs::read_dir(directory) else { return false };
    let is_ours = |name: &OsStr| {
        let name = name.to_string_lossy();
        let starts = ["index.db", "replaced-", "imported-"];
        LogName::parse(&name).is_some()
            || starts.iter().any(|start| name.starts_with(start))
            || name.ends_with(".probe")
    };
    let mut entries = entries.flatten().map(|entry| is_ours(&entry.file_name())).peekable();
    entries.peek().is_some() && !entries.any(|is_ours| is_ours)
}

pub(crate) fn of_others() -> Error {
    Error::new(ErrorKind::NotAStore, "it is a directory of other files")
}

/// Makes the directory. Only this user can read it.
fn make(directory: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).map_err(|e| Error::new(ErrorKind::Io, format!("its directory cannot be created ({e})")))
}
