//! `cargo xtask interop`: the tests against services in other languages, under OpenTelemetry's instrumentations, and against
//! kcat.
//!
//! These tests have `interop` in their names. Each language has a variable ([`python`], [`javascript`], [`java`], [`go`]), and
//! kcat has `SPANBRIDGE_INTEROP_KCAT`. A test is skipped when its variable is not set. The programs are in `tests/interop/`.
//! The W3C's suite for Trace Context runs if you set `W3C_TRACE_CONTEXT_DIR` to a checkout of it.

mod cache;
mod go;
mod java;
mod javascript;
mod python;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::debian;
use crate::testing::Session;
use cache::named;

/// The variable with the path of kcat, Kafka's command-line client.
const KCAT: &str = "SPANBRIDGE_INTEROP_KCAT";

/// Prepares every language and kcat, brings up the services, and runs only these tests.
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
        bail!("failed to find a test with `interop` in its name");
    }
    session.finish()
}

/// The kcat named in the environment, else the one on the `PATH`. If it is missing and it is possible, installs it.
fn kcat() -> Result<OsString> {
    if let Some(kcat) = named(KCAT) {
        return Ok(kcat);
    }
    if !debian::ensure("kcat", || debian::on_path("kcat"))? {
        bail!("failed to find kcat: install it (apt-get install kcat, as root), or set {KCAT} to its path");
    }
    Ok("kcat".into())
}
