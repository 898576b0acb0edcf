//! `cargo xtask interop`: the tests that let us talk to services in other languages under OpenTelemetry's instrumentations,
//! and to kcat.
//!
//! They have `interop` in their names, find each language by a variable ([`python`], [`javascript`], [`java`], [`go`]), kcat
//! in `SPANBRIDGE_INTEROP_KCAT`, and the programs in `tests/interop/`; without the variables they say that they are skipped.

mod go;
mod java;
mod javascript;
mod python;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::debian;
use crate::testing::Session;

/// Names kcat, Kafka's client for the command line.
const KCAT: &str = "SPANBRIDGE_INTEROP_KCAT";

/// Prepares every language and kcat, brings up the services and runs those tests alone.
pub(crate) fn run() -> Result<()> {
    let (python, kcat) = (python::python()?, kcat()?);
    let (javascript, java, go) = (javascript::javascript()?, java::java()?, go::go()?);
    let mut session = Session::begin()?;
    let or_none = |path: &Option<PathBuf>| path.as_deref().map(Path::as_os_str).unwrap_or_default().to_owned();
    let variables = [
        (python::PYTHON, python.into_os_string()),
        (javascript::JAVASCRIPT, or_none(&javascript)),
        (java::JAVA, or_none(&java)),
        (go::GO, or_none(&go)),
        (KCAT, kcat),
    ];
    session.matching("interop", &variables.each_ref().map(|(name, value)| (*name, value.as_os_str())))?;
    if session.ran() == 0 {
        bail!("no test with `interop` in its name ran");
    }
    session.finish()
}

/// The one named in the environment, else that on the `PATH`, installed when it is missing and we may.
fn kcat() -> Result<OsString> {
    if let Some(kcat) = named(KCAT) {
        return Ok(kcat);
    }
    if !debian::ensure("kcat", || debian::on_path("kcat"))? {
        bail!("failed to find kcat: apt-get install kcat (as root), or name it in {KCAT}");
    }
    Ok("kcat".into())
}

/// What a variable names, if it does.
fn named(variable: &str) -> Option<OsString> {
    std::env::var_os(variable).filter(|value| !value.is_empty())
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("failed to read {}", file.display()))
}

/// Where `home` is made, until [`keep`] gives it its name: nobody takes what is half done for the whole.
fn partial(home: &Path) -> Result<tempfile::TempDir> {
    let cache = home.parent().context("failed to find the cache")?;
    std::fs::create_dir_all(cache).with_context(|| format!("failed to make {}", cache.display()))?;
    tempfile::tempdir_in(cache).context("failed to make a temporary directory")
}

fn keep(partial: tempfile::TempDir, home: PathBuf) -> Result<PathBuf> {
    match std::fs::rename(partial.path(), &home) {
        Ok(()) => drop(partial.keep()),
        // Another process was faster, and has made the same.
        Err(_) if home.is_dir() => {}
        Err(error) => return Err(error).with_context(|| format!("failed to make {}", home.display())),
    }
    Ok(home)
}
