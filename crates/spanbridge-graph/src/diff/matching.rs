//! Pairs the steps below two that were paired.

use super::prints::Prints;
use crate::causes::Causes;

/// A step of the left run, of the right run, or of both.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pair {
    pub(super) left: Option<usize>,
    pub(super) right: Option<usize>,
}

/// Pairs two lists of siblings: those of the same name and kind of step. Of several, those that are most alike are paired, and
/// of those that are alike the quick with the quick. The order in which they began counts last, so that concurrent steps may
/// begin in any order.
pub(super) fn pairs(left: &Prints<'_, '_>, right: &Prints<'_, '_>, l: &[usize], r: &[usize]) -> Vec<Pair> {
    if let ([l], [r]) = (l, r)
        && left.key[*l] == right.key[*r]
    {
        return vec![Pair { left: Some(*l), right: Some(*r) }];
    }
    let (mut l, mut r) = (ranked(l), ranked(r));
    let mut pairs = Vec::with_capacity(l.len().max(r.len()));
    let stages: [fn(&Prints<'_, '_>, usize) -> Alike; 7] = [
        |p, n| (p.key[n], p.whole[n], 0),
        |p, n| (p.own[n], p.shape[n], u64::from(p.failed[n])),
        |p, n| (p.own[n], u64::from(p.failed[n]), 0),
        |p, n| (p.own[n], p.shape[n], 0),
        |p, n| (p.own[n], 0, 0),
        |p, n| (p.key[n], p.shape[n], u64::from(p.failed[n])),
        |p, n| (p.key[n], 0, 0),
    ];
    for (place, alike) in stages.into_iter().enumerate() {
        if l.is_empty() || r.is_empty() {
            break;
        }
        let by_duration = place + 1 < stages.len();
        let order = |side: &Prints<'_, '_>, (rank, node): (usize, usize)| {
            (alike(side, node), if by_duration { duration(side.causes, node) } else { 0 }, rank)
        };
        l.sort_by_cached_key(|one| order(left, *one));
        r.sort_by_cached_key(|one| order(right, *one));
        (l, r) = join(&l, &r, |n| alike(left, n), |n| alike(right, n), &mut pairs);
    }
    let mut all: Vec<(usize, Pair)> = pairs;
    all.extend(l.iter().map(|(rank, node)| (*rank, Pair { left: Some(*node), right: None })));
    all.extend(r.iter().map(|(rank, node)| (*rank, Pair { left: None, right: Some(*node) })));
    all.sort_by_key(|(rank, pair)| (*rank, pair.left.is_none(), pair.right.is_none()));
    all.into_iter().map(|(_, pair)| pair).collect()
}

fn ranked(nodes: &[usize]) -> Vec<(usize, usize)> {
    nodes.iter().copied().enumerate().collect()
}

fn duration(causes: &Causes<'_>, node: usize) -> u64 {
    causes.duration(node).unwrap_or(0)
}

/// The place among the siblings, and the node.
type Ranked = (usize, usize);

/// What is equal in two nodes that are alike.
type Alike = (u64, u64, u64);

/// Pairs what is alike in two sorted lists. Returns what is left of them.
fn join(
    l: &[Ranked],
    r: &[Ranked],
    of_left: impl Fn(usize) -> Alike,
    of_right: impl Fn(usize) -> Alike,
    pairs: &mut Vec<(usize, Pair)>,
) -> (Vec<Ranked>, Vec<Ranked>) {
    let (mut left_over, mut right_over) = (Vec::new(), Vec::new());
    let (mut i, mut j) = (0, 0);
    while let (Some((_, left)), Some((rank, right))) = (l.get(i), r.get(j)) {
        match of_left(*left).cmp(&of_right(*right)) {
            std::cmp::Ordering::Equal => {
                pairs.push((*rank, Pair { left: Some(*left), right: Some(*right) }));
                (i, j) = (i + 1, j + 1);
            }
            std::cmp::Ordering::Less => {
                left_over.push(l[i]);
                i += 1;
            }
            std::cmp::Ordering::Greater => {
                right_over.push(r[j]);
                j += 1;
            }
        }
    }
    left_over.extend(&l[i..]);
    right_over.extend(&r[j..]);
    (left_over, right_over)
}
