//! The examples as programs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// An example's program, built if nobody has built it.
///
/// # Panics
/// When it cannot be built.
pub fn example(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test is a program");
    let profile = test.parent().and_then(Path::parent).expect("tests are built in target/<profile>/deps");
    let program = profile.join("examples").join(name);
    if !program.exists() {
        let mut build = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
        build.args(["build", "--quiet", "--package", "spanbridge-examples", "--examples"]);
        if profile.ends_with("release") {
            build.arg("--release");
        }
        build.arg("--target-dir").arg(profile.parent().unwrap_or(profile));
        assert!(build.status().is_ok_and(|status| status.success()), "failed to build the examples");
    }
    program
}
