//! The records of an event as they are written: what there is to capture of each. It is read again for that, where it is
//! asked for, so that nothing is copied of the events of those who do not.

use super::read::*;
use super::{Beside, Event, Source, http, mq, sns, sqs, streams};
use crate::json::Json;
use spanbridge::carrier::Header;
use std::borrow::Cow;

/// What is called with each header.
pub(crate) type Each<'e> = &'e mut dyn FnMut(&str, &[u8]);

/// A record as its event has it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written<'a> {
    source: Source,
    record: Json<'a>,
}

/// The records of an event, in the order of [`Event::records`].
pub(crate) fn records(source: Source, payload: &[u8]) -> Vec<Written<'_>> {
    let event = Json::new(payload);
    let groups =
        |name| event.get(name).map(Json::members).into_iter().flatten().flat_map(|(_, group)| group.elements());
    let all: Vec<_> = match source {
        Source::Kafka => groups("records").collect(),
        Source::RabbitMq => groups("rmqMessagesByQueue").collect(),
        Source::ActiveMq => event.get("messages").into_iter().flat_map(Json::elements).collect(),
        _ => event.get("Records").into_iter().flat_map(Json::elements).collect(),
    };
    all.into_iter().map(|record| Written { source, record }).collect()
}

/// The headers of a request.
pub(crate) fn request_headers(payload: &[u8], each: Each<'_>) {
    http::each_header(Json::new(payload), each)
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
            Source::Kinesis => base64(self.record.get("kinesis")?.get("data")?)?.into(),
            Source::DynamoDb => return streams::change_without_field(self.record),
            Source::Kafka => base64(self.record.get("value")?)?.into(),
            Source::RabbitMq | Source::ActiveMq => base64(self.record.get("data")?)?.into(),
            _ => return None,
        };
        // As an event would be: a body may be one, of EventBridge for instance.
        let bare = match Event::read(&body, Beside::default()).1 {
            Cow::Owned(bare) => Some(bare.into()),
            Cow::Borrowed(_) => None,
        };
        Some(bare.unwrap_or(body))
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
            Source::Sns => (inside("Sns", "MessageAttributes"), sns::value),
            Source::Kafka => (self.record.get("headers"), bytes_header),
            Source::RabbitMq => (inside("basicProperties", "headers"), mq::value),
            Source::ActiveMq => (self.record.get("properties"), text_header),
            _ => return,
        };
        // Kafka's are objects in an array, so that there may be several of one name.
        let objects = headers.into_iter().flat_map(|all| all.elements().chain(all.is_object().then_some(all)));
        for (name, value) in objects.flat_map(Json::members) {
            match read(value) {
                Header::Value(bytes) => each(&name, &bytes),
                _ => each(&name, value.written()),
            }
        }
    }
}

fn bytes_of_text(value: Json<'_>) -> Option<Cow<'_, [u8]>> {
    Some(match value.text()? {
        Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
        Cow::Owned(text) => Cow::Owned(text.into_bytes()),
    })
}
