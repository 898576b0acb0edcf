//! Finds the texts of an input that may be records: its lines, or the elements of its documents.

use super::documents::{self, Documents, Item};
use super::lines::{self, Line};
use super::source::Source;
use std::io::{self, BufRead};

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TextKind {
    /// A line.
    Line,
    /// An object or a text in a list of a document.
    Element,
    /// Longer than [`MAX_TEXT_BYTES`](super::MAX_TEXT_BYTES), and skipped.
    TooLong,
    /// Not UTF-8, and skipped.
    NotUtf8,
    /// The document is cut off, or what stands here belongs to none.
    Broken,
}

/// The texts of an input.
pub struct Texts<'r> {
    input: Mode<'r>,
    bytes: Vec<u8>,
}

enum Mode<'r> {
    Lines { input: Box<dyn BufRead + 'r>, number: u64 },
    Documents(Documents<Box<dyn BufRead + 'r>>),
}

impl<'r> Texts<'r> {
    /// The texts of this input. It is a document if it begins with a list, or with an object that has one under `records` or
    /// `events`; otherwise each line is a text.
    pub fn new(source: Source<'r>) -> Self {
        let is_document = documents::is_document(source.start());
        let input: Box<dyn BufRead + 'r> = Box::new(source.into_reader());
        let input = match is_document {
            true => Mode::Documents(Documents::new(input)),
            false => Mode::Lines { input, number: 0 },
        };
        Texts { input, bytes: Vec::new() }
    }

    /// Reads the next text, and says in which line it begins, from 1, and what it is. Lines that are empty are left out.
    ///
    /// # Errors
    /// The input fails.
    pub fn next(&mut self, text: &mut String) -> io::Result<Option<(u64, TextKind)>> {
        text.clear();
        let (line, kind) = match &mut self.input {
            Mode::Lines { input, number } => loop {
                *number += 1;
                match lines::next(input, &mut self.bytes)? {
                    Line::Whole if self.bytes.trim_ascii().is_empty() => {}
                    Line::Whole => break (*number, TextKind::Line),
                    Line::TooLong => break (*number, TextKind::TooLong),
                    Line::End => return Ok(None),
                }
            },
            Mode::Documents(documents) => match documents.next(&mut self.bytes)? {
                None => return Ok(None),
                Some((line, Item::Whole)) => (line, TextKind::Element),
                Some((line, Item::TooLong)) => (line, TextKind::TooLong),
                Some((line, Item::Broken)) => (line, TextKind::Broken),
            },
        };
        if !matches!(kind, TextKind::Line | TextKind::Element) {
            return Ok(Some((line, kind)));
        }
        // The buffer becomes the text and the text the buffer, so nothing is copied.
        let bytes = std::mem::replace(&mut self.bytes, std::mem::take(text).into_bytes());
        match String::from_utf8(bytes) {
            Ok(whole) => {
                *text = whole;
                Ok(Some((line, kind)))
            }
            Err(e) => {
                self.bytes = e.into_bytes();
                Ok(Some((line, TextKind::NotUtf8)))
            }
        }
    }
}
