//! Screens of text.

use super::super::state::app::App;
use super::super::state::layout::Area;
use super::super::state::pages::{About, TextPage};
use super::super::state::pane::Pane;
use super::canvas::Canvas;
use crate::render::page::TextStyle;

pub(super) fn draw(canvas: &mut Canvas<'_>, app: &App, page: &TextPage) -> Area {
    let layout = page.layout(app.size);
    if layout.title.height > 0 {
        let what = match page.about {
            About::Why => "why",
            About::Doctor => "doctor",
        };
        let x = canvas.text(0, layout.title.y, layout.title.width, TextStyle::Bold, what);
        let of = format!("{}  {:.8}", page.name, page.run_id);
        canvas.text(x + 2, layout.title.y, layout.title.width.saturating_sub(x + 2), TextStyle::Dim, &of);
    }
    if page.content.is_none() {
        let text = if page.pending.is_some() { "reading …" } else { "" };
        canvas.text(2, layout.rows.y, layout.rows.width, TextStyle::Dim, text);
    }
    pane(canvas, &page.pane, layout.rows, true);
    layout.status
}

/// Lines of text. The first column has the mark of the selected one, the second that of a line that leads somewhere.
pub(super) fn pane(canvas: &mut Canvas<'_>, pane: &Pane, area: Area, has_focus: bool) {
    let text = Area { x: area.x + 2, width: area.width.saturating_sub(2), ..area };
    let lines = pane.lines.iter().enumerate().skip(pane.cursor.top).take(area.height.into());
    for (row, (place, line)) in lines.enumerate() {
        let row = row as u16;
        canvas.line(text, row, line);
        let is_selected = has_focus && place == pane.cursor.at;
        if line.target.is_some() {
            canvas.text(area.x + 1, area.y + row, 1, TextStyle::Bold, "→");
        }
        if is_selected {
            canvas.text(area.x, area.y + row, 1, TextStyle::Bold, "›");
            canvas.select(area, row, true);
        }
    }
}
