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
        let length = |side: &Prints<'_, '_>, node| if by_duration { duration(side.causes, node) } else { 0 };
        let of_left = |node| (alike(left, node), length(left, node));
        let of_right = |node| (alike(right, node), length(right, node));
        (l, r) = join(&l, &r, of_left, of_right, &mut pairs);
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

/// Pairs what is alike in two sorted lists. Returns what is left of them. If one side has more that are alike, those are left
/// whose duration has no counterpart: were they always the longest, one that is missing would shift all others.
fn join(
    l: &[Ranked],
    r: &[Ranked],
    of_left: impl Fn(usize) -> (Alike, u64),
    of_right: impl Fn(usize) -> (Alike, u64),
    pairs: &mut Vec<(usize, Pair)>,
) -> (Vec<Ranked>, Vec<Ranked>) {
    let (mut left_over, mut right_over) = (Vec::new(), Vec::new());
    let (mut i, mut j) = (0, 0);
    // The group that the two places are in, and how many more of it each side has.
    let (mut group, mut more_left, mut more_right) = (None, 0, 0);
    while let (Some((_, left)), Some((rank, right))) = (l.get(i), r.get(j)) {
        let ((alike, took), (other, other_took)) = (of_left(*left), of_right(*right));
        match alike.cmp(&other) {
            std::cmp::Ordering::Equal => {
                if group != Some(alike) {
                    let of_l = l[i..].iter().take_while(|(_, node)| of_left(*node).0 == alike).count();
                    let of_r = r[j..].iter().take_while(|(_, node)| of_right(*node).0 == alike).count();
                    (group, more_left, more_right) =
                        (Some(alike), of_l.saturating_sub(of_r), of_r.saturating_sub(of_l));
                }
                let this = took.abs_diff(other_took);
                if more_left > 0 && of_left(l[i + 1].1).1.abs_diff(other_took) < this {
                    more_left -= 1;
                    left_over.push(l[i]);
                    i += 1;
                } else if more_right > 0 && of_right(r[j + 1].1).1.abs_diff(took) < this {
                    more_right -= 1;
                    right_over.push(r[j]);
                    j += 1;
                } else {
                    pairs.push((*rank, Pair { left: Some(*left), right: Some(*right) }));
                    (i, j) = (i + 1, j + 1);
                }
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
