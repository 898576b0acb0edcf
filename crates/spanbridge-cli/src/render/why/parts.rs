//! Pieces of the page that says why a run failed.

use crate::render::page::{Page, Target, TextStyle};
use crate::render::text::{escape, wrap};
use spanbridge_graph::Step;

/// The column at which everything behind a label begins.
pub(super) const INDENT: usize = 15;

/// Maximum number of lines of an error.
pub(super) const MAX_LINES: usize = 8;

/// Where a step is found.
pub(super) fn target(step: &Step) -> Target {
    match step.span_id {
        Some(span) => Target::Span(Some(step.run_id), span),
        None => Target::Run(step.run_id),
    }
}

pub(super) fn label(page: &mut Page, text: &str) {
    page.space(2).put(TextStyle::Dim, text).go_to(INDENT);
}

/// Text in lines that begin at the same column.
pub(super) fn paragraph(page: &mut Page, text: &str, columns: usize, style: TextStyle) {
    for line in wrap(text, columns.saturating_sub(INDENT).max(8), MAX_LINES) {
        page.go_to(INDENT).put(style, &line).line();
    }
}

pub(super) fn step_name(step: &Step) -> String {
    match (step.name.as_str(), step.span_id) {
        ("", Some(span)) => format!("(start of {span:.8}… not recorded)"),
        ("", None) => "(no name)".to_owned(),
        (name, Some(_)) => escape(name).into_owned(),
        (name, None) => format!("run {}", escape(name)),
    }
}

pub(super) fn with_service(step: &Step) -> String {
    match escape(&step.service) {
        service if service.is_empty() => step_name(step),
        service => format!("{} ({service})", step_name(step)),
    }
}
