//! Files cut and damaged at every byte, and random ones.

use super::reader::{Damage, LogReader, Step};
use super::writer::LogWriter;
use super::*;
use crate::delivery::{Assembler, Delivery};
use proptest::prelude::*;
use spanbridge::record::Record;
use spanbridge_graph::{arbitrary, hash};
use std::fs;

const NAME: LogName = LogName { writer: 0xfeed_0000_beef, number: 3 };

fn header() -> Header {
    Header { name: NAME, created_at: 1_790_000_000_000_000_000, service: "orders".to_owned() }
}

fn delivery(records: &[Record<'_>]) -> Delivery {
    Assembler::default().assemble(records.iter().map(Record::view)).unwrap()
}

/// Records that say `text`, so that deliveries differ.
fn records(text: &str, count: usize) -> Vec<Record<'static>> {
    use spanbridge::record::RunSuspend;
    let body = |n: usize| RunSuspend::new(format!("{text}{n}"), 7);
    let segment = spanbridge::SegmentId::new(1).unwrap();
    let run = spanbridge::RunId::new(7 << 64 | 7);
    (0..count).map(|n| Record::new(segment, n as u64, "orders", body(n)).of_run(run, None)).collect()
}

/// The bytes of a file with these deliveries, and where each frame ends.
fn file_of(deliveries: &[Delivery]) -> (Vec<u8>, Vec<u64>) {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = LogWriter::create(dir.path(), header()).unwrap();
    let ends = deliveries.iter().enumerate().map(|(n, delivery)| {
        writer.put((n % 3 != 2).then_some(BatchId { instance: 9, number: n as u64 + 1 }), delivery).unwrap();
        writer.write().unwrap();
        writer.length()
    });
    let ends = ends.collect();
    (fs::read(dir.path().join(NAME.to_string())).unwrap(), ends)
}

fn few() -> (Vec<u8>, Vec<u64>) {
    file_of(&["a", "b", "c", "d"].map(|text| delivery(&records(text, 2))))
}

/// What reading a file came to.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    /// Where the frames that were read end.
    frames: Vec<u64>,
    damage: Vec<(u64, u64, Damage)>,
    end: (u64, u64),
}

/// Reads all of it, and checks what holds for whatever is read.
fn read(bytes: &[u8], from: u64) -> Outcome {
    let mut outcome = Outcome::default();
    let mut reader = LogReader::over(bytes, NAME, from).unwrap();
    loop {
        let before = reader.at();
        match reader.step().unwrap() {
            Step::Frame(frame) => {
                assert!(before <= frame.from && frame.from < frame.to && frame.to <= bytes.len() as u64);
                let again = Directory::read(frame.directory_bytes()).unwrap();
                assert_eq!(
                    (again.columns, again.hash, again.batch),
                    (frame.directory.columns, frame.directory.hash, frame.directory.batch)
                );
                for block in frame.blocks() {
                    let there = &bytes[block.from as usize..][..block.bytes.len()];
                    assert_eq!(there, block.bytes);
                }
                outcome.frames.push(frame.to);
            }
            Step::Damaged { from, to, why } => {
                assert!(from < to && to <= bytes.len() as u64);
                outcome.damage.push((from, to, why));
            }
            Step::End { at, rest } => {
                assert_eq!(at + rest, (bytes.len() as u64).max(at));
                assert_eq!(reader.at(), at);
                outcome.end = (at, rest);
                return outcome;
            }
        }
    }
}

#[test]
fn every_cut_leaves_whole_deliveries() {
    let (bytes, ends) = few();
    for cut in 0..=bytes.len() {
        let outcome = read(&bytes[..cut], 0);
        let whole: Vec<u64> = ends.iter().copied().filter(|end| *end <= cut as u64).collect();
        assert_eq!((&outcome.frames, &outcome.damage[..]), (&whole, &[][..]), "cut at {cut}");
        // Nothing is passed that may still become a frame.
        let frames_at = read(&bytes, 0).end.0.min(first_frame(&bytes));
        let passed = whole.last().copied().unwrap_or(if cut as u64 >= frames_at { frames_at } else { 0 });
        assert_eq!(outcome.end, (passed, cut as u64 - passed), "cut at {cut}");
    }
}

