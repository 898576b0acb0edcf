//! Bytes as text ([RFC 4648](https://www.rfc-editor.org/rfc/rfc4648)).

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Appends bytes, with padding.
pub(super) fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    for chunk in bytes.chunks(3) {
        let word = chunk.iter().fold(0, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(word >> (18 - 6 * place)) as usize & 63];
            out.push(if place <= chunk.len() { digit } else { b'=' });
        }
    }
}

/// Reads bytes, of either alphabet, with padding or without.
pub(super) fn read(text: &str) -> Option<Vec<u8>> {
    let text = text.trim_end_matches('=').as_bytes();
    if text.len() % 4 == 1 {
        return None;
    }
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for chunk in text.chunks(4) {
        let mut word = 0;
        for digit in chunk {
            word = word << 6 | value(*digit)?;
        }
        word <<= 6 * (4 - chunk.len());
        out.extend_from_slice(&word.to_be_bytes()[1..chunk.len()]);
    }
    Some(out)
}

fn value(digit: u8) -> Option<u32> {
    Some(u32::from(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_back() {
        let written = |bytes: &[u8]| {
            let mut out = Vec::new();
            put(&mut out, bytes);
            String::from_utf8(out).unwrap()
        };
        for (bytes, text) in [(&b""[..], ""), (b"f", "Zg=="), (b"fo", "Zm8="), (b"foo", "Zm9v"), (b"\xfb\xff", "+/8=")]
        {
            assert_eq!(written(bytes), text);
            for text in [text, text.trim_end_matches('='), &text.replace('+', "-").replace('/', "_")] {
                assert_eq!(read(text).as_deref(), Some(bytes), "{text}");
            }
        }
        for len in 0..50 {
            let bytes: Vec<_> = (0..len).map(|n: u8| n.wrapping_mul(37)).collect();
            assert_eq!(read(&written(&bytes)), Some(bytes));
        }
        for bad in ["A", "AAAAA", "A*AA", "ÄÄ"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
