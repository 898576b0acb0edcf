//! Reads which tests failed, and what each of them said, from the output of a test runner: libtest's under cargo, and that of
//! Node.js's spec reporter. nextest says itself which tests are flaky.

use super::counts::plain;

/// A test that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Failure {
    /// Its target in cargo's words, for example `-p spanbridge-otel --test metrics`. Empty for a test of the page.
    pub(super) target: String,
    pub(super) name: String,
    /// What it printed, if the runner says it.
    pub(super) output: String,
}

/// What the lines so far say about tests that failed.
#[derive(Debug, Default)]
pub(super) struct Failures {
    /// The lines since the last program whose tests passed.
    lines: Vec<String>,
    found: Vec<Failure>,
    /// Lines in which nextest names a test that failed first and then passed.
    flaky: Vec<String>,
    /// Targets that failed, by cargo's list at the end.
    targets: Option<usize>,
    /// Targets of which some tests are known to have failed.
    explained: usize,
    /// The tests that Node.js lists at the end begin after this many lines.
    node: Option<usize>,
}

impl Failures {
    /// Takes the next line of the runner.
    pub(super) fn read(&mut self, line: &str) {
        let line = plain(line);
        if line.starts_with("test result: ok. ") {
            self.lines.clear();
            return;
        }
        if let Some(target) = failed_target(&line) {
            let failures = of_libtest(&self.lines, target);
            self.explained += usize::from(!failures.is_empty());
            self.found.extend(failures);
            self.lines.clear();
            return;
        }
        let words: Vec<_> = line.split_whitespace().collect();
        match words[..] {
            ["error:", count, "target" | "targets", "failed:"] => self.targets = count.parse().ok(),
            ["FLAKY", .., binary, name] => self.flaky.push(format!("{binary} {name}")),
            ["✖", "failing", "tests:"] => self.node = Some(self.lines.len()),
            _ => {}
        }
        self.lines.push(line);
    }

    /// Tests that nextest ran twice, and that passed the second time.
    pub(super) fn flaky(&mut self) -> Vec<String> {
        let mut flaky = std::mem::take(&mut self.flaky);
        flaky.sort();
        flaky.dedup();
        flaky
    }

    /// The tests that failed, if there are `count` of them and nothing else went wrong: no program was ended by a signal, no
    /// program could not be built.
    pub(super) fn all(mut self, count: usize) -> Option<Vec<Failure>> {
        if let Some(node) = self.node {
            self.found.extend(of_node(self.lines.get(node..).unwrap_or_default()));
        } else if self.targets != Some(self.explained) {
            return None;
        }
        (self.found.len() == count).then_some(self.found)
    }
}

/// The target in cargo's words after a program that failed.
fn failed_target(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("error: test failed").or_else(|| line.strip_prefix("error: doctest failed"))?;
    rest.strip_prefix(", to rerun pass `")?.strip_suffix('`')
}

/// The tests of one program that failed. libtest lists their names at the end, and before that what each of them printed.
/// What a test printed may look like anything, so the list is read from its end.
fn of_libtest(lines: &[String], target: &str) -> Vec<Failure> {
    let Some(end) = lines.iter().rposition(|line| line.starts_with("test result: FAILED. ")) else { return Vec::new() };
    let Some(list) = lines[..end].iter().rposition(|line| line == "failures:") else { return Vec::new() };
    let names: Vec<_> = lines[list..end].iter().filter_map(|line| line.strip_prefix("    ")).collect();
    let begins = |name: &&str| {
        let header = format!("---- {name} stdout ----");
        lines[..list].iter().position(|line| *line == header).map(|at| at + 1)
    };
    let mut begun: Vec<_> = names.iter().filter_map(begins).collect();
    begun.sort_unstable();
    let failure = |name: &&str| {
        let output = begins(name).map(|from| {
            let next = begun.iter().find(|begin| **begin > from).map_or(list, |begin| begin - 1);
            lines[from..next].join("\n").trim().to_owned()
        });
        Failure { target: target.to_owned(), name: (*name).to_owned(), output: output.unwrap_or_default() }
    };
    names.iter().map(failure).collect()
}

