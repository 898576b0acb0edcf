//! A page of styled lines that knows in which column it stands.

use super::text;
use anstyle::{AnsiColor, Style};

/// What a piece of text is printed with. A style never carries a meaning alone: a glyph or a word says the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ink {
    /// As it comes.
    #[default]
    Plain,
    /// What a reader looks for first.
    Bold,
    /// What is there when one asks for it.
    Dim,
    /// Failed.
    Bad,
    /// Not over, or given up.
    Warn,
    /// Well.
    Good,
    /// The colour of a service, by its number.
    Service(usize),
}

/// Neither red nor yellow (they mean something here), nor the dark blue that nobody can read on black.
const SERVICES: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Magenta,
    AnsiColor::BrightBlue,
    AnsiColor::Green,
    AnsiColor::BrightCyan,
    AnsiColor::BrightMagenta,
];

impl Ink {
    fn style(self) -> Style {
        match self {
            Ink::Plain => Style::new(),
            Ink::Bold => Style::new().bold(),
            Ink::Dim => Style::new().dimmed(),
            Ink::Bad => AnsiColor::Red.on_default(),
            Ink::Warn => AnsiColor::Yellow.on_default(),
            Ink::Good => AnsiColor::Green.on_default(),
            Ink::Service(n) => SERVICES[n % SERVICES.len()].on_default(),
        }
    }
}

/// Text under construction. Spaces are written only before something, so no line ends in them.
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

    /// Writes text that is safe already ([`text::escape`]).
    pub(crate) fn put(&mut self, ink: Ink, text: &str) -> &mut Self {
        if text.is_empty() {
            return self;
        }
        self.text.extend(std::iter::repeat_n(' ', self.column - self.written));
        let style = ink.style();
        if self.color && ink != Ink::Plain {
            self.text.push_str(&format!("{style}{text}{style:#}"));
        } else {
            self.text.push_str(text);
        }
        self.column += text::width(text);
        self.written = self.column;
        self
    }

    /// Goes to a column, unless it is past it.
    pub(crate) fn go_to(&mut self, column: usize) -> &mut Self {
        self.column = self.column.max(column);
        self
    }

    /// Leaves `n` columns free.
    pub(crate) fn space(&mut self, n: usize) -> &mut Self {
        self.column += n;
        self
    }

    /// The column of what comes next.
    pub(crate) fn column(&self) -> usize {
        self.column
    }

    /// Ends the line.
    pub(crate) fn line(&mut self) -> &mut Self {
        self.text.push('\n');
        (self.column, self.written) = (0, 0);
        self
    }

    /// Puts pieces side by side with ` · ` between them, and goes on in the next line where the page is too narrow.
    pub(crate) fn list(&mut self, pieces: &[(Ink, String)], columns: usize) -> &mut Self {
        for (i, (ink, piece)) in pieces.iter().enumerate() {
            let piece = text::truncate(piece, columns);
            if i > 0 && self.column + 3 + text::width(&piece) > columns {
                self.line();
            } else if i > 0 {
                self.put(Ink::Dim, " · ");
            }
            self.put(*ink, &piece);
        }
        self.line()
    }

    pub(crate) fn finish(self) -> String {
        self.text
    }
}
