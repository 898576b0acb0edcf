//! Which rows of databases the runs of a batch changed.

use crate::schema::feeds::CHANGED;
use spanbridge::record::{BodyView, RecordView};
use spanbridge_graph::{changed_mark, run_of};
use std::collections::BTreeSet;

/// The rows of the table of mentions that say it. Empty if there are none.
pub(super) fn rows(records: &[RecordView<'_>]) -> Vec<u8> {
    let mut found = BTreeSet::new();
    for record in records {
        if let (BodyView::Mutation(mutation), Some(run)) = (record.body(), run_of(*record)) {
            found.insert((changed_mark(mutation), run));
        }
    }
    let mut rows = Vec::with_capacity(found.len() * 33);
    for (mark, run) in found {
        rows.push(CHANGED as u8);
        rows.extend_from_slice(&mark.to_be_bytes());
        rows.extend_from_slice(&run.get().to_be_bytes());
    }
    rows
}
