//! Which source an event is from. What tells is data, below; who reads it is a file a shape.

use super::{Content, http, messages, or_else, text_header};
use crate::carrier::Standard;
use crate::json::Json;

/// Where an event comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Source {
    /// Whoever called the function, and everything that is none of the others.
    #[default]
    Direct,
    /// API Gateway: REST, HTTP and WebSocket APIs.
    ApiGateway,
    /// An Application Load Balancer.
    LoadBalancer,
    /// The function's own URL.
    FunctionUrl,
    /// SQS.
    Sqs,
    /// SNS.
    Sns,
    /// EventBridge.
    EventBridge,
    /// A schedule of EventBridge.
    Schedule,
    /// Kinesis.
    Kinesis,
    /// A stream of DynamoDB.
    DynamoDb,
    /// Kafka: MSK, or self-managed.
    Kafka,
    /// Amazon MQ with RabbitMQ.
    RabbitMq,
    /// Amazon MQ with ActiveMQ.
    ActiveMq,
    /// S3.
    S3,
    /// CloudWatch Logs.
    CloudWatchLogs,
}

impl Source {
    /// What triggered the function, in the conventions' words
    /// ([`faas.trigger`](https://opentelemetry.io/docs/specs/semconv/faas/faas-spans/#function-trigger-type)).
    pub fn trigger(self) -> &'static str {
        match self {
            Source::ApiGateway | Source::LoadBalancer | Source::FunctionUrl => "http",
            Source::Sqs
            | Source::Sns
            | Source::EventBridge
            | Source::Kinesis
            | Source::Kafka
            | Source::RabbitMq
            | Source::ActiveMq => "pubsub",
            Source::DynamoDb | Source::S3 => "datasource",
            Source::Schedule => "timer",
            Source::Direct | Source::CloudWatchLogs => "other",
        }
    }

    /// The messaging system, in the conventions' words where they have one; `None` where messages are not what it is
    /// about.
    pub fn messaging_system(self) -> Option<&'static str> {
        Some(match self {
            Source::Sqs => "aws_sqs",
            Source::Sns => "aws.sns",
            Source::EventBridge => "aws.eventbridge",
            Source::Kinesis => "aws.kinesis",
            Source::DynamoDb => "aws.dynamodb",
            Source::Kafka => "kafka",
            Source::RabbitMq => "rabbitmq",
            Source::ActiveMq => "activemq",
            _ => return None,
        })
    }
}

/// By what a record says of its source.
type Reader = fn(Source, &[Json<'_>]) -> Content;
const RECORDS: &[(&str, Source, Reader)] = &[("aws:sqs", Source::Sqs, messages::sqs)];

/// Reads an event as its source writes it. Something that looks like a source's event and is not one is read as if it
/// were, as far as that goes.
pub(super) fn recognise(payload: &[u8]) -> Content {
    let Some(event) = Json::read(payload) else { return Content::default() };
    let [records, headers, multi, request] = event.pick(["Records", "headers", "multiValueHeaders", "requestContext"]);
    if let Some(request) = request.filter(|r| r.is_object())
        && let Some(content) = http::request(event, request, headers, multi)
    {
        return content;
    }
    let records = records.map(Json::elements).unwrap_or_default();
    let named = records.first().and_then(|first| {
        let [name, other_spelling] = first.pick(["eventSource", "EventSource"]);
        name.or(other_spelling)?.text()
    });
    if let Some((_, source, read)) = RECORDS.iter().find(|(name, ..)| named.as_deref() == Some(name)) {
        return read(*source, &records);
    }
    direct(headers)
}

/// A payload with `headers`, as instrumentations of Python write them.
fn direct(headers: Option<Json<'_>>) -> Content {
    let mut content = Content::of(Source::Direct);
    content.carried = http::headers(headers, None).extract();
    content
}
