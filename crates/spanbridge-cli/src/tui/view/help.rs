//! The keys that work now, by layer.

use super::super::state::action::Layer;
use super::super::state::app::App;
use super::super::state::layout::Area;
use super::canvas::Canvas;
use crate::render::page::{Page, StyledLine, TextStyle};
use crate::render::text::wrap;

/// The column of what a key does.
const COLUMN: usize = 14;

pub(super) fn draw(canvas: &mut Canvas<'_>, app: &App, area: Area, first: usize) {
    let lines = lines(app, area.width.into());
    let room = usize::from(area.height.saturating_sub(1));
    let first = first.min(lines.len().saturating_sub(room));
    for (row, line) in lines.iter().skip(first).take(room).enumerate() {
        canvas.line(area, row as u16, line);
    }
    let more = if lines.len() > first + room { "↓ more · " } else { "" };
    let status = Area { y: area.height.saturating_sub(1), height: 1, ..area };
    canvas.text(0, status.y, status.width, TextStyle::Dim, &format!("{more}esc leaves the help"));
}

fn lines(app: &App, width: usize) -> Vec<StyledLine> {
    let mut page = Page::new(true);
    page.put(TextStyle::Bold, "keys that work now").line();
    let layers = [
        (Layer::List, "in the list"),
        (Layer::Run, "in a run"),
        (Layer::Verb, "wherever there is something to choose"),
        (Layer::Global, "everywhere"),
    ];
    for (layer, title) in layers {
        let mut bindings = app.available().filter(|binding| binding.layer == layer).peekable();
        if bindings.peek().is_none() {
            continue;
        }
        page.line().put(TextStyle::Dim, title).line();
        for binding in bindings {
            let keys: Vec<String> = binding.keys.iter().map(|key| key.name()).collect();
            page.space(2).put(TextStyle::Bold, &keys.join(" ")).space(1);
            for line in wrap(binding.help, width.saturating_sub(COLUMN).max(16), 4) {
                page.go_to(COLUMN).put(TextStyle::Plain, &line).line();
            }
        }
    }
    page.finish_lines()
}
