//! Which spans are shown, and why: failures and what surrounds them, the longest parts of the critical path, the slowest spans, and
//! the first levels with one or two of each kind of equal siblings.

use super::light::Marks;
use super::shape::Shape;
use super::ties::Ties;
use crate::hash::{Map, Set, join};
use crate::model::SpanStatus;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap, VecDeque};
use std::rc::Rc;

/// So many spans above one are shown with it. Of a longer path, the middle is left out.
const MAX_ABOVE: usize = 64;

/// So many spans of a kind are shown around a failure.
const MAX_AROUND: usize = 8;

/// The longest step below a failure, the longest below that, and so on.
const MAX_SLOW: usize = 16;

/// A message that went to more consumers than this: deliveries beside a failed one are not shown for its sake.
const MAX_FAN_OUT: usize = 1_000;

/// So many kinds of equal siblings are shown below one span.
const MAX_KINDS: usize = 50;

/// So many of the slowest spans are shown, and so many on the critical path.
const MAX_SLOWEST: usize = 100;

/// At least so many of equal siblings that failed are shown, if there is room.
const MIN_ALIKE_FAILED: usize = 8;

/// So many levels are shown for their own sake.
const MAX_LEVELS: usize = 32;

/// So many of equal siblings are shown because they are slow.
const MAX_ALIKE: usize = 3;

/// Chooses at most about `limit` places, and returns for each place whether it is shown.
pub(super) fn choose(shape: &Shape, ties: &Ties, limit: usize) -> Vec<bool> {
    let mut chooser = Chooser {
        shape,
        ties,
        places: shape.places(),
        shown: vec![false; shape.len()],
        count: 0,
        limit: 0,
        siblings: Map::default(),
    };
    let limit = limit.max(16);
    chooser.limit = limit / 2;
    let failures = chooser.failures();
    chooser.limit = chooser.count + limit / 8;
    chooser.written_before(&failures);
    chooser.limit = chooser.count + limit / 4;
    chooser.slow();
    chooser.limit = limit;
    chooser.levels();
    chooser.shown
}

struct Chooser<'s> {
    shape: &'s Shape,
    ties: &'s Ties,
    /// The place of each node.
    places: Vec<u32>,
    shown: Vec<bool>,
    count: usize,
    limit: usize,
    /// The children of a parent, each with what it has in common with attempts at the same, sorted.
    siblings: Map<u32, Rc<Vec<(u32, u32)>>>,
}

