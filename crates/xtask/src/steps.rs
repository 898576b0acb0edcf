//! Runs steps one after the other, until one fails, and measures their times.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// The steps so far. Displayed as a table.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    done: Vec<(&'static str, Duration, &'static str)>,
}

/// The outcome of a step that did not fail.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// The step cannot be done here, for this reason.
    Skipped(&'static str),
    /// A test failed, and passed when it was run again.
    Unsteady,
}

impl Steps {
    /// Runs a step. If it fails, the table so far is printed and the error names the step.
    pub(crate) fn run(&mut self, name: &'static str, step: impl FnOnce() -> Result<Outcome>) -> Result<()> {
        eprintln!("\n==> {name}");
        let start = Instant::now();
        let result = step();
        let note = match &result {
            Ok(Outcome::Done) => "",
            Ok(Outcome::Skipped(reason)) => reason,
            Ok(Outcome::Unsteady) => "UNSTEADY: see below",
            Err(_) => "FAILED",
        };
        self.done.push((name, start.elapsed(), note));
        if result.is_err() {
            eprint!("\n{self}");
        }
        result.with_context(|| format!("failed at the step `{name}`")).map(drop)
    }
}

impl fmt::Display for Steps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.done.iter().map(|(name, ..)| name.len()).max().unwrap_or_default();
        for (name, time, note) in &self.done {
            let line = format!("{name:width$}  {:8.1} s  {note}", time.as_secs_f64());
            writeln!(f, "{}", line.trim_end())?;
        }
        let total: Duration = self.done.iter().map(|(_, time, _)| time).sum();
        writeln!(f, "{:width$}  {:8.1} s", "", total.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_steps_times_and_skips() {
        let steps = Steps {
            done: vec![
                ("fmt", Duration::from_millis(840), ""),
                ("docker compose config", Duration::ZERO, "skipped: the docker client has no compose"),
                ("tests", Duration::from_secs(125), "FAILED"),
            ],
        };
        insta::assert_snapshot!(steps.to_string(), @r"
        fmt                         0.8 s
        docker compose config       0.0 s  skipped: the docker client has no compose
        tests                     125.0 s  FAILED
                                  125.8 s
        ");
    }

    #[test]
    fn an_error_names_its_step() {
        let mut steps = Steps::default();
        steps.run("good", || Ok(Outcome::Done)).unwrap();
        let error = steps.run("bad", || anyhow::bail!("cargo ended with exit status: 101")).unwrap_err();
        assert_eq!(format!("{error:#}"), "failed at the step `bad`: cargo ended with exit status: 101");
    }
}
