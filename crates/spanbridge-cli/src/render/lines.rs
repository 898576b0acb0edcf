//! The lines of a tree, in order: which there are, and at which level. What each of them shows is made from [`Rows`](super::rows::Rows),
//! for those alone that somebody sees.

use super::alike::{Line, Shapes};
use super::forest::Forest;
use super::left_out::LeftOutLines;
use super::view::Visible;

/// What is shown of a tree.
pub(crate) struct Folding<'f> {
    pub(crate) visible: &'f Visible,
    /// `None`: every span has a line.
    pub(crate) shapes: Option<&'f Shapes>,
    /// What is not shown of a very large run.
    pub(crate) left_out: &'f LeftOutLines,
    /// Maximum number of levels.
    pub(crate) depth: Option<usize>,
    /// Nodes whose children are not shown.
    pub(crate) is_closed: &'f dyn Fn(usize) -> bool,
    /// Whether the equal siblings that begin with this node have a line each.
    pub(crate) is_apart: &'f dyn Fn(usize) -> bool,
}

/// One line.
pub(crate) struct TreeLine {
    pub(crate) what: Line,
    /// The place of the line above it in the tree.
    pub(crate) above: Option<u32>,
    /// How many lines are above it in the tree.
    pub(crate) level: u32,
    /// Whether it is the last one below the line above it.
    pub(crate) is_last: bool,
}

/// All lines, with an explicit stack: one cursor for each level above the current line.
pub(crate) fn lines(forest: &Forest<'_>, folding: &Folding<'_>) -> Vec<TreeLine> {
    let mut all: Vec<TreeLine> = Vec::with_capacity(forest.graph.spans.len() + 1);
    let mut stack = vec![(None, below(forest, folding, forest.top(), 0).into_iter().peekable())];
    while let Some((above, siblings)) = stack.last_mut() {
        let Some(what) = siblings.next() else {
            stack.pop();
            continue;
        };
        let (above, is_last) = (*above, siblings.peek().is_none());
        let level = stack.len() - 1;
        let parent = match &what {
            Line::Node(node) if (folding.is_closed)(*node) => None,
            Line::Node(node) if !forest.is_leaf(*node) || folding.left_out.are_below(forest, *node) => Some(*node),
            _ => None,
        };
        all.push(TreeLine { what, above, level: level as u32, is_last });
        if let Some(node) = parent {
            stack.push((Some(all.len() as u32 - 1), below(forest, folding, node, level + 1).into_iter().peekable()));
        }
    }
    all
}

/// The lines below a node, without those below them.
fn below(forest: &Forest<'_>, folding: &Folding<'_>, node: usize, level: usize) -> Vec<Line> {
    if folding.depth.is_some_and(|depth| level >= depth.max(1)) {
        match folding.visible.below(forest, node) {
            0 => {}
            spans => return vec![Line::Below(spans)],
        }
    }
    let children = forest.children(node).map(|place| forest.at(place));
    let children: Vec<usize> = children.filter(|child| folding.visible.is_shown(*child)).collect();
    let left_out = folding.left_out.below(forest, node).iter().map(|group| Line::LeftOut(*group));
    let Some(shapes) = folding.shapes else { return children.into_iter().map(Line::Node).chain(left_out).collect() };
    let lines = shapes.lines(children).into_iter().flat_map(|line| match line {
        Line::Equal(nodes) if nodes.first().is_some_and(|first| (folding.is_apart)(*first)) => {
            nodes.into_iter().map(Line::Node).collect()
        }
        line => vec![line],
    });
    lines.chain(left_out).collect()
}
