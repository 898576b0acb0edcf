//! A handler runs again, on a recorder of its own.

use super::Replayer;
use super::deadline::{Ended, in_time};
use super::kept::{Kept, Records};
use super::outcome::Spans;
use super::replay::Replay;
use super::settled;
use crate::case::Case;
use crate::report::{Divergence, DivergenceKind, Outcome, Outcomes, Replayed, Report, Verdict};
use crate::stand_in::CaseStandIn;
use spanbridge::observe::{self, EdgeType};
use spanbridge::{Context, InstallError, Outcome as _, Recorder};
use std::path::PathBuf;
use std::process;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

/// How long the records of a replay may take to be complete.
const FLUSH: Duration = Duration::from_secs(5);

/// Why nothing can run below another recorder: what has no context belongs to that one, and its calls would leave.
const TOO_LATE: &str = "the program has installed a recorder, by which calls would leave: \
    it has to ask `Replayer::from_environment` before that";

/// How the handler itself ended, apart from its span.
enum Handler {
    Returned(Option<String>),
    Panicked(String),
    TimedOut,
}

/// What a report is made of.
#[derive(Clone)]
struct Session {
    case: Arc<Case>,
    stand_in: Arc<CaseStandIn>,
    records: Records,
    recorder: Recorder,
    report_to: Option<PathBuf>,
}

impl Replayer {
    /// Runs a handler in a run of its own, which points at the recorded one.
    pub(super) async fn run<F, Fut>(self, work: F) -> Replay
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output: spanbridge::Outcome>,
    {
        let case = Arc::new(self.case);
        let impossible = |why: String, report_to| Replay::new(Report::impossible(&case, why), report_to);
        let stand_in = Arc::new(CaseStandIn::new(case.clone()));
        let records = Records::default();
        let kept = Kept::new(records.clone(), stand_in.clone());
        let service = Some(case.entry().service.as_str()).filter(|name| !name.is_empty()).unwrap_or("replay");
        let recorder = Recorder::builder(service).stand_in(stand_in.clone()).sink(kept);
        let recorder = match if self.owns_process { recorder.install() } else { recorder.build() } {
            Ok(recorder) => recorder,
            Err(InstallError::AlreadyInstalled) => return impossible(TOO_LATE.to_owned(), self.report_to),
            Err(error) => return impossible(format!("its recorder cannot begin: {error}"), self.report_to),
        };
        let run = recorder.in_scope(|| observe::run(format!("replay of {}", case.run.name)).open());
        run.edge(EdgeType::REPLAY_OF, case.run.run_id);
        let context = run.context().clone();
        let session = Session { case: case.clone(), stand_in, records, recorder, report_to: self.report_to.clone() };
        let blocked = {
            let (session, context, tell) = (session.clone(), context.clone(), self.blocked);
            move || session.blocked(&context, tell)
        };
        // The closure is called in there, too: it may panic as well as what it returns.
        let work = async { run.with_context(work).await };
        let handler = match in_time(self.deadline, work, blocked).await {
            Ok(Ended::Returned(output)) => {
                let failure = output.judged();
                let handler = Handler::Returned(failure.as_ref().map(|failure| failure.message()));
                match &failure {
                    Some(failure) => run.end_with(failure),
                    None => run.end(),
                }
                handler
            }
            Ok(Ended::Panicked(text)) => {
                run.error(&text);
                Handler::Panicked(text)
            }
            Ok(Ended::TimedOut) => {
                run.cancel();
                Handler::TimedOut
            }
            Err(error) => return impossible(format!("its clock cannot begin: {error}"), self.report_to),
        };
        Replay::new(session.report(&context, handler), self.report_to)
    }
}

impl Session {
    /// The handler blocks its thread: nothing but the end of the process ends it. In a process that is there for the replay, that
    /// is what happens; a test is its own judge.
    fn blocked(&self, context: &Context, tell: Option<Sender<Result<Report, String>>>) {
        if let Some(tell) = tell {
            let _ = tell.send(Ok(self.report(context, Handler::TimedOut)));
        } else if let Some(path) = &self.report_to {
            if let Err(error) = self.report(context, Handler::TimedOut).write(path) {
                eprintln!("failed to {error}");
            }
            process::exit(1)
        }
    }

    fn report(&self, context: &Context, handler: Handler) -> Report {
        let seen = self.stand_in.seen();
        self.recorder.clone().shutdown(FLUSH);
        let records = self.records.take();
        let spans = Spans::replayed(&records);
        let mut steps = seen.steps;
        for step in &mut steps {
            if let Some((status, error)) = step.span_id.and_then(|span| spans.end_of(span)) {
                (step.status, step.error) = (Some(status.to_owned()), error.map(str::to_owned))
            }
        }
        let as_json =
            records.iter().filter_map(|record| serde_json::from_str(&record.to_json()).ok()).collect::<Vec<_>>();
        settled::compare(&self.case, &mut steps, &as_json);
        let recorded = Spans::recorded(&self.case).outcome(self.case.entry().span_id).unwrap_or_default();
        let replayed = match (handler, seen.entry.and_then(|entry| spans.outcome(entry))) {
            (Handler::TimedOut, _) => Outcome { status: "timeout".to_owned(), ..Outcome::default() },
            (_, Some(outcome)) => outcome,
            (Handler::Panicked(text), None) => {
                Outcome { status: "panicked".to_owned(), error: Some(text), ..Outcome::default() }
            }
            (Handler::Returned(error), None) => {
                // It has done something else than it did when it was recorded, however that ended.
                let ending = error.map_or("it returned".to_owned(), |error| format!("it failed: {error}"));
                let error = format!("the handler never began its span, a {}; {ending}", self.case.entry().primitive);
                Outcome { status: "open".to_owned(), error: Some(error), ..Outcome::default() }
            }
        };
        let outcomes = Outcomes { recorded, replayed, expected: self.case.expect };
        let ending = (!outcomes.agree()).then(|| {
            let boundary = format!("the end of {}", self.case.entry().name);
            let expected = self.case.expect.map_or(outcomes.recorded.to_string(), |wanted| wanted.text().to_owned());
            Divergence::new(DivergenceKind::Outcome, boundary).of(expected, outcomes.replayed.to_string())
        });
        let is_same = ending.is_none() && steps.iter().all(|step| step.divergence.is_none());
        let mut differences = steps.iter().filter_map(|step| step.divergence.as_ref()).filter(|d| !d.is_ignored());
        let first_divergence = differences.next().cloned().or(ending);
        let verdict = if is_same { Verdict::Same } else { Verdict::Diverged };
        let mut report = Report::new(&self.case, verdict);
        report.replay = context.run_id().zip(context.trace_id()).map(|(run, trace)| Replayed::new(run, trace));
        report.records = as_json;
        (report.steps, report.first_divergence, report.outcome) = (steps, first_divergence, Some(outcomes));
        report
    }
}
