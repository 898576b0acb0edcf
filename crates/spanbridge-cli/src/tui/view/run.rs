//! A run: its tree with a timeline, and the details of the selected row. Only the rows on the screen are made.

use super::super::loaded::Loaded;
use super::super::state::app::App;
use super::super::state::layout::{Area, TIMELINE};
use super::super::state::run::{Focus, RunView, TimelineWidth};
use super::super::state::tree::Row;
use super::canvas::Canvas;
use super::page::pane;
use crate::render::badges::{self, Badge};
use crate::render::forest::Node;
use crate::render::header;
use crate::render::history::Stage;
use crate::render::page::{Page, TextStyle};
use crate::render::row::{self, GAP};
use crate::render::rows::Rows;
use crate::render::status::run_status;
use crate::render::text::{named, truncate, width};
use crate::render::time::duration;
use crate::render::timeline::Timeline;
use crate::render::tree::TIMES;

/// The columns before each row: for the mark of the selected one, and of those that match a search.
const GUTTER: u16 = 2;

pub(super) fn draw(canvas: &mut Canvas<'_>, app: &App, run: &RunView) -> Area {
    let layout = run.layout(app.size);
    let Some(loaded) = run.loaded.as_deref() else {
        let text = if run.is_gone { "this run is no longer in the store" } else { "reading …" };
        canvas.text(2, layout.rows.y, layout.rows.width, TextStyle::Dim, text);
        return layout.status;
    };
    title(canvas, run, loaded, layout.title);
    tree(canvas, run, loaded, layout.heads, layout.rows);
    if layout.divider.height > 0 {
        let line = "─".repeat(layout.divider.width.into());
        canvas.text(layout.divider.x, layout.divider.y, layout.divider.width, TextStyle::Dim, &line);
    } else if layout.details.x > 0 {
        for y in layout.details.y..layout.details.y + layout.details.height {
            canvas.text(layout.details.x - 1, y, 1, TextStyle::Dim, "│");
        }
    }
    pane(canvas, &run.details, layout.details, run.focus == Focus::Details);
    layout.status
}

fn title(canvas: &mut Canvas<'_>, run: &RunView, loaded: &Loaded, area: Area) {
    let mut page = Page::new(true);
    header::print(&mut page, &loaded.graph, &loaded.parts.services, usize::from(area.width).max(40));
    for (row, line) in page.finish_lines().iter().take(area.height.into()).enumerate() {
        canvas.line(area, row as u16, line);
    }
    let mut facts = Vec::new();
    if let Some(search) = &run.search {
        let found = match search.spans.as_ref().map(Vec::len) {
            None => "…".to_owned(),
            Some(1) => "1 match".to_owned(),
            Some(n) => format!("{n} matches"),
        };
        facts.push(format!("/{} {found}", truncate(&crate::render::escape(&search.text), 16)));
    }
    for (is_set, word) in [
        (run.is_gone, "no longer stored"),
        (run.tree.failed_only, "failed only"),
        (run.extent.follow_children, "with child runs"),
        (run.zoom.is_some(), "zoomed"),
    ] {
        if is_set {
            facts.push(word.to_owned());
        }
    }
    if !facts.is_empty() && area.height > 0 {
        canvas.right(area, area.height - 1, TextStyle::Warning, &format!("  {}", facts.join(" · ")));
    }
}

/// How the columns of a row are shared.
struct Columns {
    left: usize,
    bar: usize,
}

impl Columns {
    fn of(run: &RunView, width: u16) -> Self {
        let columns = usize::from(width.saturating_sub(GUTTER));
        let bar = match run.timeline {
            _ if width < TIMELINE => 0,
            TimelineWidth::Third => columns / 3,
            TimelineWidth::Half => columns / 2,
            TimelineWidth::None => 0,
        };
        let after = GAP + TIMES + if bar > 0 { GAP + bar } else { 0 };
        Self { left: columns.saturating_sub(after).max(8), bar }
    }

    /// The first column of the bars.
    fn bars(&self) -> usize {
        self.left + GAP + TIMES + GAP
    }
}

