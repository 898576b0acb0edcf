//! Which names of ours a line of JSON has already.

use super::ids::Taken;

/// What a line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// It does not begin as a JSON object.
    Text,
    /// It begins and ends as a JSON object, and has these names of ours. Its last byte closes it.
    Object { taken: Taken, is_empty: bool },
    /// It begins as a JSON object, and nobody knows what it is.
    Other,
}

/// Looks at a line without the white space at its end.
///
/// Nearly every object has none of our names, and this is quick to see. Only one that may have some is read.
pub(super) fn shape(line: &[u8]) -> Shape {
    let begins =
        line.strip_prefix(b"{").is_some_and(|rest| matches!(rest.trim_ascii_start().first(), Some(b'"' | b'}')));
    match line.strip_suffix(b"}") {
        _ if !begins => Shape::Text,
        Some(rest) if !mentions_ours(rest) => {
            Shape::Object { taken: Taken::default(), is_empty: rest.trim_ascii_end().ends_with(b"{") }
        }
        Some(_) => members(line).unwrap_or(Shape::Other),
        None => Shape::Other,
    }
}

/// Whether one of our names stands anywhere, in quotes.
fn mentions_ours(line: &[u8]) -> bool {
    let mut rest = line;
    while let Some(at) = underscore(rest) {
        let (before, after) = rest.split_at(at);
        let is_id =
            after.starts_with(b"_id\"") && [&b"\"trace"[..], b"\"span", b"\"run"].iter().any(|n| before.ends_with(n));
        if is_id || after.starts_with(b"_flags\"") && before.ends_with(b"\"trace") {
            return true;
        }
        rest = &after[1..]; // no name of ours has two
    }
    false
}

/// The first underscore, looked for in eight bytes at a time.
fn underscore(line: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::MAX / 255;
    let mut words = line.chunks_exact(8);
    for (n, word) in words.by_ref().enumerate() {
        let word = u64::from_le_bytes(word.try_into().unwrap_or_default());
        let other = word ^ (ONES * b'_' as u64); // a byte of it is zero where there is one
        let zero = other.wrapping_sub(ONES) & !other & (ONES << 7);
        if zero != 0 {
            return Some(8 * n + zero.trailing_zeros() as usize / 8);
        }
    }
    let rest = words.remainder();
    let at = rest.iter().position(|b| *b == b'_')?;
    Some(line.len() - rest.len() + at)
}

/// The members of an object that has some. `None` if it is not an object, or something stands behind it.
fn members(line: &[u8]) -> Option<Shape> {
    let mut taken = Taken::default();
    let mut at = 0;
    loop {
        let name = skip_space(line, at + 1);
        let end = string_end(line, name)?;
        taken |= Taken::of_name(&line[name + 1..end - 1]);
        let colon = skip_space(line, end);
        if line.get(colon) != Some(&b':') {
            return None;
        }
        at = skip_space(line, value_end(line, skip_space(line, colon + 1))?);
        match line.get(at)? {
            b',' => {}
            b'}' if at + 1 == line.len() => return Some(Shape::Object { taken, is_empty: false }),
            _ => return None,
        }
    }
}

fn skip_space(line: &[u8], from: usize) -> usize {
    from + line.get(from..).map_or(0, |rest| rest.iter().take_while(|b| b.is_ascii_whitespace()).count())
}

/// Behind the string that begins here.
fn string_end(line: &[u8], from: usize) -> Option<usize> {
    if line.get(from) != Some(&b'"') {
        return None;
    }
    let mut at = from + 1;
    loop {
        at += line.get(at..)?.iter().position(|b| matches!(b, b'"' | b'\\'))?;
        match line[at] {
            b'"' => return Some(at + 1),
            _ => at += 2,
        }
    }
}

/// Behind the value that begins here.
fn value_end(line: &[u8], from: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = from;
    loop {
        at = match line.get(at)? {
            b'"' => string_end(line, at)?,
            b'{' | b'[' => {
                depth += 1;
                at + 1
            }
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                at + 1
            }
            _ => at + 1,
        };
        if depth == 0 && matches!(line.get(at)?, b',' | b'}' | b']') {
            return Some(at);
        }
    }
}
