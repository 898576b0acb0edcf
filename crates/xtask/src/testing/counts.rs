//! Reads the closing lines of test runners: nextest's `Summary`, libtest's `test result`, and those of Node.js's spec reporter.

use std::fmt;
use std::ops::AddAssign;

/// How many tests passed, failed and were skipped.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Counts {
    /// Adds the counts of a line, if it is a closing line. Returns whether it was one with at least one test.
    ///
    /// libtest's stands at the start of a line. An indented one is part of a failed test's output, which nextest repeats.
    pub(crate) fn read(&mut self, line: &str) -> bool {
        let before = *self;
        let line = plain(line);
        let counts = if let Some(rest) = line.strip_prefix("test result: ") {
            rest.split_once(". ").map(|(_, counts)| counts)
        } else if line.trim_start().starts_with("Summary [") {
            line.split_once(" run: ").map(|(_, counts)| counts)
        } else {
            self.read_node(&line);
            None
        };
        for part in without_parentheses(counts.unwrap_or_default()).split([',', ';']) {
            let mut words = part.split_whitespace();
            let Some(Ok(count)) = words.next().map(str::parse::<usize>) else { continue };
            match words.collect::<Vec<_>>().join(" ").as_str() {
                "passed" => self.passed += count,
                "failed" | "timed out" | "exec failed" => self.failed += count,
                "ignored" | "skipped" => self.skipped += count,
                _ => {}
            }
        }
        *self != before
    }

    /// Node.js writes a line for each count, its name first.
    fn read_node(&mut self, line: &str) {
        let mut words = line.strip_prefix("ℹ ").unwrap_or_default().split(' ');
        let (Some(name), Some(Ok(count)), None) = (words.next(), words.next().map(str::parse::<usize>), words.next())
        else {
            return;
        };
        match name {
            "pass" => self.passed += count,
            "fail" | "cancelled" => self.failed += count,
            "skipped" | "todo" => self.skipped += count,
            _ => {}
        }
    }

    /// The same counts, if `skipped` of the passed tests only reported that they could not run.
    pub(crate) fn minus_skipped(self, skipped: usize) -> Self {
        Self { passed: self.passed.saturating_sub(skipped), skipped: self.skipped + skipped, ..self }
    }

    /// The same counts, if `passed` of the failed tests passed when they were run again.
    pub(crate) fn minus_failed(self, passed: usize) -> Self {
        Self { passed: self.passed + passed, failed: self.failed.saturating_sub(passed), ..self }
    }

    /// How many tests failed.
    pub(crate) fn failed(self) -> usize {
        self.failed
    }

    /// How many tests passed or failed.
    pub(crate) fn ran(self) -> usize {
        self.passed + self.failed
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tests: {} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

/// The line without colours.
pub(super) fn plain(line: &str) -> String {
    let mut pieces = line.split('\u{1b}');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        plain.push_str(piece.split_once('m').map_or("", |(_, rest)| rest));
    }
    plain
}

fn without_parentheses(text: &str) -> String {
    let mut inside = false;
    text.chars()
        .filter(|&c| {
            inside = (inside || c == '(') && c != ')';
            !inside && c != ')'
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> String {
        let mut counts = Counts::default();
        for line in lines {
            counts.read(line);
        }
        counts.to_string()
    }

    #[test]
    fn reads_the_closing_lines_of_nextest() {
        for (line, expected) in [
            ("     Summary [   0.012s] 5 tests run: 5 passed, 2 skipped", "tests: 5 passed, 0 failed, 2 skipped"),
            (
                "\u{1b}[32;1m     Summary\u{1b}[0m [   9.4s] \u{1b}[1m7\u{1b}[0m tests run: \u{1b}[1m7\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m (1 slow, 1 leaky), 0 skipped",
                "tests: 7 passed, 0 failed, 0 skipped",
            ),
            (
                "     Summary [   3.1s] 4/9 tests run: 1 passed, 1 failed, 1 timed out, 1 exec failed, 0 skipped",
                "tests: 1 passed, 3 failed, 0 skipped",
            ),
        ] {
            assert_eq!(read(&[line]), expected);
        }
    }

    #[test]
    fn adds_up_the_closing_lines_of_libtest() {
        let lines = [
            "running 3 tests",
            "    test result: FAILED. 0 passed; 1 failed; 0 ignored",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 1 passed; 2 failed; 4 ignored; 0 measured; 9 filtered out; finished in 0.00s",
        ];
        assert_eq!(read(&lines), "tests: 4 passed, 2 failed, 4 skipped");
    }

    #[test]
    fn adds_up_the_closing_lines_of_node() {
        let lines = [
            "✔ the list shows every run (41.5ms)",
            "ℹ frames ≤ 16 ms of 100",
            "ℹ tests 9",
            "\u{1b}[34mℹ pass 5\u{1b}[39m",
            "ℹ fail 1",
            "ℹ cancelled 1",
            "ℹ skipped 2",
            "ℹ todo 0",
            "ℹ duration_ms 92.9",
        ];
        assert_eq!(read(&lines), "tests: 5 passed, 2 failed, 2 skipped");
    }

    #[test]
    fn a_test_that_skipped_itself_is_not_passed() {
        let mut counts = Counts::default();
        counts.read("Summary [ 1s] 5 tests run: 5 passed, 0 skipped");
        assert_eq!(counts.minus_skipped(2).to_string(), "tests: 3 passed, 0 failed, 2 skipped");
    }
}
