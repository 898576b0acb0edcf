//! The spans of a run in the order of the tree. A place is an index in that order.

use super::light::{Light, OPEN};
use crate::index::Index;
use crate::tree::{Attachment, Node, Placed, arrange};

/// The tree.
pub(super) struct Shape {
    nodes: Vec<Node>,
    lights: Vec<Light>,
    order: Vec<Placed>,
    /// How many spans each one is, with those below it.
    sizes: Vec<u32>,
}

impl Shape {
    pub(super) fn of(nodes: Vec<Node>, lights: Vec<Light>) -> Self {
        // The parents are known by their places already.
        let order = arrange(&nodes, &Index::default());
        let mut sizes = vec![1u32; order.len()];
        for place in (0..order.len()).rev() {
            if let Some(parent) = order[place].parent() {
                sizes[parent] += sizes[place];
            }
        }
        Self { nodes, lights, order, sizes }
    }

    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    pub(super) fn lights(&self) -> &[Light] {
        &self.lights
    }

    /// When the spans ran that have a start and an end.
    pub(super) fn ran(&self) -> Vec<(u64, u64)> {
        let both = super::light::Marks::START;
        let ended = self.nodes.iter().zip(&self.lights).filter(|(_, l)| l.marks.has(both) && l.ended_at != OPEN);
        ended.map(|(node, light)| (node.started_at, light.ended_at)).collect()
    }

    /// The place of each node.
    pub(super) fn places(&self) -> Vec<u32> {
        let mut places = vec![0; self.order.len()];
        self.order.iter().enumerate().for_each(|(place, placed)| places[placed.node()] = place as u32);
        places
    }

    pub(super) fn placed(&self, place: usize) -> &Placed {
        &self.order[place]
    }

    pub(super) fn light(&self, place: usize) -> &Light {
        &self.lights[self.order[place].node()]
    }

    pub(super) fn id(&self, place: usize) -> u64 {
        self.nodes[self.order[place].node()].id
    }

    pub(super) fn started_at(&self, place: usize) -> u64 {
        self.nodes[self.order[place].node()].started_at
    }

    /// When it ended; if it has not, when it began.
    pub(super) fn last_at(&self, place: usize) -> u64 {
        let end = self.light(place).ended_at;
        if end == OPEN { self.started_at(place) } else { end.max(self.started_at(place)) }
    }

    /// How long it took. `None`: it has no end, or its end is before its start.
    pub(super) fn duration(&self, place: usize) -> Option<u64> {
        let end = Some(self.light(place).ended_at).filter(|end| *end != OPEN)?;
        end.checked_sub(self.started_at(place))
    }

    pub(super) fn parent(&self, place: usize) -> Option<usize> {
        self.order[place].parent()
    }

    pub(super) fn is_orphan(&self, place: usize) -> bool {
        self.order[place].attachment == Attachment::Orphan
    }

    pub(super) fn is_cycle_cut(&self, place: usize) -> bool {
        self.order[place].attachment == Attachment::CycleCut
    }

    /// How many spans it is, with those below it: the places from it on.
    pub(super) fn size(&self, place: usize) -> usize {
        self.sizes[place] as usize
    }

    /// The spans below one, or at the top, by start.
    pub(super) fn children(&self, of: Option<usize>) -> impl Iterator<Item = usize> + '_ {
        let (mut next, end) = of.map_or((0, self.len()), |of| (of + 1, of + self.size(of)));
        std::iter::from_fn(move || {
            let place = Some(next).filter(|next| *next < end)?;
            next += self.size(place);
            Some(place)
        })
    }
}
