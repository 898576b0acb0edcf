//! Runs test runners and sums up what they report. Where it is wanted, a test that fails is run once more, alone.

use std::io::Write;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::counts::Counts;
use super::failures::{Failure, Failures};
use crate::steps::Outcome;
use crate::{process, skip};

/// The most tests that are run again. Where more fail at once, it is not by chance.
const MAX_AGAIN: usize = 5;

/// Makes the command that runs this test alone.
pub(super) type Alone<'a> = &'a dyn Fn(&Failure) -> Result<Command>;

/// What the test runners have reported so far.
pub(super) struct Runs {
    /// Where what they print goes, as it comes.
    output: Box<dyn Write>,
    skipped: tempfile::NamedTempFile,
    counts: Counts,
    closing_lines: Vec<String>,
    unsteady: Vec<Failure>,
}

impl Runs {
    pub(super) fn new(output: impl Write + 'static) -> Result<Self> {
        let skipped = tempfile::Builder::new().prefix("spanbridge-skipped-").tempfile();
        let skipped = skipped.context("failed to create a temporary file")?;
        let output = Box::new(output);
        Ok(Self { output, skipped, counts: Counts::default(), closing_lines: Vec::new(), unsteady: Vec::new() })
    }

    /// Runs a test runner and reads its counts. With `alone`, a test that fails is run again: it fails only if it does so twice.
    pub(super) fn run(&mut self, command: &mut Command, alone: Option<Alone<'_>>) -> Result<Outcome> {
        let (mut counts, mut failures) = (Counts::default(), Failures::default());
        let status = process::run_with(command.env(skip::VARIABLE, self.skipped.path()), &mut self.output, |line| {
            failures.read(line);
            if counts.read(line) {
                self.closing_lines.push(line.trim_start().to_owned());
            }
        })?;
        let before = self.unsteady.len();
        let flaky = failures.flaky().into_iter();
        let said_above = "(its output is above, at the first of its two tries)";
        self.unsteady.extend(flaky.map(|name| Failure { target: String::new(), name, output: said_above.to_owned() }));
        let failed = match alone {
            Some(alone) if !status.success() => failures.all(counts.failed()).map(|failed| (failed, alone)),
            _ => None,
        };
        let passed = match failed {
            Some((failed, alone)) if failed.len() <= MAX_AGAIN => self.again(&failed, alone)?,
            _ => 0,
        };
        let passes = status.success() || (passed > 0 && passed == counts.failed());
        self.counts += counts.minus_failed(passed);
        if !passes {
            bail!("{} ended with {status}", process::show(command));
        }
        Ok(if self.unsteady.len() > before { Outcome::Unsteady } else { Outcome::Done })
    }

    /// Runs these tests again, each alone. Returns how many passed.
    fn again(&mut self, failed: &[Failure], alone: Alone<'_>) -> Result<usize> {
        let mut passed = 0;
        for failure in failed {
            eprintln!("\nxtask: {} failed: it is run again, alone", failure.title());
            let (mut counts, skipped) = (Counts::default(), self.skipped()?);
            let mut command = alone(failure)?;
            command.env(skip::VARIABLE, self.skipped.path());
            let status = process::run_with(&mut command, &mut self.output, |line| {
                counts.read(line);
            })?;
            // To say that it cannot run, or not to be there, is not to pass.
            if status.success() && counts.ran() > 0 && self.skipped()? == skipped {
                passed += 1;
                self.unsteady.push(failure.clone());
            }
        }
        Ok(passed)
    }

    /// A line for each test that reported that it could not run.
    fn skipped(&self) -> Result<String> {
        std::fs::read_to_string(self.skipped.path()).context("failed to read the skipped tests")
    }

    /// How many tests have passed or failed so far.
    pub(super) fn ran(&self) -> usize {
        self.counts.ran()
    }

    /// What to print at the end: the skipped tests, what is missing, the closing lines of the runners, the unsteady tests, and
    /// the sum.
    pub(super) fn summary(&self, missing: &str) -> Result<String> {
        let skipped = self.skipped()?;
        let closing_lines = self.closing_lines.join("\n");
        let unsteady: String = self.unsteady.iter().map(Failure::as_unsteady).collect();
        let counts = self.counts.minus_skipped(skipped.lines().count());
        Ok(format!("{skipped}{missing}{closing_lines}\n{unsteady}{counts}"))
    }
}

impl Failure {
    fn title(&self) -> String {
        format!("{} {}", self.target, self.name).trim().to_owned()
    }

