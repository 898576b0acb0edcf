//! A folded block, packed and below its checksum: nothing is trusted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanbridge_query::index::{check_packed, check_sections};

fuzz_target!(|bytes: &[u8]| {
    let _ = check_packed(bytes, |record| drop(record.to_json()));
    // The first two bytes say how long the words and the numeric section are.
    let Some(([words, numeric], rest)) = bytes.split_first_chunk() else { return };
    let (words, rest) = rest.split_at(rest.len().min(usize::from(*words)));
    let (numeric, textual) = rest.split_at(rest.len().min(4 * usize::from(*numeric)));
    let _ = check_sections([words, numeric, textual], |record| drop(record.to_json()));
});
