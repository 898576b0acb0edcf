//! Putting a delivery together.

use super::directory::{put_block, put_id_pair};
use super::{Aggregate, key_of, links_of, span_of, time_of};
use crate::codec::bytes::{put_text, put_varint};
use crate::codec::{BlockWriter, PartHead, pack, refusal};
use crate::error::Result;
use crate::hash::{Keyed, join, stable};
use spanbridge::record::{Body, Record};
use spanbridge::{RunId, SegmentId};

/// A delivery, ready to be written.
#[derive(Debug, Default)]
pub(crate) struct Delivery {
    /// Records in it.
    pub(crate) records: u64,
    /// Spans that begin in it.
    pub(crate) spans: u64,
    pub(crate) first_at: u64,
    pub(crate) last_at: u64,
    /// Of everything in it: the same records in the same order have the same hash.
    pub(crate) hash: u64,
    pub(crate) block_list: Vec<u8>,
    pub(crate) run_heads: Vec<u8>,
    pub(crate) run_tails: Vec<u8>,
    pub(crate) span_heads: Vec<u8>,
    pub(crate) traces: Vec<u8>,
    pub(crate) parents: Vec<u8>,
    pub(crate) links: Vec<u8>,
    pub(crate) aggregates: Vec<u8>,
    /// The packed blocks.
    pub(crate) blocks: Vec<Vec<u8>>,
    /// Records that can never be stored, by their place, and why.
    pub(crate) rejected: Vec<(usize, String)>,
}

/// Puts deliveries together, one after the other, in buffers that are used again.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    writer: BlockWriter,
    raw: Vec<u8>,
    names: Names,
}

/// The table of names and services that the aggregates refer to.
#[derive(Debug, Default)]
struct Names {
    places: std::collections::HashMap<String, u32, Keyed>,
    table: Vec<u8>,
}

impl Names {
    fn place(&mut self, name: &str) -> u32 {
        if let Some(place) = self.places.get(name) {
            return *place;
        }
        let place = self.places.len() as u32;
        self.places.insert(name.to_owned(), place);
        put_text(&mut self.table, name);
        place
    }
}

/// Sorts records by run, then by segment; those of one segment stay in order.
type SortKey = (u128, SegmentId, usize);

