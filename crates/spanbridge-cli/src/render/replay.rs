//! What came of a replay, or would come, as a page.

use super::options::Options;
use super::page::{Page, TextStyle};
use super::replay_command::{command_line, command_of};
use super::text::{counted, escape, named, truncate, width, wrap};
use crate::replay::{Candidate, Plan};
use spanbridge_replay::{Case, Divergence, DivergenceKind, Label, NOT_WRAPPED, Outcome, Report, Verdict};

/// The column at which everything behind a label begins.
const INDENT: usize = 15;

/// Maximum number of lines of a text from outside.
const MAX_LINES: usize = 8;

/// How many fields that differ are shown.
const MAX_FIELDS: usize = 20;

/// Of so many uneventful steps in a row, the middle is left out.
const MAX_ROW: usize = 16;

/// How many of them are shown at both ends.
const ENDS: usize = 6;

/// The deepest level that is indented.
const MAX_DEPTH: usize = 12;

/// A step as it is shown.
struct Line<'r> {
    depth: usize,
    label: Label,
    name: &'r str,
    error: Option<&'r str>,
    /// Whether it is worth a line in every case.
    is_eventful: bool,
}

/// Renders what came of a replay: the verdict, each step with its label, the first difference, and how the handler ended then and
/// now.
///
/// Lines fit into [`Options::width`]; text from records and from the worker is escaped.
pub fn replay(report: &Report, case: &Case, options: &Options) -> String {
    let columns = options.columns();
    let mut page = Page::new(options.color);
    let (style, sign, word) = match report.verdict {
        Verdict::Same => (TextStyle::Success, "✓", "the same"),
        Verdict::Diverged => (TextStyle::Warning, "≠", "diverged"),
        _ => (TextStyle::Error, "✗", "not possible"),
    };
    page.put(style, sign).space(1).put(style, word).line();
    head(&mut page, &report.entry.name, &report.entry.span_id.to_string(), &report.run, columns);
    if let Some(reason) = &report.reason {
        label(&mut page, "because");
        paragraph(&mut page, reason, columns, TextStyle::Error);
    }
    let first = report.first_divergence.as_ref().and_then(|first| first.index);
    let lines: Vec<Line<'_>> = report
        .steps
        .iter()
        .map(|step| Line {
            depth: step.depth,
            label: step.label,
            name: name(&step.name, step.target.as_deref()),
            error: step.error.as_deref(),
            is_eventful: step.error.is_some()
                || !matches!(step.label, Label::Recorded | Label::ReExecuted | Label::Live)
                || first == Some(step.index),
        })
        .collect();
    steps(&mut page, &lines, columns);
    if let Some(first) = &report.first_divergence {
        divergence(&mut page, first, columns);
    } else if report.verdict == Verdict::Diverged {
        page.line();
        let ignored = "what differs is not shown, because of --ignore; it counts all the same";
        paragraph_from(&mut page, 0, ignored, columns, TextStyle::Warning);
    }
    if let Some(outcomes) = &report.outcome {
        page.line();
        let mut ended = |word: &str, outcome: &Outcome| {
            label(&mut page, word);
            let style = if outcome.status == "ok" { TextStyle::Success } else { TextStyle::Error };
            paragraph(&mut page, &ending(outcome), columns, style);
        };
        ended("then", &outcomes.recorded);
        ended("now", &outcomes.replayed);
    }
    page.line();
    note(&mut page, columns);
    if let Some(replayed) = &report.replay {
        label(&mut page, "look at");
        let (old, new) = (format!("{:.8}", report.run.run_id), format!("{:.8}", replayed.run_id));
        let failed = report.outcome.as_ref().is_some_and(|outcomes| outcomes.replayed.status != "ok");
        let commands = [
            Some(format!("spanbridge trace {new}")),
            // What came before the handler would be missing in the new run.
            case.entry().parent_span_id.is_none().then(|| format!("spanbridge diff {old} {new}")),
            failed.then(|| format!("spanbridge why {new}")),
        ];
        commands.iter().flatten().for_each(|command| command_line(&mut page, command, INDENT, columns));
    }
    page.finish()
}

