//! Every record comes back as it was.

use super::bytes::Values;
use super::{Batch, put_row, read_row};
use proptest::prelude::*;
use spanbridge_graph::arbitrary::record;
use spanbridge_graph::run_of;

const BATCH: Batch = Batch { version: 5, times: (1_790_000_000_000_000_000, 1_790_000_001_000_000_000), first_day: 0 };

/// What stands before the column `run`.
const BEFORE_RUN: usize = 8 + 4 + 2 + 4 + 4;

proptest! {
    #[test]
    fn a_record_is_its_row(record in record(), other in record()) {
        let mut out = Vec::new();
        put_row(&mut out, record.view(), BATCH).unwrap();
        let mut values = Values::new(&out[BEFORE_RUN..]);
        let row = read_row(&mut values).unwrap();
        prop_assert!(values.is_at_end().unwrap());
        // Not a number equals nothing, so texts are compared.
        prop_assert_eq!(format!("{:?}", row.record.unwrap()), format!("{record:?}"));
        prop_assert_eq!(row.run, run_of(&record));

        let hash = |row: &[u8]| row[8..12].to_vec();
        let mut again = Vec::new();
        let later = Batch { version: 4, times: (1, 2), first_day: 0 };
        put_row(&mut again, record.view(), later).unwrap();
        prop_assert_eq!(hash(&again), hash(&out));
        again.clear();
        put_row(&mut again, other.view(), BATCH).unwrap();
        prop_assert_eq!(format!("{record:?}") == format!("{other:?}"), hash(&again) == hash(&out));
    }

    #[test]
    fn damaged_rows_are_survived(record in record(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut out = Vec::new();
        put_row(&mut out, record.view(), BATCH).unwrap();
        let at = at.index(out.len());
        out[at] = byte;
        let _ = read_row(&mut Values::new(&out[BEFORE_RUN..]));
    }
}
