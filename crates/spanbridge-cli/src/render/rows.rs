//! The lines of a tree, in order, and what each of them shows.

use super::badges::{self, Relations};
use super::forest::{Forest, Hop, Node};
use super::history::{HOST, PID, Stage, resource};
use super::page::TextStyle;
use super::row::Row;
use super::services::Services;
use super::text::{escape, named, width, wrap};
use super::time;
use super::timeline::Timeline;
use spanbridge::record::Via;
use spanbridge::semconv;
use spanbridge_graph::{Span, SpanStatus};

/// Up to this many equal leaves in a row are shown one by one.
const MAX_EQUAL_LEAVES: usize = 20;

/// Of more than that, only the first few are shown.
const SHOWN_OF_MANY: usize = 3;

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
    stack: Vec<Cursor>,
    rows: Vec<Row>,
}

/// A place among siblings.
struct Cursor {
    next: usize,
    end: usize,
    /// The end of the last sequence of equal leaves.
    equal_until: usize,
    /// Where leaving out the rest of that sequence begins.
    left_out_from: usize,
}

impl<'a, 'g> Rows<'a, 'g> {
    pub(crate) fn new(
        forest: &'a Forest<'g>,
        services: &'a Services<'g>,
        timeline: &Timeline,
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
        Self {
            forest,
            services,
            relations: Relations::of(forest.graph),
            has_error_of_child,
            shown_time: timeline.shown(),
            levels: (max_left * 45 / 100 / 3).max(5),
            columns,
            stack: Vec::new(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn all(mut self) -> Vec<Row> {
        self.enter(self.forest.top());
        while let Some(cursor) = self.stack.last_mut() {
            if cursor.next == cursor.end {
                self.stack.pop();
                continue;
            }
            let place = cursor.next;
            cursor.next += 1;
            if place >= cursor.equal_until {
                let end = cursor.end;
                let equal_until = (place + 1..end).find(|p| !self.alike(place, *p)).unwrap_or(end);
                let left_out_from =
                    if equal_until - place > MAX_EQUAL_LEAVES { place + SHOWN_OF_MANY } else { usize::MAX };
                self.stack
                    .last_mut()
                    .into_iter()
                    .for_each(|c| (c.equal_until, c.left_out_from) = (equal_until, left_out_from));
            }
            let Some(cursor) = self.stack.last_mut() else { break };
            if place == cursor.left_out_from {
                let left_out = place..cursor.equal_until;
                cursor.next = cursor.equal_until;
                let row = self.more(left_out);
                self.rows.push(row);
                continue;
            }
            let node = self.forest.at(place);
            let row = match self.forest.node(node) {
                Node::Span(i) => self.span(i),
                Node::Stage(Stage::Segment(i)) => self.segment(i),
                Node::Stage(Stage::Suspension(i)) => self.suspension(i, self.forest.children(node).len()),
                Node::Missing(id) => {
                    let (guides, _) = self.guides("─ ");
                    Row {
                        guides,
                        name: (TextStyle::Warning, format!("(parent {id:.8}… not recorded)")),
                        ..Row::default()
                    }
                }
            };
            self.rows.push(row);
            if !self.forest.is_leaf(node) {
                self.enter(node);
            }
        }
        self.rows
    }

    fn enter(&mut self, node: usize) {
        let children = self.forest.children(node);
        self.stack.push(Cursor { next: children.start, end: children.end, equal_until: 0, left_out_from: usize::MAX });
    }

    /// Whether two siblings are leaves that differ only in their times.
    fn alike(&self, a: usize, b: usize) -> bool {
        let (a, b) = (self.forest.at(a), self.forest.at(b));
        let (Node::Span(i), Node::Span(j)) = (self.forest.node(a), self.forest.node(b)) else { return false };
        let (x, y) = (&self.forest.graph.spans[i], &self.forest.graph.spans[j]);
        self.forest.is_leaf(a)
            && self.forest.is_leaf(b)
            && (&x.name, &x.service, &x.primitive, x.status, &x.error)
                == (&y.name, &y.service, &y.primitive, y.status, &y.error)
            && badges::timeless(self.forest, &self.relations, i) == badges::timeless(self.forest, &self.relations, j)
    }

    /// The guides before the current line, including its connector, and those of the lines below it.
    fn guides(&self, connector: &str) -> (String, String) {
        let depth = self.stack.len() - 1;
        if depth == 0 {
            return (String::new(), String::new());
        }
        let goes_on = |level: usize| self.stack[level].next < self.stack[level].end;
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

    fn span(&self, i: usize) -> Row {
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
        badges.extend(badges::waited(forest, &self.relations, i, self.shown_time));
        let time = match span.ended_at {
            _ if span.status == SpanStatus::Open => (TextStyle::Warning, "open".to_owned()),
            Some(end) if end < span.started_at => {
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
            time,
        }
    }

    /// The line above the work of a segment: where the run began or continued.
    fn segment(&self, i: usize) -> Row {
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
    fn suspension(&self, i: usize, resumed_by: usize) -> Row {
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

    fn more(&self, left_out: std::ops::Range<usize>) -> Row {
        let (guides, _) = self.guides("─ ");
        let (count, mut total, mut open) = (left_out.len(), 0u64, false);
        let (mut first, mut last) = (u64::MAX, 0);
        for place in left_out {
            let span = &self.forest.graph.spans[self.forest.at(place)];
            let end = span.ended_at.unwrap_or(span.started_at);
            total = total.saturating_add(end.saturating_sub(span.started_at));
            (first, last, open) = (first.min(span.started_at), last.max(end), open | span.ended_at.is_none());
        }
        let total = if open { String::new() } else { format!(" (total {})", time::duration(total)) };
        let when = Some((first, Some(last)));
        Row {
            guides,
            name: (TextStyle::Dim, format!("… {count} more like this{total}")),
            when,
            bar_style: TextStyle::Dim,
            ..Row::default()
        }
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
