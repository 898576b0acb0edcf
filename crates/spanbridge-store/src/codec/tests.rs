//! What was written is read; what was damaged is refused.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use spanbridge::RunId;
use spanbridge::record::{Record, SpanAttributes};
use spanbridge_graph::arbitrary;
use spanbridge_graph::run_of;

/// Writes records as they come, a part for each stretch that has one; answers the block and the keys of its runs.
fn written(records: &[Record<'_>]) -> (Vec<u8>, Vec<Option<RunId>>) {
    let (mut writer, mut raw, mut keys) = (BlockWriter::default(), Vec::new(), Vec::new());
    let (mut last, mut known): (Option<(PartHead<'_>, u64)>, _) = (None, KnownNames::default());
    for record in records {
        if keys.last() != Some(&run_of(record)) {
            keys.push(run_of(record));
        }
        let head = PartHead::of(keys.len() - 1, record.view());
        if last != Some((head, record.segment_seq.wrapping_sub(1))) {
            writer.begin(&head, record.segment_seq, 0);
        }
        writer.add(&mut known, record.id.as_deref(), &record.view().body());
        last = Some((head, record.segment_seq));
    }
    writer.finish(&mut raw);
    (raw, keys)
}

/// Reads the parts of those runs that `wanted` names, and steps over the others.
fn read<'a>(raw: &'a [u8], keys: &[Option<RunId>], wanted: impl Fn(usize) -> bool) -> Option<Vec<Record<'a>>> {
    let (mut block, mut records) = (Block::open(raw)?, Vec::new());
    while let Some(part) = block.next_part()? {
        let key = keys.get(part.run)?;
        if wanted(part.run) {
            block.read(&part, *key, |record| records.push(record))?;
        } else {
            block.skip(&part)?;
        }
    }
    Some(records)
}

proptest! {
    #[test]
    fn every_record_comes_back(records in vec(arbitrary::record(), 0..60)) {
        let (raw, keys) = written(&records);
        prop_assert_eq!(read(&raw, &keys, |_| true), Some(records));
    }

    #[test]
    fn runs_are_stepped_over(records in vec(arbitrary::record(), 1..60), odd: bool) {
        let (raw, keys) = written(&records);
        let mut run = 0;
        let places: Vec<usize> = records.iter().enumerate().map(|(i, r)| {
            run += usize::from(i > 0 && run_of(r) != run_of(&records[i - 1]));
            run
        }).collect();
        let wanted = |run: usize| (run % 2 == 1) == odd;
        let expected: Vec<_> = records.iter().zip(&places).filter(|(_, p)| wanted(**p)).map(|(r, _)| r.clone()).collect();
        prop_assert_eq!(read(&raw, &keys, wanted), Some(expected));
    }

    /// Below the checksum too: whatever a reader makes of a damaged block, it is no panic.
    #[test]
    fn damage_is_survived(
        records in vec(arbitrary::record(), 1..40),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let (mut raw, keys) = written(&records);
        prop_assert!(read(&raw[..cut.index(raw.len())], &keys, |_| true).is_none());
        for (at, byte) in changes {
            let at = at.index(raw.len());
            raw[at] = byte;
        }
        let _ = read(&raw, &keys, |_| true);
        let _ = read(&raw, &keys, |run| run % 2 == 0);
    }

    /// A plan takes from each stream what the shape says. A span that is referred to may be a number or a word.
    #[test]
    fn every_shape_has_a_plan(records in vec(arbitrary::record(), 0..60)) {
        let (raw, _) = written(&records);
        let mut block = MovingBlock::open(&raw).unwrap();
        let plans: Vec<Plan> = block.shapes().map(|(codes, _)| Plan::of(codes).unwrap()).collect();
        let mut taken = 0;
        while let Some(part) = block.next_part().unwrap() {
            taken += part.records;
            for _ in 0..part.records {
                let streams = &mut block.streams;
                let plan = &plans[streams.heads.varint().unwrap() as usize];
                for step in &plan.steps {
                    match step {
                        Step::RunSpan => {}
                        Step::OwnSpan | Step::Span | Step::Word => drop(streams.words.word().unwrap()),
                        Step::Start | Step::End | Step::Time | Step::Commit | Step::Duration => {
                            streams.times.varint().unwrap();
                        }
                        Step::RecentSpan | Step::Number(_) => drop(streams.numbers.varint().unwrap()),
                        Step::Text(_) => drop(streams.text().unwrap()),
                    }
                }
                prop_assert_eq!(Plan::of(&plan.codes).map(|plain| plain.counts()), Some(plan.counts()));
            }
        }
        prop_assert_eq!(taken, records.len() as u64);
        let s = &block.streams;
        prop_assert!([s.heads, s.words, s.times, s.numbers, s.lengths].iter().all(|stream| stream.0.is_empty()));
        prop_assert_eq!(s.text_at, s.texts.len());
    }

    #[test]
    fn noise_is_survived(noise in vec(any::<u8>(), 0..300)) {
        let _ = read(&noise, &[None; 8], |_| true);
    }
}

#[test]
fn what_a_block_holds_is_small() {
    let span = "4bf92f3577b34da6a3ce929d0e0e4736";
    let record = |n: u64| {
        let body = SpanAttributes::new(
            spanbridge::SpanId::new(9).unwrap(),
            std::iter::once(("retry".into(), spanbridge::Value::I64(1).into())).collect(),
        );
        let record = Record::new(spanbridge::SegmentId::new(7).unwrap(), n, "orders", body);
        record.of_run(span.parse().ok(), span.parse().ok())
    };
    let records: Vec<Record<'_>> = (1..=100).map(record).collect();
    let (raw, keys) = written(&records);
    assert_eq!(read(&raw, &keys, |_| true), Some(records));
    // Per record: the number of its shape, the span, the value. Names and keys are there once.
    assert!(raw.len() < 100 * 10 + 100, "{}", raw.len());
}

/// Room is reserved for shapes and names before they are read, so their number is not trusted.
#[test]
fn claimed_counts_reserve_no_room() {
    let block = |shapes: u64, names: u64| {
        let mut raw = Vec::new();
        [0, shapes, names].into_iter().chain([0; 10]).for_each(|n| super::bytes::put_varint(&mut raw, n));
        raw.resize(4 << 20, 0);
        Block::open(&raw).is_some()
    };
    assert!(block(0, 0));
    assert!(!block(4 << 20, 0) && !block(0, 4 << 20) && !block(1, 0) && !block(0, 1));
}
