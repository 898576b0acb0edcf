//! Circles in a graph of files.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::imports::Edge;

/// Files that use each other, directly or through others.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Circle {
    /// All of these files, in order: from each, every other one is reached.
    pub(crate) files: Vec<usize>,
    /// The shortest way around: it ends at the file where it begins, and need not visit all of them.
    pub(crate) way: Vec<Edge>,
}

/// Finds every set of two or more files that use each other.
pub(crate) fn circles(edges: &[Edge]) -> Vec<Circle> {
    let files: BTreeSet<_> = edges.iter().flat_map(|edge| [edge.from, edge.to]).collect();
    let reached: BTreeMap<_, _> = files.iter().map(|&file| (file, reached(edges, file))).collect();
    let mut circles: Vec<Circle> = Vec::new();
    for &file in &files {
        if circles.iter().any(|circle| circle.files.contains(&file)) {
            continue;
        }
        let others = reached[&file].iter().copied().filter(|other| reached[other].contains(&file));
        let files: Vec<_> = others.collect();
        if files.len() > 1 {
            let ways = files.iter().filter_map(|&file| way(edges, file, &files));
            circles.push(Circle { way: ways.min_by_key(Vec::len).unwrap_or_default(), files });
        }
    }
    circles
}

/// The files that a file uses, directly or through others. They include the file itself if it is in a circle.
fn reached(edges: &[Edge], file: usize) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut next = vec![file];
    while let Some(file) = next.pop() {
        next.extend(edges.iter().filter(|edge| edge.from == file).map(|edge| edge.to).filter(|to| reached.insert(*to)));
    }
    reached
}

/// The shortest way from a file back to itself through these files.
fn way(edges: &[Edge], file: usize, through: &[usize]) -> Option<Vec<Edge>> {
    let mut ways = VecDeque::from([Vec::<Edge>::new()]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        let at = way.last().map_or(file, |edge| edge.to);
        for edge in edges.iter().filter(|edge| edge.from == at && through.contains(&edge.to)) {
            let way = [way.as_slice(), std::slice::from_ref(edge)].concat();
            if edge.to == file {
                return Some(way);
            }
            if seen.insert(edge.to) {
                ways.push_back(way);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge((from, to): (usize, usize)) -> Edge {
        Edge { from, to, line: 1 }
    }

    #[test]
    fn circles_are_found_whole_and_apart() {
        let found = |pairs: &[(usize, usize)]| {
            let edges: Vec<_> = pairs.iter().copied().map(edge).collect();
            let circles = circles(&edges).into_iter();
            circles.map(|circle| (circle.files, circle.way.len())).collect::<Vec<_>>()
        };
        assert_eq!(found(&[(0, 1), (1, 2), (0, 2)]), []);
        assert_eq!(found(&[(0, 1), (1, 0), (1, 2), (2, 3), (3, 2)]), [(vec![0, 1], 2), (vec![2, 3], 2)]);
        // A long circle with a short cut.
        assert_eq!(found(&[(0, 1), (1, 2), (2, 3), (3, 0), (2, 1)]), [(vec![0, 1, 2, 3], 2)]);
    }
}
