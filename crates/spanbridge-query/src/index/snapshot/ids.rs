//! Ids by their beginning, and who mentions an id.

use super::super::block::FoldedBlock;
use super::super::fold::heads;
use super::super::order::{ordered, unordered};
use super::super::source::{bad_block, bad_directory, read_runs};
use super::IndexSnapshot;
use crate::Result;
use crate::engine::{IdMatches, IdPrefix, Mention, SpanMatch};
use rusqlite::params;
use spanbridge::record::{Body, Record};
use spanbridge::{RunId, SpanId, TraceId};
use spanbridge_graph::span_of;
use spanbridge_store::delivery::{BlockList, IdPairs};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

type Spans = BTreeMap<(SpanId, RunId), String>;

impl IndexSnapshot<'_> {
    pub(super) fn matches(&self, prefix: &IdPrefix, limit: usize) -> Result<IdMatches> {
        let runs = self.runs_within(prefix.run_ids(), limit)?;
        let traces = self.traces_within(prefix.run_ids(), limit)?;
        let mut matches = IdMatches { runs, traces, ..IdMatches::default() };
        if let Some(range) = prefix.span_ids() {
            let mut spans = Spans::new();
            self.folded_spans(&range, limit, &mut spans)?;
            self.tail_spans(&range, limit, &mut spans)?;
            let found = spans.into_iter().map(|((span_id, run_id), name)| SpanMatch { span_id, run_id, name });
            matches.spans = found.collect();
        }
        Ok(matches)
    }

    fn runs_within(&self, range: RangeInclusive<u128>, limit: usize) -> Result<Vec<RunId>> {
        let mut found = BTreeSet::new();
        let heads = [range.start(), range.end()].map(|id| ordered((id >> 64) as u64));
        let mut query = self.transaction.prepare_cached("SELECT head, tail FROM run WHERE head BETWEEN ? AND ?")?;
        let mut rows = query.query(heads)?;
        while found.len() < limit
            && let Some(row) = rows.next()?
        {
            let id = u128::from(unordered(row.get(0)?)) << 64 | u128::from(row.get::<_, i64>(1)? as u64);
            found.extend(RunId::new(id).filter(|_| range.contains(&id)));
        }
        for frame in &self.view.frames {
            found.extend(frame.source.runs()?.within(range.clone()).map(|(_, run)| run).take(limit));
        }
        Ok(found.into_iter().collect())
    }

    fn traces_within(&self, range: RangeInclusive<u128>, limit: usize) -> Result<Vec<(TraceId, RunId)>> {
        let found = self.mentioned_within(Mention::Trace, range, limit)?;
        Ok(found.into_iter().filter_map(|(id, run)| Some((TraceId::new(id)?, run))).collect())
    }

    pub(super) fn mentions_of(&self, mention: Mention, ids: &[u128]) -> Result<Vec<(u128, RunId)>> {
        let mut found = BTreeSet::new();
        for id in ids {
            found.extend(self.mentioned_within(mention, *id..=*id, usize::MAX)?);
        }
        Ok(found.into_iter().collect())
    }

    fn mentioned_within(
        &self,
        mention: Mention,
        range: RangeInclusive<u128>,
        limit: usize,
    ) -> Result<BTreeSet<(u128, RunId)>> {
        let mut found = BTreeSet::new();
        let kind = match mention {
            Mention::Trace => 0,
            Mention::Parent => 1,
            Mention::Link => 2,
        };
        let mut query = self
            .transaction
            .prepare_cached("SELECT id, run FROM mention WHERE kind = ? AND id BETWEEN ? AND ? LIMIT ?")?;
        let (from, to) = (range.start().to_be_bytes(), range.end().to_be_bytes());
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = query.query_map(params![kind, from, to, limit], |row| {
            Ok((u128::from_be_bytes(row.get(0)?), u128::from_be_bytes(row.get(1)?)))
        })?;
        for row in rows {
            let (id, run) = row?;
            found.extend(RunId::new(run).map(|run| (id, run)));
        }
        for frame in &self.view.frames {
            let columns = frame.source.columns()?;
            let column = [columns.traces, columns.parents, columns.links][kind as usize];
            for (id, place) in IdPairs::new(column).ok_or_else(bad_directory)?.within(range.clone()) {
                let run = frame.source.runs()?.get(place).ok_or_else(bad_directory)?;
                found.extend(run.map(|run| (id, run)));
            }
        }
        Ok(found)
    }

    fn folded_spans(&self, range: &RangeInclusive<u64>, limit: usize, spans: &mut Spans) -> Result<()> {
        let heads = (range.start() >> 32) as u32..=(range.end() >> 32) as u32;
        let mut is_there = self.transaction.prepare_cached("SELECT 1 FROM block WHERE id = ?")?;
        for block in heads::blocks(&self.transaction, &heads)? {
            // A block that is pruned stays in the table for a moment.
            if !is_there.exists([block])? {
                continue;
            }
            let read = self.spans_of_block(block, range, spans);
            self.skip_damaged(|| format!("block {block}"), read)?;
            if spans.len() > limit {
                break;
            }
        }
        Ok(())
    }

    fn spans_of_block(&self, block: i64, range: &RangeInclusive<u64>, spans: &mut Spans) -> Result<()> {
        let (mut packer, mut reader) = (self.packer.borrow_mut(), self.reader.borrow_mut());
        let choose = |folded: &FoldedBlock| folded.holding_spans(range);
        let (runs, raw) = reader.unfold_some(&self.transaction, &mut packer, block, choose)?;
        let run = |place: usize| runs.get(place).copied().flatten();
        read_runs(&raw, |place| Some(run(place)), |place, record| note(spans, range, run(place), &record))
            .ok_or_else(bad_block)
    }

    fn tail_spans(&self, range: &RangeInclusive<u64>, limit: usize, spans: &mut Spans) -> Result<()> {
        let heads = (range.start() >> 32) as u32..=(range.end() >> 32) as u32;
        for (number, frame) in self.view.frames.iter().enumerate() {
            let read = || {
                let columns = frame.source.columns()?;
                let list = BlockList::read(columns.block_list).ok_or_else(bad_directory)?;
                let blocks = list.holding_spans(columns.span_heads, heads.clone()).ok_or_else(bad_directory)?;
                let runs = frame.source.runs()?;
                for block in blocks {
                    let raw = frame.block(block)?;
                    let run = |place: usize| runs.get(place).flatten();
                    let each = |place, record: Record<'_>| note(spans, range, run(place), &record);
                    read_runs(&raw, |place| runs.get(place), each).ok_or_else(bad_block)?;
                }
                Ok(())
            };
            let read = { read }();
            self.skip_damaged(|| self.frame_name(number), read)?;
            if spans.len() > limit {
                break;
            }
        }
        Ok(())
    }
}

/// Notes a span that a record begins or ends, if its id is in the range.
fn note(spans: &mut Spans, range: &RangeInclusive<u64>, run: Option<RunId>, record: &Record<'_>) {
    let (Some(span), Some(run)) = (span_of(&record.body).filter(|s| range.contains(&s.get())), run) else { return };
    let name = spans.entry((span, run)).or_default();
    if let Body::Span(start) = &record.body {
        name.clear();
        name.push_str(&start.name);
    }
}
