//! Goes through both trees at once, and lists the differences in causal order.

use super::compare::compare;
use super::differing::Differing;
use super::large::settle;
use super::matching::{Pair, pairs};
use super::model::{Change, DiffOptions, DifferenceKind};
use super::prints::Prints;

/// What is still to do.
enum Next {
    /// Of the steps that are like a pair, or like one above it, some are not shown: then the two may be different ones, and only
    /// failures count.
    Enter(Pair, bool),
    /// How a pair ended, once all below it is done.
    Leave(usize, usize, bool, Vec<(DifferenceKind, Change)>),
}

/// Goes through both trees from these roots. Returns how many steps were matched. Does not recurse.
pub(super) fn walk(
    left: &Prints<'_, '_>,
    right: &Prints<'_, '_>,
    roots: (&[usize], &[usize]),
    options: &DiffOptions,
    mut each: impl FnMut(Differing),
) -> usize {
    let mut matched = 0;
    let first = match roots {
        // The two runs are compared, whatever they are called.
        ([l], [r]) => sure(vec![Pair { left: Some(*l), right: Some(*r) }]),
        (l, r) => {
            let whole = left.hidden.is_whole() && right.hidden.is_whole();
            let found = pairs(left, right, l, r);
            if whole { sure(found) } else { settle((left, None, l), (right, None, r), found, &mut each) }
        }
    };
    let mut open: Vec<Next> = first.into_iter().rev().map(|(pair, is_sample)| Next::Enter(pair, is_sample)).collect();
    while let Some(next) = open.pop() {
        match next {
            Next::Leave(l, r, is_status_changed, times) => {
                let pair = Pair { left: Some(l), right: Some(r) };
                if is_status_changed {
                    each(Differing { kind: DifferenceKind::Status, pair, changes: Vec::new(), count: 1 });
                }
                for (kind, change) in times {
                    each(Differing { kind, pair, changes: vec![change], count: 1 });
                }
            }
            Next::Enter(pair @ Pair { left: Some(l), right: Some(r) }, is_sample) => {
                matched += 1;
                let mut compared = compare(left, right, (l, r), options);
                if is_sample {
                    compared.attributes.clear();
                    compared.times.clear();
                }
                if !compared.attributes.is_empty() {
                    each(Differing { kind: DifferenceKind::Attributes, pair, changes: compared.attributes, count: 1 });
                }
                open.push(Next::Leave(l, r, compared.is_status_changed, compared.times));
                let below = |side: &Prints<'_, '_>, node: usize| side.causes.children(node).collect::<Vec<_>>();
                let (of_left, of_right) = (below(left, l), below(right, r));
                let mut below = sure(pairs(left, right, &of_left, &of_right));
                if left.hidden.is_below(Some(l)) || right.hidden.is_below(Some(r)) {
                    let found = below.into_iter().map(|(pair, _)| pair).collect();
                    below = settle((left, Some(l), &of_left), (right, Some(r), &of_right), found, &mut each);
                }
                open.extend(below.into_iter().rev().map(|(pair, unsure)| Next::Enter(pair, unsure || is_sample)));
            }
            Next::Enter(pair, true) if !has_failed(left, pair.left) && !has_failed(right, pair.right) => {}
            Next::Enter(pair, _) => {
                let kind = if pair.left.is_some() { DifferenceKind::Removed } else { DifferenceKind::Added };
                each(Differing { kind, pair, changes: Vec::new(), count: 1 });
            }
        }
    }
    matched
}

/// Pairs of runs that are shown whole.
fn sure(pairs: Vec<Pair>) -> Vec<(Pair, bool)> {
    pairs.into_iter().map(|pair| (pair, false)).collect()
}

fn has_failed(side: &Prints<'_, '_>, node: Option<usize>) -> bool {
    node.is_some_and(|node| side.failed[node])
}
