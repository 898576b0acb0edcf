//! The records of an event as they are written, for capturing. The event is read a second time for that, so that nothing is
//! copied if capturing is off.

use super::content::without;
use super::record::MAX_RECORDS;
use super::source::Source;
use super::values::*;
use super::{envelope, http, mq, sqs};
use crate::json::Json;
use spanbridge::carrier::Header;
use spanbridge::payload::take;
use spanbridge::w3c;
use std::borrow::Cow;

/// Is called with each header.
pub(crate) type Each<'e> = &'e mut dyn FnMut(&str, &[u8]);

/// A record as it is written in its event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RawRecord<'a> {
    source: Source,
    record: Json<'a>,
}

/// The records of an event, in the order of [`Event::records`](super::Event::records).
pub(crate) fn raw_records<'a>(source: Source, payload: &'a [u8]) -> Vec<RawRecord<'a>> {
    let event = Json::new(payload);
    let written = |record| RawRecord { source, record };
    let list = |of: Json<'a>| of.elements().take(MAX_RECORDS).map(written).collect();
    let member = |name| event.get(name).map(list).unwrap_or_default();
    let groups = |name| {
        let groups = event.get(name).into_iter().flat_map(Json::members);
        groups.flat_map(|(_, group)| group.elements()).take(MAX_RECORDS).map(written).collect()
    };
    match source {
        // From a pipe.
        _ if event.is_array() => list(event),
        Source::Kafka => groups("records"),
        Source::RabbitMq => groups("rmqMessagesByQueue"),
        Source::ActiveMq => member("messages"),
        _ => member("Records"),
    }
}

/// Reads everything that may be captured of an event and returns the bodies of its records: for the fuzz target.
pub fn bodies(source: Source, payload: &[u8]) -> Vec<Option<Cow<'_, [u8]>>> {
    request_headers(payload, &mut |_, _| {});
    let look = |record: RawRecord<'_>| {
        let _ = record.content_type();
        record.headers(&mut |_, _| {})
    };
    raw_records(source, payload).into_iter().inspect(|record| look(*record)).map(|record| record.body()).collect()
}

/// Calls `each` with the headers of a request, once each, except the standard ones.
pub(crate) fn request_headers(payload: &[u8], each: Each<'_>) {
    let [headers, multi] = Json::new(payload).pick(["headers", "multiValueHeaders"]);
    // If both exist, the second has all values of each header.
    let all = multi.filter(|all| all.members().next().is_some()).or(headers);
    for (name, value) in all.into_iter().flat_map(Json::members) {
        if w3c::header_named(&*name).is_none() {
            give(&name, value, http::joined(&name, value), each)
        }
    }
}

/// A value that is neither a string nor bytes is given as it is written.
fn give(name: &str, value: Json<'_>, header: Header<'_>, each: Each<'_>) {
    match header {
        Header::Value(bytes) => each(name, &bytes),
        _ => each(name, value.written()),
    }
}

impl<'a> RawRecord<'a> {
    /// The body as it was sent, without the hidden field; `None` if there is none or it cannot be decoded.
    pub(crate) fn body(&self) -> Option<Cow<'a, [u8]>> {
        let body = match self.source {
            Source::Sqs => bytes_of_text(self.record.get("body")?)?,
            Source::Sns => bytes_of_text(self.record.get("Sns")?.get("Message")?)?,
            Source::Kinesis => base64(self.record.get("kinesis").unwrap_or(self.record).get("data")?)?.into(),
            Source::DynamoDb => return Some(change(self.record.get("dynamodb")?)),
            Source::Kafka => base64(self.record.get("value")?)?.into(),
            Source::RabbitMq | Source::ActiveMq => base64(self.record.get("data")?)?.into(),
            _ => return None,
        };
        // A body may be an event itself, from EventBridge for example.
        let (_, cuts) = envelope::part(Json::new(&body), &body);
        Some(if cuts.is_empty() { body } else { without(&body, cuts).into_owned().into() })
    }

    /// The media type of the body, if the record has one.
    pub(crate) fn content_type(&self) -> Option<Cow<'a, str>> {
        match self.source {
            Source::DynamoDb => Some(Cow::Borrowed("application/json")),
            Source::RabbitMq => self.record.get("basicProperties")?.get("contentType")?.text(),
            _ => None,
        }
    }

    /// Calls `each` with the headers or attributes. A value that is neither a string nor bytes is given as it is written.
    pub(crate) fn headers(&self, each: Each<'_>) {
        let inside = |name, headers| self.record.get(name).and_then(|of: Json<'_>| of.get(headers));
        let (headers, read): (_, fn(Json<'_>) -> Header<'_>) = match self.source {
            Source::Sqs => (self.record.get("messageAttributes"), sqs::value),
            Source::Sns => (inside("Sns", "MessageAttributes"), envelope::sns_value),
            Source::Kafka => (self.record.get("headers"), bytes_header),
            Source::RabbitMq => (inside("basicProperties", "headers"), mq::value),
            Source::ActiveMq => (self.record.get("properties"), text_header),
            _ => return,
        };
        // Kafka's headers are an array of objects, because several may have the same name.
        let objects = headers.into_iter().flat_map(|all| all.elements().chain(all.is_object().then_some(all)));
        for (name, value) in objects.flat_map(Json::members) {
            give(&name, value, read(value), each)
        }
    }
}

/// The change of an item, without the hidden field in its images.
fn change(change: Json<'_>) -> Cow<'_, [u8]> {
    let mut cuts = vec![];
    for image in change.pick(["NewImage", "OldImage"]).into_iter().flatten() {
        if let Some(start) = image.offset_in(change.written()) {
            cuts.extend(take(image.written()).cuts().map(|cut| start + cut.start..start + cut.end))
        }
    }
    without(change.written(), cuts)
}

fn bytes_of_text(value: Json<'_>) -> Option<Cow<'_, [u8]>> {
    Some(match value.text()? {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Event, InvocationMetadata};
    use super::*;
    use proptest::prelude::*;

    fn examples() -> Vec<Vec<u8>> {
        let folder = std::fs::read_dir("tests/events").unwrap();
        let files =
            folder.map(|file| file.unwrap().path()).filter(|file| file.extension().is_some_and(|e| e == "json"));
        files.map(|file| std::fs::read(file).unwrap()).collect()
    }

    /// There are as many as were read from the event, whatever they hold.
    fn check(payload: &[u8]) {
        let (event, _) = Event::read(payload, InvocationMetadata::new());
        let raw = raw_records(event.source(), payload);
        // A single record from SNS belongs to the invocation.
        if !event.records().is_empty() {
            assert_eq!(raw.len(), event.records().len());
        }
        for (raw, record) in raw.iter().zip(event.records()) {
            let body = raw.body();
            // The size is that of what was sent, with the hidden field.
            if let (Some(body), Some(size)) = (&body, record.size) {
                assert!(body.len() <= size, "{size} {}", String::from_utf8_lossy(body))
            }
            raw.headers(&mut |_, _| {});
            raw.content_type();
        }
        request_headers(payload, &mut |_, _| {});
    }

    #[test]
    fn every_record_is_found_again() {
        let examples = examples();
        assert!(examples.len() > 40);
        examples.iter().for_each(|payload| check(payload));
    }

    proptest! {
        #[test]
        fn any_byte_may_be_changed(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), by in any::<u8>(), cut in any::<bool>()) {
            let examples = examples();
            let mut payload = which.get(&examples).clone();
            let at = at.index(payload.len());
            payload[at] = by;
            if cut {
                payload.truncate(at)
            }
            check(&payload);
        }
    }
}
