//! Which runs are exported.

use crate::commands::lookup::find;
use crate::failure::Failure;
use spanbridge::RunId;
use spanbridge_query::{RunFilter, Store};

/// Some runs, the oldest first; or everything, also records of no run.
pub(super) enum Runs {
    All,
    Some(Vec<RunId>),
}

impl Runs {
    pub(super) fn find(store: &Store, id: Option<&str>, filter: &RunFilter) -> Result<Self, Failure> {
        Ok(match id {
            Some(id) => Runs::Some(find(store, id)?.1),
            None if *filter == RunFilter::default() => Runs::All,
            None => {
                let rows = store.runs(filter, usize::MAX)?;
                Runs::Some(rows.into_iter().rev().map(|row| row.run_id).collect())
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
    pub(super) fn ids(&self) -> Option<&[RunId]> {
        match self {
            Runs::All => None,
            Runs::Some(ids) => Some(ids),
        }
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
