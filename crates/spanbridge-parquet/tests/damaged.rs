//! Files of which some bytes are others.

mod common;

use common::{file_of, story};
use proptest::prelude::*;
use spanbridge_parquet::Reader;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Whatever is changed in a file, reading it ends, and says so or reads rows.
    #[test]
    fn damaged_files_are_survived(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4), from_end: bool) {
        // The reader catches what the library panics over, thousands of times here.
        std::panic::set_hook(Box::new(|_| ()));
        let mut file = file_of(&story());
        let length = if from_end { 6_000.min(file.len()) } else { file.len() };
        let base = file.len() - length;
        for (at, byte) in changes {
            let at = base + at.index(length);
            file[at] = byte;
        }
        if let Ok(mut reader) = Reader::of_bytes(file) {
            let mut batches = 0;
            while reader.next_batch().is_some() && batches < 1_000 {
                batches += 1;
            }
        }
    }
}
