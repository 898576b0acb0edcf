//! Requests that are meant for another endpoint, by how they begin.

use super::form::Form;

/// What is sent instead, by the first key of the first object, and where it goes. Of OTLP in protobuf nothing can be told: all its
/// requests have the same first field.
pub(super) fn mistaken(form: Form, bytes: &[u8]) -> Option<&'static str> {
    match (form, first_key(bytes)?) {
        (Form::Records, b"resourceSpans") => Some("it has spans of OTLP, which go to /v1/traces"),
        (Form::Records | Form::Json, b"resourceMetrics" | b"resourceLogs" | b"resourceProfiles") => {
            Some("it has other signals of OTLP, and only traces are taken, at /v1/traces")
        }
        (Form::Json, b"records" | b"recordId" | b"schemaVersion") => {
            Some("it has records, which go to /api/v1/records")
        }
        _ => None,
    }
}

fn first_key(bytes: &[u8]) -> Option<&[u8]> {
    let object = bytes.trim_ascii_start().strip_prefix(b"{")?;
    let key = object.trim_ascii_start().strip_prefix(b"\"")?;
    key.split(|byte| *byte == b'"').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_key_tells_what_it_is() {
        for (form, text, told) in [
            (Form::Records, r#"{"resourceSpans":[]}"#, true),
            (Form::Records, "\n{ \"resourceLogs\" : []}", true),
            (Form::Records, r#"{"recordId":"1-1"}"#, false),
            (Form::Records, r#"{"records":[]}"#, false),
            (Form::Records, "", false),
            (Form::Json, r#"{"resourceMetrics":[]}"#, true),
            (Form::Json, r#"{"records":[]}"#, true),
            (Form::Json, r#"{"resourceSpans":[]}"#, false),
            (Form::Json, r#"{"scopeSpans":[]}"#, false),
            (Form::Json, "{}", false),
            (Form::Protobuf, r#"{"records":[]}"#, false),
        ] {
            assert_eq!(mistaken(form, text.as_bytes()).is_some(), told, "{form:?} {text}");
        }
    }
}
