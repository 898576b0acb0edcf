//! Screens of text: why a run failed, and what doctor says of it.

use super::super::findings::Findings;
use super::ask::Ticket;
use super::layout::Layout;
use super::pane::Pane;
use crate::render::options::Options;
use crate::render::page::{Page, StyledLine, TextStyle};
use crate::render::{gaps, why};
use spanbridge::RunId;
use spanbridge_graph::Why;
use std::sync::Arc;

/// What a page is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    Why,
    Doctor,
}

/// The answer that a page shows.
pub(crate) enum Content {
    Why(Box<Why>),
    Findings(Arc<Findings>),
    /// The run is no longer stored.
    Gone,
}

pub(crate) struct TextPage {
    pub(crate) about: About,
    pub(crate) run_id: RunId,
    pub(crate) name: String,
    pub(crate) pane: Pane,
    pub(crate) content: Option<Content>,
    pub(crate) pending: Option<Ticket>,
    /// What was searched for.
    pub(crate) text: String,
}

impl TextPage {
    pub(crate) fn new(about: About, run_id: RunId, name: String) -> Self {
        Self { about, run_id, name, pane: Pane::default(), content: None, pending: None, text: String::new() }
    }

    pub(crate) fn layout(&self, (width, height): (u16, u16)) -> Layout {
        Layout::plain(width, height, false)
    }

    pub(crate) fn set(&mut self, content: Content, size: (u16, u16)) {
        self.content = Some(content);
        let lines = self.lines(size.0);
        self.pane.show(lines);
        // The first place to go to is what the reader wants.
        let target = self.pane.lines.iter().position(|line| line.target.is_some());
        let height = self.layout(size).rows.height.into();
        self.pane.cursor.go_to(target.unwrap_or(0), self.pane.lines.len(), height);
    }

    /// Makes the text fit into another size.
    pub(crate) fn resize(&mut self, size: (u16, u16)) {
        let target = self.pane.target();
        let lines = self.lines(size.0);
        let place = target.and_then(|target| lines.iter().position(|line| line.target == Some(target)));
        let height = self.layout(size).rows.height.into();
        self.pane.update(lines, height);
        if let Some(place) = place {
            self.pane.cursor.go_to(place, self.pane.lines.len(), height);
        }
    }

    fn lines(&self, width: u16) -> Vec<StyledLine> {
        let columns = usize::from(width.saturating_sub(2)).max(16);
        let options = Options::default().width(columns).color(true);
        let page = match &self.content {
            None => return Vec::new(),
            Some(Content::Why(why)) => why::page(why, &options),
            Some(Content::Gone) => {
                let mut page = Page::new(true);
                page.put(TextStyle::Warning, "this run is no longer in the store").line();
                page
            }
            Some(Content::Findings(findings)) => {
                let mut page = match findings.gaps.as_slice() {
                    [] => {
                        let mut page = Page::new(true);
                        page.put(TextStyle::Success, "✓").space(1).put(TextStyle::Plain, "nothing is missing").line();
                        page
                    }
                    gaps => gaps::page(gaps, 1, 1, 8, &options),
                };
                if !findings.not_judged.is_empty() {
                    page.line();
                    gaps::put_not_judged(&mut page, &findings.not_judged, 8, columns);
                }
                page
            }
        };
        page.finish_lines().into_iter().flat_map(|line| line.wrap(columns)).collect()
    }
}
