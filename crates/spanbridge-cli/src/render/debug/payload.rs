//! Payloads as people read them: JSON on several lines, bytes as numbers beside their text, everything harmless.

use super::super::text::escape;
use spanbridge_graph::Artifact;

/// Nested deeper than this, JSON is not indented any further.
const MAX_INDENT: usize = 24;

/// How many bytes stand on a line.
const BYTES_PER_LINE: usize = 16;

/// The lines of what was recorded of a payload. At most `max`; the number of lines that are left out comes with them.
pub(super) fn lines(artifact: &Artifact, max: usize) -> (Vec<String>, usize) {
    let Some(preview) = &artifact.preview else { return (Vec::new(), 0) };
    let bytes = (artifact.encoding == "hex").then(|| from_hex(preview)).flatten();
    match bytes {
        Some(bytes) => {
            let lines = bytes.chunks(BYTES_PER_LINE).take(max).enumerate();
            let all = bytes.len().div_ceil(BYTES_PER_LINE);
            (lines.map(|(n, bytes)| dump(n * BYTES_PER_LINE, bytes)).collect(), all.saturating_sub(max))
        }
        None if is_json(&artifact.content_type, preview) => cut(json(preview).into_iter(), max),
        None => cut(preview.lines().map(|line| escape(line).into_owned()), max),
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
fn json(text: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    let (mut depth, mut rest) = (0usize, text.trim());
    while let Some(c) = rest.chars().next() {
        let token = &rest[..token_len(rest, c)];
        rest = rest[token.len()..].trim_start();
        let closes = |c: char| rest.starts_with(c);
        match c {
            '{' if closes('}') => append(&mut lines, "{"),
            '[' if closes(']') => append(&mut lines, "["),
            '{' | '[' => {
                append(&mut lines, token);
                depth += 1;
                begin(&mut lines, depth);
            }
            '}' | ']' if ends_with_opening(&lines, c) => append(&mut lines, token),
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                begin(&mut lines, depth);
                append(&mut lines, token);
            }
            ',' => {
                append(&mut lines, token);
                begin(&mut lines, depth);
            }
            ':' => append(&mut lines, ": "),
            _ => append(&mut lines, &escape(token)),
        }
    }
    lines.retain(|line| !line.trim().is_empty());
    lines
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

fn ends_with_opening(lines: &[String], close: char) -> bool {
    let open = if close == '}' { '{' } else { '[' };
    lines.last().is_some_and(|line| line.ends_with(open))
}

fn append(lines: &mut [String], text: &str) {
    if let Some(last) = lines.last_mut() {
        last.push_str(text);
    }
}

fn begin(lines: &mut Vec<String>, depth: usize) {
    lines.push("  ".repeat(depth.min(MAX_INDENT)));
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
        assert_eq!(json(text).join("\n"), expected);
    }

    #[test]
    fn json_that_was_cut_is_shown_to_its_end() {
        assert_eq!(json(r#"{"id":17,"name":"Gra"#), ["{", "  \"id\": 17,", "  \"name\": \"Gra"]);
        assert_eq!(json(r#"{"a":[1,"#), ["{", "  \"a\": [", "    1,"]);
        assert_eq!(json("]}}}{ not json, at all"), ["]", "}", "}", "}{", "  not json,", "  at all"]);
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
            prop_assert_eq!(bare(&json(&text).concat()), bare(&text));
        }
    }
}
