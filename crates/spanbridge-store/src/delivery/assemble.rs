//! Putting a delivery together.

use super::Aggregate;
use super::directory::{put_block, put_id_pair};
use crate::codec::bytes::{put_text, put_varint};
use crate::codec::{BlockWriter, Interner, KnownNames, PartHead, pack, refusal};
use crate::error::Result;
use spanbridge::record::{BodyView, RecordView};
use spanbridge::{RunId, SegmentId};
use spanbridge_graph::hash::{join, stable};
use spanbridge_graph::{changed_mark, links_of, run_of, time_of};

/// A delivery, ready to be written.
#[derive(Debug, Default)]
pub struct Delivery {
    /// Records in it.
    pub records: u64,
    /// Spans that begin in it.
    pub spans: u64,
    pub first_at: u64,
    pub last_at: u64,
    /// Of everything in it: the same records in the same order have the same hash.
    pub hash: u64,
    pub block_list: Vec<u8>,
    pub run_heads: Vec<u8>,
    pub run_tails: Vec<u8>,
    pub span_heads: Vec<u8>,
    pub traces: Vec<u8>,
    pub parents: Vec<u8>,
    pub links: Vec<u8>,
    pub aggregates: Vec<u8>,
    /// Pairs of the mark of a changed row and the place of the run that changed it. The place may be that of no run.
    pub rows: Vec<u8>,
    /// The packed blocks.
    pub blocks: Vec<Vec<u8>>,
    /// Records that can never be stored, by their place, and why.
    pub rejected: Vec<(usize, String)>,
}

/// Puts deliveries together, one after the other, in buffers that are used again.
#[derive(Debug, Default)]
pub struct Assembler {
    writer: BlockWriter,
    raw: Vec<u8>,
    packer: pack::Packer,
    /// Names and services that the aggregates refer to.
    names: Interner,
    entries: Vec<u8>,
    services: Vec<u32>,
}

/// Records of one run and one segment that follow each other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Stretch {
    /// The key of the run, or 0.
    key: u128,
    segment: SegmentId,
    /// Which records.
    from: usize,
    to: usize,
}

