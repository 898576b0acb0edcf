//! The way through the tree, line by line, and what stands on each line.

use super::badges::{self, Relations};
use super::bar::Timeline;
use super::forest::{Forest, Hop, Node};
use super::page::Ink;
use super::row::Row;
use super::story::{Chapter, HOST, PID, resource};
use super::text::{escape, width, wrap};
use super::time;
use super::tree::Services;
use spanbridge::record::Via;
use spanbridge::semconv;
use spanbridge_store::graph::{Span, SpanStatus};

/// So many equal leaves in a row are shown one by one; of more, only the first [`SHOWN`].
const MANY: usize = 20;
const SHOWN: usize = 3;

/// The way through the forest, with an explicit stack: one cursor for each level above the current line.
pub(crate) struct Walk<'a, 'g> {
    forest: &'a Forest<'g>,
    services: &'a Services<'g>,
    relations: Relations,
    /// Spans whose error a child has under the same words: there is where it started, and there it is shown.
    passed_on: Vec<bool>,
    whole: u64,
    /// So many levels have guides; deeper ones begin again at the left, with their depth.
    band: usize,
    columns: usize,
    stack: Vec<Cursor>,
    rows: Vec<Row>,
}

/// A place among siblings.
struct Cursor {
    next: usize,
    end: usize,
    /// The end of the stretch of equal leaves that has been looked at last, and from where on it is left out.
    stretch: usize,
    left_out_from: usize,
}

impl<'a, 'g> Walk<'a, 'g> {
    pub(crate) fn new(
        forest: &'a Forest<'g>,
        services: &'a Services<'g>,
        timeline: &Timeline,
        most: usize,
        columns: usize,
    ) -> Self {
        let mut passed_on = vec![false; forest.graph.spans.len()];
        for span in &forest.graph.spans {
            let above = span.parent.filter(|_| span.error.is_some());
            if let Some(p) = above.filter(|p| forest.graph.spans.get(*p).is_some_and(|p| p.error == span.error)) {
                passed_on[p] = true;
            }
        }
        Self {
            forest,
            services,
            relations: Relations::of(forest.graph),
            passed_on,
            whole: timeline.shown(),
            band: (most * 45 / 100 / 3).max(5),
            columns,
            stack: Vec::new(),
            rows: Vec::new(),
        }
    }

