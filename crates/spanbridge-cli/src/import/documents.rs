//! Finds the elements of JSON documents that may be of any size: `{"records": […]}`, `{"events": […]}`, and lists alone.

use super::lines::MAX_TEXT_BYTES;
use std::io::{self, BufRead};

/// The members whose elements are wanted.
const LISTS: [&[u8]; 2] = [b"records", b"events"];

/// The members by which an object is a record, and no document with a list of its own.
const OF_RECORDS: [&[u8]; 2] = [b"recordId", b"type"];

/// Whether an input that begins so is a document of elements.
pub(super) fn is_document(start: &[u8]) -> bool {
    match start.trim_ascii_start() {
        [b'[', ..] => true,
        start @ [b'{', ..] => {
            let mut scan = Scan::default();
            start.iter().any(|byte| {
                let step = scan.step(*byte);
                step == Step::ListBegins || step == Step::Ends
            }) && scan.at == At::List
        }
        _ => false,
    }
}

/// What was found.
#[derive(Debug, PartialEq)]
pub(super) enum Item {
    /// An element is in the buffer; or an object that is no document.
    Whole,
    /// It was longer than [`MAX_TEXT_BYTES`].
    TooLong,
    /// It is cut off, or something that is no element stands here.
    Broken,
}

/// The elements of documents, one document after the other.
pub(super) struct Documents<R> {
    input: R,
    scan: Scan,
    line: u64,
    is_over: bool,
}

impl<R: BufRead> Documents<R> {
    pub(super) fn new(input: R) -> Self {
        Documents { input, scan: Scan::default(), line: 1, is_over: false }
    }

    /// The next element, and the line where it begins.
    pub(super) fn next(&mut self, text: &mut Vec<u8>) -> io::Result<Option<(u64, Item)>> {
        text.clear();
        let (mut first_line, mut too_long) = (self.line, false);
        if self.is_over {
            return Ok(None);
        }
        loop {
            let chunk = match self.input.fill_buf() {
                Ok([]) => {
                    self.is_over = true;
                    let is_whole = matches!(self.scan.at, At::Top | At::Lost | At::Junk);
                    return Ok((!is_whole).then_some((self.line, Item::Broken)));
                }
                Ok(chunk) => chunk,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(e) => return Err(e),
            };
            let (mut used, mut found) = (0, None);
            for byte in chunk {
                used += 1;
                let step = self.scan.step(*byte);
                if matches!(step, Step::Begins | Step::ListBegins) {
                    text.clear();
                    (first_line, too_long) = (self.line, false);
                }
                self.line += u64::from(*byte == b'\n');
                match step {
                    Step::Between | Step::ListBegins => {}
                    Step::Begins | Step::Inside | Step::Ends if text.len() < MAX_TEXT_BYTES => text.push(*byte),
                    Step::Begins | Step::Inside | Step::Ends => too_long = true,
                    Step::Breaks => found = Some((first_line, Item::Broken)),
                    Step::Junk => found = Some((self.line, Item::Broken)),
                }
                if step == Step::Ends {
                    found = Some((first_line, if too_long { Item::TooLong } else { Item::Whole }));
                }
                if found.is_some() {
                    break;
                }
            }
            self.input.consume(used);
            if found.is_some() {
                return Ok(found);
            }
        }
    }
}

/// Where in a document it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum At {
    /// Between documents.
    #[default]
    Top,
    /// In an object that may be a document.
    Object,
    /// In a document whose list is over.
    Rest,
    /// Between the elements of a list.
    List,
    Element,
    /// In something that is no element: to the end of the line.
    Junk,
    /// In a number or a word in a list, which is no element: to its end.
    Scalar,
    /// After an element that was cut off: to a line that begins an object.
    Lost,
}

/// What a byte is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Between,
    /// A text begins.
    Begins,
    Inside,
    Ends,
    /// The object is a document, and its list begins.
    ListBegins,
    /// The element is cut off.
    Breaks,
    /// Something that is no element begins.
    Junk,
}

/// Whether a number, `null`, `true` or `false` may have this byte.
fn is_scalar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.')
}

#[derive(Default)]
struct Scan {
    at: At,
    /// Whether the list is in an object.
    in_object: bool,
    /// Brackets that are open, inside the object or the element.
    depth: usize,
    in_string: bool,
    is_escape: bool,
    /// Of an object: the beginning of the last text, and the member that it names.
    key: Vec<u8>,
    member: Option<Vec<u8>>,
    is_record: bool,
    /// Whether the line has nothing yet but white space.
    is_line_start: bool,
}

