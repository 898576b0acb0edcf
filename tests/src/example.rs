//! The examples as programs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// An example's program, built if nobody has built it.
///
/// # Panics
/// When it cannot be built.
pub fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("our own program");
    let profile = test.parent().and_then(Path::parent).expect("a directory");
    let program = profile.join("examples").join(name);
    if !program.exists() {
        let mut build = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        build.args(["build", "--quiet", "--package", "spanbridge-examples", "--examples"]);
        if profile.ends_with("release") {
            build.arg("--release");
        }
        build.arg("--target-dir").arg(profile.parent().expect("a directory"));
        assert!(build.status().expect("cargo").success(), "failed to build the examples");
    }
    program
}
