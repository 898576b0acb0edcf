//! A batch as requests.

use crate::row::{Batch, put_row};
use spanbridge::record::RecordView;
use spanbridge_graph::time_of;
use std::collections::BTreeMap;
use xxhash_rust::xxh3::Xxh3;

/// Servers refuse an insert into more than a hundred partitions. Only clocks that are wrong have so many.
const MAX_DAYS: usize = 64;

/// Bytes of rows after which another request begins.
const MAX_BYTES: usize = 128 << 20;

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Inserted {
    /// How many records were inserted.
    pub records: u64,
    /// The positions, from 0, of those that were left out, because this release does not know what they say.
    pub unknown: Vec<usize>,
    /// The positions, from 0, of those that were left out, because they came too late: their run was pruned, or would have been by now.
    pub late: Vec<usize>,
}

/// The rows of one request.
pub(super) struct Request {
    pub(super) rows: Vec<u8>,
    /// The same for the same records, whenever they are inserted.
    pub(super) token: u64,
}

/// The requests for a batch that is inserted at this time, in microseconds since the Unix epoch. Partitions of days before `first_day` are
/// dropped.
pub(super) fn requests(records: &[RecordView<'_>], now: u64, first_day: u16) -> (Vec<Request>, Inserted) {
    let times = || records.iter().filter_map(|record| time_of(record.body()));
    let batch = Batch { version: !now, times: (times().min().unwrap_or(0), times().max().unwrap_or(0)), first_day };
    let mut days: BTreeMap<u16, Request> = BTreeMap::new();
    let mut done = Vec::new();
    let (mut inserted, mut row, mut digests) = (Inserted::default(), Vec::new(), BTreeMap::<u16, Xxh3>::new());
    for (at, record) in records.iter().enumerate() {
        row.clear();
        let Some(day) = put_row(&mut row, *record, batch) else {
            inserted.unknown.push(at);
            continue;
        };
        inserted.records += 1;
        let request = days.entry(day).or_insert_with(|| Request { rows: Vec::new(), token: 0 });
        request.rows.extend_from_slice(&row);
        // Without the version, which is another each time.
        let digest = digests.entry(day).or_default();
        digest.update(&row[8..]);
        if request.rows.len() >= MAX_BYTES {
            done.push(Request { rows: std::mem::take(&mut request.rows), token: digest.digest() });
        }
    }
    for (day, request) in &mut days {
        request.token = digests[day].digest();
    }
    let mut days: Vec<Request> = days.into_values().filter(|request| !request.rows.is_empty()).collect();
    while !days.is_empty() {
        let few = days.drain(..MAX_DAYS.min(days.len()));
        done.extend(few.reduce(|mut all, one| {
            all.rows.extend_from_slice(&one.rows);
            all.token = all.token.rotate_left(1) ^ one.token;
            all
        }));
    }
    (done, inserted)
}

#[cfg(test)]
mod tests {
    use super::*;
    use spanbridge::record::{Record, RunEnd};
    use spanbridge::{SegmentId, Status};

    fn ended(seq: u64, at: u64) -> Record<'static> {
        Record::new(SegmentId::new(7).unwrap(), seq, "s", RunEnd::new(at, Status::Ok))
    }

    #[test]
    fn many_days_are_several_requests() {
        let records: Vec<_> = (0..150).map(|day| ended(day + 1, day * 86_400_000_000_000)).collect();
        let views: Vec<_> = records.iter().map(|record| record.view()).collect();
        let (all, inserted) = requests(&views, 5, 0);
        assert_eq!((all.len(), inserted.records), (3, 150));
    }

    #[test]
    fn a_token_is_about_what_is_inserted() {
        let token = |records: &[Record<'_>], now| {
            let views: Vec<_> = records.iter().map(|record| record.view()).collect();
            requests(&views, now, 0).0.iter().map(|request| request.token).collect::<Vec<_>>()
        };
        let [one, other] = [1, 2].map(|seq| vec![ended(seq, 5), ended(seq, 90_000_000_000_000)]);
        assert_eq!(token(&one, 1), token(&one, 2));
        assert_ne!(token(&one, 1), token(&other, 1));
        assert_eq!(token(&one, 1).len(), 1);
    }
}
