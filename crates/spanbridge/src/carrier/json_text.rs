//! Text with JSON's escapes, in pieces, for any kind of writer.

/// The escape of each control character
/// ([RFC 8259, section 7](https://www.rfc-editor.org/rfc/rfc8259#section-7)).
#[rustfmt::skip]
const CONTROL: [&str; 32] = [
    "\\u0000", "\\u0001", "\\u0002", "\\u0003", "\\u0004", "\\u0005", "\\u0006", "\\u0007",
    "\\b",     "\\t",     "\\n",     "\\u000b", "\\f",     "\\r",     "\\u000e", "\\u000f",
    "\\u0010", "\\u0011", "\\u0012", "\\u0013", "\\u0014", "\\u0015", "\\u0016", "\\u0017",
    "\\u0018", "\\u0019", "\\u001a", "\\u001b", "\\u001c", "\\u001d", "\\u001e", "\\u001f",
];

/// The escape of an ASCII character, if it needs one.
fn escape(b: u8) -> Option<&'static str> {
    match b {
        b'"' => Some("\\\""),
        b'\\' => Some("\\\\"),
        _ => CONTROL.get(usize::from(b)).copied(),
    }
}

/// The content between the quotes: parts of the text, and escapes.
pub(crate) fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    // Nearly every text is clean, and that is seen at once: without an early end the compiler makes vector
    // instructions of it.
    let mut clean = !text.bytes().fold(false, |found, b| found | (b < 0x20) | (b == b'"') | (b == b'\\'));
    std::iter::from_fn(move || {
        if std::mem::take(&mut clean) && !rest.is_empty() {
            return Some(std::mem::take(&mut rest));
        }
        let (first, others) = rest.as_bytes().split_first()?;
        if let Some(escape) = escape(*first) {
            // What is escaped is one byte long, so that this and the cut below fall between characters.
            rest = rest.get(1..)?;
            return Some(escape);
        }
        let clean = 1 + others.iter().position(|b| escape(*b).is_some()).unwrap_or(others.len());
        let (piece, tail) = rest.split_at(clean);
        rest = tail;
        Some(piece)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn reads_back(text in "[\\x00-\\x7f\\PC]{0,40}") {
            let json = format!("\"{}\"", pieces(&text).collect::<String>());
            prop_assert_eq!(serde_json::from_str::<String>(&json).ok(), Some(text.clone()));
            prop_assert_eq!(json, serde_json::to_string(&text).unwrap_or_default());
        }
    }
}
