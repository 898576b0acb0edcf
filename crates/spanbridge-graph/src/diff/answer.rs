//! Sums up how two runs differ.

use super::differing::Differing;
use super::matching::Pair;
use super::model::{Diff, DiffOptions, DiffSide, Difference, DifferenceKind, Verdict};
use super::prints::{Prints, error, is_failed, primitive, status};
use super::walk::walk;
use crate::causes::Causes;
use crate::hash::{Map, join, quick};
use crate::model::{Graph, RunSummary};
use crate::sameness::value_print;
use spanbridge::RunId;

impl Diff {
    /// How a run differs from another one. `left` and `right` are the graphs of each and of the runs that it caused; the first of
    /// each is the run itself. `None` if one of them is empty.
    ///
    /// ```
    /// use spanbridge::observe;
    /// use spanbridge_graph::{Diff, DiffOptions, DifferenceKind, Verdict, testing};
    ///
    /// let order = |items: u32| testing::record(|| {
    ///     observe::span("place order").in_scope(|| {
    ///         (0..items).for_each(|_| observe::span("reserve").in_scope(|| ()));
    ///     })
    /// });
    /// let diff = Diff::of(order(2).graphs(), order(3).graphs(), &DiffOptions::default()).unwrap();
    /// assert_eq!((diff.verdict, diff.differences[0].kind), (Verdict::Changed, DifferenceKind::Added));
    /// assert_eq!(Diff::of(order(2).graphs(), order(2).graphs(), &DiffOptions::default()).unwrap().verdict, Verdict::Identical);
    /// ```
    pub fn of(left: &[Graph], right: &[Graph], options: &DiffOptions) -> Option<Diff> {
        let (of_left, of_right) = (Causes::of(left), Causes::of(right));
        let (l, r) = (Prints::of(&of_left), Prints::of(&of_right));
        let (left_run, right_run) = (&left.first()?.run, &right.first()?.run);
        let roots = (roots(&of_left, left_run.run_id), roots(&of_right, right_run.run_id));
        let mut diff = Diff {
            left: summary(&of_left, left.first()?),
            right: summary(&of_right, right.first()?),
            verdict: Verdict::Identical,
            differences: Vec::new(),
            more_differences: 0,
            notes: Vec::new(),
            matched: 0,
            runs_not_read: 0,
        };
        let mut verdict = Verdict::Identical as usize;
        let mut places: Map<u64, usize> = Map::default();
        diff.matched = walk(&l, &r, (&roots.0, &roots.1), options, |found| {
            verdict = verdict.min(verdict_of(&l, &r, &found) as usize);
            let print = print(&l, &r, &found);
            match places.get(&print) {
                Some(place) => diff.differences[*place].count += found.count,
                None if diff.differences.len() < Diff::MAX_DIFFERENCES => {
                    places.insert(print, diff.differences.len());
                    diff.differences.push(difference(&l, &r, found));
                }
                None => diff.more_differences += found.count,
            }
        });
        diff.verdict = Verdict::ALL[verdict];
        Some(diff)
    }
}

/// The run, or its steps that nothing else of it caused, also not through other runs.
fn roots(causes: &Causes<'_>, run: RunId) -> Vec<usize> {
    let mut is_own = vec![false; causes.len()];
    causes.of_runs(&[run]).for_each(|node| is_own[node] = true);
    let mut is_within = vec![false; causes.len()];
    for node in causes.preorder().into_iter().map(|node| node as usize) {
        is_within[node] = causes.cause(node).is_some_and(|above| is_own[above] || is_within[above]);
    }
    (0..causes.len()).filter(|node| is_own[*node] && !is_within[*node]).collect()
}

fn summary(causes: &Causes<'_>, graph: &Graph) -> RunSummary {
    let run = &graph.run;
    let mut summary = RunSummary::new(run.run_id, &*run.name, run.status, run.started_at);
    let of_run = causes.of_runs(&[run.run_id]);
    let shown = || of_run.filter(|node| causes.span(*node).is_some() && is_failed(causes, *node)).count() as u64;
    summary.errors = graph.left_out.as_ref().map_or_else(shown, |left_out| left_out.errors);
    summary.failed_work = run.failed_work;
    summary
}

fn verdict_of(l: &Prints<'_, '_>, r: &Prints<'_, '_>, found: &Differing) -> Verdict {
    let Pair { left, right } = found.pair;
    let failed = |side: &Prints<'_, '_>, node: Option<usize>| node.is_some_and(|node| is_failed(side.causes, node));
    match found.kind {
        DifferenceKind::Added if right.is_some_and(|node| r.failed[node]) => Verdict::Regressed,
        DifferenceKind::Removed if left.is_some_and(|node| l.failed[node]) => Verdict::Fixed,
        DifferenceKind::Status if failed(r, right) && !failed(l, left) => Verdict::Regressed,
        DifferenceKind::Status if failed(l, left) && !failed(r, right) => Verdict::Fixed,
        DifferenceKind::Slower => Verdict::Slower,
        DifferenceKind::Faster => Verdict::Faster,
        _ => Verdict::Changed,
    }
}

/// The same for equal differences of equal steps in the same place.
fn print(l: &Prints<'_, '_>, r: &Prints<'_, '_>, found: &Differing) -> u64 {
    let side = |side: &Prints<'_, '_>, node: Option<usize>| {
        node.map_or(0, |node| {
            let above = side.causes.cause(node).map_or(0, |above| side.key[above]);
            join(join(above, side.key[node]), quick(status(side.causes, node).as_bytes()))
        })
    };
    let is_timed = matches!(found.kind, DifferenceKind::Slower | DifferenceKind::Faster);
    let changes = found.changes.iter().fold(0, |sum, change| {
        let value = |value: &Option<serde_json::Value>| value.as_ref().filter(|_| !is_timed).map_or(0, value_print);
        join(sum, join(quick(change.key.as_bytes()), join(value(&change.left), value(&change.right))))
    });
    join(join(found.kind as u64, changes), join(side(l, found.pair.left), side(r, found.pair.right)))
}

fn difference(l: &Prints<'_, '_>, r: &Prints<'_, '_>, found: Differing) -> Difference {
    let Pair { left, right } = found.pair;
    let (side, node) = match (left, right) {
        (_, Some(right)) => (r, right),
        (left, None) => (l, left.unwrap_or(0)),
    };
    let above = std::iter::successors(side.causes.cause(node), |node| side.causes.cause(*node));
    let mut path: Vec<String> = above.take(Diff::MAX_PATH).map(|node| side.causes.name(node).to_owned()).collect();
    path.reverse();
    let is_pair = left.is_some() && right.is_some();
    Difference {
        kind: found.kind,
        path,
        name: side.causes.name(node).to_owned(),
        primitive: primitive(side.causes, node).to_owned(),
        service: side.causes.service(node).to_owned(),
        left: left.map(|node| diff_side(l, node)),
        right: right.map(|node| diff_side(r, node)),
        changes: found.changes,
        below: if is_pair { 0 } else { side.size[node] as usize - 1 },
        count: found.count,
    }
}

fn diff_side(side: &Prints<'_, '_>, node: usize) -> DiffSide {
    DiffSide {
        run_id: side.causes.run(node).run_id,
        span_id: side.causes.span(node).map(|span| span.span_id),
        status: status(side.causes, node),
        error: error(side.causes, node).map(str::to_owned),
    }
}
