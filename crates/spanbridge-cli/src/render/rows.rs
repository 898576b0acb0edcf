//! The lines of a tree, in order, and what each of them shows.

use super::alike::{Line, Shapes};
use super::badges::{self, Relations};
use super::critical::PathTimes;
use super::forest::{Forest, Hop, Node};
use super::history::{HOST, PID, Stage, resource};
use super::page::TextStyle;
use super::row::Row;
use super::services::Services;
use super::status::run_status;
use super::text::{counted, escape, named, truncate, width, wrap};
use super::time;
use super::timeline::Timeline;
use super::view::{View, Visible};
use spanbridge::record::Via;
use spanbridge::semconv;
use spanbridge_graph::{RunStatus, Span, SpanStatus, SpanTimes};

/// Maximum width of the name of a child run.
const MAX_NAME_WIDTH: usize = 24;

/// Makes the lines, with an explicit stack: one cursor for each level above the current line.
pub(crate) struct Rows<'a, 'g> {
    forest: &'a Forest<'g>,
    services: &'a Services<'g>,
    relations: Relations,
    /// Spans with the same error as a child. It is shown where it started.
    has_error_of_child: Vec<bool>,
    /// The time that the waterfall shows.
    shown_time: u64,
    /// How many levels have guides. Deeper ones start at the left again, with their depth.
    levels: usize,
    columns: usize,
    view: &'a View,
    visible: Visible,
    /// `None`: every span has a line.
    shapes: Option<Shapes>,
    path: PathTimes,
    times: Vec<SpanTimes>,
    stack: Vec<Cursor>,
    rows: Vec<Row>,
}

/// A place among siblings.
struct Cursor {
    lines: std::iter::Peekable<std::vec::IntoIter<Line>>,
}

