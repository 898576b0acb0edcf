//! What was moved is read as before; what was damaged is refused.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use spanbridge::RunId;
use spanbridge::record::Record;
use spanbridge_graph::{arbitrary, run_of};
use spanbridge_store::codec::{Block, BlockWriter, KnownNames, MovingBlock, PartHead};
use std::collections::{BTreeMap, BTreeSet};

/// A block as deliveries have it, and the keys of its runs.
fn delivered(records: &[Record<'_>]) -> (Vec<u8>, Vec<Option<RunId>>) {
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

/// A folded block with the records of these deliveries, each ordered by run.
fn folded(deliveries: &[Vec<Record<'_>>]) -> FoldedBlock {
    let (mut vocabulary, mut writer) = (Vocabulary::default(), FoldedWriter::default());
    let raws: Vec<_> = deliveries.iter().map(|records| delivered(records)).collect();
    let mut parts = BTreeSet::new();
    let mut blocks: Vec<_> = raws.iter().map(|(raw, _)| MovingBlock::open(raw).unwrap()).collect();
    let maps: Vec<_> = blocks.iter().map(|block| vocabulary.learn(block).unwrap()).collect();
    for (delivery, (_, keys)) in raws.iter().enumerate() {
        parts.extend(keys.iter().enumerate().map(|(place, key)| (*key, delivery, place)));
    }
    let mut open: Vec<_> = blocks.iter_mut().map(|block| block.next_part().unwrap()).collect();
    let mut last = None;
    for (run, delivery, place) in parts {
        while let Some(part) = open[delivery].filter(|part| part.run == place) {
            if last != Some(run) {
                writer.begin_run(run, part.base);
                last = Some(run);
            }
            writer.add(&mut vocabulary, &maps[delivery], &mut blocks[delivery], &part).unwrap();
            open[delivery] = blocks[delivery].next_part().unwrap();
        }
    }
    let mut sections = write::Sections::default();
    writer.finish(&vocabulary, &mut sections);
    let (mut packer, mut packed, mut block) = (Packer::new().unwrap(), Vec::new(), FoldedBlock::default());
    packer.pack(&sections, &mut packed).unwrap();
    block.unpack(&mut packer, &packed).unwrap();
    block
}

fn read(block: &FoldedBlock, wanted: &[usize]) -> Result<Vec<Record<'static>>, crate::Error> {
    let (runs, mut raw, mut records) = (block.runs()?, Vec::new(), Vec::new());
    block.unfold(&mut Unfolding::default(), wanted, &mut raw)?;
    let mut read = || {
        let mut block = Block::open(&raw)?;
        while let Some(part) = block.next_part()? {
            block.read(&part, *runs.get(part.run)?, |record| records.push(record.into_owned()))?;
        }
        Some(())
    };
    read().ok_or_else(|| crate::Error::corrupt("unfolded"))?;
    Ok(records)
}

/// Deliveries as they are stored: ordered by run.
fn deliveries() -> impl Strategy<Value = Vec<Vec<Record<'static>>>> {
    vec(vec(arbitrary::record(), 1..30), 1..4).prop_map(|mut all| {
        all.iter_mut().for_each(|records| records.sort_by_key(|record| run_of(record)));
        all
    })
}

proptest! {
    #[test]
    fn every_record_comes_back(deliveries in deliveries()) {
        let block = folded(&deliveries);
        let mut expected: BTreeMap<Option<RunId>, Vec<Record<'_>>> = BTreeMap::new();
        for record in deliveries.iter().flatten() {
            expected.entry(run_of(record)).or_default().push(record.clone());
        }
        let runs = block.runs().unwrap();
        prop_assert_eq!(&runs, &expected.keys().copied().collect::<Vec<_>>());
        for (place, run) in runs.iter().enumerate() {
            prop_assert_eq!(&read(&block, &[place]).unwrap(), &expected[run]);
        }
        let all: Vec<usize> = (0..runs.len()).collect();
        prop_assert_eq!(read(&block, &all).unwrap(), expected.into_values().flatten().collect::<Vec<_>>());
    }

    /// Below the checksum too: whatever a reader makes of a damaged block, it is no panic.
    #[test]
    fn damage_is_survived(
        deliveries in deliveries(),
        changes in vec((0..3usize, any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in (0..3usize, any::<prop::sample::Index>()),
    ) {
        let mut block = folded(&deliveries);
        let all: Vec<usize> = (0..block.runs().unwrap().len()).collect();
        for (section, at, byte) in changes {
            let section = &mut block.sections()[section];
            if !section.is_empty() {
                let at = at.index(section.len());
                section[at] = byte;
            }
        }
        let _ = read(&block, &all);
        let _ = block.holding_spans(&(0..=u64::MAX));
        let section = &mut block.sections()[cut.0];
        section.truncate(cut.1.index(section.len() + 1));
        let _ = read(&block, &all);
    }

    #[test]
    fn noise_is_survived(noise in vec(vec(any::<u8>(), 0..300), 3)) {
        let mut block = FoldedBlock::default();
        for (section, noise) in block.sections().into_iter().zip(noise) {
            *section = noise;
        }
        let _ = read(&block, &[0, 1, 2, 3]);
    }
}
