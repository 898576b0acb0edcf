//! A block of records, packed and unpacked: nothing is trusted, and what one reader steps over another reads.
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
    let Some(mut block) = Block::open(raw) else { return };
    let mut skipping = Block::open(raw).expect("opened before");
    let key = RunId::new(7);
    // Parts without records take a few bytes each, so there are no more than that.
    while let Some(Some(part)) = block.next_part() {
        let same = skipping.next_part().flatten().expect("the same part");
        assert_eq!(same.run, part.run);
        let read = block.read(&part, key, |record| drop(record.to_json()));
        let skipped = skipping.skip(&same);
        assert!(read.is_none() || skipped.is_some());
        if read.is_none() {
            break;
        }
    }
});
