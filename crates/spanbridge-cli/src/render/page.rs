//! Text under construction, in styled lines. It knows the current column.

use super::text;
use anstyle::{AnsiColor, Style};

/// The style of a piece of text. It never has a meaning alone: a sign or a word says the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum TextStyle {
    /// No style.
    #[default]
    Plain,
    /// What to read first.
    Bold,
    /// What to read last.
    Dim,
    /// Something failed.
    Error,
    /// Something has not ended, or was given up.
    Warning,
    /// Something succeeded.
    Success,
    /// The colour of a service, by its number.
    Service(usize),
}

/// Neither red nor yellow, which have a meaning, nor dark blue, which is unreadable on black.
const SERVICES: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Magenta,
    AnsiColor::BrightBlue,
    AnsiColor::Green,
    AnsiColor::BrightCyan,
    AnsiColor::BrightMagenta,
];

impl TextStyle {
    fn ansi(self) -> Style {
        match self {
            TextStyle::Plain => Style::new(),
            TextStyle::Bold => Style::new().bold(),
            TextStyle::Dim => Style::new().dimmed(),
            TextStyle::Error => AnsiColor::Red.on_default(),
            TextStyle::Warning => AnsiColor::Yellow.on_default(),
            TextStyle::Success => AnsiColor::Green.on_default(),
            TextStyle::Service(n) => SERVICES[n % SERVICES.len()].on_default(),
        }
    }
}

/// Text under construction. Spaces are written only before other text, so no line ends in spaces.
pub(crate) struct Page {
    text: String,
    color: bool,
    column: usize,
    written: usize,
}

impl Page {
    pub(crate) fn new(color: bool) -> Self {
        Self { text: String::new(), color, column: 0, written: 0 }
    }

    /// Adds text that is already safe (see [`text::escape`]).
    pub(crate) fn put(&mut self, style: TextStyle, text: &str) -> &mut Self {
        if text.is_empty() {
            return self;
        }
        self.text.extend(std::iter::repeat_n(' ', self.column - self.written));
        if self.color && style != TextStyle::Plain {
            let ansi = style.ansi();
            self.text.push_str(&format!("{ansi}{text}{ansi:#}"));
        } else {
            self.text.push_str(text);
        }
        self.column += text::width(text);
        self.written = self.column;
        self
    }

    /// Moves to a column, unless that is already passed.
    pub(crate) fn go_to(&mut self, column: usize) -> &mut Self {
        self.column = self.column.max(column);
        self
    }

    /// Leaves `n` columns empty.
    pub(crate) fn space(&mut self, n: usize) -> &mut Self {
        self.column += n;
        self
    }

    /// The current column.
    pub(crate) fn column(&self) -> usize {
        self.column
    }

    /// Ends the line.
    pub(crate) fn line(&mut self) -> &mut Self {
        self.text.push('\n');
        (self.column, self.written) = (0, 0);
        self
    }

    /// Adds pieces with ` · ` between them, on as many lines as needed.
    pub(crate) fn list(&mut self, pieces: &[(TextStyle, String)], columns: usize) -> &mut Self {
        for (i, (style, piece)) in pieces.iter().enumerate() {
            let piece = text::truncate(piece, columns);
            if i > 0 && self.column + 3 + text::width(&piece) > columns {
                self.line();
            } else if i > 0 {
                self.put(TextStyle::Dim, " · ");
            }
            self.put(*style, &piece);
        }
        self.line()
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }
}
