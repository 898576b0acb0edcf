//! Runs that continue in another process: saving and resuming them.

use super::open::Open;
use super::run::Run;
use crate::encoder::layout::{Fact, Field};
use crate::encoder::{Key, thread_recorder};
use crate::span::outcome::Outcome;
use crate::text::shown;
use crate::{Context, RunContext, Value};
use std::fmt::Display;

impl Run {
    /// The run waits for something outside: a person, a timer, other work. Resuming the returned value ends the wait.
    ///
    /// Save the value with your workflow's state before you start what the run waits for: an answer may come sooner than
    /// you save. Open spans stay open; no new ones can begin in this run:
    ///
    /// ```compile_fail
    /// let run = spanbridge::observe::run("approval").open();
    /// let saved = run.suspend("waiting for a person");
    /// run.in_scope(|| println!("too late")); // it was moved
    /// ```
    #[must_use = "nobody else can go on with the run"]
    pub fn suspend(self, reason: impl Display) -> RunContext {
        let mut saved = self.checkpoint();
        if let (Open::Run, Some(shared)) = (&self.open, self.context.shared()) {
            saved.suspension = thread_recorder().id();
            let (id, reason) = (format!("{:016x}", saved.suspension), shown(&reason));
            let items =
                [(Key::Field(Field::Suspension), Value::Str(&id)), (Key::Field(Field::Reason), Value::Str(&reason))];
            thread_recorder().fact(shared, Fact::RunSuspend, 0, 0, &items[..1 + !reason.is_empty() as usize]);
        }
        saved
    }

    /// This process is done with the run, which continues elsewhere without waiting for anything.
    #[must_use = "nobody else can go on with the run"]
    pub fn leave(self) -> RunContext {
        self.checkpoint()
    }

    /// What another process needs to continue the run, while it continues here too: a checkpoint to resume after a crash,
    /// or work that is handed over.
    #[must_use]
    pub fn checkpoint(&self) -> RunContext {
        let (owned, suspension, unknown) = (self.owned, self.suspension, self.unknown.clone());
        // Without a recorder there is no resumption here: the previous one is saved again.
        let resumption = match (&self.open, self.context.shared()) {
            (Open::Run, Some(shared)) => shared.segment.resumption(),
            _ => self.resumption,
        };
        RunContext { owned, suspension, resumption, unknown, ..RunContext::from(&self.context) }
    }
}

/// Continues a run that was suspended or left, or whose process was lost.
///
/// Work done in it belongs to the same run and trace, in a segment of its own. Several processes may resume the same
/// value: a fan-out. The run ends when one of them ends it. A second end, or a resume after the end, is a conflict that
/// the graph shows.
///
/// A value made from a plain context ([`RunContext::from`]), or saved where nothing was recorded, gives a run that cannot
/// be ended: its work is recorded where it belongs, but the run stays its owner's.
///
/// If you saved text, parse it first; only that can fail:
///
/// ```
/// # #[cfg(feature = "json")]
/// # fn resume(saved: &str) -> Result<(), spanbridge::ParseRunContextError> {
/// use spanbridge::observe;
///
/// let run = observe::resume_run(saved.parse()?);
/// # run.end();
/// # Ok(()) }
/// ```
pub fn resume_run(saved: RunContext) -> Run {
    let mut run = take_over(saved);
    if let (Open::Run, Some(shared), true) = (&run.open, run.context.shared(), run.suspension != 0) {
        let id = format!("{:016x}", std::mem::take(&mut run.suspension));
        thread_recorder().fact(shared, Fact::RunResume, 0, 0, &[(Key::Field(Field::Suspension), Value::Str(&id))]);
    }
    run
}

/// Ends a suspended run without resuming it, for example because the answer did not come in time.
pub fn end_run(saved: RunContext, outcome: &impl Outcome) {
    take_over(saved).end_with(outcome)
}

/// The run in this process. Nothing is recorded yet.
fn take_over(saved: RunContext) -> Run {
    let RunContext { owned, suspension, resumption, .. } = saved;
    let (Some(parent), Some(run), true) = (saved.parent(), saved.run, owned) else {
        let unknown = saved.unknown.clone();
        return Run {
            context: Context::from(saved),
            open: Open::Nothing,
            owned: false,
            suspension: 0,
            resumption: 0,
            unknown,
        };
    };
    let context = Context::resumed(parent, run, saved.trace_state, saved.baggage, suspension, resumption);
    let open = if context.is_recorded() { Open::Run } else { Open::Nothing };
    Run { context, open, owned, suspension, resumption, unknown: saved.unknown }
}
