//! One line of a log, with ids put in.

use super::ids::{Ids, Taken};
use super::object::{Shape, shape};

/// What else is known of a line.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Style {
    /// The names that the event has itself. Of text only: JSON says so itself.
    pub(super) taken: Taken,
    pub(super) ansi: bool,
}

/// Behind everything else in a JSON object, and at the end of a line of text. Adds nothing to `out` if nothing is added to
/// the line.
pub(super) fn put_ids(line: &[u8], ids: &Ids, style: Style, out: &mut Vec<u8>) {
    let body = line.trim_ascii_end();
    match shape(body) {
        Shape::Object { taken, is_empty } => {
            let inside = body.len() - 1;
            out.extend_from_slice(&line[..inside]);
            ids.put_members(taken, is_empty, out);
            out.extend_from_slice(&line[inside..]);
        }
        Shape::Text if ids.has_fields(style.taken) => {
            // The white space before the end of the line is the formatter's.
            let newlines = line.iter().rev().take_while(|b| matches!(b, b'\n' | b'\r')).count();
            let (body, end) = line.split_at(line.len() - newlines);
            out.extend_from_slice(body);
            match body.last() {
                _ if end.ends_with(b"\n\n") => out.extend_from_slice(b"\n    "),
                None | Some(b' ') => {}
                Some(_) => out.push(b' '),
            }
            out.extend_from_slice(if style.ansi { b"\x1b[2m" } else { b"" });
            ids.put_fields(style.taken, out);
            out.extend_from_slice(if style.ansi { b"\x1b[0m" } else { b"" });
            out.extend_from_slice(end);
        }
        Shape::Text | Shape::Other => {}
    }
}
