//! Styles of text, as the terminal shows them.

use crate::render::page::TextStyle;
use anstyle::{AnsiColor, Effects};
use ratatui::style::{Color, Modifier, Style};

pub(super) fn style(style: TextStyle) -> Style {
    let ansi = style.ansi();
    let mut out = Style::new();
    if let Some(anstyle::Color::Ansi(color)) = ansi.get_fg_color() {
        out = out.fg(self::color(color));
    }
    let effects = ansi.get_effects();
    for (effect, modifier) in [(Effects::BOLD, Modifier::BOLD), (Effects::DIMMED, Modifier::DIM)] {
        if effects.contains(effect) {
            out = out.add_modifier(modifier);
        }
    }
    out
}

/// The selected line: the same on every terminal, dark or light. A mark at its beginning says the same.
pub(super) fn selected(has_focus: bool) -> Style {
    let plain = Style::new().fg(Color::Reset).remove_modifier(Modifier::DIM);
    plain.add_modifier(if has_focus { Modifier::REVERSED } else { Modifier::UNDERLINED })
}

fn color(color: AnsiColor) -> Color {
    match color {
        AnsiColor::Black => Color::Black,
        AnsiColor::Red => Color::Red,
        AnsiColor::Green => Color::Green,
        AnsiColor::Yellow => Color::Yellow,
        AnsiColor::Blue => Color::Blue,
        AnsiColor::Magenta => Color::Magenta,
        AnsiColor::Cyan => Color::Cyan,
        AnsiColor::White => Color::Gray,
        AnsiColor::BrightBlack => Color::DarkGray,
        AnsiColor::BrightRed => Color::LightRed,
        AnsiColor::BrightGreen => Color::LightGreen,
        AnsiColor::BrightYellow => Color::LightYellow,
        AnsiColor::BrightBlue => Color::LightBlue,
        AnsiColor::BrightMagenta => Color::LightMagenta,
        AnsiColor::BrightCyan => Color::LightCyan,
        AnsiColor::BrightWhite => Color::White,
    }
}