/// Renders what a replay of this case would do.
pub fn replay_plan(plan: &Plan, case: &Case, options: &Options) -> String {
    let columns = options.columns();
    let mut page = Page::new(options.color);
    match &plan.reason {
        Some(_) => page.put(TextStyle::Error, "✗ not possible").line(),
        None => page.put(TextStyle::Success, "✓ possible").line(),
    };
    let entry = case.entry();
    head(&mut page, &entry.name, &entry.span_id.to_string(), &case.run, columns);
    if let Some(reason) = &plan.reason {
        label(&mut page, "because");
        paragraph(&mut page, reason, columns, TextStyle::Error);
        return page.finish();
    }
    let lines: Vec<Line<'_>> = plan
        .steps
        .iter()
        .map(|step| Line {
            depth: step.depth,
            label: step.label,
            name: name(&step.name, step.target.as_deref()),
            error: None,
            is_eventful: !matches!(step.label, Label::Recorded | Label::ReExecuted),
        })
        .collect();
    steps(&mut page, &lines, columns);
    page.line();
    note(&mut page, columns);
    label(&mut page, "run it");
    command_line(&mut page, &command_of(case), INDENT, columns);
    page.finish()
}

/// Renders the handlers among which one has to be chosen.
pub fn replay_candidates(candidates: &[Candidate], options: &Options) -> String {
    let columns = options.columns();
    let mut page = Page::new(options.color);
    for candidate in candidates {
        let style = if matches!(candidate.status, "ok" | "open") { TextStyle::Plain } else { TextStyle::Error };
        page.put(TextStyle::Plain, &candidate.span_id.to_string()).space(2).put(style, candidate.status).go_to(29);
        let mut text = format!("{} ({})", named(&candidate.name), escape(&candidate.service));
        if let Some(why) = &candidate.obstacle {
            text.push_str(&format!(": {why}"));
        }
        paragraph_from(&mut page, 29.min(columns / 2), &text, columns, TextStyle::Plain);
    }
    page.finish()
}

/// A target says more than a name with which it begins. Other names say what the call is for.
fn name<'r>(name: &'r str, target: Option<&'r str>) -> &'r str {
    target.filter(|target| target.starts_with(name)).unwrap_or(name)
}

fn head(page: &mut Page, name: &str, span: &str, run: &spanbridge_replay::Run, columns: usize) {
    label(page, "handler");
    let room = columns.saturating_sub(INDENT + 2 + span.len()).max(4);
    page.put(TextStyle::Bold, &truncate(&named(name), room)).space(2).put(TextStyle::Dim, span).line();
    label(page, "of run");
    let (id, status) = (format!("{:.8}", run.run_id), escape(&run.status));
    let room = columns.saturating_sub(INDENT + 2 + 8 + 2 + width(&status)).max(4);
    page.put(TextStyle::Plain, &truncate(&named(&run.name), room)).space(2).put(TextStyle::Dim, &id);
    page.space(2).put(TextStyle::Plain, &status).line();
}

