//! The columns of a delivery's directory.
//!
//! They come from a file that may be damaged. So lengths and places are checked, and what cannot be right is `None`.

use super::Aggregate;
use crate::codec::bytes::{Reader, put_varint};
use spanbridge::RunId;
use std::ops::RangeInclusive;

/// Adds a block to the list: its first run, whether that run began in the block before, and its number of span heads.
pub(super) fn put_block(out: &mut Vec<u8>, first_run: usize, continues: bool, span_heads: usize) {
    put_varint(out, (first_run as u64) << 1 | u64::from(continues));
    put_varint(out, span_heads as u64);
}

/// Adds an id and the place of the run that mentions it.
pub(super) fn put_id_pair(out: &mut Vec<u8>, id: u128, run: usize) {
    out.extend_from_slice(&id.to_be_bytes());
    out.extend_from_slice(&(run as u32).to_be_bytes());
}

/// The blocks of a delivery.
#[derive(Debug, Default)]
pub struct BlockList(Vec<BlockEntry>);

#[derive(Clone, Copy, Debug)]
struct BlockEntry {
    first_run: usize,
    continues: bool,
    span_heads: usize,
}

impl BlockList {
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (mut r, mut all) = (Reader(bytes), Vec::new());
        while !r.0.is_empty() {
            let n = usize::try_from(r.varint()?).ok()?;
            let span_heads = usize::try_from(r.varint()?).ok()?;
            all.push(BlockEntry { first_run: n >> 1, continues: n & 1 == 1, span_heads });
        }
        Some(Self(all))
    }

    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// The blocks that hold records of the run at this place.
    pub fn holding(&self, run: usize) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().filter_map(move |(block, entry)| {
            let begun = entry.first_run <= run;
            // Where the next block begins says whether this one reaches the run.
            let reaches = self.0.get(block + 1).is_none_or(|n| n.first_run > run || n.first_run == run && n.continues);
            (begun && reaches).then_some(block)
        })
    }

    /// The blocks with a span whose id has its first half in this range.
    pub fn holding_spans(&self, span_heads: &[u8], range: RangeInclusive<u32>) -> Option<Vec<usize>> {
        let (heads, []) = span_heads.as_chunks::<4>() else { return None };
        let (mut rest, mut blocks) = (heads, Vec::new());
        for (block, entry) in self.0.iter().enumerate() {
            let (mine, others) = rest.split_at_checked(entry.span_heads)?;
            rest = others;
            let at = mine.partition_point(|h| u32::from_be_bytes(*h) < *range.start());
            if mine.get(at).is_some_and(|h| u32::from_be_bytes(*h) <= *range.end()) {
                blocks.push(block);
            }
        }
        rest.is_empty().then_some(blocks)
    }
}

/// The ids of the runs of a delivery, sorted: first halves (heads) and second halves (tails). Records without a run come
/// first, under the id zero.
#[derive(Clone, Copy, Debug)]
pub struct RunIds<'a> {
    heads: &'a [[u8; 8]],
    tails: &'a [[u8; 8]],
}

impl<'a> RunIds<'a> {
    pub fn new(heads: &'a [u8], tails: &'a [u8]) -> Option<Self> {
        let ((heads, []), (tails, [])) = (heads.as_chunks(), tails.as_chunks()) else { return None };
        (heads.len() == tails.len()).then_some(Self { heads, tails })
    }

    pub fn count(&self) -> usize {
        self.heads.len()
    }

    /// The run at this place. The inner `None` stands for records without a run.
    pub fn get(&self, place: usize) -> Option<Option<RunId>> {
        let (head, tail) = (u64::from_be_bytes(*self.heads.get(place)?), u64::from_be_bytes(*self.tails.get(place)?));
        Some(RunId::new(u128::from(head) << 64 | u128::from(tail)))
    }

    /// The place of this run. `None` stands for records without a run.
    pub fn find(&self, run: Option<RunId>) -> Option<usize> {
        let id = run.map_or(0, RunId::get);
        let (head, tail) = ((id >> 64) as u64, id as u64);
        let from = self.heads.partition_point(|h| u64::from_be_bytes(*h) < head);
        let with_head = self.heads[from..].partition_point(|h| u64::from_be_bytes(*h) == head);
        let tails = &self.tails[from..from + with_head];
        let place = from + tails.binary_search_by_key(&tail, |t| u64::from_be_bytes(*t)).ok()?;
        // Damaged ids may not be sorted.
        (self.get(place) == Some(run)).then_some(place)
    }

    /// The runs whose ids are in this range, with their places.
    pub fn within(&self, range: RangeInclusive<u128>) -> impl Iterator<Item = (usize, RunId)> {
        let first = (range.start() >> 64) as u64;
        let from = self.heads.partition_point(|h| u64::from_be_bytes(*h) < first);
        (from..self.count())
            .map_while(|place| Some((place, self.get(place)?)))
            .take_while({
                let end = *range.end();
                move |(_, id)| id.is_none_or(|id| id.get() <= end)
            })
            .filter_map(move |(place, id)| id.filter(|id| range.contains(&id.get())).map(|id| (place, id)))
    }
}

/// Whether a run with the same head is among these. A quick test for every delivery; the tails decide.
pub fn run_heads_hold(heads: &[u8], run: Option<RunId>) -> bool {
    let head = ((run.map_or(0, RunId::get) >> 64) as u64).to_be_bytes();
    heads.as_chunks::<8>().0.binary_search(&head).is_ok()
}

/// Pairs of an id and the place of the run that mentions it, sorted by id.
#[derive(Clone, Copy, Debug)]
pub struct IdPairs<'a>(&'a [[u8; 20]]);

impl<'a> IdPairs<'a> {
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let (pairs, rest) = bytes.as_chunks();
        rest.is_empty().then_some(Self(pairs))
    }

    pub fn iter(self) -> impl Iterator<Item = (u128, usize)> + use<'a> {
        self.0.iter().map(|pair| {
            let n = u128::from_be_bytes(*pair.first_chunk().unwrap_or(&[0; 16]));
            (n, u32::from_be_bytes(*pair.last_chunk().unwrap_or(&[0; 4])) as usize)
        })
    }

    /// The runs that mention an id in this range, with that id.
    pub fn within(self, range: RangeInclusive<u128>) -> impl Iterator<Item = (u128, usize)> + use<'a> {
        let from = self.0.partition_point(|pair| pair[..16] < range.start().to_be_bytes()[..]);
        IdPairs(&self.0[from..]).iter().take_while(move |(id, _)| range.contains(id))
    }
}

/// The aggregates of a delivery, in the order of its runs.
#[derive(Clone, Debug)]
pub struct Aggregates<'a> {
    names: Vec<&'a str>,
    rest: Reader<'a>,
    base: u64,
}

impl<'a> Aggregates<'a> {
    pub fn read(bytes: &'a [u8], first_at: u64) -> Option<Self> {
        let mut rest = Reader(bytes);
        let count = rest.count_within(bytes.len())?;
        let mut names = Vec::with_capacity(count);
        for _ in 0..count {
            names.push(rest.text()?);
        }
        Some(Self { names, rest, base: first_at })
    }

    /// The aggregate of the next run.
    pub fn read_next(&mut self) -> Option<Aggregate<u32>> {
        Aggregate::read(self.base, &mut self.rest)
    }

    /// The table of names and services that the aggregates refer to.
    pub fn names(&self) -> &[&'a str] {
        &self.names
    }
}
