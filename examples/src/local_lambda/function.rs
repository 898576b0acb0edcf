//! A function, and the settings that it runs with.

use super::account;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// A function, and the settings that it runs with.
#[derive(Clone, Debug)]
pub struct Function {
    pub(super) name: String,
    /// `None` for an external function.
    pub(super) program: Option<PathBuf>,
    pub(super) arguments: Vec<OsString>,
    pub(super) variables: Vec<(OsString, OsString)>,
    pub(super) timeout: Duration,
    pub(super) init_timeout: Duration,
    pub(super) memory_mib: u32,
    pub(super) concurrency: usize,
    pub(super) concurrency_per_process: usize,
    pub(super) retries: Vec<Duration>,
    pub(super) snap_start: bool,
    pub(super) frozen: bool,
    pub(super) shows_output: bool,
}

impl Function {
    /// A function that runs the program at this path.
    pub fn new(name: impl Into<String>, program: impl Into<PathBuf>) -> Self {
        Function { program: Some(program.into()), ..Self::external(name) }
    }

    /// A function whose process you start yourself, with [`runtime_api`](super::LocalLambda::runtime_api) as its
    /// `AWS_LAMBDA_RUNTIME_API`. The process is never frozen or killed.
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
            concurrency_per_process: 1,
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

    /// Adds an environment variable. The process inherits this process's environment and gets Lambda's variables.
    pub fn variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Time limit of an invocation. Default: 3 s.
    pub fn timeout(self, timeout: Duration) -> Self {
        Function { timeout, ..self }
    }

    /// Time limit of the initialization, until the process asks for its first event. Default: 10 s.
    pub fn init_timeout(self, init_timeout: Duration) -> Self {
        Function { init_timeout, ..self }
    }

    /// Memory size that the function sees in its environment, in MiB. Default: 128. It is not enforced.
    pub fn memory_mib(self, memory_mib: u32) -> Self {
        Function { memory_mib, ..self }
    }

    /// Maximum number of concurrent invocations; more are throttled. 0 throttles all of them. Default: 1000.
    pub fn concurrency(self, concurrency: usize) -> Self {
        Function { concurrency, ..self }
    }

    /// Maximum number of concurrent invocations in one process (`AWS_LAMBDA_MAX_CONCURRENCY`). Default: 1.
    pub fn concurrency_per_process(self, concurrency: usize) -> Self {
        Function { concurrency_per_process: concurrency.max(1), ..self }
    }

    /// The delays before each retry of a failed asynchronous invocation. Lambda's are 1 and 2 minutes. Default: no retries.
    pub fn retries(self, delays: impl Into<Vec<Duration>>) -> Self {
        Function { retries: delays.into(), ..self }
    }

    /// Starts the process as if restored from a snapshot (`AWS_LAMBDA_INITIALIZATION_TYPE`). It then requests
    /// `restore/next` before its first event.
    pub fn snap_start(self) -> Self {
        Function { snap_start: true, ..self }
    }

    /// Whether the process is frozen (SIGSTOP) while it has no invocation. Default: `true`. As on Lambda, a process that
    /// takes several invocations at once is never frozen.
    pub fn frozen(self, frozen: bool) -> Self {
        Function { frozen, ..self }
    }

    /// Copies the process's output to this process's standard error.
    pub fn show_output(self) -> Self {
        Function { shows_output: true, ..self }
    }

    pub(super) fn arn(&self) -> String {
        account::arn(&self.name)
    }
}
