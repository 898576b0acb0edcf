//! What the server says it did with each record.

use super::super::answer::shown;
use serde_json::Value;

/// Reads a receipt for so many records: which of them are rejected, by their number from 0, and why. `None`: it is none.
pub(super) fn rejected(body: &[u8], records: usize) -> Option<Vec<(usize, String)>> {
    let receipt: Value = serde_json::from_slice(body).ok()?;
    if receipt.get("read")?.as_u64()? != records as u64 {
        return None;
    }
    let of = |rejected: &Value| {
        let index = usize::try_from(rejected.get("index")?.as_u64()?).ok().filter(|index| *index < records)?;
        Some((index, shown(rejected.get("reason").and_then(Value::as_str).unwrap_or("the server does not say why"))))
    };
    receipt.get("rejected")?.as_array()?.iter().map(of).collect()
}

/// What an answer says that is no success.
pub(super) fn error_message(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let message = shown(body.get("error")?.get("message")?.as_str()?);
    (!message.is_empty()).then_some(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_receipt_names_records() {
        let receipt = br#"{"schemaVersion":1,"read":3,"stored":1,"repeated":1,"conflicts":0,
            "rejected":[{"index":2,"reason":"too\nlarge"}],"later":{}}"#;
        assert_eq!(rejected(receipt, 3), Some(vec![(2, "too large".to_owned())]));
        assert_eq!(rejected(br#"{"read":0,"rejected":[]}"#, 0), Some(vec![]));
        assert_eq!(error_message(br#"{"error":{"code":"token","message":"wrong"}}"#).as_deref(), Some("wrong"));
    }

    /// Whoever answers so has not said that it stored the records.
    #[test]
    fn anything_else_is_no_receipt() {
        for body in [
            "",
            "{}",
            "<html>",
            "[]",
            r#"{"read":3}"#,
            r#"{"read":2,"rejected":[]}"#,
            r#"{"read":3,"rejected":[{"index":3,"reason":""}]}"#,
            r#"{"read":3,"rejected":[{"reason":""}]}"#,
            r#"{"read":"3","rejected":[]}"#,
        ] {
            assert_eq!(rejected(body.as_bytes(), 3), None, "{body}");
            assert_eq!(error_message(body.as_bytes()), None, "{body}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(body in proptest::collection::vec(any::<u8>(), 0..64), records: usize) {
            rejected(&body, records);
            error_message(&body);
        }
    }
}
