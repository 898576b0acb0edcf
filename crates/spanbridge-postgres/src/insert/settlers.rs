//! Receivers that settle messages of several runs with one call, as mentions of the runs that show it.
//!
//! That depends on all records of a run: an ack may come before the work that it is below. So it is noted with the row of the run, and what
//! no longer holds is removed.

use crate::error::Result;
use crate::mention;
use crate::session::{Session, Uuid};
use spanbridge_graph::Unsettled;
use std::collections::BTreeSet;

/// Each a receiver and a run.
#[derive(Default)]
pub(super) struct Settlers {
    before: BTreeSet<(u64, u128)>,
    now: BTreeSet<(u64, u128)>,
}

impl Settlers {
    /// What the row of a run said before.
    pub(super) fn were(&mut self, run: u128, said: &Unsettled) {
        self.before.extend(said.settle_others.iter().map(|receiver| (*receiver, run)));
    }

    /// What it says now.
    pub(super) fn are(&mut self, run: u128, says: &Unsettled) {
        self.now.extend(says.settle_others.iter().map(|receiver| (*receiver, run)));
    }

    pub(super) fn store(&self, session: &Session<'_>) -> Result<()> {
        let doing = "store which receivers settle messages of several runs";
        let pairs = "SELECT id, run FROM unnest($2::uuid[], $3::uuid[]) AS pair (id, run)";
        let gone = format!("DELETE FROM mention WHERE kind = $1 AND (id, run) IN ({pairs})");
        let new =
            format!("INSERT INTO mention (kind, id, run) SELECT $1, id, run FROM ({pairs}) p ON CONFLICT DO NOTHING");
        for (statement, some) in [(gone, &self.before - &self.now), (new, &self.now - &self.before)] {
            if !some.is_empty() {
                let (ids, runs): (Vec<Uuid>, Vec<Uuid>) =
                    some.into_iter().map(|(receiver, run)| (Uuid(receiver.into()), Uuid(run))).unzip();
                session.execute(doing, &statement, &[&mention::SETTLES_OTHERS, &ids, &runs])?;
            }
        }
        Ok(())
    }
}
