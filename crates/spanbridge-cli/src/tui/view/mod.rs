//! Draws the state. Nothing here changes it.

mod canvas;
mod help;
mod list;
mod look;
mod page;
mod plain;
mod run;
mod status;
mod styles;

use super::state::app::{App, Screen};
use super::state::layout::Area;
use canvas::Canvas;
pub(crate) use look::Look;
use ratatui::buffer::Buffer;
use ratatui::layout::Position;

/// Draws everything. Returns where the cursor of the terminal is, if it is seen.
pub(crate) fn draw(buffer: &mut Buffer, app: &App, look: Look) -> Option<Position> {
    let mut canvas = Canvas::new(buffer);
    let whole = Area { x: 0, y: 0, width: app.size.0, height: app.size.1 };
    let mut cursor = None;
    if let Some(first) = app.help {
        help::draw(&mut canvas, app, whole, first);
    } else {
        let status = match app.screens.last() {
            Some(Screen::List(list)) => list::draw(&mut canvas, app, list),
            Some(Screen::Run(run)) => run::draw(&mut canvas, app, run),
            Some(Screen::Page(page)) => page::draw(&mut canvas, app, page),
            None => whole,
        };
        cursor = status::draw(&mut canvas, app, status);
    }
    plain::apply(buffer, look);
    cursor
}

#[cfg(test)]
mod tests;
