//! Which suspension a resume ends.

use spanbridge::RunId;
use spanbridge::record::{Body, Record};
use std::collections::HashMap;

/// The suspensions of the runs of an input: Crux does not name them, and says only sometimes which of them a resume ends.
#[derive(Debug, Default)]
pub struct Suspensions {
    of_runs: HashMap<RunId, Vec<(u64, String)>>,
    len: usize,
}

/// So many suspensions are remembered. A resume that is about another one keeps its own segment's.
const MAX_SUSPENSIONS: usize = 1 << 16;

impl Suspensions {
    /// Remembers a suspension, if the record is one.
    pub fn add(&mut self, record: &Record<'_>) {
        if let (Some(run), Body::RunSuspend(suspend)) = (record.run_id, &record.body)
            && self.len < MAX_SUSPENSIONS
        {
            self.len += 1;
            let of_run = self.of_runs.entry(run).or_default();
            of_run.push((suspend.suspended_at, suspend.suspension_id.clone().into_owned()));
        }
    }

    /// Gives a resume the suspension that it ends: that of its own segment, else the last one of the run before it.
    pub fn resolve(&self, record: &mut Record<'static>) {
        let Body::RunResume(resume) = &mut record.body else { return };
        let Some(of_run) = record.run_id.and_then(|run| self.of_runs.get(&run)) else { return };
        let before = of_run.iter().filter(|(at, _)| *at <= resume.resumed_at);
        if !of_run.iter().any(|(_, id)| *id == resume.suspension_id)
            && let Some((_, last)) = before.max()
        {
            resume.suspension_id = last.clone().into();
        }
    }
}
