//! What a check found.

use std::path::PathBuf;

/// How many problems of a kind are described. All are counted.
const MAX_DESCRIBED: u64 = 100;

/// How far a check is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// What is being checked: `logs`, `blocks` or `runs`.
    pub what: &'static str,
    /// Bytes, blocks or runs that are checked.
    pub done: u64,
    /// How many there are. 0: not known.
    pub total: u64,
}

/// What a check read, and what is wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CheckReport {
    /// What the logs have.
    pub logs: LogTotals,
    /// What the index has, with what is not folded yet. `None`: it cannot be used.
    pub index: Option<IndexTotals>,
    /// What is wrong now.
    pub problems: Vec<Problem>,
    /// Problems that are counted and not described, because there are many of their kind.
    pub more_problems: u64,
    /// Records that are known to be missing, such as those of logs that were removed before they were folded, or what a process
    /// was writing when it died. Nothing can be done about it.
    pub losses: Vec<String>,
}

/// What logs have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogTotals {
    /// Files.
    pub files: u64,
    /// Bytes of the files.
    pub bytes: u64,
    /// Deliveries that can be read.
    pub deliveries: u64,
    /// Records in them.
    pub records: u64,
    /// Bytes that are not folded yet.
    pub unfolded: u64,
}

/// What an index has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexTotals {
    /// Where it is. `None`: in memory.
    pub path: Option<PathBuf>,
    /// Bytes of the file.
    pub bytes: u64,
    /// Blocks of records.
    pub blocks: u64,
    /// Runs, those included that are not folded.
    pub runs: u64,
    /// Their spans.
    pub spans: u64,
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The kind. It is the same in every release: `log_damaged`, `log_newer`, `log_shorter`, `index_unusable`, `index_damaged`,
    /// `block_damaged`, `run_damaged`, `run_differs`, `records_astray`.
    pub kind: &'static str,
    /// What was found, and where.
    pub what: String,
    /// What can be done.
    pub fix: &'static str,
}

impl Problem {
    pub(super) fn new(kind: &'static str, what: impl Into<String>, fix: &'static str) -> Self {
        Self { kind, what: what.into(), fix }
    }
}

impl CheckReport {
    pub(super) fn add(&mut self, problem: Problem) {
        let alike = self.problems.iter().filter(|other| other.kind == problem.kind).count() as u64;
        match alike < MAX_DESCRIBED {
            true => self.problems.push(problem),
            false => self.more_problems += 1,
        }
    }
}
