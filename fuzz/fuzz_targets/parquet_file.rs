//! A Parquet file of any bytes is read to its end, or refused: also one of ours with some bytes changed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanbridge_parquet::{Reader, Writer};
use std::sync::{LazyLock, Once};

/// A file with a few records.
static OURS: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let mut writer = Writer::new(Vec::new()).expect("a Vec takes everything");
    for line in include_str!("../seeds/parquet_file/records.jsonl").lines() {
        let record = spanbridge::record::Record::from_json(line).expect("a seed is a record").expect("of a known type");
        writer.write(record.view()).expect("a Vec takes everything");
    }
    writer.finish().expect("a Vec takes everything")
});

/// libFuzzer's hook ends the process, and the reader catches what the library panics over.
static QUIET: Once = Once::new();

fn read(file: Vec<u8>) {
    let Ok(mut reader) = Reader::of_bytes(file) else { return };
    let mut batches = 0;
    while let Some(batch) = reader.next_batch() {
        batches += 1;
        assert!(batch.rows.len() <= 4096);
        if batches == 64 {
            break;
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    QUIET.call_once(|| std::panic::set_hook(Box::new(|_| ())));
    read(bytes.to_vec());
    // Changes: two bytes of a place, and one of what is there then.
    let mut file = OURS.clone();
    for change in bytes.chunks_exact(3) {
        let at = usize::from(u16::from_le_bytes([change[0], change[1]])) % file.len();
        file[at] = change[2];
    }
    read(file);
});
