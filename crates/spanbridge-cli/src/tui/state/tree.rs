//! The rows of a run: the run itself, its tree, then other runs and notes. What is closed and what is selected is known by ids, so
//! it stays when the run is read again.

use super::super::loaded::Loaded;
use crate::render::alike::Line;
use crate::render::forest::{Forest, Node};
use crate::render::lines::{Folding, TreeLine, lines};
use crate::render::options::Options;
use crate::render::page::{Page, StyledLine, Target};
use crate::render::view::{View, Visible};
use crate::render::{critical, footer};
use spanbridge::SpanId;
use std::collections::HashSet;

/// A node of the tree, by what stays the same when the run is read again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum NodeKey {
    Span(SpanId),
    /// A parent that is not recorded.
    Missing(SpanId),
    /// A segment or a wait, by its place among them.
    Stage(usize),
}

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RowKey {
    Run,
    Node(NodeKey),
    /// A line below the tree.
    Foot(usize),
}

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    Run,
    /// A line of the tree.
    Line(usize),
    /// A line below it.
    Foot(usize),
}

#[derive(Default)]
pub(crate) struct Tree {
    pub(crate) lines: Vec<TreeLine>,
    pub(crate) foot: Vec<StyledLine>,
    pub(crate) visible: Visible,
    pub(crate) failed_only: bool,
    closed: HashSet<NodeKey>,
    /// Groups of equal siblings of which each has a row, by their first span.
    apart: HashSet<SpanId>,
}

fn key_of(forest: &Forest<'_>, node: usize) -> NodeKey {
    match forest.node(node) {
        Node::Span(i) => NodeKey::Span(forest.graph.spans[i].span_id),
        Node::Missing(id) => NodeKey::Missing(id),
        Node::Stage(_) => NodeKey::Stage(forest.top() - node),
    }
}

impl Tree {
    /// Makes the rows anew.
    pub(crate) fn build(&mut self, loaded: &Loaded, width: u16) {
        let forest = loaded.forest();
        self.visible = Visible::of(&forest, &View::default().errors(self.failed_only));
        let folding = Folding {
            visible: &self.visible,
            shapes: Some(&loaded.shapes),
            left_out: &loaded.parts.left_out,
            depth: None,
            is_closed: &|node| self.closed.contains(&key_of(&forest, node)),
            is_apart: &|node| match key_of(&forest, node) {
                NodeKey::Span(span) => self.apart.contains(&span),
                _ => false,
            },
        };
        self.lines = lines(&forest, &folding);
        let mut page = Page::new(true);
        let columns = Options::default().width(usize::from(width)).columns();
        critical::print(&mut page, &loaded.graph, columns);
        footer::print(&mut page, &loaded.graph, columns);
        self.foot = page.finish_lines();
        self.foot.retain(|line| !line.text.is_empty());
    }

    pub(crate) fn len(&self) -> usize {
        1 + self.lines.len() + self.foot.len()
    }

    pub(crate) fn row(&self, at: usize) -> Row {
        match at.checked_sub(1) {
            None => Row::Run,
            Some(line) if line < self.lines.len() => Row::Line(line),
            Some(line) => Row::Foot(line - self.lines.len()),
        }
    }

    pub(crate) fn key(&self, loaded: &Loaded, at: usize) -> RowKey {
        match self.row(at) {
            Row::Run => RowKey::Run,
            Row::Foot(foot) => RowKey::Foot(foot),
            Row::Line(line) => self.node(line).map_or(RowKey::Run, |node| RowKey::Node(key_of(&loaded.forest(), node))),
        }
    }

    /// The node of a line; of several equal ones, the first.
    pub(crate) fn node(&self, line: usize) -> Option<usize> {
        match &self.lines.get(line)?.what {
            Line::Node(node) => Some(*node),
            Line::Equal(nodes) => nodes.first().copied(),
            Line::Below(_) | Line::LeftOut(_) => None,
        }
    }

    /// The place of the span that a row shows, in the graph.
    pub(crate) fn span(&self, loaded: &Loaded, at: usize) -> Option<usize> {
        match self.row(at) {
            Row::Line(line) => self.node(line).filter(|node| *node < loaded.graph.spans.len()),
            _ => None,
        }
    }

    pub(crate) fn target(&self, at: usize) -> Option<Target> {
        match self.row(at) {
            Row::Foot(foot) => self.foot.get(foot)?.target,
            _ => None,
        }
    }

