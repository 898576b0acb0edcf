//! The ids that runs mention, by which they are found.

use super::batch::Batch;
use crate::error::Result;
use crate::mention;
use crate::session::{Session, Uuid};
use spanbridge::RunId;
use spanbridge::record::{BodyView, RecordView};
use spanbridge_graph::{changed_mark, links_of};
use std::collections::BTreeSet;

/// What the records of a batch mention: the kind, the id and the run.
pub(super) struct Mentions(BTreeSet<(i8, u128, u128)>);

impl Mentions {
    pub(super) fn of(batch: &Batch<'_>) -> Self {
        let mut all = Self(BTreeSet::new());
        for run in batch.of_runs() {
            run.records.iter().for_each(|record| all.add(run.run, record.view));
        }
        all
    }

    fn add(&mut self, run: u128, record: RecordView<'_>) {
        let own = record.trace_id().map(|trace| trace.get());
        if let Some(trace) = own.filter(|trace| *trace != run) {
            self.0.insert((mention::TRACE, trace, run));
        }
        match record.body() {
            BodyView::RunStart(start) => {
                let parent = start.parent_run_id().map(RunId::get);
                self.0.extend(parent.map(|parent| (mention::PARENT, parent, run)));
            }
            BodyView::Mutation(mutation) => {
                self.0.insert((mention::MARK, changed_mark(mutation), run));
            }
            _ => {}
        }
        let linked = links_of(record.body()).map(|(trace, _)| trace.get());
        let others = linked.filter(|trace| *trace != run && Some(*trace) != own);
        self.0.extend(others.map(|trace| (mention::LINK, trace, run)));
    }

    pub(super) fn store(&self, session: &Session<'_>) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        let kinds: Vec<i8> = self.0.iter().map(|(kind, ..)| *kind).collect();
        let ids: Vec<Uuid> = self.0.iter().map(|(_, id, _)| Uuid(*id)).collect();
        let runs: Vec<Uuid> = self.0.iter().map(|(.., run)| Uuid(*run)).collect();
        let statement = "INSERT INTO mention (kind, id, run) SELECT * FROM unnest($1::\"char\"[], $2::uuid[], $3::uuid[]) \
                         ON CONFLICT DO NOTHING";
        session.execute("store what runs mention", statement, &[&kinds, &ids, &runs]).map(drop)
    }
}
