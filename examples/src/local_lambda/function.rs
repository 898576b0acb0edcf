//! A function: how it is to be run.

use super::account;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// A function, and how it is to be run.
#[derive(Clone, Debug)]
pub struct Function {
    pub(super) name: String,
    /// `None`: somebody starts it by hand.
    pub(super) program: Option<PathBuf>,
    pub(super) arguments: Vec<OsString>,
    pub(super) variables: Vec<(OsString, OsString)>,
    pub(super) timeout: Duration,
    pub(super) init_timeout: Duration,
    pub(super) memory_mib: u32,
    pub(super) concurrency: usize,
    pub(super) at_once: usize,
    pub(super) retries: Vec<Duration>,
    pub(super) snap_start: bool,
    pub(super) frozen: bool,
    pub(super) shows_output: bool,
}

impl Function {
    /// A function whose program is this file.
    pub fn new(name: impl Into<String>, program: impl Into<PathBuf>) -> Self {
        Function { program: Some(program.into()), ..Self::external(name) }
    }

    /// A function whose process somebody else starts, with [`runtime_api`](super::LocalLambda::runtime_api) as its
    /// `AWS_LAMBDA_RUNTIME_API`. It can be neither frozen nor killed.
    pub fn external(name: impl Into<String>) -> Self {
        Function {
            name: name.into(),
            program: None,
            arguments: vec![],
            variables: vec![],
            timeout: Duration::from_secs(3),
            init_timeout: Duration::from_secs(10),
            memory_mib: 128,
            concurrency: 1000,
            at_once: 1,
            retries: vec![],
            snap_start: false,
            frozen: true,
            shows_output: false,
        }
    }

    /// Adds an argument for the program.
    pub fn argument(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds a variable to the process's environment, which is otherwise this process's with Lambda's variables.
    pub fn variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// How long an invocation may take; 3 s where nothing is said.
    pub fn timeout(self, timeout: Duration) -> Self {
        Function { timeout, ..self }
    }

    /// How long a process may take until it asks for its first event; 10 s where nothing is said.
    pub fn init_timeout(self, init_timeout: Duration) -> Self {
        Function { init_timeout, ..self }
    }

    /// What the function is told about its memory, in MiB; 128 where nothing is said. It is not held to it.
    pub fn memory_mib(self, memory_mib: u32) -> Self {
        Function { memory_mib, ..self }
    }

    /// How many invocations run at once before others are throttled; 0 throttles all.
    pub fn concurrency(self, concurrency: usize) -> Self {
        Function { concurrency, ..self }
    }

    /// How many invocations one process takes at once (`AWS_LAMBDA_MAX_CONCURRENCY`); 1 where nothing is said.
    pub fn at_once(self, at_once: usize) -> Self {
        Function { at_once: at_once.max(1), ..self }
    }

    /// After which waits an asynchronous invocation that failed is tried again; the service does so after 1 and 2 minutes.
    /// Never where nothing is said.
    pub fn retries(self, after: impl Into<Vec<Duration>>) -> Self {
        Function { retries: after.into(), ..self }
    }

    /// The process is told that it is restored from a snapshot (`AWS_LAMBDA_INITIALIZATION_TYPE`) and asks for the end of
    /// the restoration before its first event.
    pub fn snap_start(self) -> Self {
        Function { snap_start: true, ..self }
    }

    /// Whether the process is stopped while it has nothing to do, as the service does with those that take one invocation
    /// at a time; `true` where nothing is said.
    pub fn frozen(self, frozen: bool) -> Self {
        Function { frozen, ..self }
    }

    /// Passes on what the process writes to our standard error.
    pub fn show_output(self) -> Self {
        Function { shows_output: true, ..self }
    }

    pub(super) fn arn(&self) -> String {
        account::arn(&self.name)
    }
}
