//! Very large runs, of which not all steps are shown. Which ones are depends on times, so one that is shown on one side only is no
//! difference. How many there are of each kind is known.

use super::differing::Differing;
use super::matching::Pair;
use super::model::DifferenceKind;
use super::prints::{Prints, is_failed};

use crate::hash::{Map, Set};
use std::collections::BTreeMap;

/// One side: the step, or `None` for the top, and the steps below it.
type Side<'s, 'c, 'g> = (&'s Prints<'c, 'g>, Option<usize>, &'s [usize]);

/// Of the pairs below two steps of which not all children are shown, those to compare, each with whether there are more that are like
/// it. Calls `each` with what is known to differ:
/// how many steps there are of each kind, and failures of one side.
pub(super) fn settle(
    left: Side<'_, '_, '_>,
    right: Side<'_, '_, '_>,
    pairs: Vec<Pair>,
    each: &mut impl FnMut(Differing),
) -> Vec<(Pair, bool)> {
    let mut counts: BTreeMap<u64, [u64; 2]> = BTreeMap::new();
    // Kinds of which some are not shown, or may not be.
    let mut sampled: Set<u64> = Set::default();
    let mut first: Map<u64, [Option<usize>; 2]> = Map::default();
    for (at, (side, above, nodes)) in [&left, &right].into_iter().enumerate() {
        for node in nodes.iter() {
            let key = side.key[*node];
            let more = side.hidden.like.get(node).copied().unwrap_or(0);
            counts.entry(key).or_default()[at] += 1 + more;
            if more > 0 || side.hidden.may_have(*above) {
                sampled.insert(key);
            }
            first.entry(key).or_default()[at].get_or_insert(*node);
        }
    }
    let mut kept = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let (side, node, other) = match (pair.left, pair.right) {
            (Some(node), None) => (left.0, node, right),
            (None, Some(node)) => (right.0, node, left),
            (Some(node), _) => {
                kept.push((pair, sampled.contains(&left.0.key[node])));
                continue;
            }
            _ => continue,
        };
        // Failures are shown first, so the other side has none.
        if side.failed[node] && !other.0.hidden.failures {
            let [l, r] = first.get(&side.key[node]).copied().unwrap_or_default();
            let pair = Pair { left: pair.left.or(l), right: pair.right.or(r) };
            if is_failed(side.causes, node) && pair.left.is_some() && pair.right.is_some() {
                each(Differing { kind: DifferenceKind::Status, pair, changes: Vec::new(), count: 1 });
            } else {
                // It failed below.
                kept.push((pair, true));
            }
        }
    }
    for (key, [l, r]) in counts {
        let [of_left, of_right] = first.get(&key).copied().unwrap_or_default();
        let is_unknown = (l < r && left.0.hidden.may_have(left.1)) || (r < l && right.0.hidden.may_have(right.1));
        let (kind, pair) = match l.cmp(&r) {
            _ if is_unknown => continue,
            std::cmp::Ordering::Less => (DifferenceKind::Added, Pair { left: None, right: of_right }),
            std::cmp::Ordering::Greater => (DifferenceKind::Removed, Pair { left: of_left, right: None }),
            std::cmp::Ordering::Equal => continue,
        };
        let count = usize::try_from(l.abs_diff(r)).unwrap_or(usize::MAX);
        each(Differing { kind, pair, changes: Vec::new(), count });
    }
    kept
}
