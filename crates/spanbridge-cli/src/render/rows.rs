//! What each line of a tree shows.

use super::alike::Line;
use super::badges;
use super::forest::{Forest, Hop, Node};
use super::history::{HOST, PID, Stage, resource};
use super::left_out;
use super::lines::TreeLine;
use super::mutations::Mutations;
use super::page::TextStyle;
use super::parts::Parts;
use super::row::Row;
use super::status::run_outcome;
use super::text::{counted, escape, named, truncate, width, wrap};
use super::time;
use super::view::Visible;
use spanbridge::record::Via;
use spanbridge::semconv;
use spanbridge_graph::{Graph, RunStatus, Span, SpanStatus, Suspension};

/// So many changed rows of a span are shown.
const MAX_CHANGES: usize = 3;

/// Maximum width of the name of a child run.
const MAX_NAME_WIDTH: usize = 24;

/// Makes the rows of lines, in any order.
pub(crate) struct Rows<'a> {
    forest: Forest<'a>,
    parts: &'a Parts,
    lines: &'a [TreeLine],
    visible: &'a Visible,
    /// How many levels have guides. Deeper ones start at the left again, with their depth.
    levels: usize,
    columns: usize,
}

impl<'a> Rows<'a> {
    /// `max_left` is the room for the left part of a row, `columns` that for lines of an error below it.
    pub(crate) fn new(
        graph: &'a Graph,
        parts: &'a Parts,
        lines: &'a [TreeLine],
        visible: &'a Visible,
        max_left: usize,
        columns: usize,
    ) -> Self {
        let levels = (max_left * 45 / 100 / 3).max(5);
        Self { forest: parts.forest(graph), parts, lines, visible, levels, columns }
    }

    /// What the line at this place shows.
    pub(crate) fn row(&self, place: usize) -> Row {
        let Some(line) = self.lines.get(place) else { return Row::default() };
        match &line.what {
            Line::Node(node) => match self.forest.node(*node) {
                Node::Span(i) => self.span(place, i),
                Node::Stage(Stage::Segment(i)) => self.segment(place, i),
                Node::Stage(Stage::Suspension(i)) => self.suspension(place, i, self.forest.children(*node).len()),
                Node::Missing(id) => {
                    let (guides, _) = self.guides(place, "─ ");
                    let name = (TextStyle::Warning, format!("(parent {id:.8}… not recorded)"));
                    Row { guides, name, ..Row::default() }
                }
            },
            Line::Equal(nodes) => self.equal(place, nodes),
            Line::Below(spans) => {
                let (guides, _) = self.guides(place, "─ ");
                let name = (TextStyle::Dim, format!("… {} below", counted(*spans, "span")));
                Row { guides, name, ..Row::default() }
            }
            Line::LeftOut(group) => left_out::row(self.forest.graph, *group, self.guides(place, "─ ").0),
        }
    }

    /// The guides before a line, including its connector, and those of the lines below it.
    fn guides(&self, place: usize, connector: &str) -> (String, String) {
        let line = &self.lines[place];
        let depth = line.level as usize;
        if depth == 0 {
            return (String::new(), String::new());
        }
        let from = (depth - 1) / self.levels * self.levels;
        let mut guides = if from == 0 { String::new() } else { format!("⋯{from} ") };
        let above = |line: &&TreeLine| self.lines.get(line.above? as usize);
        let above = std::iter::successors(above(&line), above);
        let mut go_on: Vec<bool> = above.take(depth - 1 - from).map(|line| !line.is_last).collect();
        while let Some(goes_on) = go_on.pop() {
            guides.push_str(if goes_on { "│  " } else { "   " });
        }
        let below = if line.is_last { format!("{guides}   ") } else { format!("{guides}│  ") };
        guides.push(if line.is_last { '└' } else { '├' });
        guides.push_str(connector);
        (guides, below)
    }

