//! Invocations, batches and messages.

use crate::event::{Event, Record, Source};
use spanbridge::adapter::{Step, Values, span};
use spanbridge::messaging::PartKind;
use spanbridge::observe::{self, SpanBuilder};
use spanbridge::{Kind, Primitive, Value, semconv};

/// What is recorded about the function that handles an invocation.
pub(crate) struct FunctionInfo<'a> {
    /// The name of the function.
    pub(crate) function: &'a str,
    pub(crate) version: &'a str,
    pub(crate) memory_mib: u64,
    pub(crate) invoked_arn: &'a str,
    pub(crate) request_id: &'a str,
    /// Milliseconds since 1970.
    pub(crate) deadline_ms: u64,
    pub(crate) is_cold_start: bool,
}

/// The name of an invocation's span.
pub(crate) fn invocation_name<'a>(info: &FunctionInfo<'a>, event: &'a Event) -> &'a str {
    event.route().filter(|_| event.source() == Source::ApiGateway).unwrap_or(info.function)
}

/// The span of an invocation, under the current context.
pub(crate) fn invocation(info: &FunctionInfo<'_>, event: &Event, values: &mut Values<'_>) -> SpanBuilder {
    let mut span = observe::span(invocation_name(info, event).to_owned())
        .primitive(Primitive::FUNCTION_HANDLE)
        .kind(Kind::Server)
        .attribute(semconv::FAAS_NAME, info.function)
        .attribute(semconv::FAAS_VERSION, info.version)
        .attribute(semconv::FAAS_INVOCATION_ID, info.request_id)
        .attribute(semconv::FAAS_TRIGGER, Value::Static(event.source().trigger()))
        .attribute(semconv::FAAS_COLDSTART, info.is_cold_start)
        .attribute(semconv::FAAS_MAX_MEMORY, info.memory_mib.saturating_mul(1 << 20))
        .attribute(semconv::FUNCTION_DEADLINE_MS, info.deadline_ms)
        .attribute(semconv::CLOUD_PROVIDER, Value::Static("aws"))
        .attribute(semconv::AWS_LAMBDA_INVOKED_ARN, info.invoked_arn);
    if let Some(arn) = Arn::read(info.invoked_arn) {
        span = span
            .attribute(semconv::CLOUD_REGION, arn.region)
            .attribute(semconv::CLOUD_ACCOUNT_ID, arn.account)
            .attribute(semconv::CLOUD_RESOURCE_ID, arn.unqualified)
    }
    event.attributes().fold(span, |span, (name, value)| match (personal(name), value.as_str()) {
        (Some(kind), Some(text)) => values.attribute(span, kind, name, text.as_bytes()),
        _ => span.attribute(name, value),
    })
}

/// The kind of part that an attribute is if it may hold personal data.
fn personal(attribute: &str) -> Option<PartKind<'static>> {
    Some(match attribute {
        semconv::URL_PATH | semconv::AWS_S3_KEY | semconv::FAAS_DOCUMENT_NAME => PartKind::Url,
        semconv::USER_AGENT_ORIGINAL => PartKind::Header("user-agent"),
        _ => return None,
    })
}

/// The span around the work on a batch, under the current context and linked to every sender.
pub(crate) fn batch(event: &Event) -> SpanBuilder {
    let records = event.records();
    let destination = match records.split_first() {
        Some((one, rest)) if rest.iter().all(|r| r.destination == one.destination) => &one.destination,
        _ => "",
    };
    let span = process(event.source(), destination).attribute(semconv::MESSAGING_BATCH_COUNT, event.count());
    records.iter().fold(span, |span, record| span.link(&record.carried.context))
}

/// The span around the work on a record, under the current context.
pub(crate) fn message(source: Source, record: &Record) -> SpanBuilder {
    let mut span = process(source, &record.destination);
    let texts = [
        (semconv::MESSAGING_MESSAGE_ID, &record.message_id),
        (semconv::MESSAGING_CONVERSATION_ID, &record.conversation_id),
        (semconv::MESSAGING_PARTITION_ID, &record.partition),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            span = span.attribute(name, text)
        }
    }
    if let (Source::Kafka, Some(offset)) = (source, record.offset) {
        span = span.attribute(semconv::KAFKA_OFFSET, offset)
    }
    if let Some(attempt) = record.attempt {
        span = span.attribute(semconv::DELIVERY_ATTEMPT, attempt)
    }
    if record.redelivered { span.attribute(semconv::DELIVERY_REDELIVERED, true) } else { span }
}

fn process(source: Source, destination: &str) -> SpanBuilder {
    span(source.messaging_system().unwrap_or("aws"), Step::Process, "process", destination)
        .attribute(semconv::FAAS_TRIGGER, Value::Static(source.trigger()))
}

/// The parts of a function's ARN, `arn:aws:lambda:{region}:{account}:function:{name}`, with an optional qualifier.
struct Arn<'a> {
    region: &'a str,
    account: &'a str,
    unqualified: &'a str,
}

