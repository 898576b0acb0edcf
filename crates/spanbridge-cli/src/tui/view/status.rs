//! The last line: what you type, what happened, or the keys that work; and whether what you see is live.

use super::super::state::action::{Action, Binding};
use super::super::state::app::{App, Screen};
use super::super::state::layout::Area;
use super::canvas::Canvas;
use crate::render::escape;
use crate::render::page::TextStyle;
use crate::render::text::width;
use ratatui::layout::Position;

pub(super) fn draw(canvas: &mut Canvas<'_>, app: &App, area: Area) -> Option<Position> {
    if area.height == 0 {
        return None;
    }
    let state = state(app);
    let room = usize::from(area.width).saturating_sub(width(&state) + 2);
    if let Some(prompt) = &app.prompt {
        return Some(typed(canvas, area, &prompt.text(), &prompt.before()));
    }
    let style = if app.is_paused { TextStyle::Warning } else { TextStyle::Dim };
    canvas.right(area, 0, style, &state);
    match &app.message {
        Some(message) => {
            let (style, sign) = if message.is_error { (TextStyle::Error, "! ") } else { (TextStyle::Plain, "") };
            let text = format!("{sign}{}", escape(&message.text));
            // It may need the whole line.
            let room = if width(&text) > room { usize::from(area.width) } else { room };
            canvas.text(area.x, area.y, area.width, TextStyle::Plain, &" ".repeat(room));
            canvas.text(area.x, area.y, room as u16, style, &text);
        }
        None => keys(canvas, app, area, room),
    }
    None
}

/// As many keys as fit. The way back, or out, always does: it is left for last, and the others leave room for it.
fn keys(canvas: &mut Canvas<'_>, app: &App, area: Area, room: usize) {
    let way_out = if app.can(Action::Back) { Action::Back } else { Action::Quit };
    let named = app.available().filter(|binding| !binding.word.is_empty());
    let keys: Vec<_> = named.filter_map(|binding| Some((binding, binding.keys.first()?.name()))).collect();
    let needed = |(binding, key): &(&Binding, String)| width(key) + 1 + width(binding.word);
    let mut kept = keys.iter().find(|(binding, _)| binding.action == way_out).map_or(0, |key| needed(key) + 2);
    let mut x = area.x;
    for one in &keys {
        let (binding, key) = one;
        kept = if binding.action == way_out { 0 } else { kept };
        if usize::from(x - area.x) + needed(one) + kept > room {
            continue;
        }
        x = canvas.text(x, area.y, area.width, TextStyle::Bold, key);
        x = canvas.text(x + 1, area.y, area.width, TextStyle::Dim, binding.word) + 2;
    }
}

/// The line that is typed. Of a long one, the part before the cursor.
fn typed(canvas: &mut Canvas<'_>, area: Area, text: &str, before: &str) -> Position {
    let columns = usize::from(area.width).saturating_sub(2);
    let mut hidden = 0;
    while width(&before[hidden..]) > columns {
        hidden += before[hidden..].chars().next().map_or(1, char::len_utf8);
    }
    let text = escape(&text[hidden..]);
    let x = canvas.text(area.x, area.y, area.width, TextStyle::Bold, "/");
    canvas.text(x, area.y, area.width.saturating_sub(1), TextStyle::Plain, &text);
    let at = width(&escape(&before[hidden..])).min(columns);
    Position::new(x + at as u16, area.y)
}

fn state(app: &App) -> String {
    let (at, of, is_reading) = match app.screens.last() {
        Some(Screen::List(list)) => (list.cursor.at, list.rows.len(), false),
        Some(Screen::Run(run)) => (run.cursor.at, run.tree.len(), run.refresh.pending.is_some()),
        Some(Screen::Page(page)) => (page.pane.cursor.at, page.pane.lines.len(), page.pending.is_some()),
        None => (0, 0, false),
    };
    let is_stale = match app.screens.last() {
        Some(Screen::List(list)) => list.refresh.is_stale(),
        Some(Screen::Run(run)) => run.refresh.is_stale(),
        _ => false,
    };
    let live = match (app.is_paused, is_stale) {
        (true, true) => "paused, changes wait",
        (true, false) => "paused",
        _ if app.finding.is_some() || is_reading => "reading",
        _ if matches!(app.screens.last(), Some(Screen::Page(_))) => "",
        _ if !app.is_live => "not live",
        _ => "live",
    };
    let place = if of == 0 { String::new() } else { format!("{}/{of}", at + 1) };
    [live, &place].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}