    /// The row with this key, if it is shown.
    pub(crate) fn find(&self, loaded: &Loaded, key: RowKey) -> Option<usize> {
        let wanted = match key {
            RowKey::Run => return Some(0),
            RowKey::Foot(foot) => return (foot < self.foot.len()).then_some(1 + self.lines.len() + foot),
            RowKey::Node(NodeKey::Span(span)) => loaded.facts.index_of(span)?,
            RowKey::Node(key) => {
                let forest = loaded.forest();
                (loaded.graph.spans.len()..forest.top()).find(|node| key_of(&forest, *node) == key)?
            }
        };
        let shows = |line: &TreeLine| match &line.what {
            Line::Node(node) => *node == wanted,
            Line::Equal(nodes) => nodes.contains(&wanted),
            Line::Below(_) | Line::LeftOut(_) => false,
        };
        self.lines.iter().position(shows).map(|line| line + 1)
    }

    /// Opens what hides a span, and returns its row. A settlement that is a word on the row of its job is there.
    pub(crate) fn reveal(&mut self, loaded: &Loaded, span: usize, width: u16) -> Option<usize> {
        let forest = loaded.forest();
        let is_shown = forest.is_shown_apart(span);
        let span = if is_shown { span } else { loaded.graph.spans[span].parent? };
        let key = RowKey::Node(NodeKey::Span(loaded.graph.spans[span].span_id));
        let above = std::iter::successors(forest.parent(span), |node| forest.parent(*node));
        let mut opened = false;
        for node in above {
            opened |= self.closed.remove(&key_of(&forest, node));
        }
        if self.failed_only && !self.visible.is_shown(span) {
            (self.failed_only, opened) = (false, true);
        }
        // Stages are few, and above everything.
        let stages = self.closed.len();
        self.closed.retain(|key| !matches!(key, NodeKey::Stage(_)));
        if opened || stages != self.closed.len() {
            self.build(loaded, width);
        }
        // It may be in a group, or below something in a group.
        for _ in 0..=loaded.graph.spans[span].depth {
            match self.find(loaded, key) {
                Some(row) => match &self.lines[row - 1].what {
                    Line::Equal(nodes) if nodes.first() != Some(&span) => self.set_apart(loaded, row, width),
                    _ => return Some(row),
                },
                None => {
                    let above = std::iter::successors(forest.parent(span), |node| forest.parent(*node));
                    let keys: Vec<RowKey> = above.map(|node| RowKey::Node(key_of(&forest, node))).collect();
                    let group = keys.into_iter().find_map(|key| self.find(loaded, key))?;
                    match self.lines[group - 1].what {
                        Line::Equal(_) => self.set_apart(loaded, group, width),
                        _ => return Some(group),
                    }
                }
            }
        }
        self.find(loaded, key)
    }

    fn set_apart(&mut self, loaded: &Loaded, row: usize, width: u16) {
        if let Some(first) = self.span(loaded, row) {
            self.apart.insert(loaded.graph.spans[first].span_id);
            self.build(loaded, width);
        }
    }

    /// Shows what is below a row. Returns whether something was closed.
    pub(crate) fn expand(&mut self, loaded: &Loaded, at: usize, width: u16) -> bool {
        let Row::Line(line) = self.row(at) else { return false };
        if let Line::Equal(_) = self.lines[line].what {
            self.set_apart(loaded, at, width);
            return true;
        }
        let opened = self.node(line).is_some_and(|node| self.closed.remove(&key_of(&loaded.forest(), node)));
        if opened {
            self.build(loaded, width);
        }
        opened
    }

    /// Hides what is below a row. Returns whether there was something.
    pub(crate) fn close(&mut self, loaded: &Loaded, at: usize, width: u16) -> bool {
        let Row::Line(line) = self.row(at) else { return false };
        let forest = loaded.forest();
        let Some(node) = self.node(line).filter(|node| !forest.is_leaf(*node)) else { return false };
        let is_open = matches!(self.lines[line].what, Line::Node(_)) && self.closed.insert(key_of(&forest, node));
        if is_open {
            self.build(loaded, width);
        }
        is_open
    }

    /// Closes everything below the first level; or, if something is closed, shows all.
    pub(crate) fn fold_all(&mut self, loaded: &Loaded, width: u16) {
        if self.closed.is_empty() {
            let forest = loaded.forest();
            let nodes = 0..forest.top();
            self.closed = nodes.filter(|node| !forest.is_leaf(*node)).map(|node| key_of(&forest, node)).collect();
        } else {
            self.closed.clear();
        }
        self.build(loaded, width);
    }

    /// How many spans are hidden below a line, because it is closed.
    pub(crate) fn hidden(&self, loaded: &Loaded, line: usize) -> usize {
        let forest = loaded.forest();
        match &self.lines[line].what {
            Line::Node(node) if self.closed.contains(&key_of(&forest, *node)) => self.visible.below(&forest, *node),
            _ => 0,
        }
    }

    /// The row above a row in the tree.
    pub(crate) fn above(&self, at: usize) -> usize {
        match self.row(at) {
            Row::Line(line) => self.lines[line].above.map_or(0, |above| above as usize + 1),
            _ => 0,
        }
    }
}
