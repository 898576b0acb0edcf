//! Where what the tests need is kept: named in the environment, else in the user's cache.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The value of a variable that is set and not empty.
pub(crate) fn named(variable: &str) -> Option<OsString> {
    std::env::var_os(variable).filter(|value| !value.is_empty())
}

pub(crate) fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("failed to read {}", file.display()))
}

/// A temporary directory in which `home` is built. [`keep`] then gives it its name, so an unfinished one is never used.
pub(crate) fn partial(home: &Path) -> Result<tempfile::TempDir> {
    let cache = home.parent().context("failed to find the cache")?;
    std::fs::create_dir_all(cache).with_context(|| format!("failed to create {}", cache.display()))?;
    tempfile::tempdir_in(cache).context("failed to create a temporary directory")
}

/// Gives a built directory its name.
pub(crate) fn keep(partial: tempfile::TempDir, home: PathBuf) -> Result<PathBuf> {
    match std::fs::rename(partial.path(), &home) {
        Ok(()) => drop(partial.keep()),
        // Another process was faster and has built the same.
        Err(_) if home.is_dir() => {}
        Err(error) => return Err(error).with_context(|| format!("failed to create {}", home.display())),
    }
    Ok(home)
}
