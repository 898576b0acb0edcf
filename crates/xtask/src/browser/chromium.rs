//! Finds Chromium, or installs it.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process::capture;
use crate::{cache, debian};

/// The variable with the path of a Chromium of yours.
const CHROMIUM: &str = "CHROMIUM";

/// The names that distributions and Google give it.
const PROGRAMS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/// It does not depend on a font, and without one there is no text.
const PACKAGES: &[&str] = &["chromium", "fonts-dejavu-core", "fonts-liberation"];

/// The Chromium named in the environment, else the first on the `PATH` that starts. If there is none and it is possible,
/// installs it.
pub(super) fn ensure() -> Result<PathBuf> {
    if let Some(chromium) = cache::named(CHROMIUM) {
        return Ok(chromium.into());
    }
    debian::ensure_any(&[PACKAGES], || find().is_some())?;
    let Some(chromium) = find() else {
        bail!(
            "Chromium is not installed: install it (apt-get install chromium, as root), or set {CHROMIUM} to its path"
        );
    };
    Ok(chromium)
}

fn find() -> Option<PathBuf> {
    let found = PROGRAMS.iter().filter_map(|program| debian::find(program));
    // Ubuntu's package is a script that only says what to install instead.
    found.into_iter().find(|program| capture(Command::new(program).arg("--version")).is_ok())
}