fn first_frame(bytes: &[u8]) -> u64 {
    bytes.windows(4).position(|four| four == frame::MAGIC).unwrap() as u64
}

#[test]
fn every_changed_byte_is_stepped_over() {
    let (bytes, ends) = few();
    let first = first_frame(&bytes);
    let starts: Vec<u64> = [first].into_iter().chain(ends.iter().copied()).collect();
    for at in 0..bytes.len() {
        for change in [1 << (at % 8), 0xff] {
            let mut bad = bytes.clone();
            bad[at] ^= change;
            let outcome = read(&bad, 0);
            let hit = starts.windows(2).position(|frame| (frame[0]..frame[1]).contains(&(at as u64)));
            let others: Vec<u64> =
                ends.iter().enumerate().filter(|(n, _)| Some(*n) != hit).map(|(_, end)| *end).collect();
            assert_eq!(outcome.frames, others, "byte {at}");
            match hit {
                None => {
                    assert_eq!(outcome.damage, [(0, first, Damage::Header)], "byte {at}");
                }
                // Whoever has the last one sees that something is left.
                Some(n) if n + 1 == ends.len() => {
                    assert_eq!((outcome.damage.len(), outcome.end), (0, (starts[n], ends[n] - starts[n])), "byte {at}");
                }
                Some(n) => {
                    let (from, to, _) = outcome.damage[0];
                    assert_eq!((outcome.damage.len(), from, to), (1, starts[n], starts[n + 1]), "byte {at}");
                }
            }
        }
    }
}

/// Frames that follow an incomplete one are read, and what is incomplete is damage.
#[test]
fn a_whole_frame_after_a_torn_one() {
    let (bytes, ends) = few();
    // The third frame lost its end; the fourth was written after all of it would have been.
    for torn in ends[1] + 1..ends[2] {
        let mut bad = bytes.clone();
        bad[torn as usize..ends[2] as usize].fill(0);
        let outcome = read(&bad, 0);
        if bad == bytes {
            continue;
        }
        assert_eq!(outcome.frames, [ends[0], ends[1], ends[3]], "{torn}");
        assert_eq!(outcome.damage.iter().map(|(from, to, _)| (*from, *to)).collect::<Vec<_>>(), [(ends[1], ends[2])]);
    }
}

/// A writer that appended after a torn frame would not lose what it wrote.
#[test]
fn appending_after_a_torn_frame() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = LogWriter::create(dir.path(), header()).unwrap();
    let (one, two) = (delivery(&records("one", 3)), delivery(&records("two", 3)));
    writer.put(None, &one).unwrap();
    writer.write().unwrap();
    let whole = writer.length();
    writer.put(None, &two).unwrap();
    writer.write().unwrap();
    let path = dir.path().join(NAME.to_string());
    let bytes = fs::read(&path).unwrap();
    for torn in whole..bytes.len() as u64 {
        let mut out = bytes[..torn as usize].to_vec();
        frame::put(&mut out, NAME, torn, None, &two).unwrap();
        let outcome = read(&out, 0);
        assert_eq!(outcome.frames, [whole, out.len() as u64], "{torn}");
        assert_eq!(outcome.damage.len(), usize::from(torn > whole));
    }
}

/// A reader that saw part of a frame reads it when the rest is there.
#[test]
fn a_reader_follows_a_writer() {
    let dir = tempfile::tempdir().unwrap();
    let (bytes, ends) = few();
    let path = dir.path().join(NAME.to_string());
    fs::write(&path, b"").unwrap();
    let mut reader = LogReader::open(&path, 0).unwrap();
    assert_eq!(reader.header(), None);
    let mut seen = Vec::new();
    for length in (0..=bytes.len()).step_by(7).chain([bytes.len()]) {
        fs::write(&path, &bytes[..length]).unwrap();
        loop {
            match reader.step().unwrap() {
                Step::Frame(frame) => seen.push(frame.to),
                Step::Damaged { .. } => panic!("damage at {length}"),
                Step::End { .. } => break,
            }
        }
    }
    assert_eq!((seen, reader.header()), (ends, Some(&header())));
}

/// A file that grows at each look: a writer is busy meanwhile.
struct Growing<'b> {
    bytes: &'b [u8],
    length: std::cell::Cell<usize>,
    step: usize,
}