impl Scan {
    fn step(&mut self, byte: u8) -> Step {
        let is_line_start = std::mem::replace(&mut self.is_line_start, byte == b'\n') || byte == b'\n';
        self.is_line_start |= is_line_start && byte.is_ascii_whitespace();
        match self.at {
            At::Top | At::List => self.between(byte),
            At::Object | At::Rest | At::Element => self.inside(byte),
            At::Junk if byte == b'\n' => self.go_on(Step::Between),
            At::Scalar if !is_scalar(byte) => {
                self.at = At::List;
                self.between(byte)
            }
            At::Lost if byte == b'{' && is_line_start => {
                self.begin(if self.in_object { At::Element } else { At::Object })
            }
            At::Junk | At::Scalar | At::Lost => Step::Between,
        }
    }

    /// After an element or something that is none.
    fn go_on(&mut self, step: Step) -> Step {
        self.at = if self.in_object { At::List } else { At::Top };
        step
    }

    fn begin(&mut self, at: At) -> Step {
        (self.at, self.depth, self.is_record, self.member) = (at, 1, false, None);
        (self.in_string, self.is_escape) = (false, false);
        Step::Begins
    }

    fn between(&mut self, byte: u8) -> Step {
        let is_top = self.at == At::Top;
        match byte {
            b',' => Step::Between,
            byte if byte.is_ascii_whitespace() => Step::Between,
            // Files that were put behind each other have a byte-order mark between them.
            0xef | 0xbb | 0xbf if is_top => Step::Between,
            b'{' if is_top => self.begin(At::Object),
            b'{' => self.begin(At::Element),
            b'[' if is_top => {
                (self.at, self.in_object) = (At::List, false);
                Step::Between
            }
            b']' if !is_top => {
                self.at = if self.in_object { At::Rest } else { At::Top };
                (self.depth, self.in_string) = (1, false);
                Step::Between
            }
            b'"' if !is_top => {
                self.begin(At::Element);
                (self.depth, self.in_string) = (0, true);
                Step::Begins
            }
            // What stands behind it on the line is whole.
            byte if !is_top && is_scalar(byte) => {
                self.at = At::Scalar;
                Step::Junk
            }
            _ => {
                self.at = At::Junk;
                Step::Junk
            }
        }
    }

