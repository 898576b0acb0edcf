//! A handler, and the input that it is given again.

#[cfg(feature = "amqp")]
mod amqp;
mod deadline;
#[cfg(feature = "http")]
mod http;
#[cfg(feature = "kafka")]
mod kafka;
mod kept;
#[cfg(feature = "lambda")]
mod lambda;
#[cfg(any(feature = "amqp", feature = "http", feature = "kafka"))]
mod native;
mod outcome;
mod replay;
mod session;
mod settled;

pub use replay::Replay;

use crate::case::{Case, Input};
use crate::error::Error;
use crate::report::Report;
use std::env;
use std::path::PathBuf;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// Names the file of the case that is replayed.
const CASE: &str = "SPANBRIDGE_REPLAY";
/// Names the file that the report is written to.
const REPORT: &str = "SPANBRIDGE_REPLAY_REPORT";

/// Hands a recorded input to your handler: see the [crate](crate).
///
/// The handler runs once, in a run of its own with the edge `replay.of` to the recorded run, and on a recorder of its own, so that
/// replays run side by side in one process. Its calls are answered from the record. Threads and tasks that it starts inherit
/// that as they inherit a context: by [`in_current_context`](spanbridge::ContextExt::in_current_context) and its like. Calls of
/// others are refused in a process that was [started for a replay](Replayer::from_environment); in a [test](Replayer::of) they
/// leave.
#[derive(Debug)]
#[must_use = "does nothing until it is given a handler"]
pub struct Replayer {
    case: Case,
    report_to: Option<PathBuf>,
    deadline: Duration,
    /// Who is told if the handler blocks its thread.
    blocked: Option<Sender<Result<Report, String>>>,
    /// Whether the process is there for the replay alone, so that everything in it belongs to the replay.
    owns_process: bool,
}

impl Replayer {
    /// The replay that this process was started for, by `spanbridge replay … -- COMMAND`. Ask at the beginning of `main`, before
    /// anything is connected to; `None` if there is work as ever.
    ///
    /// `SPANBRIDGE_REPLAY` names the file of the case, `SPANBRIDGE_REPLAY_REPORT` that of the report.
    ///
    /// Such a process belongs to the replay: its recorder is installed, so that calls of threads and tasks without a context are
    /// refused, too. If the program has installed a recorder before, those calls would leave; so the replay is not possible
    /// then, and runs nothing.
    ///
    /// # Errors
    /// If the file is not there, or not a case.
    pub fn from_environment() -> Result<Option<Self>, Error> {
        let path = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let Some(case) = path(CASE) else { return Ok(None) };
        let replayer = Replayer::of(Case::read(case)?);
        Ok(Some(Replayer { report_to: path(REPORT), owns_process: true, ..replayer }))
    }

    /// A replay of this case, for tests.
    pub fn of(case: Case) -> Self {
        Replayer { case, report_to: None, deadline: Duration::from_secs(60), blocked: None, owns_process: false }
    }

    /// How long the handler may take. Default: a minute. After that it is dropped, and the outcome is `timeout`. A handler that
    /// blocks its thread cannot be dropped: in a process that was started for the replay, the report is written, and the
    /// process ends.
    ///
    /// For a debugger, give it a day.
    pub fn deadline(self, deadline: Duration) -> Self {
        Replayer { deadline, ..self }
    }

    pub(crate) fn or_blocked(self, tell: Sender<Result<Report, String>>) -> Self {
        Replayer { blocked: Some(tell), ..self }
    }

    /// The case.
    pub fn case(&self) -> &Case {
        &self.case
    }

    /// Gives the input of this transport to a handler, or says why that is not possible.
    async fn handle<T, F, Fut>(
        self,
        transport: Transport,
        make: impl FnOnce(&Input<'_>) -> Option<T>,
        work: F,
    ) -> Replay
    where
        F: FnOnce(T) -> Fut,
        Fut: Future<Output: spanbridge::Outcome>,
    {
        let input = self.case.input().and_then(|input| {
            if input.transport() != transport.name {
                let (name, takes) = (input.transport(), transport.takes);
                return Err(format!("the case is of {name}, and the handler takes {takes}"));
            }
            make(&input).ok_or_else(|| format!("the properties of the input are not those of {}", transport.takes))
        });
        match input {
            Ok(input) => self.run(|| work(input)).await,
            Err(why) => Replay::new(Report::impossible(&self.case, why), self.report_to),
        }
    }
}

/// What a handler takes.
struct Transport {
    /// As in `input.properties`.
    name: &'static str,
    takes: &'static str,
}
