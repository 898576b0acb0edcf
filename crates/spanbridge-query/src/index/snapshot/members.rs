//! Which operations the runs of the view belong to, and the folded runs that they started.
//!
//! The index knows the operation of each folded run. That changes with records that are not folded only if they are of a run that is
//! not folded at all, began earlier than was known, or has a parent that was not known: then all that it started is looked at again.

use super::super::operations::{Member, has_parts, started_by};
use super::super::order::unordered;
use super::super::view::Members;
use super::IndexSnapshot;
use crate::Result;
use crate::runs::RunRow;
use spanbridge::RunId;
use spanbridge_graph::hash::{Map, Set};

impl IndexSnapshot<'_> {
    /// The members, which are found once.
    pub(super) fn members(&self) -> Result<&Members> {
        if let Some(known) = self.view.members.get() {
            return Ok(known);
        }
        let found = self.find_members()?;
        Ok(self.view.members.get_or_init(|| found))
    }

    /// Looks at the row of a member.
    pub(super) fn member_row<T>(&self, members: &Members, run: RunId, look: impl FnOnce(&RunRow) -> T) -> Result<T> {
        match members.folded.get(&run) {
            Some(row) if row.unsettled.messages.is_empty() => Ok(look(row)),
            Some(row) => {
                let mut row = row.clone();
                self.judge(&mut row)?;
                Ok(look(&row))
            }
            None => self.fresh_row(run, look),
        }
    }

    fn find_members(&self) -> Result<Members> {
        let mut members = Members::default();
        let is_plain = !has_parts(&self.transaction)? && self.view.runs.values().all(|run| run.parent.is_none());
        let (mut parents, mut before): (Map<RunId, Option<RunId>>, Map<RunId, Member>) = Default::default();
        let mut disturbed = Vec::new();
        for run in self.view.runs.keys() {
            if is_plain {
                members.roots.insert(*run, *run);
                continue;
            }
            let row = self.fresh_row(*run, |row| (row.started_at, row.parent_run_id));
            let Some(row) = self.skip_damaged(|| format!("run {run}"), row)? else { continue };
            let folded = Member::find(&self.transaction, *run)?;
            if folded.is_none_or(|folded| (unordered(folded.started_at), folded.parent) != row) {
                disturbed.push(*run);
            }
            parents.insert(*run, row.1);
            before.extend(folded.map(|folded| (*run, folded)));
        }
        while let Some(parent) = disturbed.pop() {
            for run in started_by(&self.transaction, parent)? {
                if parents.contains_key(&run) || self.view.runs.contains_key(&run) {
                    continue;
                }
                let Some(folded) = Member::find(&self.transaction, run)?.filter(|m| m.parent == Some(parent)) else {
                    continue;
                };
                let row = self.skip_damaged(|| format!("run {run}"), self.row(run))?.flatten();
                parents.insert(run, folded.parent);
                before.insert(run, folded);
                members.folded.extend(row.map(|row| (run, row)));
                disturbed.push(run);
            }
        }
        let runs: Vec<RunId> = parents.keys().copied().collect();
        for run in runs {
            self.find_root(run, &parents, &mut members.roots)?;
        }
        self.count(&mut members, &parents, &before)?;
        Ok(members)
    }

    /// Finds the first run of the operation of a run by what started it, as the index does for those that are folded.
    fn find_root(&self, run: RunId, parents: &Map<RunId, Option<RunId>>, roots: &mut Map<RunId, RunId>) -> Result<()> {
        let (mut path, mut seen) = (Vec::new(), Set::default());
        let mut next = run;
        let root = loop {
            if let Some(root) = roots.get(&next) {
                break *root;
            }
            let Some(parent) = parents.get(&next) else {
                // It is folded, and what the index says of it holds.
                break match Member::find(&self.transaction, next)? {
                    Some(Member { root: Some((row, _)), .. }) => {
                        Member::at(&self.transaction, row)?.map_or(next, |first| first.run)
                    }
                    Some(_) => next,
                    None => path.last().copied().unwrap_or(next),
                };
            };
            if !seen.insert(next) {
                break path.iter().copied().skip_while(|member| *member != next).min().unwrap_or(next);
            }
            path.push(next);
            match parent {
                Some(parent) => next = *parent,
                None => break next,
            }
        };
        roots.extend(path.into_iter().map(|member| (member, root)));
        Ok(())
    }

    /// Counts what the index says of the operations, and should not.
    fn count(
        &self,
        members: &mut Members,
        parents: &Map<RunId, Option<RunId>>,
        before: &Map<RunId, Member>,
    ) -> Result<()> {
        let (counts, roots, folded_rows) = (&mut members.counts, &members.roots, &members.folded);
        members.until = u64::MAX;
        let mut add = |root: RunId, runs: i64, is_failure: bool| {
            let (all, failed) = counts.entry(root).or_default();
            *all += runs;
            *failed += runs * i64::from(is_failure);
        };
        for run in parents.keys() {
            let folded = before.get(run);
            if let Some((member, (row, _))) = folded.and_then(|member| Some((member, member.root?)))
                && let Some(first) = Member::at(&self.transaction, row)?
            {
                let (is_failure, until) = self.is_failure(member)?;
                members.until = members.until.min(until);
                add(first.run, -1, is_failure);
            }
            let Some(root) = roots.get(run).filter(|root| *root != run) else { continue };
            let judge = |row: &RunRow| (row.is_failure(), self.next_due(&row.unsettled));
            let (is_failure, until) = match folded_rows.get(run) {
                Some(row) => judge(row),
                None => self.fresh_row(*run, judge)?,
            };
            members.until = members.until.min(until);
            add(*root, 1, is_failure);
        }
        Ok(())
    }
}
