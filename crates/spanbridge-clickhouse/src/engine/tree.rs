//! Which run started which.

use super::known::{Choice, Known};
use super::lookup::run;
use super::read::{RUNS_AT_ONCE, ids};
use super::recent::Recent;
use super::snapshot::Asked;
use crate::schema::feeds::STARTED_BY;
use spanbridge::RunId;
use spanbridge_graph::hash::{Map, Set};
use spanbridge_query::Error;

type Result<T> = std::result::Result<T, Error>;

/// Runs, as far as they were looked up.
#[derive(Default)]
pub(super) struct Tree {
    /// The runs that are stored.
    runs: Map<RunId, Known>,
    looked_up: Set<RunId>,
}

impl Tree {
    /// The first run of the operation of each of these.
    pub(super) fn roots(&mut self, asked: &Asked<'_>, known: Vec<Known>) -> Result<Vec<Known>> {
        let wanted: Vec<RunId> = known.iter().map(|known| known.run).collect();
        let mut next = known;
        while !next.is_empty() {
            self.decide(asked, &mut next)?;
            let mut above: Vec<RunId> = next.iter().flat_map(|known| &known.parents).copied().collect();
            for known in next {
                self.looked_up.insert(known.run);
                self.runs.insert(known.run, known);
            }
            above.sort_unstable();
            above.dedup();
            above.retain(|run| self.looked_up.insert(*run));
            next = asked.known_of(&Choice::default().with_parents(), &above)?;
        }
        let mut roots: Vec<RunId> = wanted.into_iter().map(|run| self.root(run)).collect();
        roots.sort_unstable();
        roots.dedup();
        Ok(roots.iter().filter_map(|run| self.runs.get(run)).cloned().collect())
    }

    /// Of several runs that started a run, its records say which counts.
    fn decide(&self, asked: &Asked<'_>, all: &mut [Known]) -> Result<()> {
        let unclear: Vec<RunId> = all.iter().filter(|known| known.is_unclear).map(|known| known.run).collect();
        for row in asked.rows_by_records(&unclear)? {
            for known in all.iter_mut().filter(|known| known.run == row.run_id) {
                known.parents = row.parent_run_id.into_iter().collect();
            }
        }
        Ok(())
    }

    /// Of runs that started each other in a circle, the one with the smallest id.
    fn root(&self, run: RunId) -> RunId {
        let (mut path, mut seen, mut next) = (Vec::new(), Set::default(), run);
        while seen.insert(next) {
            path.push(next);
            let parent = self.runs.get(&next).and_then(|known| known.parents.first());
            match parent.filter(|parent| self.runs.contains_key(*parent)) {
                Some(parent) => next = *parent,
                None => return next,
            }
        }
        path.into_iter().skip_while(|member| *member != next).min().unwrap_or(next)
    }
}

impl Asked<'_> {
    /// What is known of those of these runs that may match.
    pub(super) fn known_of(&self, choice: &Choice, runs: &[RunId]) -> Result<Vec<Known>> {
        let mut found = Vec::new();
        for some in runs.chunks(RUNS_AT_ONCE) {
            let which = format!("run IN ({})", ids(some.iter().map(|run| run.get())));
            found.extend(self.known(choice, Some(&which))?);
        }
        Ok(found)
    }

    /// Whether any run says which run started it.
    pub(super) fn has_parents(&self) -> Result<bool> {
        let query = format!("SELECT run FROM mention WHERE kind = '{STARTED_BY}' LIMIT 1");
        Ok(!self.all(&query, run)?.is_empty())
    }

    /// These runs, and all that say that one of them, or a run that one of them started, started them.
    pub(super) fn with_descendants(&self, firsts: &[RunId]) -> Result<Vec<RunId>> {
        let mut seen: Set<RunId> = firsts.iter().copied().collect();
        let (mut all, mut level) = (firsts.to_vec(), firsts.to_vec());
        while !level.is_empty() {
            let above: Vec<u128> = level.iter().map(|run| run.get()).collect();
            level = self.pairs(STARTED_BY, &above)?.into_iter().map(|(_, run)| run).collect();
            level.retain(|run| seen.insert(*run));
            all.extend_from_slice(&level);
        }
        Ok(all)
    }

    /// Parts of operations that may match, and that began at the bound or earlier, although a run above them began later: clocks differ,
    /// or the run was started again. What such runs started is among them, too.
    pub(super) fn older_parts(&self, choice: &Choice, recent: &Recent) -> Result<Vec<Known>> {
        let query = format!(
            "SELECT DISTINCT id, run FROM mention WHERE kind = '{STARTED_BY}' \
             AND id GLOBAL IN (SELECT run FROM active WHERE {})",
            recent.and_later
        );
        let pairs = self.all(&query, |rows| Ok((run(rows)?, run(rows)?)))?;
        let pairs: Vec<(RunId, RunId)> = pairs.into_iter().filter_map(|(above, run)| above.zip(run)).collect();
        let mut both: Vec<RunId> = pairs.iter().flat_map(|(above, run)| [*above, *run]).collect();
        both.sort_unstable();
        both.dedup();
        let known = self.known_of(&Choice::default(), &both)?;
        let known: Map<RunId, Known> = known.into_iter().map(|known| (known.run, known)).collect();
        let is_later = |run: &RunId| known.get(run).is_some_and(|known| known.latest > recent.bound);
        let is_older =
            |run: &RunId| known.get(run).is_some_and(|known| !known.is_exact || known.latest <= recent.bound);
        let mut firsts: Vec<RunId> =
            pairs.iter().filter(|(above, run)| is_later(above) && is_older(run)).map(|(_, run)| *run).collect();
        firsts.sort_unstable();
        firsts.dedup();
        self.known_of(choice, &self.with_descendants(&firsts)?)
    }

    /// Parts of operations that may match, and were active after this slot.
    pub(super) fn later_parts(&self, choice: &Choice, slot: u32) -> Result<Vec<Known>> {
        let (active, mention) = (self.table_here("active"), self.table_here("mention"));
        let which = format!(
            "run IN (SELECT run FROM {active} WHERE slot > {slot}) \
             AND run IN (SELECT run FROM {mention} WHERE kind = '{STARTED_BY}')"
        );
        self.known(choice, Some(&which))
    }
}
