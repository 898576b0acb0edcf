//! The services in JavaScript. Their packages come from npm.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::cache;
use crate::process::{capture, run_ok};
use crate::workspace;

/// The variable with the path of the directory where npm has installed the packages of
/// `tests/interop/javascript/package.json`.
pub(super) const JAVASCRIPT: &str = "SPANBRIDGE_INTEROP_JAVASCRIPT";

/// The directory named in the environment, else the one in the user's cache, which is filled when needed. `None` if there is no
/// npm.
pub(super) fn javascript() -> Result<Option<PathBuf>> {
    if let Some(packages) = cache::named(JAVASCRIPT) {
        return Ok(Some(packages.into()));
    }
    if capture(Command::new("npm").arg("--version")).is_err() {
        eprintln!("xtask: npm is not installed: the tests with JavaScript are skipped");
        return Ok(None);
    }
    let wanted = cache::read(&workspace::root().join("tests/interop/javascript/package.json"))?;
    let directory = workspace::cache_for("interop-javascript", &wanted)?;
    let installed = directory.join("installed.json");
    if !std::fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        eprintln!("xtask: installing JavaScript packages in {}", directory.display());
        std::fs::create_dir_all(&directory).with_context(|| format!("failed to create {}", directory.display()))?;
        std::fs::write(directory.join("package.json"), &wanted).context("failed to write a package.json")?;
        let mut npm = Command::new("npm");
        run_ok(npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(&directory))?;
        // Written last, so an installation that was interrupted is repeated.
        std::fs::write(&installed, wanted).with_context(|| format!("failed to write {}", installed.display()))?;
    }
    Ok(Some(directory))
}
