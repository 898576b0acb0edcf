//! The recorded calls that have not been made again yet, by all that they are looked up by.

use super::body::BodyKey;
use super::recorded::{RecordedCall, RecordedPlace, calls};
use super::target::Kind;
use crate::case::Case;
use spanbridge::SpanId;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

/// Recorded spans that are tried for a parent, so that a call takes a bounded time.
const MAX_TRIED: usize = 16;
/// Recorded spans that are looked at to find those.
const MAX_LOOKED_AT: usize = 256;

/// Bodies are equal by their keys; `None` stands for any body.
type Key = Option<BodyKey>;

#[derive(Debug)]
pub(super) struct Pool {
    pub(super) calls: Vec<RecordedCall>,
    keys: Vec<BodyKey>,
    /// Of each call, the number of its kind.
    kind_of: Vec<u32>,
    kinds: HashMap<Kind, u32>,
    /// A path has the number of the first span that has it: by the path above, and the name.
    paths: HashMap<(Option<u32>, String), u32>,
    /// The recorded entry.
    pub(super) entry: usize,
    nodes: Vec<Node>,
    /// Calls that are left, by the span above them, their kind and their body.
    left: HashMap<(usize, u32, Key), BTreeSet<usize>>,
    /// The same, by kind and body.
    all_left: HashMap<(u32, Key), BTreeSet<usize>>,
    /// Spans below which calls are left, by path, kind and body.
    having: HashMap<(u32, u32, Key), BTreeSet<usize>>,
    /// Those of them that are not bound.
    unbound: HashMap<(u32, u32, Key), BTreeSet<usize>>,
}

/// A recorded span, as what calls stand below.
#[derive(Debug)]
struct Node {
    path: u32,
    above: Option<usize>,
    calls: Vec<usize>,
    bound: Option<SpanId>,
}

fn insert<K: Eq + Hash>(map: &mut HashMap<K, BTreeSet<usize>>, key: K, value: usize) {
    map.entry(key).or_default().insert(value);
}

/// Whether nothing is left there.
fn remove<K: Eq + Hash>(map: &mut HashMap<K, BTreeSet<usize>>, key: &K, value: usize) -> bool {
    let Some(set) = map.get_mut(key) else { return true };
    set.remove(&value);
    let is_empty = set.is_empty();
    if is_empty {
        map.remove(key);
    }
    is_empty
}

impl Pool {
    pub(super) fn new(case: &Case) -> Self {
        let places: HashMap<SpanId, usize> =
            case.spans().iter().enumerate().map(|(place, span)| (span.span_id, place)).collect();
        let entry = places.get(&case.entry().span_id).copied().unwrap_or_default();
        let (nodes, paths) = nodes(case, &places, entry);
        let calls = calls(case, &places);
        let mut pool = Pool {
            keys: calls.iter().map(|call| call.body.key()).collect(),
            kind_of: vec![],
            kinds: HashMap::new(),
            paths,
            entry,
            nodes,
            left: HashMap::new(),
            all_left: HashMap::new(),
            having: HashMap::new(),
            unbound: HashMap::new(),
            calls,
        };
        for place in 0..pool.calls.len() {
            let next = pool.kinds.len() as u32;
            let call = &pool.calls[place];
            pool.kind_of.push(*pool.kinds.entry(call.kind.clone()).or_insert(next));
            pool.nodes[call.parent].calls.push(place);
            pool.give_back(place)
        }
        pool
    }

    /// The number of a kind that was recorded.
    pub(super) fn kind(&self, kind: &Kind) -> Option<u32> {
        self.kinds.get(kind).copied()
    }

    /// The path of a span with this name below a path; `None` above: the entry, whatever it is called now.
    pub(super) fn path(&self, above: Option<u32>, name: &str) -> Option<u32> {
        match above {
            None => Some(ENTRY),
            // Without a copy of the name this needs a map of maps; a replay has time for it.
            above => self.paths.get(&(above, name.to_owned())).copied(),
        }
    }

    fn names(&self, place: usize) -> [Key; 2] {
        [Some(self.keys[place]), None]
    }

    /// The call is not left any more.
    pub(super) fn take(&mut self, place: usize) {
        let (node, kind) = (self.calls[place].parent, self.kind_of[place]);
        let path = self.nodes[node].path;
        for key in self.names(place) {
            remove(&mut self.all_left, &(kind, key), place);
            if remove(&mut self.left, &(node, kind, key), place) {
                remove(&mut self.having, &(path, kind, key), node);
                remove(&mut self.unbound, &(path, kind, key), node);
            }
        }
    }

    pub(super) fn give_back(&mut self, place: usize) {
        let (node, kind) = (self.calls[place].parent, self.kind_of[place]);
        let Node { path, bound, .. } = self.nodes[node];
        for key in self.names(place) {
            insert(&mut self.all_left, (kind, key), place);
            insert(&mut self.left, (node, kind, key), place);
            insert(&mut self.having, (path, kind, key), node);
            if bound.is_none() {
                insert(&mut self.unbound, (path, kind, key), node)
            }
        }
    }

    pub(super) fn bind(&mut self, node: usize, to: SpanId) {
        self.nodes[node].bound = Some(to);
        for at in 0..self.nodes[node].calls.len() {
            let place = self.nodes[node].calls[at];
            for key in self.names(place) {
                remove(&mut self.unbound, &(self.nodes[node].path, self.kind_of[place], key), node);
            }
        }
    }

