//! Text under construction, in styled lines. It knows the current column.

use super::text;
use anstyle::{AnsiColor, Style};
use spanbridge::{RunId, SpanId};
use std::ops::Range;

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
    /// How a terminal shows it.
    pub(crate) fn ansi(self) -> Style {
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

/// What a line is about, for viewers in which you can go there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Run(RunId),
    /// A span, with its run if that is known.
    Span(Option<RunId>, SpanId),
}

/// A finished line.
#[cfg(feature = "tui")]
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct StyledLine {
    pub(crate) text: String,
    /// The parts of the text that have a style, in order.
    pub(crate) styles: Vec<(Range<usize>, TextStyle)>,
    pub(crate) target: Option<Target>,
}

#[cfg(feature = "tui")]
impl StyledLine {
    /// The line in pieces of at most `max` columns, broken at spaces if possible. Those after the first are indented. All are about the
    /// same.
    pub(crate) fn wrap(self, max: usize) -> Vec<StyledLine> {
        if text::width(&self.text) <= max {
            return vec![self];
        }
        let begins = self.text.len() - self.text.trim_start().len();
        let (mut pieces, mut from) = (Vec::new(), 0);
        while from < self.text.len() {
            let indent = if from == 0 { 0 } else { (begins + 2).min(max / 4) };
            let rest = &self.text[from..];
            let fits = text::fitting(rest, max - indent).max(rest.chars().next().map_or(1, char::len_utf8));
            let space = rest[..fits].rfind(' ').filter(|space| fits < rest.len() && *space > fits / 2);
            let cut = space.map_or(fits, |space| space + 1);
            let to = from + cut;
            let within = |(range, style): &(Range<usize>, TextStyle)| {
                let (begin, end) = (range.start.max(from), range.end.min(to));
                (begin < end).then(|| (begin - from + indent..end - from + indent, *style))
            };
            let styles = self.styles.iter().filter_map(within).collect();
            let text = format!("{}{}", " ".repeat(indent), &rest[..cut]);
            pieces.push(StyledLine { text, styles, target: self.target });
            from = to;
        }
        pieces
    }
}

/// Text under construction. Spaces are written only before other text, so no line ends in spaces.
pub(crate) struct Page {
    text: String,
    color: bool,
    /// Empty without colour.
    styles: Vec<(Range<usize>, TextStyle)>,
    /// Lines by their number, and what they are about.
    targets: Vec<(usize, Target)>,
    lines: usize,
    column: usize,
    written: usize,
}

impl Page {
    pub(crate) fn new(color: bool) -> Self {
        let (text, styles, targets) = (String::new(), Vec::new(), Vec::new());
        Self { text, color, styles, targets, lines: 0, column: 0, written: 0 }
    }

    /// Adds text that is already safe (see [`text::escape`]).
    pub(crate) fn put(&mut self, style: TextStyle, text: &str) -> &mut Self {
        if text.is_empty() {
            return self;
        }
        self.text.extend(std::iter::repeat_n(' ', self.column - self.written));
        let begin = self.text.len();
        self.text.push_str(text);
        if self.color && style != TextStyle::Plain {
            self.styles.push((begin..self.text.len(), style));
        }
        self.column += text::width(text);
        self.written = self.column;
        self
    }

    /// Says what the current line is about.
    pub(crate) fn target(&mut self, target: Target) -> &mut Self {
        self.targets.push((self.lines, target));
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
        self.lines += 1;
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

    /// The text, with colours as escape sequences.
    pub(crate) fn finish(self) -> String {
        if self.styles.is_empty() {
            return self.text;
        }
        let (mut out, mut written) = (String::with_capacity(self.text.len() + 12 * self.styles.len()), 0);
        for (range, style) in self.styles {
            let ansi = style.ansi();
            out.push_str(&self.text[written..range.start]);
            out.push_str(&format!("{ansi}{}{ansi:#}", &self.text[range.clone()]));
            written = range.end;
        }
        out.push_str(&self.text[written..]);
        out
    }

    /// The lines, with styles if the page has colour.
    #[cfg(feature = "tui")]
    pub(crate) fn finish_lines(self) -> Vec<StyledLine> {
        let (mut styles, mut targets) = (self.styles.into_iter().peekable(), self.targets.into_iter().peekable());
        let mut begin = 0;
        let mut line = |(number, text): (usize, &str)| {
            let end = begin + text.len();
            let mut line = StyledLine { text: text.to_owned(), ..StyledLine::default() };
            while let Some((range, style)) = styles.next_if(|(range, _)| range.start < end) {
                line.styles.push((range.start - begin..range.end - begin, style));
            }
            while let Some((_, target)) = targets.next_if(|(of, _)| *of == number) {
                line.target = Some(target);
            }
            begin = end + 1;
            line
        };
        self.text.lines().enumerate().map(&mut line).collect()
    }
}

#[cfg(all(test, feature = "tui"))]
mod tests {
    use super::*;

    fn page() -> Page {
        let mut page = Page::new(true);
        page.put(TextStyle::Error, "failed").space(1).put(TextStyle::Plain, "to charge").line();
        page.target(Target::Run(RunId::new(7).expect("not zero"))).go_to(2).put(TextStyle::Bold, "注文").line();
        page
    }

    #[test]
    fn the_same_page_as_text_and_as_lines() {
        assert_eq!(page().finish(), "\u{1b}[31mfailed\u{1b}[0m to charge\n  \u{1b}[1m注文\u{1b}[0m\n");
        let lines = page().finish_lines();
        assert_eq!(
            (lines[0].text.as_str(), &lines[0].styles[..]),
            ("failed to charge", &[(0..6, TextStyle::Error)][..])
        );
        assert_eq!((lines[1].text.as_str(), &lines[1].styles[..]), ("  注文", &[(2..8, TextStyle::Bold)][..]));
        assert_eq!((lines[0].target, lines[1].target), (None, RunId::new(7).map(Target::Run)));
    }

    #[test]
    fn long_lines_break_at_spaces_and_keep_styles() {
        let pieces = page().finish_lines().remove(0).wrap(10);
        let texts: Vec<&str> = pieces.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(texts, ["failed to ", "  charge"]);
        let pieces = page().finish_lines().remove(0).wrap(4);
        let styled: Vec<String> = pieces
            .iter()
            .flat_map(|piece| piece.styles.iter().map(|(range, _)| piece.text[range.clone()].to_owned()))
            .collect();
        assert_eq!(styled.concat(), "failed");
        assert!(pieces.iter().all(|piece| text::width(&piece.text) <= 4));
    }
}
