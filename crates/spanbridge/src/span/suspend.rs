//! Runs that go on elsewhere: what is saved of them, and who may go on with them.

use super::open::Open;
use super::run::Run;
use crate::encoder::layout::{Fact, Field};
use crate::encoder::{Key, thread_recorder};
use crate::span::outcome::Outcome;
use crate::text::shown;
use crate::{Context, RunContext, Value};
use std::fmt::Display;

impl Run {
    /// The run waits for something outside: a person, a timer, other work. Whoever resumes what this gives ends the wait.
    ///
    /// Keep it where the state of your workflow is, before you let go of what it waits for: who answers at once may be
    /// faster than you. Spans that are open stay as they are; new ones it has no more:
    ///
    /// ```compile_fail
    /// let run = spanbridge::observe::run("approval").open();
    /// let saved = run.suspend("waiting for a person");
    /// run.in_scope(|| println!("too late")); // it was moved
    /// ```
    #[must_use = "nobody else can go on with the run"]
    pub fn suspend(self, reason: impl Display) -> RunContext {
        let mut saved = self.capture_context();
        if let (Open::Run, Some(shared)) = (&self.open, self.context.shared()) {
            saved.suspension = thread_recorder().id();
            let (id, reason) = (format!("{:016x}", saved.suspension), shown(&reason));
            let items =
                [(Key::Field(Field::Suspension), Value::Str(&id)), (Key::Field(Field::Reason), Value::Str(&reason))];
            thread_recorder().fact(shared, Fact::RunSuspend, 0, 0, &items[..1 + !reason.is_empty() as usize]);
        }
        saved
    }

    /// This process is done with the run, which goes on elsewhere without waiting for anything.
    #[must_use = "nobody else can go on with the run"]
    pub fn leave(self) -> RunContext {
        self.capture_context()
    }

    /// What it takes to go on with the run elsewhere, while it goes on here, too: a checkpoint to come back to after a
    /// crash, or work that is handed over.
    #[must_use]
    pub fn capture_context(&self) -> RunContext {
        let (owned, suspension, unknown) = (self.owned, self.suspension, self.unknown.clone());
        // Where nobody records there is no resumption to name: the one before is handed on.
        let resumption = match (&self.open, self.context.shared()) {
            (Open::Run, Some(shared)) => shared.segment.resumption(),
            _ => self.resumption,
        };
        RunContext { owned, suspension, resumption, unknown, ..RunContext::from(&self.context) }
    }
}

/// Goes on with a run that was suspended or left, or whose process was lost. Takes what was saved, or its text.
///
/// What is done under it belongs to the same run and trace, in a segment of its own. Several may resume the same: a
/// fan-out. The run ends when one of them says so; a second end, and a resume that comes after it, are conflicts that the
/// graph shows.
///
/// Of a mere context ([`RunContext::from`]), and of one that was saved where nobody recorded, it gives a run that cannot be
/// ended: its work is recorded where it belongs, but nothing is said about a run of somebody else.
///
/// # Errors
/// When the text is none of a [`RunContext`]. With the value itself there is nothing to go wrong:
///
/// ```
/// # let saved = spanbridge::RunContext::default();
/// let Ok(run) = spanbridge::observe::resume_run(saved);
/// ```
pub fn resume_run<S: TryInto<RunContext>>(saved: S) -> Result<Run, S::Error> {
    let mut run = take_over(saved.try_into()?);
    if let (Open::Run, Some(shared), true) = (&run.open, run.context.shared(), run.suspension != 0) {
        let id = format!("{:016x}", std::mem::take(&mut run.suspension));
        thread_recorder().fact(shared, Fact::RunResume, 0, 0, &[(Key::Field(Field::Suspension), Value::Str(&id))]);
    }
    Ok(run)
}

/// Ends a run that waits, without resuming it: who waited was not answered in time, or is not asked any more.
pub fn end_run(saved: RunContext, outcome: &impl Outcome) {
    take_over(saved).end_with(outcome)
}

/// The run, here; nothing is recorded about it yet.
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