/// One line for each step. Equal ones in a row are counted, and of many uneventful ones in a row the middle is left out.
fn steps(page: &mut Page, lines: &[Line<'_>], columns: usize) {
    let is_equal = |a: &Line<'_>, b: &Line<'_>| {
        (a.depth, a.label, a.name) == (b.depth, b.label, b.name) && !a.is_eventful && !b.is_eventful
    };
    let equal: Vec<&[Line<'_>]> = lines.chunk_by(is_equal).collect();
    if !equal.is_empty() {
        page.line();
    }
    for row in equal.chunk_by(|a, b| a[0].is_eventful == b[0].is_eventful) {
        let left_out = if row[0][0].is_eventful || row.len() <= MAX_ROW { 0..0 } else { ENDS..row.len() - ENDS };
        for (place, equal) in row.iter().enumerate() {
            if place == left_out.start && !left_out.is_empty() {
                let steps: usize = row[left_out.clone()].iter().map(|equal| equal.len()).sum();
                page.go_to(INDENT).put(TextStyle::Dim, &format!("… {steps} more as recorded")).line();
            }
            if !left_out.contains(&place) {
                step(page, &equal[0], equal.len(), columns);
            }
        }
    }
}

fn step(page: &mut Page, step: &Line<'_>, count: usize, columns: usize) {
    let (style, text) = (style(step.label), step.label.text());
    let from = INDENT + 2 * step.depth.min(MAX_DEPTH).min((columns - INDENT) / 6);
    let times = if count > 1 { format!(" ×{count}") } else { String::new() };
    let room = columns.saturating_sub(from + width(&times)).max(8);
    page.space(1).put(style, text).go_to(from).put(TextStyle::Plain, &truncate(&named(step.name), room));
    page.put(TextStyle::Dim, &times).line();
    for line in step.error.iter().flat_map(|error| wrap(error, columns.saturating_sub(from + 2).max(8), 2)) {
        page.go_to(from + 2).put(TextStyle::Error, &line).line();
    }
}

fn style(label: Label) -> TextStyle {
    match label {
        Label::Recorded | Label::ReExecuted => TextStyle::Dim,
        Label::Refused => TextStyle::Error,
        _ => TextStyle::Warning,
    }
}

fn divergence(page: &mut Page, first: &Divergence, columns: usize) {
    page.line().put(TextStyle::Bold, "first difference").line();
    let what = match first.kind {
        DivergenceKind::Changed => "a call with other content",
        DivergenceKind::Added => "a call that was not recorded",
        DivergenceKind::Missing => "a recorded call that was not made",
        DivergenceKind::Moved => "the same call in another span",
        DivergenceKind::Refused => "a query that no scratch database takes",
        DivergenceKind::Value => "another recorded value",
        DivergenceKind::Outcome => "the handler ended otherwise",
        _ => "something else",
    };
    label(page, "what");
    let step = first.index.map_or(String::new(), |index| format!(", step {index}"));
    paragraph(page, &format!("{what}{step}"), columns, TextStyle::Plain);
    for (word, text) in [("where", &first.boundary), ("expected", &first.expected), ("actual", &first.actual)] {
        if !text.is_empty() {
            label(page, word);
            paragraph(page, text, columns, TextStyle::Plain);
        }
    }
    for (n, difference) in first.differences.iter().take(MAX_FIELDS).enumerate() {
        label(page, if n == 0 { "fields" } else { "" });
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "(none)".to_owned());
        let text = format!("{}: {} → {}", difference.field, side(&difference.expected), side(&difference.actual));
        paragraph(page, &text, columns, TextStyle::Plain);
    }
    let more = first.differences.len().saturating_sub(MAX_FIELDS);
    if more > 0 {
        page.go_to(INDENT).put(TextStyle::Dim, &format!("… {}", counted(more, "more field"))).line();
    }
    if first.ignored > 0 {
        let ignored = format!("{} not shown, because of --ignore", counted(first.ignored, "difference"));
        page.go_to(INDENT).put(TextStyle::Dim, &ignored).line();
    }
}

/// `error in charge: card declined (CardError)`.
fn ending(outcome: &Outcome) -> String {
    let mut text = outcome.status.clone();
    if let Some(span) = &outcome.failing_span {
        text.push_str(&format!(" in {span}"));
    }
    match (&outcome.error, &outcome.error_type) {
        (Some(error), Some(class)) if !error.contains(class.as_str()) && class != "_OTHER" => {
            text.push_str(&format!(": {error} ({class})"));
        }
        (Some(error), _) => text.push_str(&format!(": {error}")),
        (None, Some(class)) if class != "_OTHER" => text.push_str(&format!(": {class}")),
        _ => {}
    }
    text
}

fn note(page: &mut Page, columns: usize) {
    paragraph_from(page, 0, NOT_WRAPPED, columns, TextStyle::Plain);
}

fn label(page: &mut Page, text: &str) {
    page.space(2).put(TextStyle::Dim, text).go_to(INDENT);
}

fn paragraph(page: &mut Page, text: &str, columns: usize, style: TextStyle) {
    paragraph_from(page, INDENT, text, columns, style);
}

/// Text in lines that begin at the same column.
fn paragraph_from(page: &mut Page, from: usize, text: &str, columns: usize, style: TextStyle) {
    for line in wrap(text, columns.saturating_sub(from).max(8), MAX_LINES) {
        page.go_to(from).put(style, &line).line();
    }
}
