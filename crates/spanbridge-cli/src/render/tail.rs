//! One line for each thing that happens, as it is recorded.

use super::options::Options;
use super::page::{Page, TextStyle};
use super::text::{escape, named, truncate, width};
use super::time;
use spanbridge::record::{Body, End, Record};
use spanbridge::{RunId, SpanId, Status};
use spanbridge_graph::{run_of, span_of, time_of};
use spanbridge_query::has_text;
use std::collections::{HashMap, VecDeque};

/// How many names of open spans and runs are remembered. Without its name, a span is shown by its id.
const MAX_NAMES: usize = 100_000;

/// Maximum width of the column of services.
const MAX_SERVICE: usize = 20;

/// Which records are shown.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TailFilter {
    /// Only of these services. Empty: of all.
    pub services: Vec<String>,
    /// Only of this run.
    pub run: Option<RunId>,
    /// Only of spans and runs with this text in their name.
    pub name: Option<String>,
    /// Only failures.
    pub errors: bool,
    /// Also what begins, events and the other records that say more about a span.
    pub all: bool,
}

/// Turns records into lines, in the order in which they come. It remembers the names of what has begun.
#[derive(Debug)]
pub struct TailLines {
    filter: TailFilter,
    options: Options,
    names: Names,
    services: Vec<String>,
    service_width: usize,
}

impl TailLines {
    /// Lines of what passes the filter.
    pub fn new(filter: TailFilter, options: &Options) -> Self {
        Self { filter, options: *options, names: Names::default(), services: Vec::new(), service_width: 8 }
    }

    /// Remembers the names in a record. Of records that come together, note all before the first is shown: services deliver in
    /// any order.
    pub fn note(&mut self, record: &Record<'_>) {
        self.names.add(record)
    }

    /// Whether the record passes the filter.
    pub fn shows(&self, record: &Record<'_>) -> bool {
        let filter = &self.filter;
        let is_of = |services: &[String]| services.is_empty() || services.iter().any(|s| *s == record.service);
        let names = |text: &str| self.names.of(record).is_some_and(|name| has_text(name, text));
        is_of(&filter.services)
            && filter.run.is_none_or(|run| run_of(record) == Some(run))
            && filter.name.as_deref().is_none_or(names)
            && (!filter.errors || has_failed(&record.body))
            && (filter.all || is_shown(&record.body))
    }

    /// The line of a record that passes the filter, with the time by which lines are sorted: that of the end, if it has one. `None`:
    /// it is too little to be a line.
    pub fn line(&mut self, record: &Record<'_>) -> Option<(u64, String)> {
        let at = match &record.body {
            Body::Span(span) => span.end.as_ref().map_or(span.started_at, |end| end.ended_at),
            body => time_of(body)?,
        };
        let (style, sign, what, took) = self.what(record)?;
        let service = truncate(&escape(&record.service), MAX_SERVICE).into_owned();
        self.service_width = self.service_width.max(width(&service));
        let number = self.number(&record.service);
        let run = run_of(record).map_or("-".to_owned(), |run| format!("{run:.8}"));
        let mut page = Page::new(self.options.color);
        page.put(TextStyle::Dim, &clock(at)).space(2).put(TextStyle::Service(number), &service);
        page.go_to(14 + self.service_width + 2).put(TextStyle::Dim, &run).space(2).put(style, sign);
        page.put(if style == TextStyle::Dim { style } else { TextStyle::Plain }, &what);
        page.space(2).put(TextStyle::Dim, &took.map(time::duration).unwrap_or_default());
        let error = error_of(&record.body).and_then(|error| error.lines().next()).map(escape).unwrap_or_default();
        page.space(2).put(TextStyle::Error, &error).line();
        Some((at, page.finish()))
    }