impl<'a, 'g> Rows<'a, 'g> {
    pub(crate) fn new(
        forest: &'a Forest<'g>,
        services: &'a Services<'g>,
        timeline: &Timeline,
        view: &'a View,
        max_left: usize,
        columns: usize,
    ) -> Self {
        let mut has_error_of_child = vec![false; forest.graph.spans.len()];
        for span in &forest.graph.spans {
            let above = span.parent.filter(|_| span.error.is_some());
            if let Some(p) = above.filter(|p| forest.graph.spans.get(*p).is_some_and(|p| p.error == span.error)) {
                has_error_of_child[p] = true;
            }
        }
        let (relations, path) = (Relations::of(forest.graph), PathTimes::of(forest.graph));
        let is_on_path = |i: usize| path.time(&forest.graph.spans[i]).is_some();
        Self {
            forest,
            services,
            has_error_of_child,
            shown_time: timeline.shown(),
            levels: (max_left * 45 / 100 / 3).max(5),
            columns,
            view,
            visible: Visible::of(forest, view),
            shapes: (!view.expand).then(|| Shapes::of(forest, &relations, is_on_path)),
            relations,
            path,
            times: SpanTimes::of(forest.graph),
            stack: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// How many spans match the view.
    pub(crate) fn matching(&self) -> usize {
        self.visible.matching
    }

    pub(crate) fn all(mut self) -> Vec<Row> {
        self.enter(self.forest.top());
        while let Some(cursor) = self.stack.last_mut() {
            let Some(line) = cursor.lines.next() else {
                self.stack.pop();
                continue;
            };
            match line {
                Line::Node(node) => {
                    let row = self.row(node);
                    self.rows.push(row);
                    if !self.forest.is_leaf(node) {
                        self.enter(node);
                    }
                }
                Line::Equal(nodes) => {
                    let row = self.equal(&nodes);
                    self.rows.push(row);
                }
                Line::Below(spans) => {
                    let (guides, _) = self.guides("─ ");
                    let name = (TextStyle::Dim, format!("… {} below", counted(spans, "span")));
                    self.rows.push(Row { guides, name, ..Row::default() });
                }
            }
        }
        self.rows
    }

    fn enter(&mut self, node: usize) {
        let is_deep = self.view.depth.is_some_and(|depth| self.stack.len() >= depth.max(1));
        let below = if is_deep { self.visible.below(self.forest, node) } else { 0 };
        let lines = if below > 0 {
            vec![Line::Below(below)]
        } else {
            let children = self.forest.children(node).map(|place| self.forest.at(place));
            let children: Vec<usize> = children.filter(|child| self.visible.is_shown(*child)).collect();
            match &self.shapes {
                Some(shapes) => shapes.lines(children),
                None => children.into_iter().map(Line::Node).collect(),
            }
        };
        self.stack.push(Cursor { lines: lines.into_iter().peekable() });
    }

    fn row(&mut self, node: usize) -> Row {
        match self.forest.node(node) {
            Node::Span(i) => self.span(i),
            Node::Stage(Stage::Segment(i)) => self.segment(i),
            Node::Stage(Stage::Suspension(i)) => self.suspension(i, self.forest.children(node).len()),
            Node::Missing(id) => {
                let (guides, _) = self.guides("─ ");
                let name = (TextStyle::Warning, format!("(parent {id:.8}… not recorded)"));
                Row { guides, name, ..Row::default() }
            }
        }
    }

    /// The guides before the current line, including its connector, and those of the lines below it.
    fn guides(&mut self, connector: &str) -> (String, String) {
        let depth = self.stack.len() - 1;
        if depth == 0 {
            return (String::new(), String::new());
        }
        let mut goes_on = |level: usize| self.stack[level].lines.peek().is_some();
        let from = (depth - 1) / self.levels * self.levels;
        let mut guides = if from == 0 { String::new() } else { format!("⋯{from} ") };
        for level in from + 1..depth {
            guides.push_str(if goes_on(level) { "│  " } else { "   " });
        }
        let below = if goes_on(depth) { format!("{guides}│  ") } else { format!("{guides}   ") };
        guides.push(if goes_on(depth) { '├' } else { '└' });
        guides.push_str(connector);
        (guides, below)
    }

    fn span(&mut self, i: usize) -> Row {
        let (forest, span) = (self.forest, &self.forest.graph.spans[i]);
        let hop = match forest.hop(i) {
            Hop::None => "",
            Hop::Call => "→ ",
            Hop::Queue => "⇢ ",
        };
        let (guides, mut below) = self.guides(if hop.is_empty() { "─ " } else { "" });
        let number = self.services.number(&span.service);
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
        let mut badges = badges::timeless(forest, &self.relations, i);
        let is_torn = span.ended_at.is_some_and(|end| end < span.started_at);
        badges.extend(badges::waited(&self.times[i], self.shown_time).filter(|_| !is_torn));
        badges.splice(0..0, self.child_run(i));
        if let Some(time) = self.path.time(span) {
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
                (if took < self.shown_time / 100 { TextStyle::Dim } else { TextStyle::Plain }, time::duration(took))
            }
            _ => (TextStyle::Dim, "–".to_owned()),
        };
        below.push_str(if forest.is_leaf(i) { "  " } else { "│ " });
        let room = self.columns.saturating_sub(width(&below));
        // The header already shows why the run failed.
        let is_shown = self.has_error_of_child[i] || (root && span.error == forest.graph.run.error);
        let why = error_text(span).filter(|_| !is_shown).map(|why| wrap(why, room, 3)).unwrap_or_default();
        Row {
            below: why.into_iter().map(|text| (below.clone(), text)).collect(),
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
        let status = Some(run_status(run.status)).filter(|_| run.status != RunStatus::Ok);
        let status = status.map(|(style, word)| (style, word.to_owned()));
        let name = format!("run {} {id}", truncate(&named(&run.name), MAX_NAME_WIDTH));
        status.into_iter().chain([(TextStyle::Dim, name)]).collect()
    }

    /// The line above the work of a segment: where the run began or continued.
    fn segment(&mut self, i: usize) -> Row {
        let segment = &self.forest.graph.run.segments[i];
        let (guides, _) = self.guides("─ ");
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
        let number = self.services.number(&segment.service);
        let service = (!segment.service.is_empty()).then(|| (number, escape(&segment.service).into_owned()));
        Row { guides, service, name: (TextStyle::Plain, what.to_owned()), badges, ..Row::default() }
    }

    /// The line of a wait: its reason, and how long it was.
    fn suspension(&mut self, i: usize, resumed_by: usize) -> Row {
        let run = &self.forest.graph.run;
        let wait = &run.suspensions[i];
        let (guides, _) = self.guides("─ ");
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
    fn equal(&mut self, nodes: &[usize]) -> Row {
        let Some(Node::Span(first)) = nodes.first().map(|node| self.forest.node(*node)) else { return Row::default() };
        let mut row = self.span(first);
        let spans = || nodes.iter().filter_map(|node| self.forest.graph.spans.get(*node));
        let took = spans().filter_map(|s| s.ended_at?.checked_sub(s.started_at));
        let mut took: Vec<u64> = took.collect();
        took.sort_unstable();
        let mut badges = vec![(TextStyle::Bold, format!("×{}", nodes.len()))];
        if let (Some(median), Some(max)) = (took.get(took.len().saturating_sub(1) / 2), took.last()) {
            badges.push((TextStyle::Plain, format!("p50 {}", time::duration(*median))));
            badges.push((TextStyle::Plain, format!("max {}", time::duration(*max))));
        }
        let each = self.visible.below(self.forest, nodes[0]);
        if each > 0 {
            badges.push((TextStyle::Dim, format!("each with {}", counted(each, "span"))));
        }
        // Attempts and waits are those of the first.
        badges.extend(badges::timeless(self.forest, &self.relations, first));
        let (from, to) = spans()
            .fold((u64::MAX, 0), |(from, to), s| (from.min(s.started_at), to.max(s.ended_at.unwrap_or(s.started_at))));
        let total = took.iter().fold(0u64, |sum, took| sum.saturating_add(*took));
        row.badges = badges;
        row.time = if took.is_empty() { row.time } else { (TextStyle::Dim, time::duration(total)) };
        row.when = Some((from, Some(to)));
        row
    }
}

/// The error of a span, in words.
fn error_text(span: &Span) -> Option<&str> {
    if span.status == SpanStatus::Ok {
        return None;
    }
    let kind = || span.attribute(semconv::ERROR_TYPE).and_then(|v| v.as_str());
    span.error.as_deref().or_else(kind).filter(|text| !text.trim().is_empty())
}
