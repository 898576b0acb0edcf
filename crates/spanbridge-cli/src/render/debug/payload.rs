//! Payloads as people read them: JSON on several lines, bytes as numbers beside their text, everything harmless.

use super::super::text::escape;
use spanbridge_graph::Artifact;

/// Nested deeper than this, JSON is not indented any further.
const MAX_INDENT: usize = 24;

/// How many characters of a line are shown, unless everything is.
const MAX_LINE: usize = 2_000;

/// How many bytes stand on a line.
const BYTES_PER_LINE: usize = 16;

/// The lines of what was recorded of a payload. At most `max`; the number of lines that are left out comes with them.
pub(super) fn lines(artifact: &Artifact, max: usize) -> (Vec<String>, usize) {
    let Some(preview) = &artifact.preview else { return (Vec::new(), 0) };
    let bytes = (artifact.encoding == "hex").then(|| from_hex(preview)).flatten();
    let (mut shown, more) = match bytes {
        Some(bytes) => {
            let lines = bytes.chunks(BYTES_PER_LINE).take(max).enumerate();
            let all = bytes.len().div_ceil(BYTES_PER_LINE);
            (lines.map(|(n, bytes)| dump(n * BYTES_PER_LINE, bytes)).collect(), all.saturating_sub(max))
        }
        None if is_json(&artifact.content_type, preview) => json(preview, max),
        None => cut(preview.lines().map(|line| escape(line).into_owned()), max),
    };
    if max < usize::MAX {
        shown.iter_mut().for_each(shorten);
    }
    (shown, more)
}

/// Cuts a line that would fill many screens.
fn shorten(line: &mut String) {
    if let Some((end, _)) = line.char_indices().nth(MAX_LINE) {
        let more = line[end..].chars().count();
        line.truncate(end);
        line.push_str(&format!("… {more} more characters; --full shows them"));
    }
}

fn cut(mut lines: impl Iterator<Item = String>, max: usize) -> (Vec<String>, usize) {
    let shown = lines.by_ref().take(max).collect();
    (shown, lines.count())
}

/// By its media type, or if that says nothing, by how it begins.
fn is_json(content_type: &str, text: &str) -> bool {
    let media = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match media.as_str() {
        "" | "application/octet-stream" | "text/plain" => text.trim_start().starts_with(['{', '[']),
        _ => media == "application/json" || media == "text/json" || media.ends_with("+json"),
    }
}

/// JSON with a line for each member. The tokens stay as they are: numbers keep their digits, and what was cut or is no JSON
/// after all is shown up to its end.
fn json(text: &str, max: usize) -> (Vec<String>, usize) {
    let mut lines = Lines { shown: Vec::new(), max, more: 0, last: String::new() };
    let (mut depth, mut rest) = (0usize, text.trim());
    while let Some(c) = rest.chars().next() {
        let token = &rest[..token_len(rest, c)];
        rest = rest[token.len()..].trim_start();
        let closes = |c: char| rest.starts_with(c);
        match c {
            '{' if closes('}') => lines.last.push('{'),
            '[' if closes(']') => lines.last.push('['),
            '{' | '[' => {
                lines.last.push(c);
                depth += 1;
                lines.begin(depth);
            }
            '}' if lines.last.ends_with('{') => lines.last.push(c),
            ']' if lines.last.ends_with('[') => lines.last.push(c),
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                lines.begin(depth);
                lines.last.push(c);
            }
            ',' => {
                lines.last.push(c);
                lines.begin(depth);
            }
            ':' => lines.last.push_str(": "),
            _ => lines.last.push_str(&escape(token)),
        }
    }
    lines.begin(0);
    (lines.shown, lines.more)
}

/// Lines, of which no more are kept than are shown: there may be millions.
struct Lines {
    shown: Vec<String>,
    max: usize,
    more: usize,
    /// The line that has not ended.
    last: String,
}

impl Lines {
    /// Ends the last line, and begins another one. A line without anything is none.
    fn begin(&mut self, depth: usize) {
        if !self.last.trim().is_empty() {
            if self.shown.len() < self.max {
                self.shown.push(std::mem::take(&mut self.last));
            } else {
                self.more += 1;
            }
        }
        self.last.clear();
        (0..depth.min(MAX_INDENT)).for_each(|_| self.last.push_str("  "));
    }
}

