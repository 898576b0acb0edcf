//! Gaps as a page: of each kind what was found, why that is likely so, and what to change.

use super::page::{Ink, Page};
use super::text::{truncate, width, wrap};
use super::{Options, header};
use spanbridge::RunId;
use spanbridge_store::graph::Gap;
use std::collections::BTreeSet;

/// Of gaps with the same cause so many are shown; those that are said in the same words are one.
const SHOWN: usize = 10;

/// A cause or a fix is never longer, whatever names stand in it.
const LINES: usize = 12;

/// Renders gaps, those with the same cause together, and says in how many of the runs that were looked at they are, and of how many
/// that is (`found`).
///
/// Of a run's id so many digits are shown. Lines fit into [`Options::width`]; text from records is escaped.
pub fn gaps(gaps: &[Gap], runs: usize, found: usize, digits: usize, options: &Options) -> String {
    let columns = options.columns();
    let mut page = Page::new(options.color);
    let ill: BTreeSet<RunId> = gaps.iter().filter_map(|g| g.run_id).collect();
    let many = header::counted(gaps.len(), "gap");
    let of = match (runs, found) {
        (1, 1) => String::new(),
        (runs, found) if runs == found => format!(" in {} of {runs} runs", ill.len()),
        (runs, found) => {
            let others = found.saturating_sub(runs);
            format!(" in {} of the newest {runs} runs; {others} more were not looked at", ill.len())
        }
    };
    page.put(Ink::Bold, &many).put(Ink::Plain, &of).line();

    // In the order of the first of each, which is that of the kinds.
    let mut groups: Vec<Vec<&Gap>> = Vec::new();
    for gap in gaps {
        let alike = |other: &&mut Vec<&Gap>| {
            let (kind, cause, fix) = (other[0].kind, &other[0].likely_cause, &other[0].fix);
            (kind, cause, fix) == (gap.kind, &gap.likely_cause, &gap.fix)
        };
        match groups.iter_mut().rev().take_while(|g| g[0].kind == gap.kind).find(alike) {
            Some(group) => group.push(gap),
            None => groups.push(vec![gap]),
        }
    }
    for group in &groups {
        page.line();
        print(&mut page, group, digits, columns);
    }
    page.line();
    let hint = "spanbridge trace ID shows where in its run a gap is";
    page.put(Ink::Dim, &truncate(hint, columns)).line();
    page.finish()
}

fn print(page: &mut Page, group: &[&Gap], digits: usize, columns: usize) {
    let Some(first) = group.first() else { return };
    page.put(Ink::Warn, "!").space(1).put(Ink::Bold, first.kind.title());
    if group.len() > 1 {
        page.space(1).put(Ink::Dim, &format!("×{}", group.len()));
    }
    page.line();
    // A column of dashes says nothing.
    let ids = group.iter().any(|g| g.run_id.is_some());
    let indent = if ids { 2 + digits + 2 } else { 2 };
    let alike: Vec<&[&Gap]> = group.chunk_by(|a, b| a.what == b.what).collect();
    for same in alike.iter().take(SHOWN) {
        if let Some(run) = same[0].run_id {
            page.space(2).put(Ink::Dim, &format!("{run:.digits$}"));
        }
        let times = if same.len() > 1 { format!(" ×{}", same.len()) } else { String::new() };
        paragraph(page, &format!("{}{times}", same[0].what), indent, columns, 3);
    }
    if alike.len() > SHOWN {
        let more: usize = alike[SHOWN..].iter().map(|same| same.len()).sum();
        page.go_to(indent).put(Ink::Dim, &format!("… {more} more")).line();
    }
    for (label, text) in [("why", &first.likely_cause), ("fix", &first.fix)] {
        page.space(2).put(Ink::Good, label);
        paragraph(page, text, 2 + width(label) + 2, columns, LINES);
    }
}

/// Text in lines that all begin at one column; the first may have something before it.
fn paragraph(page: &mut Page, text: &str, indent: usize, columns: usize, lines: usize) {
    for line in wrap(text, columns.saturating_sub(indent).max(8), lines) {
        page.go_to(indent).put(Ink::Plain, &line).line();
    }
}
