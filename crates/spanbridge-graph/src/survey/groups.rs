//! Counts what is not shown, each span once.

use super::choose::each_kind;
use super::light::Marks;
use super::shape::Shape;
use crate::model::{LeftOut, LeftOutGroup, LeftOutKind};
use spanbridge::SpanId;

/// What is not shown.
pub(super) struct Rest {
    pub(super) groups: Vec<LeftOutGroup>,
    /// For each shown place whose parent is not shown: the nearest shown place above it.
    pub(super) nearest: Vec<(u32, Option<u32>)>,
    /// The shown spans of which not all children are shown.
    pub(super) incomplete: Vec<SpanId>,
    pub(super) errors: u64,
    /// Whether work on a message failed and is not shown.
    pub(super) has_failed_work: bool,
    /// Whether a span with links is not shown.
    pub(super) has_links: bool,
}

/// What is below the topmost span of a part that is not shown, with it.
#[derive(Clone, Copy, Default)]
struct Part {
    spans: u32,
    errors: u32,
}

impl Rest {
    pub(super) fn of(shape: &Shape, shown: &[bool]) -> Self {
        const NONE: u32 = u32::MAX;
        // For each place that is not shown, the topmost one above it that is not shown, and what is below that one.
        let mut tops = vec![NONE; shape.len()];
        let mut parts = vec![Part::default(); shape.len()];
        let mut rest = Rest {
            groups: Vec::new(),
            nearest: Vec::new(),
            incomplete: Vec::new(),
            errors: 0,
            has_failed_work: false,
            has_links: false,
        };
        for place in 0..shape.len() {
            let parent = shape.parent(place);
            let above = parent.map_or(NONE, |parent| tops[parent]);
            if shown[place] {
                if above != NONE {
                    rest.nearest.push((place as u32, shape.parent(above as usize).map(|at| at as u32)));
                }
                continue;
            }
            let top = if above == NONE { place as u32 } else { above };
            tops[place] = top;
            let light = shape.light(place);
            let part = &mut parts[top as usize];
            part.spans += 1;
            part.errors += u32::from(light.has_failed());
            rest.errors += u64::from(light.has_failed());
            rest.has_links |= light.marks.has(Marks::LINKED);
            let is_work = light.marks.has(Marks::DELIVERY | Marks::SETTLE);
            rest.has_failed_work |= is_work && (light.has_failed() || light.marks.has(Marks::NOTABLE));
        }
        drop(tops);
        let owners = (0..shape.len()).filter(|place| shown[*place]).map(Some);
        for owner in std::iter::once(None).chain(owners) {
            rest.add(shape, shown, &parts, owner);
        }
        rest.groups.sort_by_key(|group| std::cmp::Reverse(group.total()));
        rest.merge_small();
        rest.incomplete.sort_unstable();
        rest
    }

    /// Adds the groups below a shown span, or at the top.
    fn add(&mut self, shape: &Shape, shown: &[bool], parts: &[Part], owner: Option<usize>) {
        let id = |place: usize| SpanId::new(shape.id(place));
        let below = owner.and_then(id);
        let mut others = LeftOutGroup::new(LeftOutKind::Others, below);
        let mut is_incomplete = false;
        let mut groups = Vec::new();
        each_kind(shape, owner, |alike| {
            let mut group = LeftOutGroup::new(LeftOutKind::Alike, below);
            for place in alike.iter().filter(|place| !shown[**place as usize]) {
                let part = parts[*place as usize];
                group.count += 1;
                group.deeper += u64::from(part.spans) - 1;
                group.errors += u64::from(part.errors);
            }
            if group.count == 0 {
                return;
            }
            is_incomplete = true;
            let Some(like) = alike.iter().copied().filter(|place| shown[*place as usize]).min() else {
                others.add(&group);
                return;
            };
            let mut took: Vec<u64> = alike.iter().filter_map(|place| shape.duration(*place as usize)).collect();
            took.sort_unstable();
            group.like = id(like as usize);
            (group.median, group.max) = (took.get(took.len().saturating_sub(1) / 2).copied(), took.last().copied());
            if shape.is_orphan(like as usize) {
                group.kind = LeftOutKind::Orphans;
            }
            groups.push(group);
        });
        if others.count > 0 {
            groups.push(others);
        }
        self.groups.append(&mut groups);
        self.incomplete.extend(below.filter(|_| is_incomplete));
    }

    fn merge_small(&mut self) {
        if self.groups.len() > LeftOut::MAX_GROUPS {
            let mut rest = LeftOutGroup::new(LeftOutKind::Others, None);
            self.groups.drain(LeftOut::MAX_GROUPS - 1..).for_each(|group| rest.add(&group));
            self.groups.push(rest);
        }
    }
}

impl LeftOutGroup {
    fn new(kind: LeftOutKind, below: Option<SpanId>) -> Self {
        LeftOutGroup { kind, below, like: None, count: 0, deeper: 0, errors: 0, median: None, max: None }
    }

    fn add(&mut self, other: &LeftOutGroup) {
        self.count += other.count;
        self.deeper += other.deeper;
        self.errors += other.errors;
    }
}
