//! The screen of a run: its tree, and the details of the selected row.

use super::super::findings::Findings;
use super::super::loaded::Loaded;
use super::ask::Ticket;
use super::cursor::Cursor;
use super::details;
use super::layout::Layout;
use super::pane::Pane;
use super::refresh::Refresh;
use super::tree::{RowKey, Tree};
use crate::answers::GraphOptions;
use crate::render::page::Target;
use crate::render::view::has_failed;
use spanbridge::{RunId, SpanId};
use std::collections::HashSet;
use std::sync::Arc;

/// Which part the keys move in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Focus {
    Tree,
    Details,
}

/// How wide the timeline is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimelineWidth {
    Third,
    Half,
    None,
}

/// A search in a run.
#[derive(Debug)]
pub(crate) struct Search {
    pub(crate) text: String,
    /// `None`: there is no answer yet.
    pub(crate) spans: Option<Vec<usize>>,
    pub(crate) ticket: Ticket,
}

pub(crate) struct RunView {
    pub(crate) run_id: RunId,
    pub(crate) loaded: Option<Arc<Loaded>>,
    pub(crate) findings: Option<Arc<Findings>>,
    pub(crate) extent: GraphOptions,
    pub(crate) tree: Tree,
    pub(crate) cursor: Cursor,
    pub(crate) focus: Focus,
    pub(crate) details: Pane,
    pub(crate) search: Option<Search>,
    pub(crate) timeline: TimelineWidth,
    /// The time that the timeline shows, if that is not the whole run.
    pub(crate) zoom: Option<(u64, u64)>,
    pub(crate) refresh: Refresh,
    pub(crate) findings_pending: Option<Ticket>,
    /// The run is no longer stored.
    pub(crate) is_gone: bool,
    /// The reader waits for the first match.
    pub(crate) is_jumping: bool,
    /// What to select once it is read.
    wanted: Option<SpanId>,
    /// What the details are about, and their width.
    detailed: Option<(RowKey, u16)>,
}

impl RunView {
    pub(crate) fn new(run_id: RunId, wanted: Option<SpanId>) -> Self {
        Self {
            run_id,
            loaded: None,
            findings: None,
            extent: GraphOptions::default(),
            tree: Tree::default(),
            cursor: Cursor::default(),
            focus: Focus::Tree,
            details: Pane::default(),
            search: None,
            timeline: TimelineWidth::Third,
            zoom: None,
            refresh: Refresh::default(),
            findings_pending: None,
            is_gone: false,
            is_jumping: false,
            wanted,
            detailed: None,
        }
    }

    /// Whether one of these runs is mentioned on the screen.
    pub(crate) fn is_connected_with(&self, runs: &HashSet<RunId>) -> bool {
        let Some(graph) = self.loaded.as_ref().map(|loaded| &loaded.graph) else { return false };
        let linked = graph.linked_runs.iter().map(|linked| linked.run.run_id);
        graph
            .child_runs
            .iter()
            .chain(&graph.related_runs)
            .map(|run| run.run_id)
            .chain(linked)
            .any(|run| runs.contains(&run))
    }

    pub(crate) fn layout(&self, (width, height): (u16, u16)) -> Layout {
        Layout::with_details(width, height, self.focus == Focus::Details)
    }

    fn height(&self, size: (u16, u16)) -> usize {
        // While the details take the place of the rows, as many rows will be there again.
        Layout::with_details(size.0, size.1, false).rows.height.into()
    }

    /// The run was read, or read again.
    pub(crate) fn set(&mut self, loaded: Arc<Loaded>, size: (u16, u16)) {
        let selected = self.loaded.as_deref().map(|old| self.tree.key(old, self.cursor.at));
        let others = selected.map(|_| self.tree.len());
        self.tree.build(&loaded, size.0);
        let place = selected.and_then(|key| self.tree.find(&loaded, key));
        if let Some(place) = place {
            self.cursor.moved_to(place, self.tree.len(), self.height(size));
        } else if others.is_some() {
            self.cursor.fit(self.tree.len(), self.height(size));
        }
        self.loaded = Some(loaded);
        self.detailed = None;
        if let Some(span) = self.wanted.take() {
            self.select_span(span, size);
        }
        if let Some(search) = &mut self.search {
            search.spans = None;
        }
    }

    /// Selects a span, whatever hides it. Returns whether it is here.
    pub(crate) fn select_span(&mut self, span: SpanId, size: (u16, u16)) -> bool {
        let Some(loaded) = self.loaded.clone() else {
            self.wanted = Some(span);
            return true;
        };
        let found = loaded.facts.index_of(span).and_then(|place| self.tree.reveal(&loaded, place, size.0));
        if let Some(row) = found {
            self.cursor.go_to(row, self.tree.len(), self.height(size));
        }
        found.is_some()
    }

