//! What ties spans to each other beside the tree: links, recorded relations, and diagnostics about them.

use crate::index::Index;
use spanbridge::SpanId;

/// So many links and relations are kept. Further ones only make fewer spans known as belonging to a failure.
const MAX_TIES: usize = 4 << 20;

/// Ties by ids, while records are read.
#[derive(Default)]
pub(super) struct Mentioned {
    /// The node that has the link, and where it leads.
    links: Vec<(u32, u64)>,
    edges: Vec<(u64, u64)>,
    diagnosed: Vec<u64>,
    /// The spans that changed rows and were not known by then.
    wrote: Vec<u64>,
}

impl Mentioned {
    pub(super) fn link(&mut self, from: usize, to: SpanId) {
        if self.links.len() < MAX_TIES {
            self.links.push((from as u32, to.get()));
        }
    }

    pub(super) fn edge(&mut self, from: SpanId, to: SpanId) {
        if self.edges.len() < MAX_TIES {
            self.edges.push((from.get(), to.get()));
        }
    }

    pub(super) fn diagnosed(&mut self, span: SpanId) {
        if self.diagnosed.len() < MAX_TIES {
            self.diagnosed.push(span.get());
        }
    }

    /// Rows of one span follow each other, so it counts once.
    pub(super) fn wrote(&mut self, span: SpanId) {
        if self.wrote.len() < MAX_TIES && self.wrote.last() != Some(&span.get()) {
            self.wrote.push(span.get());
        }
    }

    /// The nodes of the spans that changed rows and were not known by then.
    pub(super) fn late_writers(&mut self, index: &Index) -> impl Iterator<Item = usize> {
        std::mem::take(&mut self.wrote).into_iter().filter_map(|id| index.get(id))
    }

    /// The same by nodes, as far as both ends are spans of the run.
    pub(super) fn resolved(self, index: &Index) -> Ties {
        let node = |id: u64| index.get(id).map(|node| node as u32);
        let links = self.links.into_iter().filter_map(|(from, to)| Some((from, node(to)?)));
        let edges = self.edges.into_iter().filter_map(|(from, to)| Some((node(from)?, node(to)?)));
        let mut forth: Vec<(u32, u32)> = links.chain(edges).collect();
        forth.sort_unstable();
        forth.dedup();
        let mut back: Vec<(u32, u32)> = forth.iter().map(|(from, to)| (*to, *from)).collect();
        back.sort_unstable();
        Ties { forth, back, diagnosed: self.diagnosed.into_iter().filter_map(node).collect() }
    }
}

/// Ties between nodes.
pub(super) struct Ties {
    forth: Vec<(u32, u32)>,
    back: Vec<(u32, u32)>,
    /// The nodes that a diagnostic is about.
    pub(super) diagnosed: Vec<u32>,
}

impl Ties {
    /// The nodes that this one leads to.
    pub(super) fn from(&self, node: u32) -> impl Iterator<Item = u32> + '_ {
        of(&self.forth, node)
    }

    /// The nodes that lead to this one.
    pub(super) fn to(&self, node: u32) -> impl Iterator<Item = u32> + '_ {
        of(&self.back, node)
    }
}

fn of(ties: &[(u32, u32)], node: u32) -> impl Iterator<Item = u32> + '_ {
    let first = ties.partition_point(|(from, _)| *from < node);
    ties[first..].iter().take_while(move |(from, _)| *from == node).map(|(_, to)| *to)
}
