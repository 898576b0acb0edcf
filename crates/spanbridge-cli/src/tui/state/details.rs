//! What is shown of the selected row: everything that is recorded of it.

use super::super::findings::Findings;
use super::super::loaded::Loaded;
use super::tree::{NodeKey, RowKey, Tree};
use crate::render::alike::Line;
use crate::render::debug::{note, sections};
use crate::render::forest::Node;
use crate::render::header;
use crate::render::history::Stage;
use crate::render::page::{Page, StyledLine, Target, TextStyle};
use crate::render::text::{escape, named, wrap};
use crate::render::time::{duration, instant};
use spanbridge_graph::{Gap, Segment, Span, SpanStatus};

/// How many lines of a payload are shown. They are scrolled, so there may be many.
const PAYLOAD_LINES: usize = 2_000;

/// The lines about a row, none wider than the panel.
pub(crate) fn lines(
    loaded: &Loaded,
    tree: &Tree,
    at: usize,
    findings: Option<&Findings>,
    width: u16,
) -> Vec<StyledLine> {
    let mut page = Page::new(true);
    let columns = usize::from(width).max(16);
    match tree.key(loaded, at) {
        RowKey::Run => run(&mut page, loaded, findings, columns),
        RowKey::Foot(foot) => {
            if let Some(line) = tree.foot.get(foot) {
                if let Some(target) = line.target {
                    page.target(target);
                }
                page.put(TextStyle::Plain, line.text.trim()).line();
                let hint = if line.target.is_some() { "enter goes there" } else { "" };
                page.put(TextStyle::Dim, hint).line();
            }
        }
        RowKey::Node(NodeKey::Missing(id)) => {
            page.put(TextStyle::Warning, &format!("span {id} is not recorded")).line();
            page.put(TextStyle::Plain, "Spans name it as their parent.").line();
        }
        RowKey::Node(_) => node(&mut page, loaded, tree, at, findings, columns),
    }
    page.finish_lines().into_iter().flat_map(|line| line.wrap(columns)).collect()
}

fn node(page: &mut Page, loaded: &Loaded, tree: &Tree, at: usize, findings: Option<&Findings>, columns: usize) {
    let Some(line) = at.checked_sub(1) else { return };
    if let Some(Line::Equal(nodes)) = tree.lines.get(line).map(|line| &line.what) {
        let text = format!("×{} siblings that differ only in their times; → shows each. The first:", nodes.len());
        page.put(TextStyle::Dim, &text).line();
    }
    let Some(node) = tree.node(line) else { return };
    let run = &loaded.graph.run;
    match loaded.forest().node(node) {
        Node::Span(i) => span(page, loaded, i, findings, columns),
        Node::Stage(Stage::Segment(i)) => segment(page, &run.segments[i]),
        Node::Stage(Stage::Suspension(i)) => {
            let wait = &run.suspensions[i];
            page.put(TextStyle::Bold, "suspended").line();
            let reason = wait.reason.as_deref().map(|reason| ("reason", escape(reason).into_owned()));
            let id = ("id", escape(&wait.suspension_id).into_owned());
            let from = wait.suspended_at.map(|at| ("from", instant(at)));
            let to = wait.resumed_at.map(|at| ("until", instant(at)));
            for (what, text) in [Some(id), reason, from, to].into_iter().flatten() {
                page.space(2).put(TextStyle::Dim, what).go_to(10).put(TextStyle::Plain, &text).line();
            }
        }
        Node::Missing(_) => {}
    }
}