/// The tests in the list of those that failed. What a test said stands below its name and is indented.
fn of_node(lines: &[String]) -> Vec<Failure> {
    let mut found: Vec<Failure> = Vec::new();
    for line in lines {
        let name =
            line.strip_prefix("✖ ").and_then(|line| line.strip_suffix("ms)")).and_then(|line| line.rsplit_once(" ("));
        if let Some((name, _)) = name {
            found.push(Failure { target: String::new(), name: name.to_owned(), output: String::new() });
        } else if let (Some(last), true) = (found.last_mut(), line.starts_with("  ")) {
            last.output.push_str(line.trim_end());
            last.output.push('\n');
        }
    }
    found.iter_mut().for_each(|failure| failure.output.truncate(failure.output.trim_end().len()));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(output: &str) -> Failures {
        let mut failures = Failures::default();
        output.lines().for_each(|line| failures.read(line));
        failures
    }

    /// As cargo 1.95 printed it. A test prints what looks like the end of a program.
    const LIBTEST: &str = "\
     Running unittests src/lib.rs (/target/debug/deps/a-3110576fc3c3c96d)

running 4 tests
test tests::fails ... FAILED
test tests::fails_too ... FAILED
test tests::works ... ok

failures:

---- tests::fails stdout ----
failures:
    nested

test result: FAILED. 0 passed; 1 failed; 0 ignored
hello

thread 'tests::fails' (26585) panicked at a/src/lib.rs:10:142:
no paper

---- tests::fails_too stdout ----

thread 'tests::fails_too' (26586) panicked at a/src/lib.rs:10:268:
---- x stdout ----


failures:
    tests::fails
    tests::fails_too

test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s

error: test failed, to rerun pass `-p a --lib`
     Running unittests src/lib.rs (/target/debug/deps/b-d297d743c1d6421f)

running 1 test
test fine ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s

";

    const ABORTED: &str = "\
     Running tests/aborts.rs (/target/debug/deps/aborts-abee0d2e120b4405)

running 1 test
error: test failed, to rerun pass `-p a --test aborts`

Caused by:
  process didn't exit successfully: `/target/debug/deps/aborts-abee0d2e120b4405` (signal: 6, SIGABRT: process abort signal)
";

    #[test]
    fn libtest_names_what_failed() {
        let output = format!("{LIBTEST}error: 1 target failed:\n    `-p a --lib`\n");
        let all = read(&output).all(2).unwrap();
        let [first, second] = &all[..] else { panic!("{all:?}") };
        assert_eq!((&*first.target, &*first.name, &*second.name), ("-p a --lib", "tests::fails", "tests::fails_too"));
        assert!(first.output.contains("nested") && first.output.ends_with("no paper"), "{}", first.output);
        assert!(second.output.ends_with("---- x stdout ----"), "{}", second.output);
    }

    /// A program that a signal ended has no list, and cargo's list at the end has one target more.
    #[test]
    fn what_names_no_test_is_not_explained() {
        let aborted =
            format!("{LIBTEST}{ABORTED}error: 2 targets failed:\n    `-p a --lib`\n    `-p a --test aborts`\n");
        assert_eq!(read(&aborted).all(2), None);
        // cargo stopped before its end, a program could not be built, or there are more than are named.
        assert_eq!(read(LIBTEST).all(2), None);
        assert_eq!(read("error: could not compile `a` (lib) due to 1 previous error\n").all(0), None);
        assert_eq!(read(&format!("{LIBTEST}error: 1 target failed:\n")).all(3), None);
    }

    #[test]
    fn documentation_tests_are_named() {
        let output = "   Doc-tests a\n\nrunning 1 test\ntest a/src/lib.rs - (line 1) ... FAILED\n\nfailures:\n\n\
                      ---- a/src/lib.rs - (line 1) stdout ----\nTest executable failed (exit status: 101).\n\n\nfailures:\n    \
                      a/src/lib.rs - (line 1)\n\ntest result: FAILED. 0 passed; 1 failed; 0 ignored; 0 measured; 0 filtered \
                      out; finished in 0.11s\n\nall doctests ran in 0.51s\n\
                      error: doctest failed, to rerun pass `-p a --doc`\nerror: 1 target failed:\n    `-p a --doc`\n";
        let all = read(output).all(1).unwrap();
        assert_eq!((&*all[0].target, &*all[0].name), ("-p a --doc", "a/src/lib.rs - (line 1)"));
        assert_eq!(all[0].output, "Test executable failed (exit status: 101).");
    }

    /// As Node.js 20 printed it.
    #[test]
    fn node_names_what_failed() {
        let output = "✔ the list shows every run (1.07ms)\n✖ a 100% row (+ more) is shown (1.39ms)\n  AssertionError\n\n\
                      ℹ tests 3\nℹ pass 1\nℹ fail 1\nℹ cancelled 1\n\n✖ failing tests:\n\ntest at list.test.mjs:4:1\n\
                      ✖ a 100% row (+ more) is shown (1.39ms)\n  AssertionError [ERR_ASSERTION]:\n  \n  1 !== 2\n\n\
                      test at list.test.mjs:5:1\n✖ fails, too (51.89ms)\n  'test timed out after 50ms'\n";
        let all = read(output).all(2).unwrap();
        let names: Vec<_> = all.iter().map(|failure| &*failure.name).collect();
        assert_eq!(names, ["a 100% row (+ more) is shown", "fails, too"]);
        assert_eq!(all[0].output, "  AssertionError [ERR_ASSERTION]:\n\n  1 !== 2");
    }

    #[test]
    fn nextest_names_what_is_flaky() {
        let mut failures = read(
            "  TRY 1 FAIL [   0.006s] a::results err\n  TRY 2 PASS [   0.005s] a::results err\n     Summary [ 1s] \
                             2 tests run: 2 passed (1 flaky), 0 skipped\n   FLAKY 2/2 [   0.005s] a::results err\n",
        );
        assert_eq!(failures.flaky(), ["a::results err"]);
    }
}
