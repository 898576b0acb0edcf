//! A log file that was changed anywhere, cut, or given anything at its end: every frame that is as it was is read, in order and where
//! it was; what is read is what was written; and reading ends.
#![no_main]

use libfuzzer_sys::fuzz_target;
use spanbridge::record::{Record, RunSuspend};
use spanbridge::{RunId, SegmentId};
use spanbridge_store::log::{LogName, LogReader, Step, list};
use spanbridge_store::{Limits, StoreSink};
use std::sync::OnceLock;

struct Whole {
    name: LogName,
    bytes: Vec<u8>,
    /// Where each frame begins and ends.
    frames: Vec<(usize, usize)>,
}

fn whole() -> &'static Whole {
    static WHOLE: OnceLock<Whole> = OnceLock::new();
    WHOLE.get_or_init(|| {
        let directory = std::env::temp_dir().join(format!("spanbridge-fuzz-{}", std::process::id()));
        let mut sink = StoreSink::open_with(&directory, Limits::new()).expect("a directory for temporary files");
        let segment = SegmentId::new(1).expect("one is not zero");
        for n in 1..=6u64 {
            let record = |i: u64| {
                let record = Record::new(segment, i, "s", RunSuspend::new(format!("{n} {i}"), 1));
                record.of_run(RunId::new(u128::from(n)), None)
            };
            let records: Vec<_> = (0..n * n).map(record).collect();
            drop(sink.deliver_records(1, n, &records).expect("room on the disk"));
        }
        let file = list(&directory).expect("the directory").remove(0);
        let bytes = std::fs::read(&file.path).expect("the file");
        std::fs::remove_dir_all(&directory).expect("it is ours");
        let mut frames = Vec::new();
        let mut reader = LogReader::over(&bytes[..], file.name, 0).expect("of this format");
        while let Step::Frame(frame) = reader.step().expect("bytes in memory") {
            frames.push((frame.from as usize, frame.to as usize));
        }
        assert_eq!(frames.len(), 6);
        Whole { name: file.name, bytes, frames }
    })
}

fuzz_target!(|input: (Vec<(u16, u8)>, Option<u16>, &[u8])| {
    let Whole { name, bytes, frames } = whole();
    let (changes, cut, more) = input;
    let mut changed = bytes.clone();
    if let Some(cut) = cut {
        changed.truncate(usize::from(cut) % (bytes.len() + 1));
    }
    for (at, byte) in changes {
        if let Some(there) = changed.get_mut(usize::from(at) % bytes.len()) {
            *there = byte;
        }
    }
    changed.extend_from_slice(more);
    // A header that says otherwise would have to match its check.
    let mut reader = LogReader::over(&changed[..], *name, 0).expect("of this format");
    let (mut read, mut at) = (Vec::new(), 0);
    loop {
        match reader.step().expect("bytes in memory") {
            Step::Frame(frame) => {
                assert!(at <= frame.from && frame.from < frame.to);
                at = frame.to;
                let mut records = 0;
                frame.records(|_| records += 1).expect("it matches its checksum");
                assert_eq!(records, frame.directory.records);
                read.push((frame.from as usize, frame.to as usize));
            }
            Step::Damaged { from, to, .. } => {
                assert!(at <= from && from < to);
                at = to;
            }
            Step::End { at: end, rest } => {
                assert_eq!(end + rest, changed.len() as u64);
                break;
            }
        }
    }
    let same = |(from, to): &(usize, usize)| changed.get(*from..*to) == bytes.get(*from..*to);
    assert_eq!(read, frames.iter().copied().filter(same).collect::<Vec<_>>());
});
