//! A block of records, packed, unpacked, read and stepped over: nothing is trusted.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanbridge::RunId;
use spanbridge_store::codec::{Block, pack};

fuzz_target!(|raw: &[u8]| {
    let mut out = Vec::new();
    let _ = pack::unpack(raw, &mut out);
    let packed = pack::Packer::default().pack(raw).expect("small enough");
    pack::unpack(&packed, &mut out).expect("what was packed");
    assert_eq!(out, raw);
    let Some(mut reading) = Block::open(raw) else { return };
    let mut skipping = Block::open(raw).expect("opened before");
    while let Some(Some(part)) = reading.next_part() {
        if reading.read(&part, RunId::new(7), |record| drop(record.to_json())).is_none() {
            break;
        }
    }
    while let Some(Some(part)) = skipping.next_part() {
        if skipping.skip(&part).is_none() {
            break;
        }
    }
});
