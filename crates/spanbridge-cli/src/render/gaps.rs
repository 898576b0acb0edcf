//! Gaps as a page: what was found, the likely cause, and what to change.

use super::options::Options;
use super::page::{Page, Target, TextStyle};
use super::text::{counted, truncate, width, wrap};
use spanbridge::RunId;
use spanbridge_graph::{Gap, NotJudged};
use std::collections::BTreeSet;

/// How many different gaps with the same cause are shown.
const MAX_SHOWN: usize = 10;

/// Maximum number of lines of a cause or a fix, whatever names are in it.
const MAX_LINES: usize = 12;

/// Renders gaps, those with the same cause together. `runs` is the number of runs that were checked, `found` the number that
/// matched, and `digits` how many digits of a run id to show.
///
/// Lines fit into [`Options::width`]; text from records is escaped.
pub fn gaps(gaps: &[Gap], runs: usize, found: usize, digits: usize, options: &Options) -> String {
    let mut page = page(gaps, runs, found, digits, options);
    let hint = "spanbridge trace ID shows a gap in its run";
    page.line().put(TextStyle::Dim, &truncate(hint, options.columns())).line();
    page.finish()
}

/// The page. Lines that are about a gap say where it is.
pub(crate) fn page(gaps: &[Gap], runs: usize, found: usize, digits: usize, options: &Options) -> Page {
    let columns = options.columns();
    let mut page = Page::new(options.color);
    let affected: BTreeSet<RunId> = gaps.iter().filter_map(|g| g.run_id).collect();
    let many = counted(gaps.len(), "gap");
    let of = match (runs, found) {
        (1, 1) => String::new(),
        (runs, found) if runs == found => format!(" in {} of {runs} runs", affected.len()),
        (runs, found) => {
            let others = found.saturating_sub(runs);
            format!(" in {} of the newest {runs} runs; {others} more were not checked", affected.len())
        }
    };
    page.put(TextStyle::Bold, &many).put(TextStyle::Plain, &of).line();

    // In the order of the first of each group, which is that of the kinds.
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
    page
}

/// Renders what could not be judged: how much, one example, and why.
///
/// Lines fit into [`Options::width`]; text from records is escaped.
pub fn not_judged(items: &[NotJudged], digits: usize, options: &Options) -> String {
    let mut page = Page::new(options.color);
    put_not_judged(&mut page, items, digits, options.columns());
    page.finish()
}

/// Adds what could not be judged to a page.
pub(crate) fn put_not_judged(page: &mut Page, items: &[NotJudged], digits: usize, columns: usize) {
    for (place, item) in items.iter().enumerate() {
        if place > 0 {
            page.line();
        }
        page.put(TextStyle::Warning, "?").space(1).put(TextStyle::Bold, "not judged");
        page.space(1).put(TextStyle::Dim, &format!("×{}", item.count)).line();
        if !item.example.is_empty() {
            let more = if item.count > 1 { format!(" and {} more", item.count - 1) } else { String::new() };
            let mut indent = 2;
            if let Some(run) = item.run_id {
                page.space(2).put(TextStyle::Dim, &format!("{run:.digits$}"));
                indent += digits + 2;
            }
            paragraph(page, &format!("{}{more}", item.example), indent, columns, 3);
        }
        page.space(2).put(TextStyle::Success, "why");
        paragraph(page, item.why, 2 + width("why") + 2, columns, MAX_LINES);
    }
}

fn print(page: &mut Page, group: &[&Gap], digits: usize, columns: usize) {
    let Some(first) = group.first() else { return };
    page.put(TextStyle::Warning, "!").space(1).put(TextStyle::Bold, first.kind.title());
    if group.len() > 1 {
        page.space(1).put(TextStyle::Dim, &format!("×{}", group.len()));
    }
    page.line();
    // Without run ids, their column is left out.
    let ids = group.iter().any(|g| g.run_id.is_some());
    let indent = if ids { 2 + digits + 2 } else { 2 };
    let equal: Vec<&[&Gap]> = group.chunk_by(|a, b| a.what == b.what).collect();
    for same in equal.iter().take(MAX_SHOWN) {
        if let Some(run) = same[0].run_id {
            page.target(same[0].span_id.map_or(Target::Run(run), |span| Target::Span(Some(run), span)));
            page.space(2).put(TextStyle::Dim, &format!("{run:.digits$}"));
        }
        let times = if same.len() > 1 { format!(" ×{}", same.len()) } else { String::new() };
        paragraph(page, &format!("{}{times}", same[0].what), indent, columns, 3);
    }
    if equal.len() > MAX_SHOWN {
        let more: usize = equal[MAX_SHOWN..].iter().map(|same| same.len()).sum();
        page.go_to(indent).put(TextStyle::Dim, &format!("… {more} more")).line();
    }
    for (label, text) in [("why", &first.likely_cause), ("fix", &first.fix)] {
        page.space(2).put(TextStyle::Success, label);
        paragraph(page, text, 2 + width(label) + 2, columns, MAX_LINES);
    }
}

/// Text in lines that begin at the same column. The first line may have something before it.
fn paragraph(page: &mut Page, text: &str, indent: usize, columns: usize, lines: usize) {
    for line in wrap(text, columns.saturating_sub(indent).max(8), lines) {
        page.go_to(indent).put(TextStyle::Plain, &line).line();
    }
}
