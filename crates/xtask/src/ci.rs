//! `cargo xtask ci`: checks everything that must hold before a change is merged.

use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process;
use crate::process::{capture, run_ok};
use crate::services::compose;
use crate::steps::{Outcome, Steps};
use crate::testing::{self, Session};
use crate::workspace::{self, cargo};

/// The crate that libraries depend on. It must build with any features that they choose.
const CORE: &str = "spanbridge";

/// What most people build without a word about features.
const COMMAND_LINE: &str = "spanbridge-cli";

/// Runs every step until one fails. At the end, prints the table of times and how many tests ran.
pub(crate) fn run() -> Result<()> {
    workspace::share_target_directory()?;
    let mut steps = Steps::default();
    steps.run("fmt", || plain(["fmt", "--all", "--check"]))?;
    steps.run("clippy", || {
        plain(["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"])
    })?;
    steps.run("fewer features", fewer_features)?;
    steps.run("docker compose config", compose_config)?;
    steps.run("examples and binaries", || testing::programs().map(|()| Outcome::Done))?;
    steps.run("doc", || {
        run_ok(cargo(["doc", "--workspace", "--no-deps", "--all-features"]).env("RUSTDOCFLAGS", "-D warnings"))?;
        Ok(Outcome::Done)
    })?;
    let mut session = None;
    // First what takes a minute.
    steps.run("documentation tests", || session.insert(Session::begin()?).doc_tests())?;
    let mut session = session.context("failed to keep the services of the tests")?;
    steps.run("tests", || session.tests(&[]))?;
    steps.run("the page in a browser", || session.page())?;
    println!("\n{steps}");
    session.finish()
}

fn plain<const N: usize>(arguments: [&str; N]) -> Result<Outcome> {
    run_ok(&mut cargo(arguments))?;
    Ok(Outcome::Done)
}

/// Checks the core and its tests without features, and with each feature alone, and the command line as it is built by default. The other
/// steps switch all features on, and would not find a feature that needs another one.
fn fewer_features() -> Result<Outcome> {
    let features = features(CORE)?;
    for feature in std::iter::once("").chain(features.iter().map(String::as_str)) {
        eprintln!("features: {}", if feature.is_empty() { "none" } else { feature });
        run_ok(&mut cargo([
            "clippy",
            "--quiet",
            "--package",
            CORE,
            "--all-targets",
            "--no-default-features",
            "--features",
            feature,
            "--",
            "-D",
            "warnings",
        ]))?;
    }
    plain(["clippy", "--quiet", "--package", COMMAND_LINE, "--all-targets", "--", "-D", "warnings"])
}

/// The features that the manifest of a package of the workspace declares, without `default`.
fn features(package: &str) -> Result<Vec<String>> {
    let text = capture(&mut cargo(["metadata", "--no-deps", "--format-version", "1"]))?;
    let metadata: Value = serde_json::from_str(&text).context("failed to read the output of cargo metadata")?;
    let mut packages = metadata["packages"].as_array().into_iter().flatten();
    let features = packages.find(|found| found["name"] == package).and_then(|found| found["features"].as_object());
    let Some(features) = features else { bail!("failed to find the package {package} in the workspace") };
    Ok(features.keys().filter(|name| *name != "default").cloned().collect())
}

fn compose_config() -> Result<Outcome> {
    let command: &[&str] = if compose::client_has_compose() {
        &["docker", "compose"]
    } else if process::try_capture(Command::new("docker-compose").arg("version")).is_ok() {
        &["docker-compose"]
    } else {
        return Ok(Outcome::Skipped("skipped: the docker client has no compose"));
    };
    for file in ["docker-compose.yml", "deploy/compose.yml"] {
        let mut check = Command::new(command[0]);
        check.args(&command[1..]).args(["--file", file, "config", "--quiet"]).current_dir(workspace::root());
        // Whoever starts the second one has to set these.
        run_ok(check.envs([("CLICKHOUSE_PASSWORD", "any"), ("SPANBRIDGE_TOKEN", "any")]))?;
    }
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_features_of_the_core() {
        let features = features(CORE).unwrap();
        assert!(features.contains(&"record".to_owned()) && !features.contains(&"default".to_owned()), "{features:?}");
    }
}
