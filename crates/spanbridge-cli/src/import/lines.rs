//! Reads lines of files of any size. A line may be too long to hold.

use std::io::{self, BufRead};

/// A longer text is not a record: recorders bound the size of theirs.
pub const MAX_TEXT_BYTES: usize = 16 << 20;

/// A line that was read.
pub(super) enum Line {
    /// It is in the buffer.
    Whole,
    /// It was longer than [`MAX_TEXT_BYTES`] and has been skipped.
    TooLong,
    /// There is none.
    End,
}

/// Reads the next line into `line`, without its end.
pub(super) fn next(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Line> {
    line.clear();
    let (mut any, mut too_long) = (false, false);
    loop {
        let chunk = match input.fill_buf() {
            Ok(chunk) => chunk,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        let end = chunk.iter().position(|b| *b == b'\n');
        let taken = &chunk[..end.unwrap_or(chunk.len())];
        any |= !chunk.is_empty();
        too_long |= line.len() + taken.len() > MAX_TEXT_BYTES;
        if !too_long {
            line.extend_from_slice(taken);
        }
        let (used, last) = (taken.len() + usize::from(end.is_some()), end.is_some() || chunk.is_empty());
        input.consume(used);
        if last {
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            return Ok(if too_long {
                Line::TooLong
            } else if any {
                Line::Whole
            } else {
                Line::End
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_anywhere_and_may_be_too_long() {
        let long = "x".repeat(MAX_TEXT_BYTES + 1);
        let text = format!("one\r\n\n{long}\nlast");
        // A small buffer, so that lines span several fills.
        let mut input = io::BufReader::with_capacity(3, text.as_bytes());
        let (mut line, mut seen) = (Vec::new(), Vec::new());
        loop {
            match next(&mut input, &mut line).unwrap() {
                Line::Whole => seen.push(String::from_utf8(line.clone()).unwrap()),
                Line::TooLong => seen.push("(too long)".into()),
                Line::End => break,
            }
        }
        assert_eq!(seen, ["one", "", "(too long)", "last"]);
    }
}
