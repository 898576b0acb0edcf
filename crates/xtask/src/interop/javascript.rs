//! The services in JavaScript. Their packages come from npm.

use std::path::PathBuf;

use anyhow::Result;

use crate::{cache, npm, workspace};

/// The variable with the path of the directory where npm has installed the packages of
/// `tests/interop/javascript/package.json`.
pub(super) const JAVASCRIPT: &str = "SPANBRIDGE_INTEROP_JAVASCRIPT";

/// The directory named in the environment, else the one in the user's cache, which is filled when needed. Fails if npm is
/// missing and cannot be installed.
pub(super) fn javascript() -> Result<PathBuf> {
    if let Some(packages) = cache::named(JAVASCRIPT) {
        return Ok(packages.into());
    }
    npm::ensure()?;
    npm::packages("interop-javascript", &workspace::root().join("tests/interop/javascript"))
}
