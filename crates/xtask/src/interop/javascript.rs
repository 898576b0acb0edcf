//! The services in JavaScript: their packages from npm.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use crate::process::{capture, run_ok};
use crate::workspace;

/// Names the directory where npm has installed what `tests/interop/javascript/package.json` asks for.
pub(super) const JAVASCRIPT: &str = "SPANBRIDGE_INTEROP_JAVASCRIPT";

/// The one named in the environment, else one in the user's cache, made when needed. `None` where there is no npm.
pub(super) fn javascript() -> Result<Option<PathBuf>> {
    if let Some(packages) = super::named(JAVASCRIPT) {
        return Ok(Some(packages.into()));
    }
    if capture(Command::new("npm").arg("--version")).is_err() {
        eprintln!("xtask: there is no npm, so the tests with JavaScript are skipped");
        return Ok(None);
    }
    let wanted = super::read(&workspace::root().join("tests/interop/javascript/package.json"))?;
    let directory = workspace::cache_for("interop-javascript", &wanted)?;
    let installed = directory.join("installed.json");
    if !std::fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        eprintln!("xtask: installing JavaScript packages in {}", directory.display());
        std::fs::create_dir_all(&directory).with_context(|| format!("failed to make {}", directory.display()))?;
        std::fs::write(directory.join("package.json"), &wanted).context("failed to write a package.json")?;
        let mut npm = Command::new("npm");
        run_ok(npm.args(["install", "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(&directory))?;
        // Written last: what was not finished is made again.
        std::fs::write(&installed, wanted).with_context(|| format!("failed to write {}", installed.display()))?;
    }
    Ok(Some(directory))
}
