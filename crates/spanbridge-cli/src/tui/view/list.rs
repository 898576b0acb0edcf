//! The list of runs.

use super::super::state::app::App;
use super::super::state::layout::{Area, Layout};
use super::super::state::list::List;
use super::canvas::Canvas;
use crate::render::page::TextStyle;
use crate::render::runs;

/// The columns before each row: for the mark of the selected one.
const GUTTER: u16 = 2;

/// How many digits of a run id are shown.
const DIGITS: usize = 8;

pub(super) fn draw(canvas: &mut Canvas<'_>, app: &App, list: &List) -> Area {
    let layout = Layout::plain(app.size.0, app.size.1, true);
    title(canvas, list, layout.title);
    let inner = |area: Area| Area { x: area.x + GUTTER, width: area.width.saturating_sub(GUTTER), ..area };
    let (heads, rows) = (inner(layout.heads), inner(layout.rows));
    // Columns are as wide as the widest of all rows, so that they stay when you scroll.
    let lines = runs::page(&list.rows, DIGITS, app.now, rows.width.into(), true).finish_lines();
    if let Some(line) = lines.first().filter(|_| !list.rows.is_empty()) {
        canvas.line(heads, 0, line);
    }
    let first = list.cursor.top;
    for (row, line) in lines.iter().skip(1 + first).take(rows.height.into()).enumerate() {
        let place = first + row;
        canvas.line(rows, row as u16, line);
        if place == list.cursor.at {
            canvas.text(layout.rows.x, layout.rows.y + row as u16, 1, TextStyle::Bold, "›");
            canvas.select(layout.rows, row as u16, true);
        }
    }
    if list.rows.is_empty() && rows.height > 0 {
        let text = match (list.is_read, list.is_filtered()) {
            (false, _) => "reading …",
            (true, true) => "no run matches; esc shows all",
            (true, false) => "the store has no runs yet; they appear here as they are recorded",
        };
        canvas.text(rows.x, rows.y, rows.width, TextStyle::Dim, text);
    }
    layout.status
}

fn title(canvas: &mut Canvas<'_>, list: &List, area: Area) {
    if area.height == 0 {
        return;
    }
    let shown = match list.rows.len() {
        _ if !list.is_read => String::new(),
        1 if !list.has_more => "1 run".into(),
        n => format!("{n}{} runs", if list.has_more { "+" } else { "" }),
    };
    let x = canvas.text(area.x, area.y, area.width, TextStyle::Bold, "runs");
    let mut facts = vec![shown, list.sorted_by().to_owned()];
    if list.each_run {
        facts.push("each run".into());
    }
    if list.failed_only {
        facts.push("failed only".into());
    }
    if !list.text.trim().is_empty() {
        facts.push(format!("/{}", crate::render::escape(&list.text)));
    }
    facts.retain(|fact| !fact.is_empty());
    canvas.text(x + 2, area.y, area.width.saturating_sub(x + 2), TextStyle::Dim, &facts.join(" · "));
    if list.new_above > 0 {
        canvas.right(area, 0, TextStyle::Warning, &format!(" ↑ {} new; g shows them", list.new_above));
    }
}
