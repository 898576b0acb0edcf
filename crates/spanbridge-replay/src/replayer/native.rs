//! Native values out of the forms of `input.properties`.

use serde_json::Value;

/// The bytes of a text: a string, or an object with `base64`.
pub(super) fn bytes(text: &Value) -> Option<Vec<u8>> {
    match text {
        Value::String(text) => Some(text.clone().into_bytes()),
        other => decoded(other.get("base64")?.as_str()?),
    }
}

/// A text that is UTF-8.
pub(super) fn text(value: &Value) -> Option<String> {
    String::from_utf8(bytes(value)?).ok()
}

/// Base64 as in RFC 4648, section 4, with or without padding.
fn decoded(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 2);
    let (mut bits, mut count) = (0u32, 0);
    for byte in text.trim_end_matches('=').bytes() {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
            bits &= (1 << count) - 1
        }
    }
    // A digit alone is no byte, and what is left over is zero.
    (count < 6 && bits == 0).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn texts_are_strings_or_base64() {
        for (text, expected) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg", "foob")] {
            assert_eq!(bytes(&json!({"base64": text})).as_deref(), Some(expected.as_bytes()));
        }
        assert_eq!(bytes(&json!({"base64": "AP8="})), Some(vec![0, 255]));
        assert_eq!(text(&json!({"base64": "AP8="})), None);
        assert_eq!(text(&json!("é")).as_deref(), Some("é"));
        for bad in [json!({"base64": "Z"}), json!({"base64": "Zh=="}), json!({"base64": "Z-=="}), json!(1), json!(null)]
        {
            assert_eq!(bytes(&bad), None, "{bad}");
        }
    }
}
