//! A batch of records, by run.

use crate::row::{Encoded, near};
use crate::run::Summary;
use crate::schema::{Days, NO_RUN};
use crate::shape::Shape;
use spanbridge::RunId;
use spanbridge::record::{Record, RecordView};
use spanbridge_query::RunRow;
use std::collections::{BTreeMap, HashMap};

/// A record of a batch.
pub(super) struct OneRecord<'r> {
    pub(super) view: RecordView<'r>,
    pub(super) encoded: Encoded<'r>,
    /// Of its shape.
    pub(super) digest: u128,
}

/// The records of a run, each once, in the order in which they are read; or of no run, with the id 0.
pub(super) struct OfRun<'r> {
    pub(super) run: u128,
    /// The partition, if the run is not stored yet.
    pub(super) day: i32,
    pub(super) records: Vec<OneRecord<'r>>,
}

/// Records that are stored together.
pub(super) struct Batch<'r> {
    /// In the order of their ids.
    pub(super) runs: Vec<OfRun<'r>>,
    /// The positions of records of which this release does not know what they say.
    pub(super) unknown: Vec<usize>,
    /// The times of the first and the last record. Zeros if none has a time.
    pub(super) near: (i64, i64),
}

impl<'r> Batch<'r> {
    /// Of these records, each with its position.
    pub(super) fn of(records: impl IntoIterator<Item = (usize, &'r Record<'r>)>) -> Self {
        let (mut runs, mut unknown) = (BTreeMap::<u128, Vec<OneRecord<'r>>>::new(), Vec::new());
        for (at, record) in records {
            let view = record.view();
            match Encoded::of(view) {
                Some(encoded) => {
                    let digest = encoded.shape().digest();
                    runs.entry(encoded.run()).or_default().push(OneRecord { view, encoded, digest });
                }
                None => unknown.push(at),
            }
        }
        let times = || runs.values().flatten().filter_map(|record| record.encoded.time);
        let near = (near(times().min().unwrap_or(0)), near(times().max().unwrap_or(0)));
        let runs = runs.into_iter().map(|(run, mut records)| {
            let key = |one: &OneRecord<'_>| {
                let row = &one.encoded.row;
                (row.segment, row.seq, one.encoded.id)
            };
            records.sort_by_key(key);
            records.dedup_by_key(|one| key(one));
            let begun = records.iter().filter_map(|record| record.encoded.time).min();
            let day = if run == 0 { NO_RUN } else { Days::of(begun) };
            OfRun { run, day, records }
        });
        Self { runs: runs.collect(), unknown, near }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Without the records of no run.
    pub(super) fn of_runs(&self) -> impl Iterator<Item = &OfRun<'r>> {
        self.runs.iter().filter(|run| run.run != 0)
    }

    /// The shapes of all records, by their digests.
    pub(super) fn shapes(&self) -> HashMap<u128, Shape<'_>> {
        let records = self.runs.iter().flat_map(|run| &run.records);
        records.map(|record| (record.digest, record.encoded.shape())).collect()
    }
}

impl OfRun<'_> {
    /// The row of the run, if these are all of its records. `None`: they are of no run.
    pub(super) fn summary(&self) -> Option<Summary> {
        let records: Vec<Record<'_>> = self.records.iter().map(|record| record.view.to_record()).collect();
        let row = RunRow::of(RunId::new(self.run)?, &records);
        Some(Summary { row, day: self.day, records: records.len() as i64, last_at: self.last_at() })
    }

    /// Whether a record has a time.
    pub(super) fn has_time(&self) -> bool {
        self.records.iter().any(|record| record.encoded.time.is_some())
    }

    /// The time of the last record.
    pub(super) fn last_at(&self) -> i64 {
        self.records.iter().filter_map(|record| record.encoded.time).max().map_or(0, near)
    }
}