impl Chooser<'_> {
    /// Shows a span and those above it. `false`: there is no room.
    fn show(&mut self, place: usize) -> bool {
        let mut path = Vec::new();
        let mut next = Some(place);
        while let Some(at) = next.filter(|at| !self.shown[*at] && path.len() <= MAX_ABOVE) {
            path.push(at);
            next = self.shape.parent(at);
        }
        if self.count + path.len() > self.limit {
            return false;
        }
        self.count += path.len();
        path.into_iter().for_each(|at| self.shown[at] = true);
        true
    }

    /// Everything that went wrong or has no end, most telling first: of equal siblings the earliest, where a failure began before
    /// what failed with it. Returns where the failures began that are shown.
    fn failures(&mut self) -> Vec<u32> {
        let shape = self.shape;
        let mut failed_below = vec![false; shape.len()];
        for place in (0..shape.len()).rev() {
            if let Some(parent) = shape.parent(place).filter(|_| failed_below[place] || shape.light(place).has_failed())
            {
                failed_below[parent] = true;
            }
        }
        let diagnosed: BTreeSet<u32> = self.ties.diagnosed.iter().copied().collect();
        let class = |place: usize| {
            let light = shape.light(place);
            match light.status() {
                SpanStatus::Error | SpanStatus::Panicked if !failed_below[place] => Some(0),
                SpanStatus::Error | SpanStatus::Panicked => Some(1),
                _ if light.marks.has(Marks::NOTABLE | Marks::CONFLICT) || shape.is_cycle_cut(place) => Some(2),
                _ if !diagnosed.is_empty() && diagnosed.contains(&(shape.placed(place).node() as u32)) => Some(2),
                SpanStatus::Open => Some(3),
                SpanStatus::Cancelled => Some(4),
                _ => None,
            }
        };
        let mut found: Vec<(u8, u32)> = (0..shape.len()).filter_map(|at| Some((class(at)?, at as u32))).collect();
        drop(failed_below);
        // The first of each kind of equal siblings, then the second, and so on.
        let kind = |place: u32| (shape.parent(place as usize), shape.light(place as usize).print());
        let time = |place: u32| (shape.last_at(place as usize), place);
        found.sort_unstable_by(|(a, x), (b, y)| (a, kind(*x), time(*x)).cmp(&(b, kind(*y), time(*y))));
        let mut rounds: Vec<u32> = Vec::with_capacity(found.len());
        for at in 0..found.len() {
            let is_like = at > 0 && (found[at].0, kind(found[at].1)) == (found[at - 1].0, kind(found[at - 1].1));
            rounds.push(if is_like { rounds[at - 1] + 1 } else { 0 });
        }
        // Thousands that are alike say no more than some.
        let most = (self.limit / 50).max(MIN_ALIKE_FAILED) as u32;
        let mut all: Vec<(u32, u8, u32)> =
            rounds.into_iter().zip(found).map(|(round, (class, place))| (round, class, place)).collect();
        all.retain(|(round, ..)| *round < most);
        all.sort_unstable_by_key(|(round, class, place)| (*round, *class, time(*place)));
        let (mut parents, mut first) = (Set::default(), Vec::new());
        for (_, class, place) in all {
            let place = place as usize;
            if !self.show(place) {
                if self.count >= self.limit {
                    break;
                }
                continue;
            }
            if class == 0 {
                first.push(place as u32);
            }
            if class <= 3 {
                self.around(place);
                self.beside(shape.parent(place), &mut parents);
            }
        }
        self.siblings.clear();
        first
    }

    /// The last steps before each failure that changed rows, or were rolled back: those below it, and those that come before it in
    /// the order of the tree.
    fn written_before(&mut self, failures: &[u32]) {
        let shape = self.shape;
        let wrote = |place: &usize| shape.light(*place).marks.has(Marks::WROTE);
        let writers: Vec<usize> = (0..shape.len()).filter(wrote).collect();
        for failure in failures.iter().map(|place| *place as usize) {
            let before = &writers[..writers.partition_point(|place| *place < failure + shape.size(failure))];
            if !before.iter().rev().take(MAX_AROUND).all(|place| self.show(*place)) && self.count >= self.limit {
                return;
            }
        }
    }

    /// One of each kind of siblings beside a failure, so that it is known of what kind the others are.
    fn beside(&mut self, parent: Option<usize>, known: &mut Set<Option<usize>>) {
        if !known.insert(parent) {
            return;
        }
        let mut firsts = Vec::new();
        each_kind(self.shape, parent, |alike| firsts.push((Reverse(alike.len()), alike.iter().min().copied())));
        firsts.sort_unstable();
        for place in firsts.into_iter().take(MAX_AROUND).filter_map(|(_, first)| first) {
            self.show(place as usize);
        }
    }

    /// What a failure is judged by: the steps below it, other attempts at the same, and what links to it.
    fn around(&mut self, place: usize) {
        let shape = self.shape;
        self.below(place);
        let mut slow = place;
        for _ in 0..MAX_SLOW {
            let longest = shape.children(Some(slow)).max_by_key(|child| shape.duration(*child).unwrap_or(u64::MAX));
            let Some(longest) = longest.filter(|longest| self.show(*longest)) else { break };
            slow = longest;
        }
        self.attempts(place);
        let node = shape.placed(place).node() as u32;
        let tied: Vec<u32> = self.ties.from(node).take(MAX_AROUND).chain(self.ties.to(node).take(MAX_AROUND)).collect();
        for tied in tied {
            let at = self.places[tied as usize] as usize;
            self.show(at);
            if shape.light(place).marks.has(Marks::DELIVERY) {
                // Other deliveries of the same message link to the same sender.
                let others: Vec<u32> = self.ties.to(tied).take(MAX_AROUND).collect();
                for other in others {
                    let other = self.places[other as usize] as usize;
                    self.show(other);
                    self.below(other);
                }
            }
        }
    }

    /// The steps below that say how it went: settlements, the first and the last ones.
    fn below(&mut self, place: usize) {
        let shape = self.shape;
        let (mut settled, mut first, mut last) = (0, 0, VecDeque::new());
        for child in shape.children(Some(place)) {
            let is_settlement = shape.light(child).marks.has(Marks::SETTLE);
            if is_settlement && settled < MAX_AROUND {
                settled += 1;
                self.show(child);
            } else if first < MAX_AROUND / 2 {
                first += 1;
                self.show(child);
            } else {
                last.push_back(child);
                if last.len() > MAX_AROUND / 2 {
                    last.pop_front();
                }
            }
        }
        for child in last {
            self.show(child);
        }
    }

    /// Attempts at the same before and after: equal calls below the same parent, and deliveries from the same sender.
    fn attempts(&mut self, place: usize) {
        let shape = self.shape;
        let Some(parent) = shape.parent(place) else { return };
        let all = Rc::clone(self.siblings.entry(parent as u32).or_insert_with(|| {
            let children = shape.children(Some(parent));
            let mut all: Vec<(u32, u32)> = children.map(|child| (shape.light(child).attempt, child as u32)).collect();
            all.sort_unstable();
            Rc::new(all)
        }));
        let key = shape.light(place).attempt;
        let at = all.partition_point(|one| *one < (key, place as u32));
        let alike = |one: &&(u32, u32)| one.0 == key;
        let before = all[..at].iter().rev().take_while(alike).take(MAX_AROUND / 2);
        let after = all[at..].iter().take_while(alike).skip(1).take(MAX_AROUND / 2);
        let last = all[at..].iter().take_while(alike).last();
        for (_, other) in before.chain(after).chain(last) {
            self.show(*other as usize);
        }
        if shape.light(place).marks.has(Marks::DELIVERY) && all.len() <= MAX_FAN_OUT {
            let deliveries = all.iter().filter(|(_, at)| shape.light(*at as usize).marks.has(Marks::DELIVERY));
            let nearest = |(_, at): &&(u32, u32)| at.abs_diff(place as u32);
            let mut deliveries: Vec<&(u32, u32)> = deliveries.collect();
            deliveries.sort_unstable_by_key(nearest);
            for (_, other) in deliveries.into_iter().take(MAX_AROUND) {
                self.show(*other as usize);
                self.below(*other as usize);
            }
        }
    }

    /// What took the time.
    fn slow(&mut self) {
        let mut alike: Map<u64, usize> = Map::default();
        let mut is_new = |shape: &Shape, place: usize| {
            let (call, state, error) = shape.light(place).print();
            let parent = shape.parent(place).map_or(0, |parent| parent as u64 + 1);
            let shown = alike.entry(join(join(call, parent), u64::from(state) << 32 | u64::from(error))).or_insert(0);
            *shown += 1;
            *shown <= MAX_ALIKE
        };
        self.longest_waits(&mut is_new);
        self.slowest(&mut is_new);
    }

    /// The critical path through the tree, the longest parts first: from the end of a span back to its start, always the step that
    /// ended last.
    fn longest_waits(&mut self, is_new: &mut impl FnMut(&Shape, usize) -> bool) {
        let shape = self.shape;
        let mut left = MAX_SLOWEST;
        let mut open: BinaryHeap<(u64, Reverse<usize>)> = BinaryHeap::new();
        let mut within: Option<usize> = None;
        loop {
            let mut cursor = within.map_or(u64::MAX, |place| shape.last_at(place));
            let mut children: Vec<usize> = shape.children(within).collect();
            children.sort_unstable_by_key(|child| Reverse(shape.last_at(*child)));
            for child in children {
                if shape.last_at(child) <= cursor {
                    cursor = shape.started_at(child).min(cursor);
                    open.push((shape.last_at(child).saturating_sub(shape.started_at(child)), Reverse(child)));
                }
            }
            let longest =
                std::iter::from_fn(|| open.pop()).map(|(_, Reverse(place))| place).find(|at| is_new(shape, *at));
            let Some(longest) = longest.filter(|longest| left > 0 && self.show(*longest)) else { return };
            left -= 1;
            within = Some(longest);
        }
    }

    fn slowest(&mut self, is_new: &mut impl FnMut(&Shape, usize) -> bool) {
        let mut slowest: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
        for place in 0..self.shape.len() {
            let Some(took) = self.shape.duration(place) else { continue };
            if slowest.len() < MAX_SLOWEST {
                slowest.push(Reverse((took, place)));
            } else if slowest.peek().is_some_and(|Reverse((least, _))| *least < took) {
                slowest.pop();
                slowest.push(Reverse((took, place)));
            }
        }
        for Reverse((_, place)) in slowest.into_sorted_vec() {
            if is_new(self.shape, place) && !self.show(place) {
                return;
            }
        }
    }

    /// Level by level: of each kind of equal siblings the first and the slowest.
    fn levels(&mut self) {
        let shape = self.shape;
        // Of equal siblings that are shown for another reason, one says how they go on.
        let mut open: VecDeque<Option<usize>> = VecDeque::from([None]);
        while let Some(within) = open.pop_front() {
            let mut kinds = Vec::new();
            each_kind(shape, within, |alike| {
                let all: usize = alike.iter().map(|place| shape.size(*place as usize)).sum();
                let first = alike.iter().min().copied();
                let slowest = alike.iter().max_by_key(|place| shape.duration(**place as usize)).copied();
                kinds.push((Reverse(all), first, slowest.filter(|_| alike.len() > 1)));
            });
            kinds.sort_unstable();
            kinds.truncate(MAX_KINDS);
            for (_, first, slowest) in kinds {
                for place in first.into_iter().chain(slowest) {
                    if self.show(place as usize) {
                        let is_deep = self.shape.placed(place as usize).depth() + 1 >= MAX_LEVELS;
                        open.extend(Some(Some(place as usize)).filter(|_| !is_deep));
                    } else if self.count >= self.limit {
                        return;
                    }
                }
            }
        }
    }
}

/// Calls `each` with the siblings below a span, or at the top, that are alike.
pub(super) fn each_kind(shape: &Shape, within: Option<usize>, mut each: impl FnMut(&[u32])) {
    let kind = |place: u32| (shape.is_orphan(place as usize), shape.light(place as usize).print());
    let mut children: Vec<u32> = shape.children(within).map(|child| child as u32).collect();
    if children.len() > 1 {
        children.sort_unstable_by_key(|place| (kind(*place), *place));
    }
    children.chunk_by(|a, b| kind(*a) == kind(*b)).for_each(&mut each);
}