    fn span(&self, place: usize, i: usize) -> Row {
        let (forest, parts) = (&self.forest, self.parts);
        let (span, shown_time) = (&forest.graph.spans[i], parts.timeline.shown());
        let hop = match forest.hop(i) {
            Hop::None => "",
            Hop::Call => "→ ",
            Hop::Queue => "⇢ ",
        };
        let (guides, mut below) = self.guides(place, if hop.is_empty() { "─ " } else { "" });
        let number = parts.services.number(&span.service);
        let mark = match span.status {
            SpanStatus::Error | SpanStatus::Panicked => Some((TextStyle::Error, "✗")),
            SpanStatus::Cancelled => Some((TextStyle::Warning, "⊘")),
            SpanStatus::Open => Some((TextStyle::Warning, "◌")),
            _ => None,
        };
        let changes = forest.service_above(i) != Some(&*span.service);
        let service = (changes && !span.service.is_empty()).then(|| (number, escape(&span.service).into_owned()));
        // It has no parent, not even a missing one.
        let root = forest.above(i).is_none() && !span.orphan;
        let name = match span.has_start {
            false => (TextStyle::Dim, format!("(start of {:.8}… not recorded)", span.span_id)),
            true => (if root { TextStyle::Bold } else { TextStyle::Plain }, named(&span.name)),
        };
        let mut badges = badges::timeless(forest, &parts.relations, i);
        let is_torn = span.ended_at.is_some_and(|end| end < span.started_at);
        badges.extend(badges::waited(&parts.times[i], shown_time).filter(|_| !is_torn));
        badges.splice(0..0, self.child_run(i));
        if let Some(time) = parts.path.time(span) {
            badges.insert(0, (TextStyle::Bold, format!("◆ {}", time::duration(time))));
        }
        let time = match span.ended_at {
            _ if span.status == SpanStatus::Open => (TextStyle::Warning, "open".to_owned()),
            Some(_) if is_torn => {
                badges.push((TextStyle::Warning, "ended before it began".to_owned()));
                (TextStyle::Dim, "–".to_owned())
            }
            Some(end) if span.has_start => {
                let took = end.saturating_sub(span.started_at);
                (if took < shown_time / 100 { TextStyle::Dim } else { TextStyle::Plain }, time::duration(took))
            }
            _ => (TextStyle::Dim, "–".to_owned()),
        };
        below.push_str(if forest.is_leaf(i) { "  " } else { "│ " });
        let room = self.columns.saturating_sub(width(&below));
        // The header already shows why the run failed.
        let is_shown = parts.has_error_of_child[i] || (root && span.error == forest.graph.run.error);
        let why = error_text(span).filter(|_| !is_shown).map(|why| wrap(why, room, 3)).unwrap_or_default();
        let why = why.into_iter().map(|text| (TextStyle::Error, text));
        let changed = changed_rows(&parts.mutations, forest.graph, span).map(|text| (TextStyle::Plain, text));
        Row {
            below: why.chain(changed).map(|(style, text)| (below.clone(), style, text)).collect(),
            bar_style: mark.map_or(TextStyle::Service(number), |(style, _)| style),
            when: Some((span.started_at, span.ended_at)),
            guides,
            hop,
            mark,
            service,
            name,
            badges,
            hint: badges::category(span),
            time,
        }
    }

    /// The child run that begins with this span, if it is shown inline: its status, unless that is ok, its name and its id.
    fn child_run(&self, i: usize) -> Vec<(TextStyle, String)> {
        let span = &self.forest.graph.spans[i];
        if self.forest.above(i).is_none_or(|above| above.run_id == span.run_id) {
            return Vec::new();
        }
        let id = format!("{:.8}", span.run_id);
        let Some(run) = self.forest.graph.child_runs.iter().find(|run| run.run_id == span.run_id) else {
            return vec![(TextStyle::Dim, format!("run {id}"))];
        };
        let is_plain = run.status == RunStatus::Ok && run.failed_work.total() == 0;
        let status = (!is_plain).then(|| run_outcome(run.status, &run.failed_work));
        let name = format!("run {} {id}", truncate(&named(&run.name), MAX_NAME_WIDTH));
        let waits = run.suspensions.iter().map(|wait| (TextStyle::Warning, waited(wait)));
        status.into_iter().chain(waits).chain([(TextStyle::Dim, name)]).collect()
    }

    /// The line above the work of a segment: where the run began or continued.
    fn segment(&self, place: usize, i: usize) -> Row {
        let segment = &self.forest.graph.run.segments[i];
        let (guides, _) = self.guides(place, "─ ");
        let history = self.forest.history();
        let what = match segment.via {
            Some(Via::Start) => "started",
            Some(Via::Resume) if history.end_only.contains(&i) => "ended",
            Some(Via::Resume) => "resumed",
            Some(Via::Receive) => "received",
            Some(_) => "took part",
            None => "(beginning not recorded)",
        };
        let mut badges = Vec::new();
        let (pid, host) = (resource(segment, PID), resource(segment, HOST).and_then(|h| h.as_str()));
        badges.extend(
            pid.filter(|_| history.several_processes)
                .map(|pid| (TextStyle::Dim, format!("pid {}", escape(&pid.to_string())))),
        );
        badges.extend(
            host.filter(|_| history.several_hosts).map(|host| (TextStyle::Dim, format!("on {}", escape(host)))),
        );
        let number = self.parts.services.number(&segment.service);
        let service = (!segment.service.is_empty()).then(|| (number, escape(&segment.service).into_owned()));
        Row { guides, service, name: (TextStyle::Plain, what.to_owned()), badges, ..Row::default() }
    }

