//! What has been replayed.

use crate::report::Report;
use std::path::PathBuf;
use std::process::ExitCode;

/// A replay that has ended.
#[derive(Debug)]
#[must_use = "`finish` writes its report"]
pub struct Replay {
    report: Report,
    report_to: Option<PathBuf>,
}

impl Replay {
    pub(super) fn new(report: Report, report_to: Option<PathBuf>) -> Self {
        Replay { report, report_to }
    }

    /// What came of it.
    pub fn report(&self) -> &Report {
        &self.report
    }

    pub(crate) fn into_report(self) -> Report {
        self.report
    }

    /// Writes the report for whoever has started the replay, or prints it if nobody waits for one. Return the exit code from
    /// `main`: 0 if nothing was different, else 1.
    pub fn finish(self) -> ExitCode {
        match &self.report_to {
            Some(path) => {
                if let Err(error) = self.report.write(path) {
                    eprintln!("failed to {error}");
                    return ExitCode::FAILURE;
                }
            }
            None => println!("{}", self.report),
        }
        ExitCode::from(self.report.verdict.exit_code())
    }
}
