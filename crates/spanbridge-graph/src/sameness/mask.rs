//! Text without what differs between two equal runs.

use std::borrow::Cow;

/// The text with ids, numbers of many digits, and addresses replaced by `#`: a UUID, 8 or more hexadecimal digits with one
/// decimal digit among them, 5 or more decimal digits, a number between slashes or after a colon, or that is a value in the query
/// of a URL.
pub(crate) fn masked(text: &str) -> Cow<'_, str> {
    if !text.bytes().any(|b| b.is_ascii_digit()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let (mut rest, mut before, mut in_query) = (text, None, false);
    while let Some(first) = rest.chars().next() {
        let is_part = |c: char| c.is_ascii_hexdigit() || c == '-';
        let length = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let starts_word = before.is_none_or(|c: char| !c.is_alphanumeric() && c != '_');
        if length == 0 || !starts_word {
            out.push(first);
            rest = &rest[first.len_utf8()..];
            before = Some(first);
            in_query = first == '?' || in_query && !first.is_whitespace();
            continue;
        }
        let (word, after) = rest.split_at(length);
        let word = word.trim_end_matches('-');
        let next = rest[word.len()..].chars().next();
        let ends_word = next.is_none_or(|c| !c.is_alphanumeric() && c != '_');
        if !word.is_empty() && ends_word && is_id(word, before, in_query) {
            out.push('#');
            rest = &rest[word.len()..];
            before = Some('#');
        } else {
            out.push_str(&rest[..length]);
            before = rest[..length].chars().next_back();
            rest = after;
        }
    }
    if out == text { Cow::Borrowed(text) } else { Cow::Owned(out) }
}

fn is_id(word: &str, before: Option<char>, in_query: bool) -> bool {
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let letters = word.bytes().filter(u8::is_ascii_alphabetic).count();
    match (digits, letters) {
        (0, _) => false,
        (_, 0) => {
            let is_placed = matches!(before, Some('/' | ':' | '#')) || in_query && before == Some('=');
            digits >= 5 || is_placed && !word.contains('-')
        }
        _ => digits + letters >= 8,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_masked_and_words_stay() {
        for (text, expected) in [
            ("order 3f2504e0-4f89-11d3-9a0c-0305e82c3301 is gone", "order # is gone"),
            ("no row 1234567 in v2", "no row # in v2"),
            ("GET /orders/17/lines", "GET /orders/#/lines"),
            ("GET /orders?id=17&tab=new", "GET /orders?id=#&tab=new"),
            ("is it? no: attempts=3", "is it? no: attempts=3"),
            ("connect 10.0.0.7:41234: refused", "connect 10.0.0.7:#: refused"),
            ("trace 4bf92f3577b34da6a3ce929d0e0e4736", "trace #"),
            ("status 503, attempt 3", "status 503, attempt 3"),
            ("deadbeef defaced", "deadbeef defaced"),
            ("user_12345678x", "user_12345678x"),
            ("ü-7", "ü-7"),
            ("", ""),
        ] {
            assert_eq!(masked(text), expected);
        }
    }
}
