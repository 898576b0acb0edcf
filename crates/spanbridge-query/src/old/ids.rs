//! Finds the ids that begin with given digits.

use super::deliveries::Deliveries;
use super::row::{bad_block, bad_directory, blob};
use crate::Result;
use crate::engine::{IdMatches, IdPrefix, SpanMatch};
use spanbridge::record::Body;
use spanbridge::{RunId, SpanId, TraceId};
use spanbridge_graph::{run_of, span_of};
use spanbridge_store::codec::Block;
use spanbridge_store::delivery::{BlockList, IdPairs, RunIds};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// Spans with the run that has them, and with their names, if a record with the name was found.
type Spans = BTreeMap<(SpanId, RunId), String>;

/// The ids that begin with these digits. It stops looking for spans once there are more than `limit`.
pub(super) fn ids(deliveries: &Deliveries<'_>, prefix: &IdPrefix, limit: usize) -> Result<IdMatches> {
    let mut matches = runs_and_traces(deliveries, prefix)?;
    if let Some(range) = prefix.span_ids() {
        let named = spans(deliveries, range, limit)?.into_iter();
        matches.spans = named.map(|((span_id, run_id), name)| SpanMatch { span_id, run_id, name }).collect();
    }
    Ok(matches)
}

fn runs_and_traces(deliveries: &Deliveries<'_>, prefix: &IdPrefix) -> Result<IdMatches> {
    let range = prefix.run_ids();
    let (mut runs_found, mut traces_found) = (BTreeSet::new(), BTreeSet::new());
    deliveries.each("SELECT id, run_heads, run_tails, traces FROM delivery", [], |_, row| {
        let runs = RunIds::new(blob(row, 1)?, blob(row, 2)?).ok_or_else(bad_directory)?;
        runs_found.extend(runs.within(range.clone()).map(|(_, run)| run));
        for (trace, at) in IdPairs::new(blob(row, 3)?).ok_or_else(bad_directory)?.within(range.clone()) {
            if let (Some(trace), Some(run)) = (TraceId::new(trace), runs.get(at).ok_or_else(bad_directory)?) {
                traces_found.insert((trace, run));
            }
        }
        Ok(())
    })?;
    let (runs, traces) = (runs_found.into_iter().collect(), traces_found.into_iter().collect());
    Ok(IdMatches { runs, traces, spans: Vec::new() })
}

fn spans(deliveries: &Deliveries<'_>, range: RangeInclusive<u64>, limit: usize) -> Result<Spans> {
    let heads = (range.start() >> 32) as u32..=(range.end() >> 32) as u32;
    let (mut candidates, mut found) = (Vec::new(), Spans::new());
    deliveries.each("SELECT id, block_list, span_heads FROM delivery", [], |delivery, row| {
        let blocks = BlockList::read(blob(row, 1)?).ok_or_else(bad_directory)?;
        let holding = blocks.holding_spans(blob(row, 2)?, heads.clone()).ok_or_else(bad_directory)?;
        if !holding.is_empty() {
            candidates.push((delivery, holding));
        }
        Ok(())
    })?;
    for (delivery, blocks) in candidates {
        deliveries.skip_damaged(delivery, spans_of(deliveries, delivery, &blocks, &range, limit, &mut found))?;
        if found.len() > limit {
            break;
        }
    }
    Ok(found)
}

fn spans_of(
    deliveries: &Deliveries<'_>,
    delivery: i64,
    blocks: &[usize],
    range: &RangeInclusive<u64>,
    limit: usize,
    found: &mut Spans,
) -> Result<()> {
    let mut query = deliveries.transaction.prepare_cached("SELECT run_heads, run_tails FROM delivery WHERE id = ?")?;
    let (run_heads, run_tails): (Vec<u8>, Vec<u8>) = query.query_row([delivery], |r| Ok((r.get(0)?, r.get(1)?)))?;
    let runs = RunIds::new(&run_heads, &run_tails).ok_or_else(bad_directory)?;
    for block in blocks {
        let raw = deliveries.block(delivery, *block)?;
        spans_of_block(&raw, runs, range, found).ok_or_else(bad_block)?;
        if found.len() > limit {
            break;
        }
    }
    Ok(())
}

fn spans_of_block(raw: &[u8], runs: RunIds<'_>, range: &RangeInclusive<u64>, found: &mut Spans) -> Option<()> {
    let mut block = Block::open(raw)?;
    while let Some(part) = block.next_part()? {
        block.read(&part, runs.get(part.run)?, |record| {
            let Some(span) = span_of(&record.body).filter(|s| range.contains(&s.get())) else { return };
            let Some(run) = run_of(&record) else { return };
            let name = found.entry((span, run)).or_default();
            if let Body::Span(start) = &record.body {
                name.clear();
                name.push_str(&start.name);
            }
        })?;
    }
    Some(())
}
