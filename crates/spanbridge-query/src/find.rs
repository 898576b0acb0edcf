//! Finds what the beginning of an id stands for.

use crate::answer::{Candidate, Found, Id};
use crate::row::{bad_block, bad_directory, blob};
use crate::snapshot::Snapshot;
use crate::totals::totals;
use crate::{Error, ErrorKind, Result};
use spanbridge::record::Body;
use spanbridge::{RunId, SpanId, TraceId};
use spanbridge_graph::hash::Map;
use spanbridge_graph::{run_of, span_of};
use spanbridge_store::codec::Block;
use spanbridge_store::delivery::{BlockList, IdPairs, RunIds};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// Fewer digits than this are not looked up.
const MIN_DIGITS: usize = 4;

/// The first digits of an id.
pub(crate) struct Prefix {
    value: u128,
    digits: usize,
}

impl Prefix {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let digits = text.len();
        let valid = (MIN_DIGITS..=32).contains(&digits) && text.bytes().all(|b| b.is_ascii_hexdigit());
        match u128::from_str_radix(text, 16) {
            Ok(value) if valid => Ok(Self { value, digits }),
            _ => {
                let message = format!("look up {text:?}: an id has {MIN_DIGITS} to 32 hexadecimal digits");
                Err(Error::new(ErrorKind::InvalidId, message))
            }
        }
    }

    /// The ids of 32 digits that begin with these digits.
    fn wide(&self) -> RangeInclusive<u128> {
        let free = 4 * (32 - self.digits) as u32;
        let first = self.value << free;
        first..=first | ((1 << free) - 1)
    }

    /// The ids of 16 digits that begin with these digits.
    fn narrow(&self) -> Option<RangeInclusive<u64>> {
        let free = 4 * 16usize.checked_sub(self.digits)? as u32;
        let first = (self.value as u64) << free;
        Some(first..=first | ((1u64 << free) - 1))
    }
}

/// What has been found so far.
#[derive(Default)]
struct Matches {
    runs: BTreeSet<RunId>,
    traces: BTreeMap<TraceId, BTreeSet<RunId>>,
    /// With their names, if a record with the name was found.
    spans: BTreeMap<(SpanId, RunId), String>,
}

pub(crate) fn find(snapshot: &Snapshot<'_>, prefix: &Prefix) -> Result<Found> {
    let mut matches = Matches::default();
    runs_and_traces(snapshot, prefix, &mut matches)?;
    if let Some(range) = prefix.narrow() {
        spans(snapshot, range, &mut matches)?;
        // 16 digits that are the whole id of a span mean that span, even if the id of a run begins with them.
        if prefix.digits == 16 && !matches.spans.is_empty() {
            matches.runs.clear();
            matches.traces.clear();
        }
    }
    answer(snapshot, matches)
}

fn runs_and_traces(snapshot: &Snapshot<'_>, prefix: &Prefix, matches: &mut Matches) -> Result<()> {
    let range = prefix.wide();
    snapshot.deliveries("SELECT id, run_heads, run_tails, traces FROM delivery", [], |_, row| {
        let runs = RunIds::new(blob(row, 1)?, blob(row, 2)?).ok_or_else(bad_directory)?;
        matches.runs.extend(runs.within(range.clone()).map(|(_, run)| run));
        for (trace, at) in IdPairs::new(blob(row, 3)?).ok_or_else(bad_directory)?.within(range.clone()) {
            if let (Some(trace), Some(run)) = (TraceId::new(trace), runs.get(at).ok_or_else(bad_directory)?) {
                matches.traces.entry(trace).or_default().insert(run);
            }
        }
        Ok(())
    })?;
    // A trace that has its own run stands for that run.
    matches.traces.retain(|trace, _| !matches.runs.contains(&RunId::of_trace(*trace)));
    Ok(())
}