    /// In an object, an element, or the rest of a document.
    fn inside(&mut self, byte: u8) -> Step {
        let is_rest = self.at == At::Rest;
        let inside = if is_rest { Step::Between } else { Step::Inside };
        if self.in_string {
            match byte {
                _ if self.is_escape => self.is_escape = false,
                b'\\' => self.is_escape = true,
                b'"' => {
                    self.in_string = false;
                    if self.depth == 0 {
                        return self.end();
                    }
                }
                // No text of JSON goes on in another line.
                b'\n' => {
                    self.at = At::Lost;
                    return Step::Breaks;
                }
                _ if self.at == At::Object && self.depth == 1 && self.key.len() < 32 => self.key.push(byte),
                _ => {}
            }
            return inside;
        }
        let is_member = self.depth == 1 && self.at == At::Object;
        match byte {
            b'"' => {
                self.in_string = true;
                self.key.clear();
            }
            b':' if is_member => {
                self.is_record |= OF_RECORDS.contains(&&*self.key);
                self.member = Some(std::mem::take(&mut self.key));
            }
            b',' if is_member => self.member = None,
            b'[' if is_member && !self.is_record && self.member.as_deref().is_some_and(|key| LISTS.contains(&key)) => {
                (self.at, self.in_object) = (At::List, true);
                return Step::ListBegins;
            }
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth -= 1;
                if self.depth == 0 {
                    return self.end();
                }
            }
            _ => {}
        }
        inside
    }

    fn end(&mut self) -> Step {
        let at = self.at;
        if at != At::Element {
            self.in_object = false;
        }
        self.at = if at == At::Element { At::List } else { At::Top };
        if at == At::Rest { Step::Between } else { Step::Ends }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str, chunk: usize) -> Vec<(u64, String)> {
        let mut documents = Documents::new(io::BufReader::with_capacity(chunk, text.as_bytes()));
        let (mut bytes, mut all) = (Vec::new(), Vec::new());
        while let Some((line, item)) = documents.next(&mut bytes).unwrap() {
            let text = String::from_utf8(bytes.clone()).unwrap();
            all.push((line, if item == Item::Whole { text } else { format!("({item:?})") }));
        }
        all
    }

    fn check(text: &str, expected: &[(u64, &str)]) {
        for chunk in [1, 2, 3, 7, 1000] {
            let found = all(text, chunk);
            let found: Vec<(u64, &str)> = found.iter().map(|(line, text)| (*line, &**text)).collect();
            assert_eq!(found, expected, "{chunk}: {text}");
        }
    }

    #[test]
    fn elements_of_lists_are_found() {
        check("{\"records\":[{\"a\":\"]}\\\"\"},{\"b\":[1]}]}", &[(1, "{\"a\":\"]}\\\"\"}"), (1, "{\"b\":[1]}")]);
        let pretty = "{\n  \"meta\": {\"records\": [1]},\n  \"records\": [\n    {\n      \"a\": 1\n    },\n    {}\n  ],\n  \"x\": [{}]\n}\n";
        check(pretty, &[(4, "{\n      \"a\": 1\n    }"), (7, "{}")]);
        check("[{\"a\":1}, \"text\"]\n{\"events\":[{}]}", &[(1, "{\"a\":1}"), (1, "\"text\""), (2, "{}")]);
        check(
            "{\"records\":[]} {\"b\":1}\n{\"type\":\"x\",\"events\":[{}]}",
            &[(1, "{\"b\":1}"), (2, "{\"type\":\"x\",\"events\":[{}]}")],
        );
    }

    #[test]
    fn what_is_broken_costs_nothing_else() {
        check(
            "{\"records\":[{\"a\":\"x\n {\"b\":1},\n {\"c\":2}]}",
            &[(1, "(Broken)"), (2, "{\"b\":1}"), (3, "{\"c\":2}")],
        );
        check("{\"records\":[{\"a\":1},{\"b\"", &[(1, "{\"a\":1}"), (1, "(Broken)")]);
        check("{\"records\":[{\"a\":1}", &[(1, "{\"a\":1}"), (1, "(Broken)")]);
        check(
            "{\"records\":[7,\n{\"a\":1}]}\nnoise\n{\"records\":[{}]}",
            &[(1, "(Broken)"), (2, "{\"a\":1}"), (3, "(Broken)"), (4, "{}")],
        );
    }

    #[test]
    fn a_value_costs_no_element_of_its_line() {
        check(
            r#"{"records":[null,{"a":1},-7.5e+3 , {"b":2},true]} {"records":[{"c":3}]}"#,
            &[
                (1, "(Broken)"),
                (1, r#"{"a":1}"#),
                (1, "(Broken)"),
                (1, r#"{"b":2}"#),
                (1, "(Broken)"),
                (1, r#"{"c":3}"#),
            ],
        );
        check("[7,\n{\"a\":1}]\n[{\"b\":2}]", &[(1, "(Broken)"), (2, "{\"a\":1}"), (3, "{\"b\":2}")]);
    }

    #[test]
    fn a_mark_between_documents_costs_none() {
        check("[{\"a\":1}]\n\u{feff}[{\"b\":2}]", &[(1, "{\"a\":1}"), (2, "{\"b\":2}")]);
    }

    #[test]
    fn a_document_is_told_from_lines() {
        for (start, expected) in [
            ("{\"records\":[", true),
            (" {\n\"a\":{\"b\":[]},\"events\" : [", true),
            ("[", true),
            ("{\"records\":1}\n{\"records\":[", false),
            ("{\"recordId\":\"x\",\"records\":[", false),
            ("{\"a\":1}\n{\"b\":2}", false),
            ("text", false),
            ("", false),
        ] {
            assert_eq!(is_document(start.as_bytes()), expected, "{start}");
        }
    }

    #[test]
    fn a_long_element_is_stepped_over() {
        let text = format!("{{\"records\":[{{\"a\":\"{}\"}},{{}}]}}", "x".repeat(MAX_TEXT_BYTES));
        assert_eq!(all(&text, 1 << 16), [(1, "(TooLong)".to_owned()), (1, "{}".to_owned())]);
    }
}
