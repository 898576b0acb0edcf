//! Goes through both trees at once, and lists the differences in causal order.

use super::compare::compare;
use super::matching::{Pair, pairs};
use super::model::{Change, DiffOptions, DifferenceKind};
use super::prints::Prints;

/// A difference, by nodes.
pub(super) struct Differing {
    pub(super) kind: DifferenceKind,
    pub(super) pair: Pair,
    pub(super) changes: Vec<Change>,
}

/// What is still to do.
enum Next {
    Enter(Pair),
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
        ([l], [r]) => vec![Pair { left: Some(*l), right: Some(*r) }],
        (l, r) => pairs(left, right, l, r),
    };
    let mut open: Vec<Next> = first.into_iter().rev().map(Next::Enter).collect();
    while let Some(next) = open.pop() {
        match next {
            Next::Leave(l, r, is_status_changed, times) => {
                let pair = Pair { left: Some(l), right: Some(r) };
                if is_status_changed {
                    each(Differing { kind: DifferenceKind::Status, pair, changes: Vec::new() });
                }
                for (kind, change) in times {
                    each(Differing { kind, pair, changes: vec![change] });
                }
            }
            Next::Enter(pair @ Pair { left: Some(l), right: Some(r) }) => {
                matched += 1;
                let compared = compare(left, right, (l, r), options);
                if !compared.attributes.is_empty() {
                    each(Differing { kind: DifferenceKind::Attributes, pair, changes: compared.attributes });
                }
                open.push(Next::Leave(l, r, compared.is_status_changed, compared.times));
                let below = |side: &Prints<'_, '_>, node: usize| side.causes.children(node).collect::<Vec<_>>();
                let below = pairs(left, right, &below(left, l), &below(right, r));
                open.extend(below.into_iter().rev().map(Next::Enter));
            }
            Next::Enter(pair) => {
                let kind = if pair.left.is_some() { DifferenceKind::Removed } else { DifferenceKind::Added };
                each(Differing { kind, pair, changes: Vec::new() });
            }
        }
    }
    matched
}