impl source::ReadAt for Growing<'_> {
    fn read_at(&self, to: &mut [u8], at: u64) -> std::io::Result<usize> {
        (&self.bytes[..self.length.get()]).read_at(to, at)
    }

    fn length(&self) -> std::io::Result<u64> {
        let length = self.length.get();
        self.length.set((length + self.step).min(self.bytes.len()));
        Ok(length as u64)
    }
}

/// A frame that was incomplete at a first look is no damage when the next one is there at the second.
#[test]
fn a_busy_writer_damages_nothing() {
    let (bytes, ends) = few();
    for begun in 0..bytes.len() {
        for step in [1, 40, 150, 400, 2000] {
            let growing = Growing { bytes: &bytes, length: begun.into(), step };
            let (mut reader, mut seen) = (LogReader::over(growing, NAME, 0).unwrap(), Vec::new());
            while seen.len() < ends.len() {
                match reader.step().unwrap() {
                    Step::Frame(frame) => seen.push(frame.to),
                    Step::Damaged { from, to, .. } => panic!("damage from {from} to {to} at {begun} by {step}"),
                    Step::End { .. } => {}
                }
            }
            assert_eq!(seen, ends);
        }
    }
}

#[test]
fn reading_goes_on_where_it_ended() {
    let (bytes, ends) = few();
    for (n, end) in ends.iter().enumerate() {
        assert_eq!(read(&bytes, *end).frames, ends[n + 1..]);
    }
    // Between two frames nothing is lost but the one that was begun before.
    assert_eq!(read(&bytes, ends[0] + 5).frames, ends[2..]);
    assert_eq!(read(&bytes, u64::MAX).end, (u64::MAX, 0));
}

/// Bytes of a frame that are recorded, or that lie in another place, are no frame.
#[test]
fn a_frame_elsewhere_is_none() {
    let (bytes, ends) = few();
    let frame = &bytes[ends[0] as usize..ends[1] as usize];
    let mut moved = bytes[..ends[0] as usize].to_vec();
    moved.extend_from_slice(b"x");
    moved.extend_from_slice(frame);
    assert_eq!(read(&moved, 0).frames, [ends[0]]);
    let other = LogName { writer: NAME.writer + 1, ..NAME };
    let mut of_other = Vec::new();
    Header { name: other, ..header() }.put(&mut of_other);
    of_other.extend_from_slice(&bytes[of_other.len()..]);
    assert!(read(&of_other, 0).frames.is_empty());
}

#[test]
fn a_later_format_is_left_alone() {
    let (mut bytes, _) = few();
    bytes[16] = 9;
    let length = u32::from_le_bytes(*bytes[8..].first_chunk().unwrap()) as usize;
    let check = xxhash_rust::xxh3::xxh3_64(&bytes[16..16 + length]) as u32;
    bytes[12..16].copy_from_slice(&check.to_le_bytes());
    let error = LogReader::over(&bytes[..], NAME, 0).unwrap_err();
    assert_eq!(error.kind(), crate::ErrorKind::NewerFormat);
    assert!(error.to_string().starts_with("read the log 0000feed0000beef-000003.log: it has format 9"), "{error}");
}

#[test]
fn frames_larger_than_the_buffer() {
    let noise = |seed: u64| -> String {
        (0..700_000u64).map(|n| char::from(b'a' + (hash::join(n, seed) % 26) as u8)).collect()
    };
    let deliveries: Vec<Delivery> = (0..4).map(|n| delivery(&records(&noise(n), 1 + n as usize % 2))).collect();
    let (mut bytes, ends) = file_of(&deliveries);
    assert_eq!(read(&bytes, 0).frames, ends);
    bytes[ends[1] as usize + 300_000] ^= 1;
    let outcome = read(&bytes, 0);
    assert_eq!(outcome.frames, [ends[0], ends[1], ends[3]]);
    assert_eq!(outcome.damage, [(ends[1], ends[2], Damage::Checksum)]);
}