    pub(crate) fn rows(mut self) -> Vec<Row> {
        self.enter(self.forest.top());
        while let Some(cursor) = self.stack.last_mut() {
            if cursor.next == cursor.end {
                self.stack.pop();
                continue;
            }
            let place = cursor.next;
            cursor.next += 1;
            if place >= cursor.stretch {
                let end = cursor.end;
                let stretch = (place + 1..end).find(|p| !self.alike(place, *p)).unwrap_or(end);
                let left_out_from = if stretch - place > MANY { place + SHOWN } else { usize::MAX };
                self.stack.last_mut().into_iter().for_each(|c| (c.stretch, c.left_out_from) = (stretch, left_out_from));
            }
            let Some(cursor) = self.stack.last_mut() else { break };
            if place == cursor.left_out_from {
                let left_out = place..cursor.stretch;
                cursor.next = cursor.stretch;
                let row = self.more(left_out);
                self.rows.push(row);
                continue;
            }
            let node = self.forest.at(place);
            let row = match self.forest.node(node) {
                Node::Span(i) => self.span(i),
                Node::Chapter(Chapter::Segment(i)) => self.segment(i),
                Node::Chapter(Chapter::Suspension(i)) => self.suspension(i, self.forest.children(node).len()),
                Node::Missing(id) => {
                    let (guides, _) = self.guides("─ ");
                    Row { guides, name: (Ink::Warn, format!("(parent {id:.8}… not recorded)")), ..Row::default() }
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
        self.stack.push(Cursor { next: children.start, end: children.end, stretch: 0, left_out_from: usize::MAX });
    }

    /// Whether two siblings are leaves that a reader could not tell apart but for their times.
    fn alike(&self, a: usize, b: usize) -> bool {
        let (a, b) = (self.forest.at(a), self.forest.at(b));
        let (Node::Span(i), Node::Span(j)) = (self.forest.node(a), self.forest.node(b)) else { return false };
        let (x, y) = (&self.forest.graph.spans[i], &self.forest.graph.spans[j]);
        self.forest.is_leaf(a)
            && self.forest.is_leaf(b)
            && (&x.name, &x.service, &x.primitive, x.status, &x.error)
                == (&y.name, &y.service, &y.primitive, y.status, &y.error)
            && badges::lasting(self.forest, &self.relations, i) == badges::lasting(self.forest, &self.relations, j)
    }

    /// The guides in front of the current line, its connector among them, and those of the lines below it.
    fn guides(&self, connector: &str) -> (String, String) {
        let depth = self.stack.len() - 1;
        if depth == 0 {
            return (String::new(), String::new());
        }
        let goes_on = |level: usize| self.stack[level].next < self.stack[level].end;
        let from = (depth - 1) / self.band * self.band;
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
            SpanStatus::Ok => None,
            SpanStatus::Error | SpanStatus::Panicked => Some((Ink::Bad, "✗")),
            SpanStatus::Cancelled => Some((Ink::Warn, "⊘")),
            SpanStatus::Open => Some((Ink::Warn, "◌")),
        };
        let changes = forest.service_above(i) != Some(&*span.service);
        let service = (changes && !span.service.is_empty()).then(|| (number, escape(&span.service).into_owned()));
        // It stands below no other span, and below no missing one.
        let root = forest.above(i).is_none() && !span.orphan;
        let name = match &*escape(&span.name) {
            "" => (Ink::Dim, format!("(start of {:.8}… not recorded)", span.span_id)),
            name => (if root { Ink::Bold } else { Ink::Plain }, name.to_owned()),
        };
        let mut badges = badges::lasting(forest, &self.relations, i);
        badges.extend(badges::waited(forest, &self.relations, i, self.whole));
        let time = match span.ended_at {
            _ if span.status == SpanStatus::Open => (Ink::Warn, "open".to_owned()),
            Some(end) if !span.name.is_empty() => {
                let took = end.saturating_sub(span.started_at);
                (if took < self.whole / 100 { Ink::Dim } else { Ink::Plain }, time::duration(took))
            }
            _ => (Ink::Dim, "–".to_owned()),
        };
        below.push_str(if forest.is_leaf(i) { "  " } else { "│ " });
        let room = self.columns.saturating_sub(width(&below));
        // The header has said already why the run failed.
        let said = self.passed_on[i] || (root && span.error == forest.graph.run.error);
        let why = why(span).filter(|_| !said).map(|why| wrap(why, room, 3)).unwrap_or_default();
        Row {
            below: why.into_iter().map(|text| (below.clone(), text)).collect(),
            bar_ink: mark.map_or(Ink::Service(number), |(ink, _)| ink),
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

    /// The line above what a segment did: where the run began, or went on.
    fn segment(&self, i: usize) -> Row {
        let segment = &self.forest.graph.run.segments[i];
        let (guides, _) = self.guides("─ ");
        let story = self.forest.story();
        let what = match segment.via {
            Some(Via::Start) => "started",
            Some(Via::Resume) if story.endings.contains(&i) => "ended",
            Some(Via::Resume) => "resumed",
            Some(Via::Receive) => "received",
            None => "(beginning not recorded)",
        };
        let mut badges = Vec::new();
        let (pid, host) = (resource(segment, PID), resource(segment, HOST).and_then(|h| h.as_str()));
        badges
            .extend(pid.filter(|_| story.several.0).map(|pid| (Ink::Dim, format!("pid {}", escape(&pid.to_string())))));
        badges.extend(host.filter(|_| story.several.1).map(|host| (Ink::Dim, format!("on {}", escape(host)))));
        let number = self.services.number(&segment.service);
        let service = (!segment.service.is_empty()).then(|| (number, escape(&segment.service).into_owned()));
        Row { guides, service, name: (Ink::Plain, what.to_owned()), badges, ..Row::default() }
    }

    /// The line of a wait: what for, and how long.
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
            badges.push((Ink::Dim, format!("resumed {resumed_by} times")));
        }
        let time = match (wait.suspended_at, wait.resumed_at) {
            (Some(from), Some(to)) if to < from => {
                badges.push((Ink::Warn, "resumed by an earlier clock".to_owned()));
                (Ink::Dim, "–".to_owned())
            }
            (Some(from), Some(to)) => (Ink::Warn, time::duration(to - from)),
            (Some(from), None) => {
                badges.push(match run.ended_at {
                    Some(_) => (Ink::Warn, "never resumed".to_owned()),
                    None => (Ink::Warn, format!("since {}", time::instant(from))),
                });
                (Ink::Warn, if run.ended_at.is_some() { "–" } else { "waits" }.to_owned())
            }
            _ => (Ink::Dim, "–".to_owned()),
        };
        Row { guides, mark: Some((Ink::Warn, "‖")), name: (Ink::Plain, name), badges, time, ..Row::default() }
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
            name: (Ink::Dim, format!("… {count} more like this{total}")),
            when,
            bar_ink: Ink::Dim,
            ..Row::default()
        }
    }
}

/// Why a span failed, in words.
fn why(span: &Span) -> Option<&str> {
    if span.status == SpanStatus::Ok {
        return None;
    }
    let kind = || span.attribute(semconv::ERROR_TYPE).and_then(|v| v.as_str());
    span.error.as_deref().or_else(kind).filter(|text| !text.trim().is_empty())
}