fn spans(snapshot: &Snapshot<'_>, range: RangeInclusive<u64>, matches: &mut Matches) -> Result<()> {
    let heads = (range.start() >> 32) as u32..=(range.end() >> 32) as u32;
    let mut candidates = Vec::new();
    snapshot.deliveries("SELECT id, block_list, span_heads FROM delivery", [], |delivery, row| {
        let blocks = BlockList::read(blob(row, 1)?).ok_or_else(bad_directory)?;
        let holding = blocks.holding_spans(blob(row, 2)?, heads.clone()).ok_or_else(bad_directory)?;
        if !holding.is_empty() {
            candidates.push((delivery, holding));
        }
        Ok(())
    })?;
    for (delivery, blocks) in candidates {
        snapshot.damage.skip_damaged(delivery, spans_of(snapshot, delivery, &blocks, &range, matches))?;
        if matches.spans.len() > Found::MAX_CANDIDATES {
            break;
        }
    }
    Ok(())
}

fn spans_of(
    snapshot: &Snapshot<'_>,
    delivery: i64,
    blocks: &[usize],
    range: &RangeInclusive<u64>,
    matches: &mut Matches,
) -> Result<()> {
    let mut query = snapshot.transaction.prepare_cached("SELECT run_heads, run_tails FROM delivery WHERE id = ?")?;
    let (run_heads, run_tails): (Vec<u8>, Vec<u8>) = query.query_row([delivery], |r| Ok((r.get(0)?, r.get(1)?)))?;
    let runs = RunIds::new(&run_heads, &run_tails).ok_or_else(bad_directory)?;
    for block in blocks {
        let raw = snapshot.block(delivery, *block)?;
        spans_of_block(&raw, runs, range, matches).ok_or_else(bad_block)?;
        if matches.spans.len() > Found::MAX_CANDIDATES {
            break;
        }
    }
    Ok(())
}

fn spans_of_block(raw: &[u8], runs: RunIds<'_>, range: &RangeInclusive<u64>, matches: &mut Matches) -> Option<()> {
    let mut block = Block::open(raw)?;
    while let Some(part) = block.next_part()? {
        block.read(&part, runs.get(part.run)?, |record| {
            let Some(span) = span_of(&record.body).filter(|s| range.contains(&s.get())) else { return };
            let Some(run) = run_of(&record) else { return };
            let name = matches.spans.entry((span, run)).or_default();
            if let Body::Span(start) = &record.body {
                name.clear();
                name.push_str(&start.name);
            }
        })?;
    }
    Some(())
}

fn answer(snapshot: &Snapshot<'_>, matches: Matches) -> Result<Found> {
    let Matches { runs, traces, spans } = matches;
    let runs_of_traces = traces.values().flatten();
    // Names and start times are needed only to choose and to order. A single run needs neither.
    let wanted: BTreeSet<RunId> = match (runs.len(), traces.len(), spans.len()) {
        (1, 0, 0) => BTreeSet::new(),
        _ => runs.iter().chain(runs_of_traces).copied().take(10 * Found::MAX_CANDIDATES).collect(),
    };
    let totals = if wanted.is_empty() { Map::default() } else { totals(snapshot, Some(&wanted))? };
    let name_of = |run: &RunId| totals.get(run).and_then(|t| t.name.as_ref()).map_or("", |n| &n.name).to_owned();
    let started_at = |run: &RunId| totals.get(run).map_or(0, |t| t.started_at());

    let mut found: Vec<(Candidate, Vec<RunId>)> = Vec::new();
    for run in runs {
        found.push((Candidate { id: Id::Run(run), run_id: run, name: name_of(&run) }, vec![run]));
    }
    for (trace, runs) in traces {
        let mut runs: Vec<RunId> = runs.into_iter().collect();
        runs.sort_by_key(|run| (started_at(run), *run));
        let Some(first) = runs.first().copied() else { continue };
        found.push((Candidate { id: Id::Trace(trace), run_id: first, name: name_of(&first) }, runs));
    }
    for ((span, run), name) in spans {
        found.push((Candidate { id: Id::Span(span), run_id: run, name }, vec![run]));
    }
    match found.len() {
        0 => Ok(Found::Nothing),
        1 => Ok(found.pop().map_or(Found::Nothing, |(c, run_ids)| Found::One { what: c.id, run_ids })),
        _ => Ok(Found::Ambiguous(found.into_iter().take(Found::MAX_CANDIDATES).map(|(c, _)| c).collect())),
    }
}
