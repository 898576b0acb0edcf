//! Every record comes back as it was.

mod common;

use common::{file_in_groups, read_all};
use parquet::file::metadata::ParquetMetaDataReader;
use proptest::prelude::*;
use spanbridge::record::Record;
use spanbridge_graph::arbitrary::record;

fn texts<'r>(records: impl IntoIterator<Item = &'r Record<'static>>) -> Vec<String> {
    records.into_iter().map(|record| format!("{record:?}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// In one row group, in order of run, segment and number; in many, in any order.
    #[test]
    fn records_come_back(records in prop::collection::vec(record(), 0..30), is_small: bool) {
        let read = read_all(file_in_groups(&records, if is_small { 2_000 } else { 1 << 20 }));
        prop_assert!(read.lost.is_empty(), "{:?}", read.lost);
        if !is_small {
            let mut ordered: Vec<_> = records.iter().collect();
            ordered.sort_by_key(|record| (record.run_id.map_or(0, |run| run.get()), record.segment_id.get(), record.segment_seq));
            prop_assert_eq!(&read.records, &texts(ordered));
        }
        let (mut read, mut expected) = (read.records, texts(&records));
        read.sort_unstable();
        expected.sort_unstable();
        prop_assert_eq!(read, expected);
    }
}

/// A run whose records come between those of others is in one row group, while it fits in what waits.
#[test]
fn runs_are_not_torn() {
    let records = common::story();
    let mut mixed = Vec::new();
    for wave in records.chunks(12) {
        // Two runs at a time, their records one of each in turn.
        mixed.extend((0..6).flat_map(|n| wave.iter().skip(n).step_by(6).cloned()));
    }
    let file = file_in_groups(&mixed, 10_000);
    let metadata = ParquetMetaDataReader::new().parse_and_finish(&bytes::Bytes::from(file.clone())).unwrap();
    assert!(metadata.num_row_groups() > 2, "{}", metadata.num_row_groups());
    let read = read_all(file);
    let runs: Vec<&str> =
        read.records.iter().map(|text| text.split("run_id: ").nth(1).unwrap().split(',').next().unwrap()).collect();
    let mut whole = runs.clone();
    whole.dedup();
    assert_eq!(whole.len(), 20, "{whole:?}");
}