impl Assembler {
    /// Puts the records together that can be stored, and names the others.
    pub fn assemble<'a>(&mut self, records: impl Iterator<Item = RecordView<'a>>) -> Result<Delivery> {
        self.assemble_with(records, |_| false)
    }

    /// The same; marks the runs that `suspect` names as contradicting what is stored.
    pub fn assemble_with<'a>(
        &mut self,
        records: impl Iterator<Item = RecordView<'a>>,
        suspect: impl Fn(Option<RunId>) -> bool,
    ) -> Result<Delivery> {
        let mut delivery = Delivery { first_at: u64::MAX, ..Delivery::default() };
        let mut kept: Vec<RecordView<'a>> = Vec::with_capacity(records.size_hint().0);
        let mut stretches: Vec<Stretch> = Vec::new();
        let mut place = 0;
        records.for_each(|record| {
            match refusal(record) {
                Some(why) => delivery.rejected.push((place, why)),
                None => {
                    let (key, segment) = (run_of(record).map_or(0, RunId::get), record.segment_id());
                    match stretches.last_mut() {
                        Some(last) if (last.key, last.segment) == (key, segment) => last.to += 1,
                        _ => stretches.push(Stretch { key, segment, from: kept.len(), to: kept.len() + 1 }),
                    }
                    if let Some(at) = time_of(record.body()) {
                        delivery.first_at = delivery.first_at.min(at);
                        delivery.last_at = delivery.last_at.max(at);
                    }
                    kept.push(record);
                }
            }
            place += 1;
        });
        delivery.records = kept.len() as u64;
        if delivery.last_at == 0 {
            delivery.first_at = 0;
        }
        // By run, then by segment; what a segment recorded stays in order.
        stretches.sort_unstable();
        self.write(&kept, &stretches, &mut delivery, suspect)?;
        Ok(delivery)
    }

    fn write<'a>(
        &mut self,
        kept: &[RecordView<'a>],
        stretches: &[Stretch],
        delivery: &mut Delivery,
        suspect: impl Fn(Option<RunId>) -> bool,
    ) -> Result<()> {
        self.names.clear();
        self.entries.clear();
        let mut last: Option<(PartHead<'a>, u64)> = None;
        let (mut block, mut is_service_known) = (OpenBlock::default(), false);
        let (mut traces, mut parents, mut links, mut rows) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (mut sum, mut known) = (Aggregate::default(), KnownNames::default());
        for (run, of_run) in stretches.chunk_by(|a, b| a.key == b.key).enumerate() {
            let key = RunId::new(of_run[0].key);
            sum.begin(suspect(key));
            for record in of_run.iter().flat_map(|s| &kept[s.from..s.to]) {
                let head = PartHead::of(run, *record);
                let (body, seq) = (record.body(), record.segment_seq());
                let at = time_of(body);
                if self.writer.is_full() {
                    self.close_block(&mut block, delivery)?;
                    block = OpenBlock { first_run: run, continues: last.is_some_and(|(l, _)| l.run == run), ..block };
                }
                let follows = last.is_some_and(|(l, before)| l == head && seq == before.wrapping_add(1));
                if self.writer.is_empty() || !follows {
                    self.writer.begin(&head, seq, at.unwrap_or(delivery.first_at));
                    is_service_known = false;
                    if let Some(trace) = head.other_trace() {
                        traces.push((trace.get(), run));
                    }
                }
                // Whoever reads what a database has logged did not work on the run.
                if !is_service_known && !matches!(body, BodyView::Mutation(_)) {
                    sum.service(head.service);
                    is_service_known = true;
                }
                self.writer.add(&mut known, record.id(), &body);
                sum.add(&body, at, key);
                match &body {
                    BodyView::Span(span) => block.span_heads.push((span.span_id().get() >> 32) as u32),
                    BodyView::SpanEnd(s) => block.span_heads.push((s.span_id().get() >> 32) as u32),
                    BodyView::Mutation(m) => rows.push((changed_mark(*m), run)),
                    BodyView::RunStart(r) => parents.extend(r.parent_run_id().map(|parent| (parent.get(), run))),
                    _ => {}
                }
                if matches!(body, BodyView::Span(_) | BodyView::Edge(_)) {
                    // What a run is linked to within its own trace, or within that of the span, is no other's business.
                    for (trace, _) in links_of(body) {
                        if Some(RunId::of_trace(trace)) != key && Some(trace) != head.trace_id {
                            links.push((trace.get(), run));
                        }
                    }
                }
                last = Some((head, seq));
            }
            self.close_run(key, &sum, delivery);
        }
        if !self.writer.is_empty() {
            self.close_block(&mut block, delivery)?;
        }
        put_varint(&mut delivery.aggregates, self.names.count() as u64);
        let mut names = self.names.bytes();
        for length in self.names.lengths() {
            let (name, rest) = names.split_at(length);
            put_text(&mut delivery.aggregates, name);
            names = rest;
        }
        delivery.aggregates.extend_from_slice(&self.entries);
        let Delivery { traces: traces_out, parents: parents_out, links: links_out, rows: rows_out, .. } = delivery;
        for (mut pairs, out) in [(traces, traces_out), (parents, parents_out), (links, links_out), (rows, rows_out)] {
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
        delivery.blocks.push(self.packer.pack(&self.raw)?);
        block.span_heads.sort_unstable();
        block.span_heads.dedup();
        put_block(&mut delivery.block_list, block.first_run, block.continues, block.span_heads.len());
        block.span_heads.drain(..).for_each(|head| delivery.span_heads.extend_from_slice(&head.to_be_bytes()));
        Ok(())
    }

    /// Writes down what the delivery says of a run in sum.
    fn close_run(&mut self, key: Option<RunId>, sum: &Aggregate<&str>, delivery: &mut Delivery) {
        delivery.spans += sum.started;
        // Services first: a delivery has few, and the first place in a table costs nothing.
        self.services.clear();
        self.services.extend(sum.services.iter().map(|service| self.names.intern(service.as_bytes()).0));
        let name = sum.name.map(|name| self.names.intern(name.name.as_bytes()).0);
        sum.write(delivery.first_at, &self.services, name, &mut self.entries);
        let id = key.map_or(0, RunId::get).to_be_bytes();
        delivery.run_heads.extend_from_slice(&id[..8]);
        delivery.run_tails.extend_from_slice(&id[8..]);
    }
}

/// What the directory says of the block being written.
#[derive(Debug, Default)]
struct OpenBlock {
    first_run: usize,
    continues: bool,
    span_heads: Vec<u32>,
}