fn tree(canvas: &mut Canvas<'_>, run: &RunView, loaded: &Loaded, heads: Area, area: Area) {
    let columns = Columns::of(run, area.width);
    let timeline = loaded.parts.timeline.with_waits();
    let timeline = match run.zoom {
        Some((from, to)) => timeline.zoom(from, to),
        None => timeline,
    };
    if heads.height > 0 && columns.bar > 0 && timeline.cut() > 0 {
        let text = format!("≈ {} of waiting is not to scale", duration(timeline.cut()));
        canvas.text(heads.x + GUTTER, heads.y, columns.left as u16, TextStyle::Dim, &text);
    }
    if heads.height > 0 && columns.bar > 0 {
        let (x, scale) = (heads.x + GUTTER + columns.bars() as u16, duration(timeline.shown()));
        canvas.text(x, heads.y, columns.bar as u16, TextStyle::Dim, "0");
        canvas.right(
            Area { width: GUTTER + (columns.bars() + columns.bar) as u16, ..heads },
            0,
            TextStyle::Dim,
            &scale,
        );
    }
    let rows = Rows::new(&loaded.graph, &loaded.parts, &run.tree.lines, &run.tree.visible, columns.left, columns.left);
    let text = Area { x: area.x + GUTTER, width: area.width.saturating_sub(GUTTER), ..area };
    let matches = run.search.as_ref().and_then(|search| search.spans.as_deref()).unwrap_or_default();
    for row in 0..area.height {
        let place = run.cursor.top + usize::from(row);
        if place >= run.tree.len() {
            break;
        }
        let y = area.y + row;
        match run.tree.row(place) {
            Row::Foot(foot) => canvas.line(text, row, &run.tree.foot[foot]),
            Row::Run => put(canvas, text, row, run_row(loaded), &columns),
            Row::Line(line) => put(canvas, text, row, line_row(run, loaded, &rows, line, &columns), &columns),
        }
        if columns.bar > 0 {
            let x = text.x + columns.bars() as u16;
            let mut bars = bars(run, loaded, &rows, place, &timeline, columns.bar);
            bars.extend(label(&bars, wait(run, loaded, place), columns.bar));
            for (from, style, bar) in bars {
                let room = (columns.bar - from.min(columns.bar)) as u16;
                canvas.text(x + from as u16, y, room, style, &bar);
            }
        }
        if run.tree.span(loaded, place).is_some_and(|span| matches.binary_search(&span).is_ok()) {
            canvas.text(area.x + 1, y, 1, TextStyle::Bold, "•");
        }
        if place == run.cursor.at {
            canvas.text(area.x, y, 1, TextStyle::Bold, "›");
            canvas.select(area, row, run.focus == Focus::Tree);
        }
    }
}

fn put(canvas: &mut Canvas<'_>, area: Area, at: u16, row: row::Row, columns: &Columns) {
    let mut page = Page::new(true);
    row.print(&mut page, columns.left, TIMES, &(0, String::new()), columns.left);
    if let Some(line) = page.finish_lines().first() {
        canvas.line(area, at, line);
    }
}

fn run_row(loaded: &Loaded) -> row::Row {
    let run = &loaded.graph.run;
    let (style, status) = run_status(run.status);
    let took = run.ended_at.and_then(|end| end.checked_sub(run.started_at));
    row::Row {
        name: (TextStyle::Bold, format!("run {}", named(&run.name))),
        badges: vec![(style, status.to_owned())],
        time: match took {
            Some(took) => (TextStyle::Plain, duration(took)),
            None => (TextStyle::Warning, "open".to_owned()),
        },
        ..row::Row::default()
    }
}

