//! One line of a tree: how its parts share the width.

use super::page::{Page, TextStyle};
use super::text::{truncate, width};

/// The parts of a line, in order. Every text is already escaped.
#[derive(Default)]
pub(crate) struct Row {
    /// Guides of the tree.
    pub(crate) guides: String,
    /// The connector, if it is a hop. It is brighter than the guides.
    pub(crate) hop: &'static str,
    /// The sign of a span that did not succeed.
    pub(crate) mark: Option<(TextStyle, &'static str)>,
    /// The number and the name of the service, if it changes here.
    pub(crate) service: Option<(usize, String)>,
    /// The name.
    pub(crate) name: (TextStyle, String),
    /// Words beside the name.
    pub(crate) badges: Vec<(TextStyle, String)>,
    /// A last word, if there is room for it.
    pub(crate) hint: Option<&'static str>,
    /// The duration.
    pub(crate) time: (TextStyle, String),
    /// When it began and ended, for the bar.
    pub(crate) when: Option<(u64, Option<u64>)>,
    /// The style of the bar.
    pub(crate) bar_style: TextStyle,
    /// Lines below: guides, style and text.
    pub(crate) below: Vec<(String, TextStyle, String)>,
}

/// Empty columns between the left part, the durations and the bars.
pub(crate) const GAP: usize = 2;

/// The sign between a service and a name.
const SERVICE_SEPARATOR: &str = " ▸ ";

/// A name keeps at least this width while anything else can be shortened.
const MIN_NAME_WIDTH: usize = 16;

impl Row {
    /// The full width of the left part.
    pub(crate) fn width(&self) -> usize {
        self.fixed() + width(&self.name.1)
    }

    fn fixed(&self) -> usize {
        let badges: usize = self.badges.iter().map(|(_, b)| 2 + width(b)).sum();
        let badges = badges + self.hint.map_or(0, |hint| 2 + width(hint));
        let service = self.service.as_ref().map_or(0, |(_, s)| width(s) + width(SERVICE_SEPARATOR));
        width(&self.guides) + width(self.hop) + self.mark.map_or(0, |(_, m)| width(m) + 1) + service + badges
    }

    /// Shortens the left part to `columns`: first the hint goes, then the name is shortened, then the service, then badges from the last, then the rest of the
    /// name.
    pub(crate) fn fit(&mut self, columns: usize) {
        let over = |row: &Row| row.width().saturating_sub(columns);
        let keep = |have: usize, over: usize, least: usize| have.saturating_sub(over).max(least.min(have));
        if over(self) == 0 {
            return;
        }
        self.hint = None;
        let whole = self.name.1.clone();
        for step in 0..4 {
            let too_much = over(self);
            if too_much == 0 {
                break;
            }
            let name = width(&self.name.1);
            match step {
                0 => self.name.1 = truncate(&self.name.1, keep(name, too_much, MIN_NAME_WIDTH)).into_owned(),
                1 => {
                    if let Some((_, service)) = &mut self.service {
                        *service = truncate(service, keep(width(service), too_much, 6)).into_owned();
                    }
                }
                2 => while over(self) > 0 && self.badges.pop().is_some() {},
                _ => self.name.1 = truncate(&self.name.1, keep(name, too_much, 1)).into_owned(),
            }
        }
        // The name may use the room that badges have left.
        let room = columns.saturating_sub(self.fixed());
        if room > width(&self.name.1) {
            self.name.1 = truncate(&whole, room).into_owned();
        }
    }

    /// Adds the line and those below it to the page. `left` is the width of the left part, `times` that of the durations.
    /// `bar` is a number of empty columns and a bar.
    pub(crate) fn print(&self, page: &mut Page, left: usize, times: usize, bar: &(usize, String), columns: usize) {
        page.put(TextStyle::Dim, &self.guides).put(TextStyle::Bold, self.hop);
        if let Some((style, mark)) = self.mark {
            page.put(style, mark).space(1);
        }
        if let Some((number, service)) = &self.service {
            page.put(TextStyle::Service(*number), service).put(TextStyle::Dim, SERVICE_SEPARATOR);
        }
        page.put(self.name.0, &self.name.1);
        for (style, badge) in &self.badges {
            page.space(2).put(*style, badge);
        }
        if let Some(hint) = self.hint {
            page.space(2).put(TextStyle::Dim, hint);
        }
        page.go_to(left + GAP + times.saturating_sub(width(&self.time.1))).put(self.time.0, &self.time.1);
        page.go_to(left + GAP + times + GAP + bar.0).put(self.bar_style, &bar.1).line();
        for (guides, style, text) in &self.below {
            page.put(TextStyle::Dim, guides).put(*style, &truncate(text, columns.saturating_sub(width(guides)))).line();
        }
    }
}
