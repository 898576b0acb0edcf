//! Lines of text with a cursor, on which links can be followed.

use super::cursor::Cursor;
use crate::render::page::{StyledLine, Target};

/// Text to read, line by line.
#[derive(Debug, Default)]
pub(crate) struct Pane {
    pub(crate) lines: Vec<StyledLine>,
    pub(crate) cursor: Cursor,
}

impl Pane {
    /// Other text, from its beginning.
    pub(crate) fn show(&mut self, lines: Vec<StyledLine>) {
        (self.lines, self.cursor) = (lines, Cursor::default());
    }

    /// The same text, by and large: the reader stays where he is.
    pub(crate) fn update(&mut self, lines: Vec<StyledLine>, height: usize) {
        self.lines = lines;
        self.cursor.fit(self.lines.len(), height);
    }

    pub(crate) fn target(&self) -> Option<Target> {
        self.lines.get(self.cursor.at)?.target
    }

    /// The next line that has this text, after the selected one or before it. Begins again at the other end.
    pub(crate) fn find(&self, text: &str, back: bool) -> Option<usize> {
        let text = text.to_lowercase();
        let matches = |at: &usize| self.lines[*at].text.to_lowercase().contains(&text);
        let (at, len) = (self.cursor.at, self.lines.len());
        match back {
            false => (at + 1..len).chain(0..len.min(at + 1)).find(matches),
            true => (0..len.min(at)).rev().chain((at..len).rev()).find(matches),
        }
    }
}