    fn what(&self, record: &Record<'_>) -> Option<(TextStyle, &'static str, String, Option<u64>)> {
        let name = || match self.names.of(record) {
            Some(name) => named(name),
            None => span_of(&record.body).map_or(String::new(), |span| format!("span {span}")),
        };
        // A run that began before is known by its id alone.
        let run = |what: &str| format!("run {} {what}", name()).split_whitespace().collect::<Vec<_>>().join(" ");
        let ended = |end: &End<'_>| {
            let (style, sign) = ending(end.status);
            let began = span_of(&record.body).and_then(|span| self.names.began(span));
            (style, sign, name(), began.map(|began| end.ended_at.saturating_sub(began)))
        };
        Some(match &record.body {
            Body::RunStart(_) => (TextStyle::Bold, "▸ ", run(""), None),
            Body::RunSuspend(suspend) => {
                let why = suspend.reason.as_deref().map_or(String::new(), |why| format!(": {}", escape(why)));
                (TextStyle::Warning, "‖ ", run(&format!("waits{why}")), None)
            }
            Body::RunResume(_) => (TextStyle::Bold, "▸ ", run("goes on"), None),
            Body::RunEnd(end) => {
                let (style, sign) = ending(end.status);
                let sign = if sign.is_empty() { "✓ " } else { sign };
                let style = if style == TextStyle::Plain { TextStyle::Success } else { style };
                let began = run_of(record).and_then(|run| self.names.run_began(run));
                (style, sign, run(""), began.map(|began| end.ended_at.saturating_sub(began)))
            }
            Body::Span(span) => match &span.end {
                Some(end) => ended(end),
                None => (TextStyle::Dim, "┌ ", name(), None),
            },
            Body::SpanEnd(span) => ended(&span.end),
            Body::Event(event) => (TextStyle::Dim, "· ", format!("{}: {}", name(), escape(&event.name)), None),
            _ => return None,
        })
    }

    fn number(&mut self, service: &str) -> usize {
        self.services.iter().position(|known| known == service).unwrap_or_else(|| {
            // Colours repeat long before.
            if self.services.len() < 1000 {
                self.services.push(service.to_owned());
            }
            self.services.len() - 1
        })
    }
}

fn ending(status: Status) -> (TextStyle, &'static str) {
    match status {
        Status::Ok => (TextStyle::Plain, ""),
        Status::Cancelled => (TextStyle::Warning, "⊘ "),
        _ => (TextStyle::Error, "✗ "),
    }
}

fn end_of<'b>(body: &'b Body<'_>) -> Option<(Status, Option<&'b str>)> {
    match body {
        Body::Span(span) => span.end.as_ref().map(|end| (end.status, end.error.as_deref())),
        Body::SpanEnd(span) => Some((span.end.status, span.end.error.as_deref())),
        Body::RunEnd(end) => Some((end.status, end.error.as_deref())),
        _ => None,
    }
}

fn error_of<'b>(body: &'b Body<'_>) -> Option<&'b str> {
    end_of(body)?.1
}

fn has_failed(body: &Body<'_>) -> bool {
    end_of(body).is_some_and(|(status, _)| !matches!(status, Status::Ok | Status::Cancelled))
}

/// What ends, and what a run does.
fn is_shown(body: &Body<'_>) -> bool {
    end_of(body).is_some() || matches!(body, Body::RunStart(_) | Body::RunSuspend(_) | Body::RunResume(_))
}

/// A time of day in UTC, with milliseconds.
fn clock(nanos: u64) -> String {
    let ms = nanos / 1_000_000 % 86_400_000;
    format!("{:02}:{:02}:{:02}.{:03}", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000)
}

/// The names of what has begun, and when.
#[derive(Debug, Default)]
struct Names {
    spans: Bounded<SpanId>,
    runs: Bounded<RunId>,
}

impl Names {
    fn add(&mut self, record: &Record<'_>) {
        match &record.body {
            Body::Span(span) => self.spans.add(span.span_id, &span.name, span.started_at),
            Body::RunStart(start) => {
                if let Some(run) = run_of(record) {
                    self.runs.add(run, &start.name, start.started_at);
                }
            }
            _ => {}
        }
    }

    fn of<'n>(&'n self, record: &'n Record<'_>) -> Option<&'n str> {
        match &record.body {
            Body::RunStart(start) => Some(&start.name),
            Body::Span(span) => Some(&span.name),
            body => match span_of(body) {
                Some(span) => self.spans.all.get(&span).map(|(name, _)| name.as_str()),
                None => self.runs.all.get(&run_of(record)?).map(|(name, _)| name.as_str()),
            },
        }
    }

    fn began(&self, span: SpanId) -> Option<u64> {
        self.spans.all.get(&span).map(|(_, began)| *began)
    }

    fn run_began(&self, run: RunId) -> Option<u64> {
        self.runs.all.get(&run).map(|(_, began)| *began)
    }
}

/// The last names that came.
#[derive(Debug)]
struct Bounded<K> {
    all: HashMap<K, (String, u64)>,
    order: VecDeque<K>,
}

impl<K> Default for Bounded<K> {
    fn default() -> Self {
        Self { all: HashMap::new(), order: VecDeque::new() }
    }
}

impl<K: Copy + Eq + std::hash::Hash> Bounded<K> {
    fn add(&mut self, key: K, name: &str, began: u64) {
        if self.all.insert(key, (name.to_owned(), began)).is_none() {
            self.order.push_back(key);
        }
        if self.order.len() > MAX_NAMES
            && let Some(oldest) = self.order.pop_front()
        {
            self.all.remove(&oldest);
        }
    }
}
