//! What a receiver says in the body of its answer.

use crate::otlp::protobuf;

/// The longest message of a receiver that is reported.
const MAX_MESSAGE: usize = 256;

/// `ExportTracePartialSuccess`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PartialSuccess {
    pub(super) rejected: i64,
    pub(super) message: String,
}

/// What a successful answer says about spans that were not taken. `None`: it cannot be read.
pub(super) fn partial_success(body: &[u8]) -> Option<PartialSuccess> {
    if body.is_empty() {
        return Some(PartialSuccess::default());
    }
    let (rejected, message) = match is_json(body) {
        true => {
            let body: serde_json::Value = serde_json::from_slice(body).ok()?;
            let partial = &body.as_object()?.get("partialSuccess").unwrap_or(&serde_json::Value::Null);
            let rejected = &partial["rejectedSpans"];
            // 64-bit numbers are strings in OTLP's JSON, and some write numbers.
            let float = || rejected.as_f64().or_else(|| rejected.as_str()?.trim().parse().ok());
            let rejected = rejected.as_i64().or_else(|| Some(float()? as i64)).unwrap_or(0);
            (rejected, partial["errorMessage"].as_str().unwrap_or_default().to_owned())
        }
        false => protobuf::read_partial_success(body).ok()?,
    };
    Some(PartialSuccess { rejected, message: shown(&message) })
}

/// What an unsuccessful answer says (`google.rpc.Status`), if it says something.
pub(super) fn status_message(body: &[u8]) -> Option<String> {
    let message = match is_json(body) {
        true => serde_json::from_slice::<serde_json::Value>(body).ok()?["message"].as_str()?.to_owned(),
        false => protobuf::read_status_message(body).ok()?,
    };
    let message = shown(&message);
    (!message.is_empty()).then_some(message)
}

/// By its first byte, whatever the header says: no message of protobuf that is meant here begins so.
fn is_json(body: &[u8]) -> bool {
    body.trim_ascii_start().first() == Some(&b'{')
}

/// The beginning of a text, on one line.
pub(super) fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn partial(rejected: i64, message: &str) -> Option<PartialSuccess> {
        Some(PartialSuccess { rejected, message: message.to_owned() })
    }

    #[test]
    fn both_forms_are_read() {
        let protobuf = b"\x0a\x09\x08\x03\x12\x05large";
        assert_eq!(partial_success(protobuf), partial(3, "large"));
        for json in [
            r#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"large"}}"#,
            r#"{"partialSuccess":{"rejectedSpans":3,"errorMessage":"large","x":[]},"y":1}"#,
        ] {
            assert_eq!(partial_success(json.as_bytes()), partial(3, "large"), "{json}");
        }
        for body in [&b""[..], b"{}", b" {} ", br#"{"partialSuccess":null}"#, b"\x0a\x00"] {
            assert_eq!(partial_success(body), partial(0, ""));
        }
        assert_eq!(status_message(b"\x08\x03\x12\x03bad").as_deref(), Some("bad"));
        assert_eq!(status_message(br#"{"code":3,"message":"bad\nkey"}"#).as_deref(), Some("bad key"));
    }

    /// More than there can be is all of them.
    #[test]
    fn any_number_is_one() {
        for (number, rejected) in
            [("2.0", 2), ("-1", -1), ("18446744073709551615", i64::MAX), ("1e30", i64::MAX), ("true", 0), ("[2]", 0)]
        {
            for number in [number.to_owned(), format!("\"{number}\"")] {
                let body = format!(r#"{{"partialSuccess":{{"rejectedSpans":{number}}}}}"#);
                assert_eq!(partial_success(body.as_bytes()), partial(rejected, ""), "{body}");
            }
        }
    }

    #[test]
    fn garbage_is_none() {
        for body in [&b"<html>"[..], b"[]", b"null", b"{", b"{}}"] {
            assert_eq!((partial_success(body), status_message(body)), (None, None));
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(body in proptest::collection::vec(any::<u8>(), 0..64), json in r#"\{["a-z:0-9{}]{0,20}"#) {
            for body in [&body[..], json.as_bytes()] {
                partial_success(body);
                status_message(body);
            }
        }
    }
}
