//! Finds the JSON documents of a file that may be of any size.

use crate::otlp::MAX_REQUEST_BYTES;
use std::io::{self, BufRead};

/// What a line begins with that begins a request, even if the request before it has no end: its writer was killed.
const BEGINS_A_REQUEST: &[u8] = br#"{"resourceSpans""#;

/// A document.
#[derive(Debug, PartialEq)]
pub(super) enum Document<'d> {
    /// It may still be cut off, or no JSON.
    Whole(&'d [u8]),
    /// It is longer than [`MAX_REQUEST_BYTES`], and was stepped over.
    TooLarge,
}

/// The documents of an input. One ends where its brackets are closed, however many lines that takes.
pub(super) struct Documents<R> {
    input: R,
    text: Vec<u8>,
    /// What has been read of the next document.
    next: &'static [u8],
    /// The number of the line that is being read, from 1.
    line: u64,
}

#[derive(Default)]
struct Scan {
    depth: usize,
    in_string: bool,
    is_escape: bool,
    too_large: bool,
    /// How many bytes of the line match [`BEGINS_A_REQUEST`]; `None`: it begins with something else.
    matched: Option<usize>,
}

impl<R: BufRead> Documents<R> {
    pub(super) fn new(input: R) -> Self {
        Documents { input, text: Vec::new(), next: b"", line: 1 }
    }

    /// The next document, and the line where it begins.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Document<'_>)>> {
        self.text.clear();
        let mut first_line = self.line;
        let mut scan = Scan::default();
        for byte in std::mem::take(&mut self.next) {
            scan.step(*byte);
            self.text.push(*byte);
        }
        loop {
            let chunk = match self.input.fill_buf() {
                Ok([]) => break,
                Ok(chunk) => chunk,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            let mut used = 0;
            let mut is_whole = false;
            for byte in chunk {
                used += 1;
                self.line += u64::from(*byte == b'\n');
                if self.text.is_empty() && byte.is_ascii_whitespace() {
                    first_line = self.line;
                    continue;
                }
                if self.text.len() < MAX_REQUEST_BYTES {
                    self.text.push(*byte);
                } else {
                    scan.too_large = true;
                }
                is_whole = scan.step(*byte);
                if is_whole {
                    break;
                }
            }
            self.input.consume(used);
            if is_whole {
                break;
            }
        }
        if self.text.is_empty() {
            return Ok(None);
        }
        if scan.matched == Some(BEGINS_A_REQUEST.len()) {
            self.next = BEGINS_A_REQUEST;
            self.text.truncate(self.text.len() - self.next.len());
        }
        let document = if scan.too_large { Document::TooLarge } else { Document::Whole(&self.text) };
        Ok(Some((first_line, document)))
    }
}

impl Scan {
    /// Whether the document ends with this byte, or another one begins.
    fn step(&mut self, byte: u8) -> bool {
        self.matched = match self.matched {
            _ if byte == b'\n' => Some(0),
            Some(n) if BEGINS_A_REQUEST.get(n) == Some(&byte) => Some(n + 1),
            _ => None,
        };
        if self.matched == Some(BEGINS_A_REQUEST.len()) {
            return true;
        }
        if self.is_escape {
            self.is_escape = false;
        } else if self.in_string {
            match byte {
                b'"' => self.in_string = false,
                b'\\' => self.is_escape = true,
                _ => {}
            }
        } else {
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => {
                    self.depth = self.depth.saturating_sub(1);
                    return self.depth == 0;
                }
                // What is no object ends with its line.
                b'\n' => return self.depth == 0,
                _ => {}
            }
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8], chunk: usize) -> Vec<(u64, String)> {
        let mut documents = Documents::new(io::BufReader::with_capacity(chunk, text));
        let mut all = Vec::new();
        while let Some((line, document)) = documents.next().unwrap() {
            all.push((
                line,
                match document {
                    Document::Whole(text) => String::from_utf8(text.to_vec()).unwrap(),
                    Document::TooLarge => "(too large)".to_owned(),
                },
            ));
        }
        all
    }

    /// Lines, pretty-printed documents, several on a line, brackets in strings, and what is no object.
    #[test]
    fn documents_end_with_their_brackets() {
        let text = b"{\"a\":\"}\\\"\"}\r\n\n  {\n  \"b\": [\n1]\n}{\"c\":1} {\"d\":2}\nno object\n{\"e\":{}}";
        for chunk in 1..20 {
            let expected = [
                (1, "{\"a\":\"}\\\"\"}"),
                (3, "{\n  \"b\": [\n1]\n}"),
                (6, "{\"c\":1}"),
                (6, "{\"d\":2}"),
                (7, "no object\n"),
                (8, "{\"e\":{}}"),
            ];
            assert_eq!(all(text, chunk), expected.map(|(line, text)| (line, text.to_owned())));
        }
    }

    /// The writer was killed in a string, after it, or before the end of the file.
    #[test]
    fn a_cut_document_costs_no_other() {
        let whole = "{\"resourceSpans\":[]}\n";
        for cut in ["{\"resourceSpans\":[{\"a\":\"b", "{\"resourceSpans\":[", "{\"resource", "{\"resourceSpans\":[\"\\"]
        {
            let text = format!("{whole}{cut}\n{whole}{whole}{cut}");
            for chunk in 1..20 {
                let found = all(text.as_bytes(), chunk);
                let lines: Vec<_> = found.iter().map(|(line, text)| (*line, text.trim_end())).collect();
                assert_eq!(lines, [(1, whole.trim()), (2, cut), (3, whole.trim()), (4, whole.trim()), (5, cut)]);
            }
        }
    }

    /// One element of a request a line.
    #[test]
    fn a_resource_on_a_line_begins_no_request() {
        let text = "{\"resourceSpans\":[\n{\"resource\":{},\"scopeSpans\":[]},\n{\"resource\":{}}\n]}";
        assert_eq!(all(text.as_bytes(), 7), [(1, text.to_owned())]);
    }

    #[test]
    fn a_large_document_is_stepped_over() {
        let text = format!("{{\"a\":\"{}\"}}\n{{\"b\":1}}", "x".repeat(MAX_REQUEST_BYTES));
        assert_eq!(all(text.as_bytes(), 1 << 16), [(1, "(too large)".to_owned()), (2, "{\"b\":1}".to_owned())]);
    }
}