/// The length of the first token, which begins with `first`.
fn token_len(text: &str, first: char) -> usize {
    match first {
        '"' => {
            let mut escaped = false;
            let end = text.char_indices().skip(1).find(|(_, c)| {
                let ends = *c == '"' && !escaped;
                escaped = *c == '\\' && !escaped;
                ends
            });
            end.map_or(text.len(), |(at, _)| at + 1)
        }
        '{' | '}' | '[' | ']' | ',' | ':' => 1,
        _ => text.find(['{', '}', '[', ']', ',', ':', '"']).unwrap_or(text.len()),
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |b: u8| (b as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

/// `00000010  68 65 6c 6c 6f                                    |hello|`
fn dump(at: usize, bytes: &[u8]) -> String {
    let mut line = format!("{at:08x} ");
    for n in 0..BYTES_PER_LINE {
        let gap = if n % 8 == 0 { " " } else { "" };
        match bytes.get(n) {
            Some(byte) => line.push_str(&format!("{gap}{byte:02x} ")),
            None => line.push_str(&format!("{gap}   ")),
        }
    }
    let text = bytes.iter().map(|b| if (0x20..0x7f).contains(b) { char::from(*b) } else { '.' });
    line.push_str(" |");
    line.extend(text);
    line.push('|');
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &str) -> Vec<String> {
        json(text, usize::MAX).0
    }

    /// Only the lines that are shown are kept; the others are counted.
    #[test]
    fn lines_that_are_not_shown_are_not_kept() {
        let text = format!("{}0{}", "[".repeat(30), ",0".repeat(100_000));
        let (shown, more) = json(&text, 40);
        assert_eq!((shown.len(), more), (40, 99_991));
        assert_eq!(shown[39], format!("{}0,", "  ".repeat(MAX_INDENT)));
        assert_eq!(json("[1]", 3), (vec!["[".to_owned(), "  1".to_owned(), "]".to_owned()], 0));
        assert_eq!(json("[1]", 0), (Vec::new(), 3));
    }

    #[test]
    fn json_has_a_line_for_each_member() {
        let text = r#"{"id":17,"price": 12345678901234567890.120,"tags":["a,b","\"}"],"none":{},"empty":[ ],"deep":[{"x":null}]}"#;
        let expected = r#"{
  "id": 17,
  "price": 12345678901234567890.120,
  "tags": [
    "a,b",
    "\"}"
  ],
  "none": {},
  "empty": [],
  "deep": [
    {
      "x": null
    }
  ]
}"#;
        assert_eq!(all(text).join("\n"), expected);
    }

    #[test]
    fn json_that_was_cut_is_shown_to_its_end() {
        assert_eq!(all(r#"{"id":17,"name":"Gra"#), ["{", "  \"id\": 17,", "  \"name\": \"Gra"]);
        assert_eq!(all(r#"{"a":[1,"#), ["{", "  \"a\": [", "    1,"]);
        assert_eq!(all("]}}}{ not json, at all"), ["]", "}", "}", "}{", "  not json,", "  at all"]);
    }

    #[test]
    fn bytes_stand_beside_their_text() {
        let bytes = from_hex("68656c6c6f20ff00776f726c6421212121212121").unwrap();
        assert_eq!(
            dump(16, &bytes[..16]),
            "00000010  68 65 6c 6c 6f 20 ff 00  77 6f 72 6c 64 21 21 21  |hello ..world!!!|"
        );
        assert_eq!(dump(0, b"hi"), "00000000  68 69                                             |hi|");
        assert_eq!(from_hex("6"), None);
        assert_eq!(from_hex("zz"), None);
        assert_eq!(from_hex("é"), None);
    }

    proptest! {
        /// Whatever it is, only white space between tokens changes.
        #[test]
        fn every_token_of_json_stays(text in r#"([{}\[\],:"\\0-9a-z -]|é){0,64}"#) {
            let bare = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(bare(&all(&text).concat()), bare(&text));
        }
    }
}