    pub(super) fn unbind(&mut self, node: usize) {
        self.nodes[node].bound = None;
        for at in 0..self.nodes[node].calls.len() {
            let (place, path) = (self.nodes[node].calls[at], self.nodes[node].path);
            let kind = self.kind_of[place];
            for key in self.names(place).into_iter().filter(|key| self.left.contains_key(&(node, kind, *key))) {
                insert(&mut self.unbound, (path, kind, key), node)
            }
        }
    }

    pub(super) fn bound_to(&self, node: usize) -> Option<SpanId> {
        self.nodes[node].bound
    }

    /// Whether such a call is left below a span.
    pub(super) fn has(&self, node: usize, kind: u32, key: Key) -> bool {
        self.left.contains_key(&(node, kind, key))
    }

    /// The first such call that is left below a span.
    pub(super) fn first(&self, node: usize, kind: u32, key: Key) -> Option<usize> {
        self.left.get(&(node, kind, key))?.first().copied()
    }

    /// The calls of a kind that are left below a span, in order.
    pub(super) fn free(&self, node: usize, kind: u32) -> impl Iterator<Item = usize> {
        self.left.get(&(node, kind, None)).into_iter().flatten().copied()
    }

    /// A call like this one that is left below a span.
    pub(super) fn like(&self, place: usize, node: usize) -> Option<usize> {
        self.first(node, self.kind_of[place], Some(self.keys[place]))
    }

    /// A span that is not bound and has such a call: one below `above` if there is one, else the first.
    pub(super) fn unbound(&self, path: u32, kind: u32, key: Key, above: Option<usize>) -> Option<usize> {
        let all = self.unbound.get(&(path, kind, key))?;
        let is_below = |node: &&usize| above.is_some() && self.nodes[**node].above == above;
        all.iter().take(MAX_TRIED).find(is_below).or_else(|| all.first()).copied()
    }

    /// Spans that have such a call: first those that are not bound.
    pub(super) fn having(&self, path: u32, kind: u32, key: BodyKey) -> impl Iterator<Item = usize> {
        let key = (path, kind, Some(key));
        let unbound = self.unbound.get(&key).into_iter().flatten().take(MAX_TRIED);
        let all = self.having.get(&key).into_iter().flatten().take(MAX_LOOKED_AT);
        let bound = all.filter(|node| self.nodes[**node].bound.is_some());
        unbound.chain(bound.take(MAX_TRIED)).copied()
    }

    /// Whether the calls below a span are enough for these and one `more`, if `given_back` were left again.
    pub(super) fn fits(
        &self,
        calls: &[usize],
        more: Option<(u32, BodyKey)>,
        node: usize,
        given_back: &[usize],
    ) -> bool {
        let mut wanted: HashMap<(u32, BodyKey), isize> = more.into_iter().map(|more| (more, 1)).collect();
        let name = |place: &usize| (self.kind_of[*place], self.keys[*place]);
        calls.iter().for_each(|place| *wanted.entry(name(place)).or_default() += 1);
        for place in given_back.iter().filter(|place| self.calls[**place].parent == node) {
            wanted.entry(name(place)).and_modify(|n| *n -= 1);
        }
        wanted
            .into_iter()
            .all(|((kind, key), n)| n <= self.left.get(&(node, kind, Some(key))).map_or(0, BTreeSet::len) as isize)
    }

    /// A call of this kind and body, wherever it stands.
    pub(super) fn elsewhere(&self, kind: u32, key: BodyKey) -> Option<usize> {
        self.all_left.get(&(kind, Some(key)))?.first().copied()
    }

    /// The calls that are left, in order.
    pub(super) fn left(&self) -> impl Iterator<Item = RecordedPlace> {
        let is_left = |place: &usize| {
            let like = self.all_left.get(&(self.kind_of[*place], Some(self.keys[*place])));
            like.is_some_and(|like| like.contains(place))
        };
        (0..self.calls.len()).filter(is_left).map(|place| self.calls[place].place)
    }
}

/// The path of the entry.
const ENTRY: u32 = 0;

type Paths = HashMap<(Option<u32>, String), u32>;

/// The spans of a case with their paths. Parents may come after their children.
fn nodes(case: &Case, places: &HashMap<SpanId, usize>, entry: usize) -> (Vec<Node>, Paths) {
    let spans = case.spans();
    let mut children = vec![vec![]; spans.len()];
    for (place, span) in spans.iter().enumerate().filter(|(place, _)| *place != entry) {
        if let Some(parent) = span.parent_span_id.and_then(|parent| places.get(&parent)) {
            children[*parent].push(place)
        }
    }
    let node = |_| Node { path: u32::MAX, above: None, calls: vec![], bound: None };
    let mut nodes: Vec<Node> = spans.iter().map(node).collect();
    let mut paths = Paths::from([((None, String::new()), ENTRY)]);
    nodes[entry].path = ENTRY;
    let mut to_do = vec![entry];
    while let Some(above) = to_do.pop() {
        for place in std::mem::take(&mut children[above]) {
            let next = paths.len() as u32;
            let path = *paths.entry((Some(nodes[above].path), spans[place].name.clone())).or_insert(next);
            (nodes[place].path, nodes[place].above) = (path, Some(above));
            to_do.push(place)
        }
    }
    (nodes, paths)
}