    /// The line of a wait: its reason, and how long it was.
    fn suspension(&self, place: usize, i: usize, resumed_by: usize) -> Row {
        let run = &self.forest.graph.run;
        let wait = &run.suspensions[i];
        let (guides, _) = self.guides(place, "─ ");
        let name = match (&wait.reason, wait.suspended_at) {
            (Some(reason), _) => format!("suspended: {}", escape(reason)),
            (None, Some(_)) => "suspended".to_owned(),
            (None, None) => "(suspension not recorded)".to_owned(),
        };
        let mut badges = Vec::new();
        if resumed_by > 1 {
            badges.push((TextStyle::Dim, format!("resumed {resumed_by} times")));
        }
        let time = match (wait.suspended_at, wait.resumed_at) {
            (Some(from), Some(to)) if to < from => {
                badges.push((TextStyle::Warning, "resumed earlier, by another clock".to_owned()));
                (TextStyle::Dim, "–".to_owned())
            }
            (Some(from), Some(to)) => (TextStyle::Warning, time::duration(to - from)),
            (Some(from), None) => {
                badges.push(match run.ended_at {
                    Some(_) => (TextStyle::Warning, "never resumed".to_owned()),
                    None => (TextStyle::Warning, format!("since {}", time::instant(from))),
                });
                (TextStyle::Warning, if run.ended_at.is_some() { "–" } else { "waits" }.to_owned())
            }
            _ => (TextStyle::Dim, "–".to_owned()),
        };
        Row {
            guides,
            mark: Some((TextStyle::Warning, "‖")),
            name: (TextStyle::Plain, name),
            badges,
            time,
            ..Row::default()
        }
    }

    /// The line of several siblings that differ only in their times.
    fn equal(&self, place: usize, nodes: &[usize]) -> Row {
        let Some(Node::Span(first)) = nodes.first().map(|node| self.forest.node(*node)) else { return Row::default() };
        let mut row = self.span(place, first);
        let spans = || nodes.iter().filter_map(|node| self.forest.graph.spans.get(*node));
        let took = spans().filter_map(|s| s.ended_at?.checked_sub(s.started_at));
        let mut took: Vec<u64> = took.collect();
        took.sort_unstable();
        let mut badges = vec![(TextStyle::Bold, format!("×{}", nodes.len()))];
        if let (Some(median), Some(max)) = (took.get(took.len().saturating_sub(1) / 2), took.last()) {
            badges.push((TextStyle::Plain, format!("p50 {}", time::duration(*median))));
            badges.push((TextStyle::Plain, format!("max {}", time::duration(*max))));
        }
        let each = self.visible.below(&self.forest, nodes[0]);
        if each > 0 {
            badges.push((TextStyle::Dim, format!("each with {}", counted(each, "span"))));
        }
        // Attempts and waits are those of the first.
        badges.extend(badges::timeless(&self.forest, &self.parts.relations, first));
        let (from, to) = spans()
            .fold((u64::MAX, 0), |(from, to), s| (from.min(s.started_at), to.max(s.ended_at.unwrap_or(s.started_at))));
        let total = took.iter().fold(0u64, |sum, took| sum.saturating_add(*took));
        let changed: usize = spans().map(|span| self.parts.mutations.count(span.span_id)).sum();
        row.below.retain(|(_, style, _)| *style == TextStyle::Error);
        if changed > 0 {
            badges.push((TextStyle::Plain, counted(changed, "row") + " changed"));
        }
        row.badges = badges;
        row.time = if took.is_empty() { row.time } else { (TextStyle::Dim, time::duration(total)) };
        row.when = Some((from, Some(to)));
        row
    }
}

/// The rows that a span changed, in words: the first of them.
fn changed_rows(mutations: &Mutations, graph: &Graph, span: &Span) -> impl Iterator<Item = String> {
    let (all, more) = (mutations.count(span.span_id), mutations.count(span.span_id).saturating_sub(MAX_CHANGES));
    let shown = mutations.of(graph, span.span_id).take(if more == 1 { all } else { MAX_CHANGES });
    let shown: Vec<String> = shown.map(|m| escape(&format!("{}: {}", m.row(), m.summary())).into_owned()).collect();
    shown.into_iter().chain((more > 1).then(|| format!("… {more} more rows changed")))
}

/// The error of a span, in words.
fn error_text(span: &Span) -> Option<&str> {
    if span.status == SpanStatus::Ok {
        return None;
    }
    let kind = || span.attribute(semconv::ERROR_TYPE).and_then(|v| v.as_str());
    span.error.as_deref().or_else(kind).filter(|text| !text.trim().is_empty())
}

/// A wait of a child run that is shown inline, in words.
fn waited(wait: &Suspension) -> String {
    let reason =
        wait.reason.as_ref().map_or(String::new(), |reason| format!(": {}", truncate(&escape(reason), MAX_NAME_WIDTH)));
    match (wait.suspended_at, wait.resumed_at) {
        (Some(from), Some(to)) if to >= from => format!("‖ suspended {}{reason}", time::duration(to - from)),
        (Some(from), None) => format!("‖ suspended since {}{reason}", time::instant(from)),
        _ => format!("‖ suspended{reason}"),
    }
}
