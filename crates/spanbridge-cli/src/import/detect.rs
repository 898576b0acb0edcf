//! What an input holds, by its first bytes.

/// What an input holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Content {
    /// Text with records in it: lines, documents, logs. Whose records they are, each says itself.
    Text,
    /// Spans in OTLP, as JSON or as protobuf.
    Otlp,
    /// Records of spanbridge as a Parquet file. Only a whole file can be read, from its end.
    Parquet,
}

/// What a Parquet file begins with.
const PARQUET: &[u8] = b"PAR1";

/// The first member of a request, or of a part of one.
const OTLP_KEYS: [&[u8]; 4] = [b"resourceSpans", b"scopeSpans", b"resourceLogs", b"resourceMetrics"];

/// The beginning is that of a request as protobuf, the length of one, or text.
pub(super) fn detect(start: &[u8]) -> Option<Content> {
    if is_parquet(start) {
        return Some(Content::Parquet);
    }
    if start.iter().any(|byte| matches!(byte, 0..=8 | 0x0e..=0x1a | 0x1c..=0x1f)) {
        // Logs may have a few of these. Otherwise, the first field of a request, or the first byte of its length.
        let is_request = matches!(start.first(), Some(0..=7 | b'\n'));
        let known = if is_log_with_controls(start) { Content::Text } else { Content::Otlp };
        return (is_request || known == Content::Text).then_some(known);
    }
    let key = start.trim_ascii_start().strip_prefix(b"{").map(<[u8]>::trim_ascii_start).and_then(first_text);
    let is_otlp = match key {
        Some(b"resource") => start.windows(12).any(|window| window == b"\"scopeSpans\""),
        Some(key) => OTLP_KEYS.contains(&key),
        None => false,
    };
    Some(if is_otlp { Content::Otlp } else { Content::Text })
}

/// Whether these are the first bytes of a Parquet file.
pub fn is_parquet(start: &[u8]) -> bool {
    start.starts_with(PARQUET)
}

/// Whether it is text in which something wrote a few bytes that are none.
fn is_log_with_controls(start: &[u8]) -> bool {
    // The end may be in the middle of a letter.
    let is_text = std::str::from_utf8(start).map_or_else(|e| e.error_len().is_none(), |_| true);
    let controls = start.iter().filter(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace()).count();
    is_text && controls.saturating_mul(20) < start.len() && start.first().is_some_and(|byte| !byte.is_ascii_control())
}

fn first_text(json: &[u8]) -> Option<&[u8]> {
    let text = json.strip_prefix(b"\"")?;
    text.iter().position(|byte| *byte == b'"').map(|end| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_says_what_it_is() {
        use Content::{Otlp, Parquet, Text};
        for (start, expected) in [
            (&b""[..], Some(Text)),
            (b"{\"schemaVersion\":1,\"resource\":{}", Some(Text)),
            (b"{\"records\": [", Some(Text)),
            (b"  {\n \"events\": [", Some(Text)),
            (b"2026-11-20T09:25:46 stream \x1b[31mtext", Some(Text)),
            (b"no json", Some(Text)),
            (b"{}", Some(Text)),
            (b"{\"resourceSpans\":[]}", Some(Otlp)),
            (b"\n\t{ \"resourceSpans\" : [", Some(Otlp)),
            (b"{\"resource\":{},\"scopeSpans\":[", Some(Otlp)),
            (b"{\"resource\":{},\"type\":\"segment\"", Some(Text)),
            (b"\n\x10\x0a\x0e\x0a\x0cservice.name", Some(Otlp)),
            (b"\0\0\x01\x02\n\x10", Some(Otlp)),
            (b"{\0\"\0", None),
            (b"{\"schemaVersion\":1,\"type\":\"span\"}\n\0\n", Some(Text)),
            (b"\x89PNG\r\n\x1a\n", None),
            (b"PAR1\x15\x04", Some(Parquet)),
            (b"PAR", Some(Text)),
        ] {
            assert_eq!(detect(start), expected, "{}", String::from_utf8_lossy(start));
        }
    }
}
