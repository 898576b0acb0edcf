//! Where lines are drawn.

use super::super::state::layout::Area;
use super::styles;
use crate::render::page::{StyledLine, TextStyle};
use crate::render::text::{truncate, width};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use std::borrow::Cow;

pub(super) struct Canvas<'b> {
    buffer: &'b mut Buffer,
}

impl<'b> Canvas<'b> {
    pub(super) fn new(buffer: &'b mut Buffer) -> Self {
        Self { buffer }
    }

    /// Text at a place, at most so many columns. Returns the column after it.
    pub(super) fn text(&mut self, x: u16, y: u16, columns: u16, style: TextStyle, text: &str) -> u16 {
        if !self.is_inside(x, y) {
            return x;
        }
        self.buffer.set_stringn(x, y, text, columns.into(), styles::style(style)).0
    }

    /// A line of an area, from its beginning.
    pub(super) fn line(&mut self, area: Area, row: u16, line: &StyledLine) {
        if row >= area.height {
            return;
        }
        let (y, end) = (area.y + row, area.x + area.width);
        // What does not fit must not look as if that were all.
        let text = truncate(&line.text, area.width.into());
        let kept = match &text {
            Cow::Owned(cut) => cut.len() - '…'.len_utf8(),
            Cow::Borrowed(whole) => whole.len(),
        };
        let (mut x, mut from) = (area.x, 0);
        for (range, style) in &line.styles {
            let (begin, stop) = (range.start.min(kept), range.end.min(kept));
            x = self.text(x, y, end.saturating_sub(x), TextStyle::Plain, &text[from..begin]);
            x = self.text(x, y, end.saturating_sub(x), *style, &text[begin..stop]);
            from = stop;
        }
        self.text(x, y, end.saturating_sub(x), TextStyle::Plain, &text[from..]);
    }

    /// Marks a line of an area as the selected one.
    pub(super) fn select(&mut self, area: Area, row: u16, has_focus: bool) {
        let area = Rect::new(area.x, area.y + row, area.width, 1).intersection(self.buffer.area);
        self.buffer.set_style(area, styles::selected(has_focus));
    }

    /// Text that ends at the end of an area.
    pub(super) fn right(&mut self, area: Area, row: u16, style: TextStyle, text: &str) {
        let text = truncate(text, area.width.into());
        let columns = u16::try_from(width(&text)).unwrap_or(u16::MAX);
        self.text(area.x + area.width.saturating_sub(columns), area.y + row, columns, style, &text);
    }

    fn is_inside(&self, x: u16, y: u16) -> bool {
        x < self.buffer.area.width && y < self.buffer.area.height
    }
}
