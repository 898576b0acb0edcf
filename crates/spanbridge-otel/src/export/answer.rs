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
pub(super) fn partial_success(body: &[u8], is_json: bool) -> Option<PartialSuccess> {
    if body.is_empty() {
        return Some(PartialSuccess::default());
    }
    let (rejected, message) = match is_json {
        true => {
            let body: serde_json::Value = serde_json::from_slice(body).ok()?;
            let partial = &body.as_object()?.get("partialSuccess").unwrap_or(&serde_json::Value::Null);
            let rejected = &partial["rejectedSpans"];
            // 64-bit numbers are strings in OTLP's JSON, and some write numbers.
            let rejected = rejected.as_i64().or_else(|| rejected.as_str()?.parse().ok()).unwrap_or(0);
            (rejected, partial["errorMessage"].as_str().unwrap_or_default().to_owned())
        }
        false => protobuf::read_partial_success(body).ok()?,
    };
    Some(PartialSuccess { rejected, message: shown(&message) })
}

/// What an unsuccessful answer says (`google.rpc.Status`), if it says something.
pub(super) fn status_message(body: &[u8], is_json: bool) -> Option<String> {
    let message = match is_json {
        true => serde_json::from_slice::<serde_json::Value>(body).ok()?["message"].as_str()?.to_owned(),
        false => protobuf::read_status_message(body).ok()?,
    };
    let message = shown(&message);
    (!message.is_empty()).then_some(message)
}

/// The beginning of a text, on one line.
fn shown(text: &str) -> String {
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
        assert_eq!(partial_success(protobuf, false), partial(3, "large"));
        for json in [
            r#"{"partialSuccess":{"rejectedSpans":"3","errorMessage":"large"}}"#,
            r#"{"partialSuccess":{"rejectedSpans":3,"errorMessage":"large","x":[]},"y":1}"#,
        ] {
            assert_eq!(partial_success(json.as_bytes(), true), partial(3, "large"), "{json}");
        }
        for (body, is_json) in
            [(&b""[..], false), (b"", true), (b"{}", true), (br#"{"partialSuccess":null}"#, true), (b"\x0a\x00", false)]
        {
            assert_eq!(partial_success(body, is_json), partial(0, ""));
        }
        assert_eq!(status_message(b"\x08\x03\x12\x03bad", false).as_deref(), Some("bad"));
        assert_eq!(status_message(br#"{"code":3,"message":"bad\nkey"}"#, true).as_deref(), Some("bad key"));
    }

    #[test]
    fn garbage_is_none() {
        assert_eq!(partial_success(b"<html>", false), None);
        assert_eq!(partial_success(b"<html>", true), None);
        assert_eq!(partial_success(b"[]", true), None);
        assert_eq!(status_message(b"<html>", true), None);
        assert_eq!(status_message(b"[]", true), None);
    }

    proptest! {
        #[test]
        fn nothing_panics(body in proptest::collection::vec(any::<u8>(), 0..64), is_json: bool) {
            partial_success(&body, is_json);
            status_message(&body, is_json);
        }
    }
}