/// A row of the tree: what the tree of the command line shows, with findings, what is hidden below, and the error behind all.
fn line_row(run: &RunView, loaded: &Loaded, rows: &Rows<'_>, line: usize, columns: &Columns) -> row::Row {
    let mut row = rows.row(line);
    let hidden = run.tree.hidden(loaded, line);
    if hidden > 0 {
        row.badges.insert(0, (TextStyle::Bold, format!("+{hidden}")));
    }
    let span = run.tree.node(line).and_then(|node| loaded.graph.spans.get(node));
    if let (Some(findings), Some(span)) = (&run.findings, span) {
        let titles = findings.of(span.span_id).map(|gap| (TextStyle::Warning, format!("! {}", gap.kind.title())));
        row.badges.splice(0..0, titles);
    }
    // How long it was in the queue stands in the timeline. Without one, it comes first: where there is little room, the last words go.
    if let Some(wait) = wait(run, loaded, line + 1)
        && let Some(at) = row.badges.iter().position(|badge| *badge == wait)
    {
        row.badges.remove(at);
        if columns.bar == 0 {
            row.badges.insert(0, wait);
        }
    }
    let error = row.below.drain(..).find(|(_, style, _)| *style == TextStyle::Error).map(|(.., text)| text);
    row.fit(columns.left);
    let room = columns.left.saturating_sub(row.width() + 2);
    if let Some(error) = error.filter(|_| room >= 8) {
        row.hint = None;
        let room = columns.left.saturating_sub(row.width() + 2);
        row.badges.push((TextStyle::Error, truncate(&error, room).into_owned()));
    }
    row
}

/// How long the message of a row was in its queue, in words; or that nobody knows.
fn wait(run: &RunView, loaded: &Loaded, place: usize) -> Option<Badge> {
    let times = &loaded.parts.times[run.tree.span(loaded, place)?];
    badges::waited(times, loaded.parts.timeline.shown())
}

/// Words beside bars, where there is room for them.
fn label(bars: &[Bar], words: Option<Badge>, columns: usize) -> Option<Bar> {
    let (_, words) = words?;
    let end = bars.iter().map(|(from, _, bar)| from + width(bar)).max().unwrap_or(0);
    let begin = bars.iter().map(|(from, ..)| *from).min().unwrap_or(0);
    let needed = width(&words) + 1;
    let from = if columns.saturating_sub(end) >= needed { end + 1 } else { begin.checked_sub(needed)? };
    Some((from, TextStyle::Warning, words))
}

/// A part of the timeline: its first column, and what stands there.
type Bar = (usize, TextStyle, String);

/// What stands in the timeline: the time in the queue, which is a stretch of its own, and the work.
fn bars(
    run: &RunView,
    loaded: &Loaded,
    rows: &Rows<'_>,
    place: usize,
    timeline: &Timeline,
    columns: usize,
) -> Vec<Bar> {
    let mut all = Vec::new();
    let mut add = |from: u64, to: Option<u64>, style: TextStyle, sign: Option<char>| {
        if timeline.shows(from, to.unwrap_or(u64::MAX)) {
            let (at, bar) = timeline.bar(from, to, columns);
            let bar = match sign {
                None => bar,
                Some(sign) => {
                    let columns = bar.chars().count();
                    let is_cut = columns > 1 && timeline.cuts(from, to.unwrap_or(u64::MAX));
                    let sign = |column| if is_cut && column == columns / 2 { '≈' } else { sign };
                    (0..columns).map(sign).collect()
                }
            };
            all.push((at, style, bar));
        }
    };
    let graph = &loaded.graph;
    let line = match run.tree.row(place) {
        Row::Run => {
            add(graph.run.started_at, graph.run.ended_at, TextStyle::Plain, None);
            return all;
        }
        Row::Foot(_) => return all,
        Row::Line(line) => line,
    };
    let node = run.tree.node(line).map(|node| (node, loaded.forest().node(node)));
    match node {
        Some((_, Node::Span(i))) => {
            let (span, times) = (&graph.spans[i], &loaded.parts.times[i]);
            let Some((from, to)) = rows.row(line).when else { return all };
            if let Some(queued) = times.queued.filter(|queued| *queued > 0) {
                add(span.started_at.saturating_sub(queued), Some(span.started_at), TextStyle::Warning, Some('┄'));
            }
            let is_beside_path = graph.critical_path.is_some() && loaded.parts.path.time(span).is_none();
            let style = if is_beside_path { TextStyle::Dim } else { rows.row(line).bar_style };
            add(from, to, style, None);
        }
        Some((_, Node::Stage(Stage::Suspension(i)))) => {
            let wait = &graph.run.suspensions[i];
            if let Some(from) = wait.suspended_at {
                add(from, wait.resumed_at.filter(|to| *to >= from), TextStyle::Warning, Some('┄'));
            }
        }
        _ => {}
    }
    all.sort_by_key(|(at, ..)| *at);
    all
}
