//! Text from outside: made safe to print, and fitted into columns.

use std::borrow::Cow;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Makes text safe for a terminal. Control characters, and those that reorder or hide text, become escapes.
///
/// A span's name comes from whoever sent the record. Printed unchanged, it could move the cursor, change the window title or
/// hide what is really there.
pub fn escape(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find(is_unsafe) else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len() + 16);
    out.push_str(&text[..first]);
    for c in text[first..].chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if is_unsafe(c) && u32::from(c) < 0x100 => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if is_unsafe(c) => out.push_str(&format!("\\u{{{:x}}}", u32::from(c))),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Marks, embeddings, overrides and isolates of the bidirectional algorithm.
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
            // Line and paragraph separators, the byte order mark, interlinear marks, and the invisible tag characters.
            | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A number of things: `1 span`, `2 spans`.
pub(crate) fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// The name of a run, or what is shown instead.
pub(crate) fn named(name: &str) -> String {
    if name.is_empty() { "(no name)".into() } else { escape(name).into_owned() }
}

/// How many columns the text takes.
pub(crate) fn width(text: &str) -> usize {
    // Most names are ASCII and need no table.
    if text.is_ascii() { text.len() } else { text.width() }
}

/// The text in at most `max` columns. Shortened text ends in `…`.
pub(crate) fn truncate(text: &str, max: usize) -> Cow<'_, str> {
    // A character has at most four bytes, and few take no column. The bound avoids measuring hostile text to its end.
    if text.len() <= 4 * max + 64 && width(text) <= max {
        return Cow::Borrowed(text);
    }
    if max == 0 {
        return Cow::Borrowed("");
    }
    let mut cut = fitting(text, max - 1);
    // A joiner or a space before the ellipsis looks odd.
    while let Some(c) = text[..cut].chars().next_back().filter(|c| matches!(c, ' ' | '\u{200d}')) {
        cut -= c.len_utf8();
    }
    Cow::Owned(format!("{}…", &text[..cut]))
}

/// The length in bytes of the longest beginning that fits into `max` columns.
pub(crate) fn fitting(text: &str, max: usize) -> usize {
    let (mut used, mut unseen, mut cut) = (0, 0, text.len());
    for (at, c) in text.char_indices() {
        let w = c.width().unwrap_or(0);
        unseen = if w == 0 { unseen + 1 } else { 0 };
        used += w;
        // Unicode's stream-safe format allows at most 30 marks on a letter.
        if used > max || unseen > 30 {
            cut = at;
            break;
        }
    }
    // Characters may be wider together than alone: a variation selector can turn a sign into an emoji of two columns.
    while width(&text[..cut]) > max {
        cut -= text[..cut].chars().next_back().map_or(cut, char::len_utf8);
    }
    cut
}

/// Breaks text into lines of at most `max` columns, at spaces if possible. Text over `lines` lines ends in `…`. Line breaks
/// of the text are kept; each line is escaped.
pub(crate) fn wrap(text: &str, max: usize, lines: usize) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim_end).filter(|l| !l.is_empty()) {
        let line = escape(line);
        let mut rest: &str = &line;
        while !rest.is_empty() {
            if out.len() + 1 == lines {
                out.push(truncate(rest, max).into_owned());
                rest = "";
            } else if out.len() == lines {
                // Nothing more fits. The last line says so.
                let last = out.pop().unwrap_or_default();
                out.push(if last.ends_with('…') { last } else { truncate(&format!("{last} …"), max).into_owned() });
                return out;
            } else {
                let cut = fitting(rest, max);
                let at = match rest[..cut].rfind(' ') {
                    _ if rest[cut..].starts_with(' ') => cut.max(1),
                    Some(space) if cut < rest.len() && space > cut / 2 => space,
                    _ => cut.max(rest.chars().next().map_or(0, char::len_utf8)),
                };
                out.push(rest[..at].trim_end().to_owned());
                rest = rest[at..].trim_start();
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_text_cannot_control_the_terminal() {
        assert_eq!(escape("plain ü 注文 👩‍🚀"), "plain ü 注文 👩‍🚀");
        assert_eq!(escape("a\x1b]0;owned\x07b\r\n\tc\u{9b}2J\u{7f}"), "a\\x1b]0;owned\\x07b\\r\\n\\tc\\x9b2J\\x7f");
        assert_eq!(escape("user\u{202e}gnp.exe\u{2066}\u{2028}"), "user\\u{202e}gnp.exe\\u{2066}\\u{2028}");
    }

    #[test]
    fn columns_are_counted_not_bytes_or_characters() {
        assert_eq!(truncate("注文を処理する", 9), "注文を処…");
        assert_eq!(truncate("注文を処理する", 8), "注文を…");
        assert_eq!(truncate("process orders", 20), "process orders");
        assert_eq!(truncate("process orders", 9), "process…");
        assert_eq!(truncate("a", 0), "");
        assert!(width(&truncate(&"👩‍👩‍👧‍👦".repeat(20), 11)) <= 11);
        assert!(width(&truncate(&"\u{2764}\u{fe0f}".repeat(20), 11)) <= 11);
        assert!(truncate(&"e\u{301}".repeat(100_000), 10).len() < 64);
        assert!(truncate(&format!("e{}", "\u{301}".repeat(100_000)), 10).len() < 128);
    }

    #[test]
    fn wrapping_breaks_at_spaces_and_stops() {
        assert_eq!(wrap("connection reset by peer", 16, 3), ["connection reset", "by peer"]);
        assert_eq!(wrap("first\n\nsecond\r\nthird\nfourth", 16, 3), ["first", "second", "third …"]);
        assert_eq!(wrap("abcdefghij", 4, 2), ["abcd", "efg…"]);
        assert_eq!(wrap("注文注文", 1, 2).len(), 2);
        assert!(wrap("", 10, 3).is_empty());
    }
}