    fn as_unsteady(&self) -> String {
        let output: String =
            self.output.lines().map(|line| format!("    {line}").trim_end().to_owned() + "\n").collect();
        format!(
            "\nUNSTEADY: {}\n  It failed, and passed when it was run again. Something in it or in the code depends on chance: find \
             it and mend it. What it said when it failed:\n{output}\n",
            self.title()
        )
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::testing::alone;

    /// A package whose tests fail by chance: the first time, or always, or with a signal. The directory is theirs.
    const TESTS: &str = r#"
        fn is_first(name: &str) -> bool {
            let told = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
            let first = !told.exists();
            std::fs::write(told, "").unwrap();
            first
        }
        #[test] fn steady() {}
        #[test] fn unsteady() { println!("the coin shows tails"); assert!(!is_first("one")); }
        #[test] fn another() -> Result<(), &'static str> { if is_first("two") { Err("no paper") } else { Ok(()) } }
        #[test] #[cfg(feature = "broken")] fn broken() { panic!("as always") }
        #[test] #[cfg(feature = "aborts")] fn aborts() { std::process::abort() }
    "#;
    const LIBRARY: &str = r#"
        //! ```
        //! let told = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("three");
        //! let first = !told.exists();
        //! std::fs::write(told, "").unwrap();
        //! assert!(!first, "the example needs luck");
        //! ```
    "#;

    fn package() -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            "Cargo.toml",
            "[package]\nname = \"tossed\"\nedition = \"2024\"\n[features]\nbroken = []\naborts = []\n[workspace]\n",
        );
        write("src/lib.rs", LIBRARY.replace("        //!", "//!").trim_start());
        write("tests/coins.rs", TESTS);
        directory
    }

    /// `cargo` in that package.
    fn cargo_in(package: &Path, arguments: &[&str]) -> Command {
        let mut command = crate::workspace::cargo(arguments);
        command.current_dir(package).env("CARGO_TARGET_DIR", package.join("target")).arg("--offline");
        command
    }

    /// What they print is not for whoever counts the tests of this crate.
    fn run(kind: &str, features: &str, wants: bool) -> (Result<Outcome>, String) {
        let (package, mut runs) = (package(), Runs::new(std::io::sink()).unwrap());
        let all = || cargo_in(package.path(), &["test", "--features", features]);
        let alone = |failure: &Failure| Ok(alone::of_cargo(all(), failure));
        let mut command = all();
        command.arg(kind);
        let outcome = runs.run(command.arg("--no-fail-fast"), wants.then_some(&alone));
        (outcome, runs.summary("").unwrap())
    }

    #[test]
    fn a_test_that_fails_once_is_unsteady() {
        let (outcome, summary) = run("--tests", "", true);
        assert!(matches!(outcome, Ok(Outcome::Unsteady)), "{summary}");
        assert!(summary.contains("UNSTEADY: --test coins unsteady\n"), "{summary}");
        assert!(
            summary.contains("    the coin shows tails\n") && summary.contains("    Error: \"no paper\"\n"),
            "{summary}"
        );
        assert!(summary.ends_with("\ntests: 3 passed, 0 failed, 0 skipped"), "{summary}");
    }

    #[test]
    fn an_example_that_fails_once_is_unsteady() {
        let (outcome, summary) = run("--doc", "", true);
        assert!(matches!(outcome, Ok(Outcome::Unsteady)), "{summary}");
        assert!(summary.contains("UNSTEADY: --doc src/lib.rs - (line 1)\n"), "{summary}");
        assert!(summary.contains("the example needs luck"), "{summary}");
        assert!(summary.ends_with("\ntests: 1 passed, 0 failed, 0 skipped"), "{summary}");
    }

    /// The others that passed the second time are named all the same.
    #[test]
    fn a_test_that_fails_twice_fails() {
        let (outcome, summary) = run("--tests", "broken", true);
        assert!(outcome.is_err(), "{summary}");
        assert!(summary.contains("UNSTEADY: --test coins unsteady\n"), "{summary}");
        assert!(!summary.contains("UNSTEADY: --test coins broken"), "{summary}");
        assert!(summary.ends_with("\ntests: 3 passed, 1 failed, 0 skipped"), "{summary}");
    }

    /// Outside CI a failure is one. So is what names no test, such as a signal.
    #[test]
    fn nothing_else_is_run_again() {
        for (features, wants) in [("", false), ("aborts", true)] {
            let (outcome, summary) = run("--tests", features, wants);
            assert!(outcome.is_err() && !summary.contains("UNSTEADY"), "{summary}");
        }
    }
}
