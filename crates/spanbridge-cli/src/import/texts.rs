//! Finds the texts of an input that may be records: its lines, or the elements of its documents.

use super::documents::{self, Documents, Item};
use super::lines::{self, Line, MAX_TEXT_BYTES};
use super::source::Source;
use super::text::is_dated;
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
    Lines(Lines<'r>),
    Documents(Documents<Box<dyn BufRead + 'r>>),
}

/// The lines of an input.
struct Lines<'r> {
    input: Box<dyn BufRead + 'r>,
    /// How many were read.
    number: u64,
    /// The next one, if it was read already.
    next: Option<(Vec<u8>, Line)>,
}

impl Lines<'_> {
    fn next(&mut self, line: &mut Vec<u8>) -> io::Result<Line> {
        self.number += 1;
        match self.next.take() {
            Some((bytes, kind)) => {
                *line = bytes;
                Ok(kind)
            }
            None => lines::next(&mut self.input, line),
        }
    }

    /// Adds the following lines to an entry of `aws logs tail --format json`, which puts an object over several lines behind the
    /// time and the stream, until the object ends or another entry begins.
    fn rest_of_entry(&mut self, entry: &mut Vec<u8>) -> io::Result<()> {
        if !is_dated(entry) || entry.trim_ascii_end().last() != Some(&b'{') {
            return Ok(());
        }
        loop {
            let mut line = Vec::new();
            let kind = lines::next(&mut self.input, &mut line)?;
            let is_of_object = matches!(line.first(), None | Some(b' ' | b'\t' | b'}'));
            let is_part = matches!(kind, Line::Whole) && is_of_object && entry.len() + line.len() < MAX_TEXT_BYTES;
            if !is_part {
                self.next = Some((line, kind));
                return Ok(());
            }
            self.number += 1;
            entry.push(b'\n');
            entry.extend_from_slice(&line);
            if line.starts_with(b"}") {
                return Ok(());
            }
        }
    }
}

impl<'r> Texts<'r> {
    /// The texts of this input. It is a document if it begins with a list, or with an object that has one under `records` or
    /// `events`; otherwise each line is a text.
    pub fn new(source: Source<'r>) -> Self {
        let is_document = documents::is_document(source.start());
        Self::of_input(Box::new(source.into_reader()), is_document)
    }

    /// The texts of an input that is at hand, without compression.
    pub fn of(input: &'r [u8]) -> Self {
        Self::of_input(Box::new(input), Self::is_document(input))
    }

    /// Whether an input that is at hand is a document. Otherwise each of its lines is a text.
    pub fn is_document(input: &[u8]) -> bool {
        documents::is_document(input)
    }

    fn of_input(input: Box<dyn BufRead + 'r>, is_document: bool) -> Self {
        let input = match is_document {
            true => Mode::Documents(Documents::new(input)),
            false => Mode::Lines(Lines { input, number: 0, next: None }),
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
            Mode::Lines(lines) => loop {
                match lines.next(&mut self.bytes)? {
                    Line::Whole if self.bytes.trim_ascii().is_empty() => {}
                    Line::Whole => {
                        let first = lines.number;
                        lines.rest_of_entry(&mut self.bytes)?;
                        break (first, TextKind::Line);
                    }
                    Line::TooLong => break (lines.number, TextKind::TooLong),
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
