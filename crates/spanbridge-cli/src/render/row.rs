//! One span on one line: how its parts share the width.

use super::page::{Ink, Page};
use super::text::{truncate, width};

/// The parts of a line, in order; every text is escaped already.
#[derive(Default)]
pub(crate) struct Row {
    /// Guides of the tree.
    pub(crate) guides: String,
    /// The connector, where it is a hop: shown brighter than the guides.
    pub(crate) hop: &'static str,
    /// The mark of a span that did not end well.
    pub(crate) mark: Option<(Ink, &'static str)>,
    /// The service, where it changes, and its number.
    pub(crate) service: Option<(usize, String)>,
    /// The name.
    pub(crate) name: (Ink, String),
    /// Words beside the name.
    pub(crate) badges: Vec<(Ink, String)>,
    /// The duration.
    pub(crate) time: (Ink, String),
    /// When it began and ended: what the bar shows.
    pub(crate) when: Option<(u64, Option<u64>)>,
    /// What the bar is painted with.
    pub(crate) bar_ink: Ink,
    /// Lines below: guides, and what is said there.
    pub(crate) below: Vec<(String, String)>,
}

/// Free columns between the left part, the durations and the bars.
pub(crate) const GAP: usize = 2;

/// What stands between a service and a name.
const OF: &str = " ▸ ";

/// A name is not cut shorter than this while anything else can give way.
const NAME: usize = 16;

impl Row {
    /// How wide the left part is, uncut.
    pub(crate) fn width(&self) -> usize {
        self.fixed() + width(&self.name.1)
    }

    fn fixed(&self) -> usize {
        let badges: usize = self.badges.iter().map(|(_, b)| 2 + width(b)).sum();
        let service = self.service.as_ref().map_or(0, |(_, s)| width(s) + width(OF));
        width(&self.guides) + width(self.hop) + self.mark.map_or(0, |(_, m)| width(m) + 1) + service + badges
    }

    /// Cuts the left part down to `columns`: first the name, then the service, then badges from the last, at last
    /// whatever is left of the name.
    pub(crate) fn fit(&mut self, columns: usize) {
        let over = |row: &Row| row.width().saturating_sub(columns);
        let keep = |have: usize, over: usize, least: usize| have.saturating_sub(over).max(least.min(have));
        if over(self) == 0 {
            return;
        }
        let whole = self.name.1.clone();
        for step in 0..4 {
            let too_much = over(self);
            if too_much == 0 {
                break;
            }
            let name = width(&self.name.1);
            match step {
                0 => self.name.1 = truncate(&self.name.1, keep(name, too_much, NAME)).into_owned(),
                1 => {
                    if let Some((_, service)) = &mut self.service {
                        *service = truncate(service, keep(width(service), too_much, 6)).into_owned();
                    }
                }
                2 => while over(self) > 0 && self.badges.pop().is_some() {},
                _ => self.name.1 = truncate(&self.name.1, keep(name, too_much, 1)).into_owned(),
            }
        }
        // What a badge has left behind is the name's again.
        let room = columns.saturating_sub(self.fixed());
        if room > width(&self.name.1) {
            self.name.1 = truncate(&whole, room).into_owned();
        }
    }

    /// Writes the line and those below it. `left` is the columns of the left part, `times` of the durations; `bar` is
    /// free columns and a bar.
    pub(crate) fn print(&self, page: &mut Page, left: usize, times: usize, bar: &(usize, String), columns: usize) {
        page.put(Ink::Dim, &self.guides).put(Ink::Bold, self.hop);
        if let Some((ink, mark)) = self.mark {
            page.put(ink, mark).space(1);
        }
        if let Some((number, service)) = &self.service {
            page.put(Ink::Service(*number), service).put(Ink::Dim, OF);
        }
        page.put(self.name.0, &self.name.1);
        for (ink, badge) in &self.badges {
            page.space(2).put(*ink, badge);
        }
        page.go_to(left + GAP + times.saturating_sub(width(&self.time.1))).put(self.time.0, &self.time.1);
        page.go_to(left + GAP + times + GAP + bar.0).put(self.bar_ink, &bar.1).line();
        for (guides, text) in &self.below {
            page.put(Ink::Dim, guides).put(Ink::Bad, &truncate(text, columns.saturating_sub(width(guides)))).line();
        }
    }
}
