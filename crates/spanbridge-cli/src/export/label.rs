//! What stands in a box.

use crate::render::escape;
use crate::render::status::failed;
use spanbridge_graph::{Graph, Span, SpanStatus};

/// A longer text is cut: nobody reads it in a box, and programs refuse large drawings.
const MAX_CHARS: usize = 120;

/// The lines of a span's box.
pub(super) fn of_span(span: &Span) -> Vec<String> {
    let name = name_of(span);
    let took = match (span.ended_at, span.status) {
        (Some(end), SpanStatus::Ok) => duration(span.started_at, end),
        (Some(end), status) => format!("{}, {}", duration(span.started_at, end), status.as_str()),
        (None, status) => status.as_str().to_owned(),
    };
    [span.service.as_str(), name, &took].into_iter().filter(|line| !line.is_empty()).map(short).collect()
}

/// The name of a span, or what is shown instead.
pub(super) fn name_of(span: &Span) -> &str {
    match (span.has_start, span.name.as_str()) {
        (false, _) => "(start not recorded)",
        (true, "") => "(no name)",
        (true, name) => name,
    }
}

/// The title of a run's frame.
pub(super) fn of_run(graph: &Graph) -> String {
    let run = &graph.run;
    let name = if run.name.is_empty() { "(no name)" } else { &run.name };
    let failed = failed(&run.failed_work).map_or(String::new(), |failed| format!(", {failed}"));
    format!("{} {:.8}, {}{failed}", short(name), run.run_id.to_string(), run.status.as_str())
}

/// Text without what would do something to who shows it, cut.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", escape(&text[..end])),
        None => escape(text).into_owned(),
    }
}

fn duration(from: u64, to: u64) -> String {
    // By the clocks of two machines, a span may end before it begins.
    let (sign, nanos) = if to < from { ("-", from - to) } else { ("", to - from) };
    match nanos {
        0..1_000_000 => format!("{sign}{} µs", nanos / 1_000),
        1_000_000..10_000_000_000 => format!("{sign}{} ms", nanos / 1_000_000),
        _ => format!("{sign}{} s", nanos / 1_000_000_000),
    }
}
