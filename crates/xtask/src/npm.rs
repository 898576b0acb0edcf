//! Packages from npm, in the user's cache.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{capture, run_ok};
use crate::{cache, debian, workspace};

const MANIFEST: &str = "package.json";
const LOCK_FILE: &str = "package-lock.json";

/// Fails unless Node.js with npm is there. If it is missing and it is possible, installs it.
pub(crate) fn ensure() -> Result<()> {
    let is_there = || ["node", "npm"].iter().all(|program| capture(Command::new(program).arg("--version")).is_ok());
    if !debian::ensure_any(&[&["nodejs", "npm"]], is_there)? {
        bail!("Node.js with npm is not installed");
    }
    Ok(())
}

/// The directory in the user's cache where the packages of the `package.json` in `sources` are installed. The first call
/// installs them: the versions of the `package-lock.json` beside it, if there is one.
pub(crate) fn packages(name: &str, sources: &Path) -> Result<PathBuf> {
    let manifest = cache::read(&sources.join(MANIFEST))?;
    let lock_file = sources.join(LOCK_FILE);
    let locked = lock_file.is_file().then(|| cache::read(&lock_file)).transpose()?;
    let wanted = manifest.clone() + locked.as_deref().unwrap_or_default();
    let directory = workspace::cache_for(name, &wanted)?;
    let installed = directory.join("installed.json");
    if std::fs::read_to_string(&installed).is_ok_and(|installed| installed == wanted) {
        return Ok(directory);
    }
    eprintln!("xtask: installing JavaScript packages in {}", directory.display());
    std::fs::create_dir_all(&directory).with_context(|| format!("failed to create {}", directory.display()))?;
    std::fs::write(directory.join(MANIFEST), manifest).context("failed to write a package.json")?;
    if let Some(locked) = &locked {
        std::fs::write(directory.join(LOCK_FILE), locked).context("failed to write a package-lock.json")?;
    }
    let verb = if locked.is_some() { "ci" } else { "install" };
    let mut npm = Command::new("npm");
    run_ok(npm.args([verb, "--silent", "--no-audit", "--no-fund", "--prefix"]).arg(&directory))?;
    // Written last, so an installation that was interrupted is repeated.
    std::fs::write(&installed, wanted).with_context(|| format!("failed to write {}", installed.display()))?;
    Ok(directory)
}
