//! Runs the workspace's tests with the services that they need. The last line says how many tests there were.

mod counts;

use std::ffi::{OsStr, OsString};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result, bail};

use crate::browser::Browser;
use crate::services::{SERVICES, Services};
use crate::workspace::cargo;
use crate::{process, skip};
use counts::Counts;

/// `cargo xtask test`: all tests and documentation tests, or only the tests that the arguments choose.
pub(crate) fn run(arguments: &[OsString]) -> Result<()> {
    let mut session = Session::begin()?;
    session.tests(arguments)?;
    if arguments.is_empty() {
        session.page()?;
        session.doc_tests()?;
    }
    session.finish()
}

/// The running services, and what the test runners have reported so far.
pub(crate) struct Session {
    services: Services,
    skipped: tempfile::NamedTempFile,
    counts: Counts,
    closing_lines: Vec<String>,
    without_browser: Option<String>,
}

impl Session {
    /// Brings up the services.
    pub(crate) fn begin() -> Result<Self> {
        let skipped = tempfile::Builder::new().prefix("spanbridge-skipped-").tempfile();
        let skipped = skipped.context("failed to create a temporary file")?;
        Ok(Self {
            services: Services::bring_up(&SERVICES)?,
            skipped,
            counts: Counts::default(),
            closing_lines: Vec::new(),
            without_browser: None,
        })
    }

    /// Runs the tests, with nextest if it is installed.
    pub(crate) fn tests(&mut self, arguments: &[OsString]) -> Result<()> {
        if !chooses_package(arguments) {
            programs()?;
        }
        self.run(&mut tests(nextest(), arguments))
    }

    /// Runs the examples in the documentation.
    pub(crate) fn doc_tests(&mut self) -> Result<()> {
        self.run(&mut cargo(["test", "--doc", "--workspace", "--all-features"]))
    }

    /// Runs the tests of the page in a browser. Without a browser they are skipped; returns whether they ran.
    pub(crate) fn page(&mut self) -> Result<bool> {
        let browser = match Browser::prepare() {
            Ok(browser) => browser,
            Err(error) => {
                process::check()?;
                let why = format!("{error:#}").replace('\n', " ");
                eprintln!("xtask: {why}: the tests of the page are skipped");
                self.without_browser = Some(why);
                return Ok(false);
            }
        };
        self.run(&mut browser.tests(&mut build_programs(), None)?)?;
        Ok(true)
    }

    /// Runs the tests that have `word` in their path, with these variables too.
    pub(crate) fn matching(&mut self, word: &str, environment: &[(&str, &OsStr)]) -> Result<()> {
        programs()?;
        self.run(matching(nextest(), word).envs(environment.iter().copied()))
    }

    /// How many tests have passed or failed so far.
    pub(crate) fn ran(&self) -> usize {
        self.counts.ran()
    }

    /// Runs a test runner and reads its counts.
    fn run(&mut self, command: &mut Command) -> Result<()> {
        self.services.set(command);
        command.env(skip::VARIABLE, self.skipped.path());
        let read = Mutex::new((Counts::default(), Vec::new()));
        let status = process::run_with(command, |line| {
            let (counts, closing_lines) = &mut *read.lock().unwrap_or_else(PoisonError::into_inner);
            if counts.read(line) {
                closing_lines.push(line.trim_start().to_owned());
            }
        })?;
        let (counts, closing_lines) = read.into_inner().unwrap_or_else(PoisonError::into_inner);
        self.counts += counts;
        self.closing_lines.extend(closing_lines);
        if !status.success() {
            eprintln!("\n{}", self.summary()?);
            bail!("{} ended with {status}", process::show(command));
        }
        Ok(())
    }

    /// What to print at the end: the skipped tests, the missing services, the closing lines of the runners, and the sum.
    fn summary(&self) -> Result<String> {
        let skipped = std::fs::read_to_string(self.skipped.path()).context("failed to read the skipped tests")?;
        let closing_lines = self.closing_lines.join("\n");
        let missing: String = self.services.missing().iter().map(|missing| format!("not shown: {missing}\n")).collect();
        let page = self.without_browser.iter().map(|why| format!("skipped: the tests of the page: {why}\n"));
        let missing: String = missing + &page.collect::<String>();
        Ok(format!("{skipped}{missing}{closing_lines}\n{}", self.counts.minus_skipped(skipped.lines().count())))
    }

    /// Ends the services, then prints the summary. Its last line says how many tests ran.
    pub(crate) fn finish(self) -> Result<()> {
        let summary = self.summary()?;
        drop(self);
        println!("\n{summary}");
        Ok(())
    }
}

/// Builds the programs that tests start. A test runner builds the examples only as tests, so without this the programs would be
/// missing or old.
pub(crate) fn programs() -> Result<()> {
    process::run_ok(&mut build_programs())
}

fn build_programs() -> Command {
    cargo(["build", "--workspace", "--examples", "--bins"])
}

/// Everything with tests. Not `--all-targets`, which would also run the benchmarks, without optimization.
const WITH_TESTS: [&str; 4] = ["--lib", "--bins", "--tests", "--examples"];

/// The command that runs the tests that the arguments choose.
fn tests(nextest: bool, arguments: &[OsString]) -> Command {
    let mut command = if nextest { cargo(["nextest", "run"]) } else { cargo(["test"]) };
    if !nextest && arguments.is_empty() {
        command.args(WITH_TESTS);
    }
    if !chooses_package(arguments) {
        command.args(["--workspace", "--all-features"]);
    }
    if std::env::var_os("CI").is_some() {
        command.arg("--no-fail-fast");
    }
    command.args(arguments);
    command
}

/// The command that runs the tests that have `word` in their path.
fn matching(nextest: bool, word: &str) -> Command {
    let mut command = if nextest {
        let mut command = cargo(["nextest", "run", "--no-tests=pass", "-E"]);
        command.arg(format!("test({word}) | binary({word})"));
        command
    } else {
        let mut command = cargo(["test"]);
        command.args(WITH_TESTS).arg(word);
        command
    };
    command.args(["--workspace", "--all-features"]);
    command
}

fn nextest() -> bool {
    process::try_capture(&mut cargo(["nextest", "--version"])).is_ok_and(|output| output.status.success())
}

fn chooses_package(arguments: &[OsString]) -> bool {
    let own = arguments.iter().take_while(|argument| *argument != "--");
    own.filter_map(|argument| argument.to_str()).any(|argument| {
        argument.starts_with("-p") || ["--package", "--manifest-path"].iter().any(|name| argument.starts_with(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Neither with nextest nor without it.
    #[test]
    fn no_benchmark_runs_among_the_tests() {
        let one = [OsString::from("--test"), "amqp_jobs".into()];
        for command in [tests(false, &[]), tests(true, &[]), matching(false, "interop"), matching(true, "interop")] {
            let shown = process::show(&command);
            let is_there = |word: &str| command.get_args().any(|argument| argument == word);
            assert!(!["--all-targets", "--benches", "--bench"].into_iter().any(is_there), "{shown}");
            assert!(
                is_there("nextest") || ["--lib", "--bins", "--tests", "--examples"].into_iter().all(is_there),
                "{shown}"
            );
            assert!(is_there("--workspace"), "{shown}");
        }
        let chosen = tests(false, &one);
        assert!(!chosen.get_args().any(|argument| argument == "--tests"), "{}", process::show(&chosen));
    }
}
