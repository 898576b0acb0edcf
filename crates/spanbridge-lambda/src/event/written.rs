//! The records of an event as they are written: what there is to capture of each. It is read again for that, where it is
//! asked for, so that nothing is copied of the events of those who do not.

use super::read::*;
use super::{MAX_RECORDS, Source, envelope, http, mq, sqs, without};
use crate::json::Json;
use spanbridge::carrier::Header;
use spanbridge::payload::take;
use spanbridge::w3c;
use std::borrow::Cow;

/// What is called with each header.
pub(crate) type Each<'e> = &'e mut dyn FnMut(&str, &[u8]);

/// A record as its event has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written<'a> {
    source: Source,
    record: Json<'a>,
}

/// The records of an event, in the order of [`Event::records`](super::Event::records).
pub(crate) fn records<'a>(source: Source, payload: &'a [u8]) -> Vec<Written<'a>> {
    let event = Json::new(payload);
    let written = |record| Written { source, record };
    let list = |of: Json<'a>| of.elements().take(MAX_RECORDS).map(written).collect();
    let member = |name| event.get(name).map(list).unwrap_or_default();
    let groups = |name| {
        let groups = event.get(name).into_iter().flat_map(Json::members);
        groups.flat_map(|(_, group)| group.elements()).take(MAX_RECORDS).map(written).collect()
    };
    match source {
        // Of a pipe.
        _ if event.is_array() => list(event),
        Source::Kafka => groups("records"),
        Source::RabbitMq => groups("rmqMessagesByQueue"),
        Source::ActiveMq => member("messages"),
        _ => member("Records"),
    }
}

/// The bodies of the records, after a look at all else that may be captured: for the fuzz target.
pub fn bodies(source: Source, payload: &[u8]) -> Vec<Option<Cow<'_, [u8]>>> {
    request_headers(payload, &mut |_, _| {});
    let look = |record: Written<'_>| {
        let _ = record.content_type();
        record.headers(&mut |_, _| {})
    };
    records(source, payload).into_iter().inspect(|record| look(*record)).map(|record| record.body()).collect()
}

/// The headers of a request but the standard ones, each once.
pub(crate) fn request_headers(payload: &[u8], each: Each<'_>) {
    let [headers, multi] = Json::new(payload).pick(["headers", "multiValueHeaders"]);
    // Where there are both, the second has all values of each.
    let all = multi.filter(|all| all.members().next().is_some()).or(headers);
    for (name, value) in all.into_iter().flat_map(Json::members) {
        if ![w3c::TRACEPARENT, w3c::TRACESTATE, w3c::BAGGAGE].iter().any(|ours| name.eq_ignore_ascii_case(ours)) {
            tell(&name, value, http::joined(&name, value), each)
        }
    }
}

/// What is neither text nor bytes is told as it is written.
fn tell(name: &str, value: Json<'_>, header: Header<'_>, each: Each<'_>) {
    match header {
        Header::Value(bytes) => each(name, &bytes),
        _ => each(name, value.written()),
    }
}

impl Source {
    /// Whether an event is a request over HTTP.
    pub(crate) fn is_request(self) -> bool {
        matches!(self, Source::ApiGateway | Source::LoadBalancer | Source::FunctionUrl | Source::VpcLattice)
    }

    /// Whether records have headers, or attributes.
    pub(crate) fn has_headers(self) -> bool {
        matches!(self, Source::Sqs | Source::Sns | Source::Kafka | Source::RabbitMq | Source::ActiveMq)
    }
}

impl<'a> Written<'a> {
    /// The body as it was sent, but for the hidden field; nothing where there is none, or it cannot be read.
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
        // As an event would be: a body may be one, of EventBridge for instance.
        let (_, cuts) = envelope::part(Json::new(&body), &body);
        Some(if cuts.is_empty() { body } else { without(&body, cuts).into_owned().into() })
    }

    /// The media type of the body, where the record says so.
    pub(crate) fn content_type(&self) -> Option<Cow<'a, str>> {
        match self.source {
            Source::DynamoDb => Some(Cow::Borrowed("application/json")),
            Source::RabbitMq => self.record.get("basicProperties")?.get("contentType")?.text(),
            _ => None,
        }
    }

    /// The headers, or the attributes. What is neither text nor bytes is given as it is written.
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
        // Kafka's are objects in an array, so that there may be several of one name.
        let objects = headers.into_iter().flat_map(|all| all.elements().chain(all.is_object().then_some(all)));
        for (name, value) in objects.flat_map(Json::members) {
            tell(&name, value, read(value), each)
        }
    }
}

/// What happened to an item, without the hidden field of its images.
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

    /// As many as were read from the event, in its order; whatever they hold.
    fn check(payload: &[u8]) {
        let (event, _) = Event::read(payload, InvocationMetadata::default());
        let written = records(event.source(), payload);
        // One of SNS is the invocation's.
        if !event.records().is_empty() {
            assert_eq!(written.len(), event.records().len());
        }
        for (written, record) in written.iter().zip(event.records()) {
            let body = written.body();
            // What is told as a size is that of what was sent, with our field.
            if let (Some(body), Some(size)) = (&body, record.size) {
                assert!(body.len() <= size, "{size} {}", String::from_utf8_lossy(body))
            }
            written.headers(&mut |_, _| {});
            written.content_type();
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
        fn whatever_the_bytes(which in any::<prop::sample::Index>(), at in any::<prop::sample::Index>(), by in any::<u8>(), cut in any::<bool>()) {
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