impl Assembler {
    /// Puts the records together that can be stored, and names the others.
    pub(crate) fn assemble<'a>(&mut self, records: impl Iterator<Item = Record<'a>>) -> Result<Delivery> {
        self.assemble_with(records, |_| false)
    }

    /// The same; marks the runs that `suspect` names as contradicting what is stored.
    pub(crate) fn assemble_with<'a>(
        &mut self,
        records: impl Iterator<Item = Record<'a>>,
        suspect: impl Fn(Option<RunId>) -> bool,
    ) -> Result<Delivery> {
        let mut delivery = Delivery::default();
        let mut kept = Vec::with_capacity(records.size_hint().0);
        for (place, record) in records.enumerate() {
            match refusal(&record) {
                Some(why) => delivery.rejected.push((place, why)),
                None => kept.push(record),
            }
        }
        let key = |r: &Record<'_>| key_of(r).map_or(0, RunId::get);
        let mut order: Vec<SortKey> = kept.iter().enumerate().map(|(i, r)| (key(r), r.segment_id, i)).collect();
        order.sort_unstable();
        delivery.records = kept.len() as u64;
        let times = || kept.iter().filter_map(|r| time_of(&r.body));
        delivery.first_at = times().min().unwrap_or(0);
        delivery.last_at = times().max().unwrap_or(0);

        let sorted = order.iter().map(|(_, _, place)| &kept[*place]);
        self.write_blocks(sorted, &mut delivery)?;
        self.write_aggregates(order.iter().map(|(_, _, place)| &kept[*place]), &mut delivery, suspect);
        Ok(delivery)
    }

    fn write_blocks<'r>(
        &mut self,
        records: impl Iterator<Item = &'r Record<'r>>,
        delivery: &mut Delivery,
    ) -> Result<()> {
        let mut last: Option<(PartHead<'r>, u64)> = None;
        let mut block = OpenBlock::default();
        let (mut traces, mut parents, mut links) = (Vec::new(), Vec::new(), Vec::new());
        for record in records {
            let key = key_of(record);
            let run = match &last {
                Some((head, _)) if head.key == key => head.run,
                Some((head, _)) => head.run + 1,
                None => 0,
            };
            let head = PartHead::of(run, record);
            if self.writer.is_full() {
                self.close_block(&mut block, delivery)?;
                block = OpenBlock { first_run: run, continues: last.is_some_and(|(l, _)| l.run == run), ..block };
            }
            let follows = last.is_some_and(|(l, seq)| l == head && record.segment_seq == seq.wrapping_add(1));
            if self.writer.is_empty() || !follows {
                self.writer.begin(&head, record.segment_seq, time_of(&record.body).unwrap_or(delivery.first_at));
                if let Some(trace) = head.other_trace() {
                    traces.push((trace.get(), run));
                }
            }
            self.writer.add(record);
            if let Some(span) = span_of(&record.body) {
                block.span_heads.push((span.get() >> 32) as u32);
            }
            if let Body::RunStart { parent_run_id: Some(parent), .. } = &record.body {
                parents.push((parent.get(), run));
            }
            // What a run is linked to within its own trace, or within that of the span, is no other's business.
            for (trace, _) in links_of(&record.body) {
                if Some(RunId::of_trace(trace)) != key && Some(trace) != record.trace_id {
                    links.push((trace.get(), run));
                }
            }
            last = Some((head, record.segment_seq));
        }
        if !self.writer.is_empty() {
            self.close_block(&mut block, delivery)?;
        }
        let Delivery { traces: traces_out, parents: parents_out, links: links_out, .. } = delivery;
        for (mut pairs, out) in [(traces, traces_out), (parents, parents_out), (links, links_out)] {
            pairs.sort_unstable();
            pairs.dedup();
            pairs.iter().for_each(|(id, run)| put_id_pair(out, *id, *run));
        }
        Ok(())
    }

    fn close_block(&mut self, block: &mut OpenBlock, delivery: &mut Delivery) -> Result<()> {
        self.raw.clear();
        self.writer.finish(&mut self.raw);
        delivery.hash = join(delivery.hash, stable(&self.raw));
        delivery.blocks.push(pack::pack(&self.raw)?);
        block.span_heads.sort_unstable();
        block.span_heads.dedup();
        put_block(&mut delivery.block_list, block.first_run, block.continues, block.span_heads.len());
        block.span_heads.drain(..).for_each(|head| delivery.span_heads.extend_from_slice(&head.to_be_bytes()));
        Ok(())
    }

    fn write_aggregates<'r>(
        &mut self,
        records: impl Iterator<Item = &'r Record<'r>>,
        delivery: &mut Delivery,
        suspect: impl Fn(Option<RunId>) -> bool,
    ) {
        self.names.places.clear();
        self.names.table.clear();
        let mut entries = Vec::new();
        let mut records = records.peekable();
        while let Some(first) = records.peek() {
            let key = key_of(first);
            let mut sum = Aggregate { suspect: suspect(key), ..Aggregate::default() };
            while let Some(record) = records.next_if(|r| key_of(r) == key) {
                sum.add(record, key);
            }
            delivery.spans += sum.started;
            if let Some(sum) = sum.named(|name| Some(self.names.place(name))) {
                sum.write(delivery.first_at, &mut entries);
            }
            let id = key.map_or(0, RunId::get).to_be_bytes();
            delivery.run_heads.extend_from_slice(&id[..8]);
            delivery.run_tails.extend_from_slice(&id[8..]);
        }
        put_varint(&mut delivery.aggregates, self.names.places.len() as u64);
        delivery.aggregates.extend_from_slice(&self.names.table);
        delivery.aggregates.extend_from_slice(&entries);
    }
}

/// What the directory says of the block being written.
#[derive(Debug, Default)]
struct OpenBlock {
    first_run: usize,
    continues: bool,
    span_heads: Vec<u32>,
}
