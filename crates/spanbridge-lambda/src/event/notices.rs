//! Notices of what has happened elsewhere: EventBridge, S3.

use super::content::Content;
use super::envelope;
use super::source::Source;
use super::values::*;
use crate::json::Json;
use spanbridge::semconv;
use std::borrow::Cow;

/// Reads an EventBridge event, whose `detail` may have the hidden field. `None` if it lacks a part of such an event.
pub(super) fn eventbridge(payload: &[u8], event: Json<'_>) -> Option<Content> {
    let [source, kind, id, time, detail] = event.pick(["source", "detail-type", "id", "time", "detail"]);
    let (source, kind, detail) = (text(source)?, text(kind)?, detail?);
    if kind == "Scheduled Event" && ["aws.events", "aws.scheduler"].contains(&source.as_str()) {
        let mut content = Content::of(Source::Schedule);
        content.attribute(semconv::FAAS_TIME, text(time));
        return Some(content);
    }
    let mut content = Content::of(Source::EventBridge);
    content.set_part(envelope::part(detail, payload));
    content.attribute(semconv::MESSAGING_SYSTEM, Source::EventBridge.messaging_system());
    content.attribute(semconv::MESSAGING_OPERATION_TYPE, Some("process"));
    content.attribute(semconv::MESSAGING_MESSAGE_ID, text(id));
    content.attribute(semconv::EVENTBRIDGE_SOURCE, Some(source));
    content.attribute(semconv::EVENTBRIDGE_DETAIL_TYPE, Some(kind));
    Some(content)
}

/// Reads `Records` from S3, which carry no context. The attributes are those of the first record.
pub(super) fn s3(records: Json<'_>) -> Content {
    let mut content = Content::of(Source::S3);
    let Some(first) = records.elements().next() else { return content };
    let [name, time, s3] = first.pick(["eventName", "eventTime", "s3"]);
    let [bucket, object] = s3.map_or([None; 2], |s3| s3.pick(["bucket", "object"]));
    let bucket = text(bucket.and_then(|bucket| bucket.get("name")));
    let key = text(object.and_then(|object| object.get("key"))).map(|key| decode(&key).into_owned());
    let operation = text(name).and_then(|name| match name.split(':').next()?.trim_start_matches("s3:") {
        "ObjectCreated" => Some("insert"),
        "ObjectRemoved" => Some("delete"),
        _ => None,
    });
    content.attribute(semconv::AWS_S3_BUCKET, bucket.clone());
    content.attribute(semconv::AWS_S3_KEY, key.clone());
    content.attribute(semconv::FAAS_DOCUMENT_COLLECTION, bucket);
    content.attribute(semconv::FAAS_DOCUMENT_NAME, key);
    content.attribute(semconv::FAAS_DOCUMENT_OPERATION, operation);
    content.attribute(semconv::FAAS_DOCUMENT_TIME, text(time));
    content
}

/// Decodes a key: S3 encodes keys as HTML forms do, with `+` and `%2F`. A key that is not encoded so is left as it is.
fn decode(key: &str) -> Cow<'_, str> {
    if !key.contains(['+', '%']) {
        return Cow::Borrowed(key);
    }
    let mut out = Vec::with_capacity(key.len());
    let mut rest = key.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits = tail.first_chunk::<2>().filter(|hex| *first == b'%' && hex.iter().all(u8::is_ascii_hexdigit));
        let byte = digits.and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match byte {
            Some(byte) => {
                out.push(byte);
                rest = tail.get(2..).unwrap_or_default()
            }
            None => {
                out.push(if *first == b'+' { b' ' } else { *first });
                rest = tail
            }
        }
    }
    String::from_utf8(out).map_or(Cow::Borrowed(key), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_decoded() {
        for (written, key) in [
            ("plain.jpg", "plain.jpg"),
            ("Happy+Face%2Bx.jpg", "Happy Face+x.jpg"),
            ("%C3%BCber/100%25", "über/100%"),
            ("%", "%"),
            ("%z1+%4", "%z1 %4"),
            ("%+1", "% 1"),
            ("%ff+x", "%ff+x"), // not UTF-8
        ] {
            assert_eq!(decode(written), key, "{written}");
        }
    }
}
