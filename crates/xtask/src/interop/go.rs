//! The service in Go, built with the modules of its go.mod.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::cache;
use crate::process::{capture, run_ok};
use crate::workspace;

/// The variable with the path of the program.
pub(super) const GO: &str = "SPANBRIDGE_INTEROP_GO";

/// The program named in the environment, else the one in the user's cache, which is built when needed. `None` if there is no
/// Go.
pub(super) fn go() -> Result<Option<PathBuf>> {
    if let Some(program) = cache::named(GO) {
        return Ok(Some(program.into()));
    }
    if capture(Command::new("go").arg("version")).is_err() {
        eprintln!("xtask: Go is not installed: the tests with Go are skipped");
        return Ok(None);
    }
    let sources = workspace::root().join("tests/interop/go");
    let wanted = cache::read(&sources.join("go.sum"))? + &cache::read(&sources.join("main.go"))?;
    let home = workspace::cache_for("interop-go", &wanted)?;
    if !home.is_dir() {
        eprintln!("xtask: building a Go program in {}", home.display());
        let partial = cache::partial(&home)?;
        let mut go = Command::new("go");
        run_ok(go.arg("build").arg("-o").arg(partial.path().join("peer")).arg(".").current_dir(&sources))?;
        cache::keep(partial, home.clone())?;
    }
    Ok(Some(home.join("peer")))
}
