//! Runs the workspace's tests with the services that they need. The last line says how many tests there were.

mod alone;
mod counts;
mod failures;
mod runs;

use std::ffi::{OsStr, OsString};
use std::process::Command;

use anyhow::Result;

use crate::browser::Browser;
use crate::process;
use crate::services::{SERVICES, Services};
use crate::steps::Outcome;
use crate::workspace::cargo;
use failures::Failure;
use runs::Runs;

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
    runs: Runs,
    without_browser: Option<String>,
}

impl Session {
    /// Brings up the services.
    pub(crate) fn begin() -> Result<Self> {
        Ok(Self {
            runs: Runs::new(std::io::stdout())?,
            services: Services::bring_up(&SERVICES)?,
            without_browser: None,
        })
    }

    /// Runs the tests, with nextest if it is installed.
    pub(crate) fn tests(&mut self, arguments: &[OsString]) -> Result<Outcome> {
        if !chooses_package(arguments) {
            programs()?;
        }
        // Arguments may choose tests themselves.
        let again: Option<&dyn Fn() -> Command> = if arguments.is_empty() { Some(&|| everywhere(&[])) } else { None };
        self.run(&mut tests(nextest(), arguments), again)
    }

    /// Runs the examples in the documentation.
    pub(crate) fn doc_tests(&mut self) -> Result<Outcome> {
        let mut examples = everywhere(&["--doc"]);
        in_ci_all_run(&mut examples, false);
        self.run(&mut examples, Some(&|| everywhere(&[])))
    }

    /// Runs the tests of the page in a browser. Without a browser they are skipped.
    pub(crate) fn page(&mut self) -> Result<Outcome> {
        let browser = match Browser::prepare() {
            Ok(browser) => browser,
            Err(error) => {
                process::check()?;
                let why = format!("{error:#}").replace('\n', " ");
                eprintln!("xtask: {why}: the tests of the page are skipped");
                self.without_browser = Some(why);
                return Ok(Outcome::Skipped("skipped: no Node.js with npm, or no Chromium"));
            }
        };
        let mut all = browser.tests(&mut build_programs(), None)?;
        self.services.set(&mut all);
        let alone = |failure: &Failure| {
            let mut one = browser.tests(&mut build_programs(), Some(&alone::pattern(&failure.name)))?;
            self.services.set(&mut one);
            Ok(one)
        };
        let outcome = self.runs.run(&mut all, if in_ci() { Some(&alone) } else { None });
        self.told(outcome)
    }

    /// Runs the tests that have `word` in their path, with these variables too.
    pub(crate) fn matching(&mut self, word: &str, environment: &[(&str, &OsStr)]) -> Result<Outcome> {
        programs()?;
        let with = |mut command: Command| {
            command.envs(environment.iter().copied());
            command
        };
        self.run(&mut with(matching(nextest(), word)), Some(&|| with(everywhere(&[]))))
    }

    /// Runs tests under cargo. In CI, one that fails is run again, alone: `again` gives the command without a choice of tests.
    fn run(&mut self, command: &mut Command, again: Option<&dyn Fn() -> Command>) -> Result<Outcome> {
        self.services.set(command);
        let alone = again.filter(|_| in_ci()).map(|again| {
            |failure: &Failure| {
                let mut one = alone::of_cargo(again(), failure);
                self.services.set(&mut one);
                Ok(one)
            }
        });
        let outcome = match &alone {
            Some(alone) => self.runs.run(command, Some(alone)),
            None => self.runs.run(command, None),
        };
        self.told(outcome)
    }

    /// A failure ends the task, so the summary is printed before.
    fn told(&self, outcome: Result<Outcome>) -> Result<Outcome> {
        if outcome.is_err() {
            eprintln!("\n{}", self.summary()?);
        }
        outcome
    }

    fn summary(&self) -> Result<String> {
        let missing: String = self.services.missing().iter().map(|missing| format!("not shown: {missing}\n")).collect();
        let page = self.without_browser.iter().map(|why| format!("skipped: the tests of the page: {why}\n"));
        self.runs.summary(&(missing + &page.collect::<String>()))
    }

    /// Ends the services, then prints the summary. Its last line says how many tests ran.
    pub(crate) fn finish(self) -> Result<()> {
        let summary = self.summary()?;
        drop(self);
        println!("\n{summary}");
        Ok(())
    }

    /// How many tests have passed or failed so far.
    pub(crate) fn ran(&self) -> usize {
        self.runs.ran()
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
    in_ci_all_run(&mut command, nextest);
    command.args(arguments);
    command
}

/// `cargo test` of every package, for what these arguments choose.
fn everywhere(arguments: &[&str]) -> Command {
    let mut command = cargo(["test", "--workspace", "--all-features"]);
    command.args(arguments);
    command
}

/// Whether this is a run of CI, by the variable that every service sets.
fn in_ci() -> bool {
    std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false")
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
    in_ci_all_run(&mut command, nextest);
    command
}

/// In CI all tests run, whichever fails. nextest runs a failed one again itself; where there is only cargo, [`Runs`] does.
fn in_ci_all_run(command: &mut Command, nextest: bool) {
    if in_ci() {
        command.arg("--no-fail-fast");
        command.args(if nextest { &["--retries", "1"][..] } else { &[] });
    }
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
