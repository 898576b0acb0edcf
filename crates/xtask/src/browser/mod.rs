//! `cargo xtask browser`: the tests of the page that `spanbridge serve` shows, in a real browser.
//!
//! The tests are in `crates/spanbridge-cli/page-tests`, for Node.js's own test runner with playwright-core. They need a
//! `spanbridge` that is built, Node.js with npm, and Chromium. What is missing is installed if it is possible, else the tests are
//! skipped.

mod chromium;
mod program;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::rabbitmq::{self, Broker};
use crate::workspace::{cargo, root};
use crate::{npm, process};

/// What the tests are told in their environment.
const BINARY: &str = "SPANBRIDGE_PAGE_BINARY";
const CHROMIUM: &str = "SPANBRIDGE_PAGE_CHROMIUM";
const PACKAGES: &str = "SPANBRIDGE_PAGE_PACKAGES";
const PICTURES: &str = "SPANBRIDGE_PAGE_PICTURES";

/// A browser, and what drives it.
pub(crate) struct Browser {
    chromium: PathBuf,
    packages: PathBuf,
}

impl Browser {
    /// Finds or installs everything. Fails with the reason if it cannot be had here.
    pub(crate) fn prepare() -> Result<Self> {
        npm::ensure()?;
        Ok(Self { chromium: chromium::ensure()?, packages: npm::packages("page-tests", &tests())? })
    }

    /// The command that runs the tests with a `spanbridge` that `build` builds: all, or those whose names match the pattern.
    pub(crate) fn tests(&self, build: &mut Command, pattern: Option<&str>) -> Result<Command> {
        let mut node = self.node(build)?;
        // Debian's Node.js 18 knows these, too.
        node.args(["--test-reporter", "spec"]);
        if let Some(pattern) = pattern {
            node.arg(format!("--test-name-pattern={pattern}"));
        }
        node.arg(tests().join("all.mjs"));
        Ok(node)
    }

    fn node(&self, build: &mut Command) -> Result<Command> {
        let mut node = Command::new("node");
        node.current_dir(tests())
            .env(BINARY, program::build(build)?)
            .env(CHROMIUM, &self.chromium)
            .env(PACKAGES, &self.packages);
        Ok(node)
    }
}

/// Runs the tests whose names match the pattern, without the services that other tests need.
pub(crate) fn run(pattern: &[OsString]) -> Result<()> {
    let browser = Browser::prepare()?;
    let pattern = pattern.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    let pattern = (!pattern.is_empty()).then_some(pattern.as_str());
    process::run_ok(&mut browser.tests(&mut cargo(["build", "--package", "spanbridge-cli", "--bins"]), pattern)?)
}

/// Makes the pictures of the guide, from what the demo records over every transport.
pub(crate) fn pictures() -> Result<()> {
    let browser = Browser::prepare()?;
    rabbitmq::ensure_installed()?;
    let broker = Broker::start()?;
    let mut demo = cargo(["build", "--package", "spanbridge-cli", "--package", "spanbridge-examples", "--bins"]);
    let mut node = browser.node(&mut demo)?;
    node.env("AMQP_URL", broker.url());
    node.env(PICTURES, root().join("docs/guide/pictures")).arg(tests().join("pictures.mjs"));
    process::run_ok(&mut node)
}

fn tests() -> PathBuf {
    root().join("crates/spanbridge-cli/page-tests")
}
