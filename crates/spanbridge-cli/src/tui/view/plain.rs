//! Drawing without colour, and with ASCII characters alone. It works on what was drawn, so nothing can be forgotten.

use super::look::Look;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::Color;

/// Our signs, and what stands for them. Each has the same width.
const ASCII: &[(char, char)] = &[
    ('│', '|'),
    ('├', '|'),
    ('└', '`'),
    ('─', '-'),
    ('⇢', '>'),
    ('→', '>'),
    ('←', '<'),
    ('↑', '^'),
    ('↓', 'v'),
    ('↳', '>'),
    ('▸', '>'),
    ('›', '>'),
    ('✗', 'x'),
    ('✓', '+'),
    ('⊘', '/'),
    ('◌', 'o'),
    ('‖', '"'),
    ('…', '~'),
    ('⋯', '~'),
    ('━', '='),
    ('╺', '-'),
    ('╸', '-'),
    ('╌', '-'),
    ('┄', '.'),
    ('≈', '~'),
    ('◆', '*'),
    ('×', 'x'),
    ('·', '-'),
    ('•', '*'),
    ('–', '-'),
    ('µ', 'u'),
    ('—', '-'),
];

pub(super) fn apply(buffer: &mut Buffer, look: Look) {
    for cell in &mut buffer.content {
        if !look.color {
            (cell.fg, cell.bg) = (Color::Reset, Color::Reset);
        }
        if look.ascii && !cell.symbol().is_ascii() {
            ascii(cell);
        }
    }
}

/// A letter loses its marks. What there is no sign for becomes a question mark.
fn ascii(cell: &mut Cell) {
    let first = cell.symbol().chars().next().unwrap_or(' ');
    let sign = ASCII.iter().find(|(sign, _)| *sign == first).map(|(_, ascii)| *ascii);
    cell.set_char(sign.unwrap_or(if first.is_ascii() { first } else { '?' }));
}