    pub(crate) fn selected_span(&self) -> Option<usize> {
        self.tree.span(self.loaded.as_deref()?, self.cursor.at)
    }

    /// What Enter goes to.
    pub(crate) fn target(&self) -> Option<Target> {
        match self.focus {
            Focus::Tree => self.tree.target(self.cursor.at),
            Focus::Details => self.details.target(),
        }
    }

    /// Moves the cursor of the part that has the focus.
    pub(crate) fn step(&mut self, size: (u16, u16), to: impl Fn(&mut Cursor, usize, usize)) {
        match self.focus {
            Focus::Tree => {
                let height = self.height(size);
                to(&mut self.cursor, self.tree.len(), height)
            }
            Focus::Details => {
                let height = self.layout(size).details.height.into();
                to(&mut self.details.cursor, self.details.lines.len(), height)
            }
        }
    }

    /// Selects the next span after the selected one that is in the list, or the one before. Begins again at the other end, and
    /// says so: `Some(true)`. `None`: there is none.
    fn jump(&mut self, spans: &[usize], back: bool, size: (u16, u16)) -> Option<bool> {
        let loaded = self.loaded.clone()?;
        let at = self.selected_span();
        let next = match back {
            false => spans.partition_point(|span| at.is_some_and(|at| *span <= at)),
            true => spans.partition_point(|span| at.is_some_and(|at| *span < at)).wrapping_sub(1),
        };
        let around = spans.get(next).is_none();
        let wrapped = if back { spans.last() } else { spans.first() };
        let span = *spans.get(next).or(wrapped)?;
        self.select_span(loaded.graph.spans[span].span_id, size);
        Some(around)
    }

    pub(crate) fn jump_to_error(&mut self, back: bool, size: (u16, u16)) -> Option<bool> {
        let loaded = self.loaded.clone()?;
        let spans = loaded.graph.spans.iter().enumerate();
        let failed: Vec<usize> = spans.filter(|(_, span)| has_failed(span)).map(|(place, _)| place).collect();
        self.jump(&failed, back, size)
    }

    pub(crate) fn jump_to_match(&mut self, back: bool, size: (u16, u16)) -> Option<bool> {
        let spans = self.search.as_ref()?.spans.clone()?;
        self.jump(&spans, back, size)
    }

    /// Goes to the first match, beginning with the selected row.
    pub(crate) fn go_to_first_match(&mut self, size: (u16, u16)) {
        let at = self.selected_span();
        let spans = self.search.as_ref().and_then(|search| search.spans.clone()).unwrap_or_default();
        if at.is_none_or(|at| spans.binary_search(&at).is_err()) {
            self.jump(&spans, false, size);
        }
    }

    /// Changes the rows and keeps the selected one.
    pub(crate) fn change_tree(
        &mut self,
        size: (u16, u16),
        change: impl FnOnce(&mut Tree, &Loaded, usize) -> Option<usize>,
    ) {
        let Some(loaded) = self.loaded.clone() else { return };
        let key = self.tree.key(&loaded, self.cursor.at);
        let to = change(&mut self.tree, &loaded, self.cursor.at);
        let height = self.height(size);
        match to {
            Some(to) => self.cursor.go_to(to, self.tree.len(), height),
            None => {
                let place = self.tree.find(&loaded, key).unwrap_or(0);
                self.cursor.moved_to(place, self.tree.len(), height);
            }
        }
    }

    /// Makes rows and details fit into another size.
    pub(crate) fn resize(&mut self, size: (u16, u16)) {
        self.change_tree(size, |tree, loaded, _| {
            tree.build(loaded, size.0);
            None
        });
        let height = self.height(size);
        self.cursor.fit(self.tree.len(), height);
        self.details.cursor.fit(self.details.lines.len(), self.layout(size).details.height.into());
    }

    /// Makes the details those of the selected row.
    pub(crate) fn update_details(&mut self, size: (u16, u16)) {
        let (Some(loaded), area) = (self.loaded.clone(), self.layout(size).details) else { return };
        if area.width == 0 {
            return;
        }
        let key = self.tree.key(&loaded, self.cursor.at);
        let now = Some((key, area.width));
        if self.detailed == now {
            return;
        }
        let lines =
            details::lines(&loaded, &self.tree, self.cursor.at, self.findings.as_deref(), area.width.saturating_sub(2));
        match self.detailed.is_some_and(|(of, _)| of == key) {
            true => self.details.update(lines, area.height.into()),
            false => self.details.show(lines),
        }
        self.detailed = now;
    }

    /// The details must be made again, although the same row is selected.
    pub(crate) fn forget_details(&mut self, size: (u16, u16)) {
        let cursor = self.details.cursor;
        self.detailed = None;
        self.update_details(size);
        self.details.cursor = cursor;
        self.details.cursor.fit(self.details.lines.len(), self.layout(size).details.height.into());
    }
}
