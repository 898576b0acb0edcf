//! Which runs are exported.

use crate::failure::Failure;
use crate::progress::Progress;
use spanbridge::RunId;
use spanbridge_cli::answers::find;
use spanbridge_query::{RunQuery, Store};

/// Some runs, the oldest first; or everything, also records of no run.
pub(super) enum Runs {
    All,
    Some(Vec<RunId>),
}

impl Runs {
    pub(super) fn find(store: &Store, id: Option<&str>, query: &RunQuery) -> Result<Self, Failure> {
        Ok(match id {
            Some(id) => Runs::Some(find(store, id)?.1),
            None if *query == RunQuery::default() => Runs::All,
            None => {
                let mut ids = Vec::new();
                for row in store.list(query, usize::MAX)?.into_iter().rev() {
                    ids.push(row.run_id);
                    if row.descendants > 0 {
                        ids.extend(store.started_by(row.run_id)?.into_iter().map(|row| row.run_id));
                    }
                }
                Runs::Some(ids)
            }
        })
    }

    /// All of them by their ids.
    pub(super) fn listed(&self, store: &Store) -> Result<Self, Failure> {
        Ok(Runs::Some(match self {
            Runs::All => store.runs_since(None)?.0.into_iter().rev().collect(),
            Runs::Some(ids) => ids.clone(),
        }))
    }

    /// `None`: everything.
    fn ids(&self) -> Option<&[RunId]> {
        match self {
            Runs::All => None,
            Runs::Some(ids) => Some(ids),
        }
    }

    /// Says how far the export is: in runs, or in records if all are written.
    pub(super) fn show(&self, progress: &mut Progress, done: usize) {
        let total = self.ids().map_or(0, <[_]>::len);
        let what = if total == 0 { "records" } else { "runs" };
        progress.show("exporting", done as u64, total as u64, |n| format!("{n} {what}"));
    }

    /// Calls `each` with the number of those before, and each run; `None` for everything at once. It ends when that answers
    /// `false`.
    pub(super) fn each(
        &self,
        mut each: impl FnMut(usize, Option<RunId>) -> Result<bool, Failure>,
    ) -> Result<(), Failure> {
        let Runs::Some(ids) = self else { return each(0, None).map(drop) };
        for (at, id) in ids.iter().enumerate() {
            if !each(at, Some(*id))? {
                break;
            }
        }
        Ok(())
    }
}
