//! Builds `spanbridge`, and finds the file.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process::capture;

/// Runs a `cargo build` that builds `spanbridge` among other things, and returns the path of the program.
pub(super) fn build(build: &mut Command) -> Result<PathBuf> {
    let messages = capture(build.arg("--message-format=json-render-diagnostics"))?;
    executable(&messages, "spanbridge").context("failed to find the program that was built")
}

/// The path of a program in cargo's messages, one JSON object a line.
fn executable(messages: &str, program: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut built = messages.filter(|message| message["target"]["name"] == program);
    built.find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_among_the_messages() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"spanbridge","kind":["lib"]},"executable":null}
            not JSON
            {"reason":"compiler-artifact","target":{"name":"other","kind":["bin"]},"executable":"/target/debug/other"}
            {"reason":"compiler-artifact","target":{"name":"spanbridge","kind":["bin"]},"executable":"/target/debug/spanbridge"}"#;
        assert_eq!(executable(messages, "spanbridge"), Some("/target/debug/spanbridge".into()));
        assert_eq!(executable(messages, "demo"), None);
    }
}