impl<'a> Arn<'a> {
    fn read(arn: &'a str) -> Option<Self> {
        let parts: Vec<_> = arn.split(':').collect();
        let ["arn", _, "lambda", region, account, "function", _, qualifier @ ..] = parts.as_slice() else {
            return None;
        };
        let qualified: usize = qualifier.iter().map(|part| 1 + part.len()).sum();
        Some(Arn { region, account, unqualified: arn.get(..arn.len() - qualified)? })
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::check;
    use super::*;
    use crate::event::InvocationMetadata;

    fn event(json: &str) -> Event {
        Event::read(json.as_bytes(), InvocationMetadata::new()).0
    }

    const INFO: FunctionInfo<'_> = FunctionInfo {
        function: "orders",
        version: "7",
        memory_mib: 128,
        invoked_arn: "arn:aws:lambda:eu-west-1:123456789012:function:orders:live",
        request_id: "79104EXAMPLEB723",
        deadline_ms: 1_773_342_238_000,
        is_cold_start: true,
    };

    #[test]
    fn an_invocation() {
        check(
            || invocation(&INFO, &event("{}"), &mut Values::of(None)),
            r#"
            Server function.handle "orders" links 0
              faas.name = Str("orders")
              faas.version = Str("7")
              faas.invocation_id = Str("79104EXAMPLEB723")
              faas.trigger = Str("other")
              faas.coldstart = Bool(true)
              faas.max_memory = I64(134217728)
              spanbridge.function.deadline_ms = I64(1773342238000)
              cloud.provider = Str("aws")
              aws.lambda.invoked_arn = Str("arn:aws:lambda:eu-west-1:123456789012:function:orders:live")
              cloud.region = Str("eu-west-1")
              cloud.account.id = Str("123456789012")
              cloud.resource_id = Str("arn:aws:lambda:eu-west-1:123456789012:function:orders")
            "#,
        );
    }

    #[test]
    fn a_request_is_named_by_its_route() {
        let request =
            r#"{"resource":"/orders/{id}","httpMethod":"GET","path":"/orders/42","requestContext":{"stage":"prod"}}"#;
        check(
            || {
                invocation(
                    &FunctionInfo { invoked_arn: "none", is_cold_start: false, ..INFO },
                    &event(request),
                    &mut Values::of(None),
                )
            },
            r#"
            Server function.handle "/orders/{id}" links 0
              faas.name = Str("orders")
              faas.version = Str("7")
              faas.invocation_id = Str("79104EXAMPLEB723")
              faas.trigger = Str("http")
              faas.coldstart = Bool(false)
              faas.max_memory = I64(134217728)
              spanbridge.function.deadline_ms = I64(1773342238000)
              cloud.provider = Str("aws")
              aws.lambda.invoked_arn = Str("none")
              http.request.method = Str("GET")
              http.route = Str("/orders/{id}")
              url.path = Str("/orders/42")
            "#,
        );
    }

    #[test]
    fn a_batch_and_a_message() {
        let messages = event(include_str!("../../tests/events/kafka-msk.json"));
        check(
            || batch(&messages),
            r#"
            Consumer messaging.process "process orders" links 2
              messaging.system = Str("kafka")
              messaging.operation.name = Str("process")
              messaging.operation.type = Str("process")
              messaging.destination.name = Str("orders")
              faas.trigger = Str("pubsub")
              messaging.batch.message_count = I64(3)
            "#,
        );
        check(
            || message(messages.source(), &messages.records()[0]),
            r#"
            Consumer messaging.process "process orders" links 0
              messaging.system = Str("kafka")
              messaging.operation.name = Str("process")
              messaging.operation.type = Str("process")
              messaging.destination.name = Str("orders")
              faas.trigger = Str("pubsub")
              messaging.destination.partition.id = Str("0")
              messaging.kafka.offset = I64(15)
            "#,
        );
        // With several queues, none is named.
        let messages = event(include_str!("../../tests/events/rabbitmq-awkward.json"));
        check(
            || batch(&messages),
            r#"
            Consumer messaging.process "process" links 3
              messaging.system = Str("rabbitmq")
              messaging.operation.name = Str("process")
              messaging.operation.type = Str("process")
              faas.trigger = Str("pubsub")
              messaging.batch.message_count = I64(9)
            "#,
        );
        check(
            || message(messages.source(), &messages.records()[0]),
            r#"
            Consumer messaging.process "process orders" links 0
              messaging.system = Str("rabbitmq")
              messaging.operation.name = Str("process")
              messaging.operation.type = Str("process")
              messaging.destination.name = Str("orders")
              faas.trigger = Str("pubsub")
              spanbridge.delivery.attempt = I64(4)
              spanbridge.delivery.redelivered = Bool(true)
            "#,
        );
    }

    #[test]
    fn resource_ids_have_no_qualifier() {
        let resource = |arn| Arn::read(arn).map(|arn| arn.unqualified);
        let plain = "arn:aws:lambda:eu-west-1:123456789012:function:orders";
        assert_eq!(resource(plain), Some(plain));
        assert_eq!(resource(INFO.invoked_arn), Some(plain));
        for other in [
            "",
            "No header lambda-runtime-invoked-function-arn found.",
            "arn:aws:sqs:eu-west-1:1:function:x",
            "arn:aws:lambda:r:a:layer:x",
        ] {
            assert_eq!(resource(other), None, "{other}");
        }
    }
}
