//! The service in Go: built with the modules that it asks for.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::process::{capture, run_ok};
use crate::workspace;

/// Names the program.
pub(super) const GO: &str = "SPANBRIDGE_INTEROP_GO";

/// The one named in the environment, else one in the user's cache, built when needed. `None` where there is no Go.
pub(super) fn go() -> Result<Option<PathBuf>> {
    if let Some(program) = super::named(GO) {
        return Ok(Some(program.into()));
    }
    if capture(Command::new("go").arg("version")).is_err() {
        eprintln!("xtask: there is no Go, so the tests with Go are skipped");
        return Ok(None);
    }
    let sources = workspace::root().join("tests/interop/go");
    let wanted = super::read(&sources.join("go.sum"))? + &super::read(&sources.join("main.go"))?;
    let home = workspace::cache_for("interop-go", &wanted)?;
    if !home.is_dir() {
        eprintln!("xtask: building a Go program in {}", home.display());
        let partial = super::partial(&home)?;
        let mut go = Command::new("go");
        run_ok(go.arg("build").arg("-o").arg(partial.path().join("peer")).arg(".").current_dir(&sources))?;
        super::keep(partial, home.clone())?;
    }
    Ok(Some(home.join("peer")))
}
