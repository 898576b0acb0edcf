//! What is missing in runs.

use super::damage::add_damage;
use super::lookup::{find, runs_of_trace};
use super::no_answer::NoAnswer;
use serde_json::{Value, json};
use spanbridge::RunId;
use spanbridge_graph::Checkup;
use spanbridge_query::{Store, Within};

/// Which runs to check.
#[derive(Clone, Debug, Default)]
pub struct DoctorQuestion {
    /// A run, a trace or a span. `None`: all runs.
    pub id: Option<String>,
    /// Without an id: only runs that began at this time or later, in nanoseconds since the Unix epoch.
    pub since: Option<u64>,
    /// Without an id: the maximum number of runs, newest first.
    pub limit: Option<usize>,
}

/// The runs to check.
#[derive(Clone, Debug)]
pub struct Selection {
    /// Their ids.
    pub run_ids: Vec<RunId>,
    /// How many runs matched, before the limit.
    pub matching: usize,
    /// How many runs the store has.
    pub stored: usize,
}

impl DoctorQuestion {
    /// The runs to check. Without an id: the newest ones. For a span: its run. For a trace: all its runs.
    ///
    /// # Errors
    /// If the id is not found, or the store cannot be read.
    pub fn select(&self, store: &Store) -> Result<Selection, NoAnswer> {
        let Some(id) = &self.id else {
            let (mut run_ids, stored) = store.runs_since(self.since)?;
            let matching = run_ids.len();
            run_ids.truncate(self.limit.unwrap_or(usize::MAX));
            return Ok(Selection { run_ids, matching, stored });
        };
        let (what, mut run_ids) = find(store, id)?;
        if let Some(first) = run_ids.first()
            && let Some(graph) = Within::from(store).graph(*first)?
        {
            run_ids = runs_of_trace(what, &run_ids, &graph, usize::MAX);
        }
        Ok(Selection { matching: run_ids.len(), stored: run_ids.len(), run_ids })
    }
}

/// What the checkup found in these runs, as JSON.
pub fn doctor(store: &Store, selection: &Selection, checkup: &Checkup) -> Value {
    let mut answer = json!({
        "schemaVersion": 1,
        "runs": selection.run_ids.len(),
        "runsFound": selection.matching,
        "gaps": checkup.gaps(),
        "notJudged": checkup.not_judged(),
    });
    add_damage(&mut answer, store);
    answer
}