#[test]
fn logs_are_listed_and_closed() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(list(&dir.path().join("none")).unwrap_err().kind(), crate::ErrorKind::NotFound);
    for name in
        ["00000000000000aa-000002.log", "00000000000000aa-000001.log", "000000000000000b-000001.log", "index.db"]
    {
        fs::write(dir.path().join(name), name).unwrap();
    }
    fs::create_dir(dir.path().join("00000000000000cc-000001.log")).unwrap();
    let files = list(dir.path()).unwrap();
    let names: Vec<(u64, u32)> = files.iter().map(|file| (file.name.writer, file.name.number)).collect();
    assert_eq!(names, [(0xb, 1), (0xaa, 1), (0xaa, 2)]);
    assert!(files.iter().all(|file| file.length == 27));
    let now = files[0].modified;
    let closed = |now| files.iter().map(|file| file.is_closed(&files, now)).collect::<Vec<_>>();
    assert_eq!(closed(now), [false, true, false]);
    assert_eq!(closed(now + 2 * CLOSED_AFTER), [true; 3]);
    assert_eq!(closed(now - 2 * CLOSED_AFTER), [false, true, false]);
}

#[cfg(unix)]
#[test]
fn files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    LogWriter::create(dir.path(), header()).unwrap();
    assert!(LogWriter::create(dir.path(), header()).is_err(), "a file is never shared");
    let about = fs::metadata(dir.path().join(NAME.to_string())).unwrap();
    assert_eq!(about.permissions().mode() & 0o777, 0o600);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Whatever the records are: what was written is read, in order, and every block can be unpacked.
    #[test]
    fn deliveries_come_back(all in proptest::collection::vec(proptest::collection::vec(arbitrary::record(), 1..20), 1..5)) {
        let deliveries: Vec<Delivery> = all.iter().map(|records| delivery(records)).collect();
        let (bytes, ends) = file_of(&deliveries);
        let mut reader = LogReader::over(&bytes[..], NAME, 0).unwrap();
        let mut raw = Vec::new();
        for (n, delivery) in deliveries.iter().enumerate() {
            let Step::Frame(frame) = reader.step().unwrap() else { panic!("a frame {n}") };
            let found = &frame.directory;
            prop_assert_eq!(found.batch, (n % 3 != 2).then_some(BatchId { instance: 9, number: n as u64 + 1 }));
            prop_assert_eq!((found.hash, found.records, found.spans), (delivery.hash, delivery.records, delivery.spans));
            prop_assert_eq!((found.first_at, found.last_at), (delivery.first_at, delivery.last_at));
            let c = &found.columns;
            prop_assert_eq!([c.block_list, c.run_heads, c.run_tails], [&delivery.block_list[..], &delivery.run_heads, &delivery.run_tails]);
            prop_assert_eq!([c.traces, c.parents, c.links, c.rows], [&delivery.traces[..], &delivery.parents, &delivery.links, &delivery.rows]);
            prop_assert_eq!([c.aggregates, c.span_heads], [&delivery.aggregates[..], &delivery.span_heads]);
            let blocks: Vec<&[u8]> = frame.blocks().map(|block| block.bytes).collect();
            prop_assert_eq!(&blocks, &delivery.blocks);
            for block in blocks {
                crate::codec::pack::unpack(block, &mut raw).unwrap();
            }
        }
        let at_end = matches!(reader.step().unwrap(), Step::End { rest: 0, .. });
        prop_assert!(at_end && Some(&reader.at()) == ends.last());
    }

    /// Bytes that are changed, removed or added anywhere leave the frames before and after.
    #[test]
    fn damage_is_local(from in 0..1usize << 16, removed in 0..300usize, put in proptest::collection::vec(any::<u8>(), 0..300)) {
        let (bytes, ends) = few();
        let from = from % bytes.len();
        let to = (from + removed).min(bytes.len());
        let mut bad = bytes.clone();
        // The places of later frames stay, since a frame is one in its place only.
        bad[from..to].iter_mut().zip(put.iter().cycle()).for_each(|(byte, new)| *byte = *new);
        let outcome = read(&bad, 0);
        let starts: Vec<u64> = [first_frame(&bytes)].into_iter().chain(ends.iter().copied()).collect();
        for (n, end) in ends.iter().enumerate() {
            let frame = starts[n] as usize..*end as usize;
            prop_assert_eq!(outcome.frames.contains(end), bad[frame.clone()] == bytes[frame]);
        }
    }

    #[test]
    fn no_directory_is_trusted(bytes: Vec<u8>) {
        if let Some(directory) = Directory::read(&bytes) {
            prop_assert!(directory.block_lengths().count() <= bytes.len());
        }
    }
}
