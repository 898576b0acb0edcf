//! What has happened elsewhere: EventBridge, S3.

use super::read::*;
use super::{Content, Source, envelope};
use crate::json::Json;
use spanbridge::semconv;
use std::borrow::Cow;

/// An event of EventBridge, whose `detail` may hold the hidden field. `None` when it does not have the parts of one.
pub(super) fn eventbridge(payload: &[u8], event: Json<'_>) -> Option<Content> {
    let [source, kind, id, time, detail] = event.pick(["source", "detail-type", "id", "time", "detail"]);
    let (source, kind, detail) = (text(source)?, text(kind)?, detail?);
    if kind == "Scheduled Event" && ["aws.events", "aws.scheduler"].contains(&source.as_str()) {
        let mut content = Content::of(Source::Schedule);
        content.tell(semconv::FAAS_TIME, text(time));
        return Some(content);
    }
    let mut content = Content::of(Source::EventBridge);
    content.take_part(envelope::part(detail, payload));
    content.tell(semconv::MESSAGING_SYSTEM, Source::EventBridge.messaging_system());
    content.tell(semconv::MESSAGING_OPERATION_TYPE, Some("process"));
    content.tell(semconv::MESSAGING_MESSAGE_ID, text(id));
    content.tell(semconv::EVENTBRIDGE_SOURCE, Some(source));
    content.tell(semconv::EVENTBRIDGE_DETAIL_TYPE, Some(kind));
    Some(content)
}

/// `Records` of S3, which carry no context. What is told of them is told of the first.
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
    content.tell(semconv::AWS_S3_BUCKET, bucket.clone());
    content.tell(semconv::AWS_S3_KEY, key.clone());
    content.tell(semconv::FAAS_DOCUMENT_COLLECTION, bucket);
    content.tell(semconv::FAAS_DOCUMENT_NAME, key);
    content.tell(semconv::FAAS_DOCUMENT_OPERATION, operation);
    content.tell(semconv::FAAS_DOCUMENT_TIME, text(time));
    content
}

/// A key as it is: S3 writes keys as in forms, with `+` and `%2F`. What is not written so stays as it stands.
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
    fn keys_as_they_are() {
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
