//! `cargo xtask interop`: the tests against services in other languages, under OpenTelemetry's instrumentations, and against
//! kcat.
//!
//! These tests have `interop` in their names. Each language has a variable ([`javascript`], [`java`], [`go`]; [`python`] has
//! two), and kcat has `SPANBRIDGE_INTEROP_KCAT`. A test is skipped when its variable is not set. The programs are in
//! `tests/interop/`.
//! The W3C's suite for Trace Context runs if you set `W3C_TRACE_CONTEXT_DIR` to a checkout of it.

mod go;
mod java;
mod javascript;
mod python;

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::cache::named;
use crate::testing::Session;
use crate::{debian, process};

/// The variable with the path of kcat, Kafka's command-line client.
const KCAT: &str = "SPANBRIDGE_INTEROP_KCAT";

/// Prepares every language and kcat, brings up the services, and runs only these tests.
pub(crate) fn run() -> Result<()> {
    let variables = [
        (python::PYTHON.variable, or_none("Python", python::PYTHON.prepare().map(Some))?),
        (python::JSON.variable, or_none("Python's JSON", python::JSON.prepare().map(Some))?),
        (javascript::JAVASCRIPT, or_none("JavaScript", javascript::javascript().map(Some))?),
        (java::JAVA, or_none("Java", java::java())?),
        (go::GO, or_none("Go", go::go())?),
        (KCAT, or_none("kcat", kcat().map(|kcat| Some(kcat.into())))?),
    ];
    let mut session = Session::begin()?;
    let prepared = variables.iter().filter(|(_, value)| !value.is_empty());
    let prepared: Vec<_> = prepared.map(|(name, value)| (*name, value.as_os_str())).collect();
    session.matching("interop", &prepared)?;
    if session.ran() == 0 {
        bail!("failed to find a test with `interop` in its name");
    }
    session.finish()
}

/// The path of what was prepared; empty if it could not be, for instance because its registry cannot be reached. The tests that
/// need it then report that they are skipped.
fn or_none(what: &str, prepared: Result<Option<PathBuf>>) -> Result<OsString> {
    match prepared {
        Ok(path) => Ok(path.unwrap_or_default().into_os_string()),
        Err(error) => {
            process::check()?;
            eprintln!("xtask: {error:#}: the tests with {what} are skipped");
            Ok(OsString::new())
        }
    }
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