fn span(page: &mut Page, loaded: &Loaded, i: usize, findings: Option<&Findings>, columns: usize) {
    let (graph, span, times) = (&loaded.graph, &loaded.graph.spans[i], &loaded.parts.times[i]);
    let (style, sign) = sign(span);
    page.put(style, sign);
    if !span.service.is_empty() {
        let service = loaded.parts.services.number(&span.service);
        page.put(TextStyle::Service(service), &escape(&span.service)).put(TextStyle::Dim, " ▸ ");
    }
    page.put(TextStyle::Bold, &named(&span.name)).line();
    let mut facts = vec![(style, span.status.as_str().to_owned())];
    facts.push(match span.ended_at.map(|end| end.checked_sub(span.started_at)) {
        None => (TextStyle::Warning, "no end recorded".to_owned()),
        Some(None) => (TextStyle::Warning, "ended before it began".to_owned()),
        Some(Some(took)) => (TextStyle::Plain, format!("took {}", duration(took))),
    });
    match times.queued {
        _ if times.clock_skew => facts.push((TextStyle::Warning, "times not computed: clocks disagree".to_owned())),
        Some(queued) => facts.push((TextStyle::Warning, format!("queued {}", duration(queued)))),
        None => {}
    }
    let own = times.self_time.filter(|own| Some(*own) != span.ended_at.map(|end| end - span.started_at.min(end)));
    facts.extend(own.map(|own| (TextStyle::Plain, format!("itself {}", duration(own)))));
    if times.suspended > 0 {
        facts.push((TextStyle::Warning, format!("suspended {}", duration(times.suspended))));
    }
    if let Some(on_path) = loaded.parts.path.time(span) {
        facts.push((TextStyle::Bold, format!("◆ {} on the critical path", duration(on_path))));
    }
    page.list(&facts, columns);
    for gap in findings.into_iter().flat_map(|findings| findings.of(span.span_id)) {
        finding(page, gap, columns);
    }
    sections(page, graph, span, &loaded.facts, PAYLOAD_LINES);
    let after = match span.started_at.checked_sub(graph.run.started_at) {
        Some(after) => format!("+{}", duration(after)),
        None => format!("-{}", duration(graph.run.started_at - span.started_at)),
    };
    let began = format!("{}  {after}", instant(span.started_at));
    let kind = format!("{:?}", span.kind).to_ascii_lowercase();
    let primitive = escape(&span.primitive);
    let of = if primitive.is_empty() { kind } else { format!("{primitive}, {kind}") };
    let ids = [
        ("began", began),
        ("kind", of),
        ("span", span.span_id.to_string()),
        ("trace", span.trace_id.to_string()),
        ("run", span.run_id.to_string()),
    ];
    if let Some(above) = loaded.forest().above(i) {
        page.target(Target::Span(Some(above.run_id), above.span_id)).space(2).put(TextStyle::Dim, "below");
        page.go_to(14).put(TextStyle::Plain, &named(&above.name)).line();
    } else if let Some(parent) = span.parent_span_id.filter(|_| span.orphan) {
        page.space(2).put(TextStyle::Dim, "below").go_to(14);
        page.put(TextStyle::Warning, &format!("span {parent}, which is not recorded")).line();
    }
    for (what, text) in ids {
        page.space(2).put(TextStyle::Dim, what).go_to(14).put(TextStyle::Plain, &text).line();
    }
}

fn sign(span: &Span) -> (TextStyle, &'static str) {
    match span.status {
        SpanStatus::Error | SpanStatus::Panicked => (TextStyle::Error, "✗ "),
        SpanStatus::Cancelled => (TextStyle::Warning, "⊘ "),
        SpanStatus::Open => (TextStyle::Warning, "◌ "),
        SpanStatus::Ok => (TextStyle::Success, "✓ "),
        _ => (TextStyle::Plain, ""),
    }
}

fn finding(page: &mut Page, gap: &Gap, columns: usize) {
    page.put(TextStyle::Warning, "! ").put(TextStyle::Bold, gap.kind.title()).line();
    for (what, text) in [("", &gap.what), ("why", &gap.likely_cause), ("fix", &gap.fix)] {
        page.space(2).put(TextStyle::Success, what);
        for line in wrap(text, columns.saturating_sub(7).max(8), usize::MAX) {
            page.go_to(7).put(TextStyle::Plain, &line).line();
        }
    }
}

fn run(page: &mut Page, loaded: &Loaded, findings: Option<&Findings>, columns: usize) {
    let (graph, run) = (&loaded.graph, &loaded.graph.run);
    header::print(page, graph, &loaded.parts.services, columns.max(40));
    for gap in findings.into_iter().flat_map(|findings| findings.of_run(run.run_id)) {
        finding(page, gap, columns);
    }
    if let Some(parent) = run.parent_run_id {
        let target = match run.triggered_by_span_id {
            Some(span) => Target::Span(Some(parent), span),
            None => Target::Run(parent),
        };
        page.target(target).space(2).put(TextStyle::Dim, "parent").go_to(14);
        page.put(TextStyle::Plain, &parent.to_string()).line();
    }
    for (n, (key, value)) in run.attributes.iter().enumerate() {
        page.space(2).put(TextStyle::Dim, if n == 0 { "attributes" } else { "" }).go_to(14);
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        page.put(TextStyle::Dim, &escape(key)).put(TextStyle::Plain, &format!(" = {}", escape(&value))).line();
    }
    page.space(2).put(TextStyle::Dim, "run").go_to(14).put(TextStyle::Plain, &run.run_id.to_string()).line();
    for trace in &run.trace_ids {
        page.space(2).put(TextStyle::Dim, "trace").go_to(14).put(TextStyle::Plain, &trace.to_string()).line();
    }
    for diagnostic in graph.diagnostics.iter().filter(|diagnostic| diagnostic.span_id.is_none()) {
        page.put(TextStyle::Warning, &format!("! {}", note(diagnostic))).line();
    }
    run.segments.iter().take(50).for_each(|one| segment(page, one));
}

fn segment(page: &mut Page, segment: &Segment) {
    page.put(TextStyle::Bold, &named(&segment.service));
    page.space(2).put(TextStyle::Dim, &segment.started_at.map(instant).unwrap_or_default()).line();
    for (key, value) in &segment.resource {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        page.space(2).put(TextStyle::Dim, &escape(key)).put(TextStyle::Plain, &format!(" = {}", escape(&value))).line();
    }
}
