//! Names and attributes of spans, by OpenTelemetry's conventions for functions, for AWS Lambda and for messaging.
#![expect(dead_code, reason = "those who use it come with `runtime` and `invoke`")]

use crate::event::{Event, Record, Source};
use spanbridge::messaging::{Step, span};
use spanbridge::observe::{self, SpanBuilder};
use spanbridge::{Kind, Primitive, Value, semconv};

/// What is told about an invocation.
pub(crate) struct About<'a> {
    /// Of the function, from its environment.
    pub(crate) function: &'a str,
    pub(crate) version: &'a str,
    pub(crate) memory_mib: u64,
    pub(crate) invoked_arn: &'a str,
    pub(crate) request_id: &'a str,
    /// Milliseconds since 1970.
    pub(crate) deadline_ms: u64,
    pub(crate) is_cold_start: bool,
}

/// The span of an invocation, begun under what is current.
pub(crate) fn invocation(about: &About<'_>, event: &Event) -> SpanBuilder {
    let name = event.route().filter(|_| event.source() == Source::ApiGateway).unwrap_or(about.function);
    let mut span = observe::span(name.to_owned())
        .primitive(Primitive::FUNCTION_HANDLE)
        .kind(Kind::Server)
        .attribute(semconv::FAAS_NAME, about.function)
        .attribute(semconv::FAAS_VERSION, about.version)
        .attribute(semconv::FAAS_INVOCATION_ID, about.request_id)
        .attribute(semconv::FAAS_TRIGGER, Value::Static(event.source().trigger()))
        .attribute(semconv::FAAS_COLDSTART, about.is_cold_start)
        .attribute(semconv::FAAS_MAX_MEMORY, about.memory_mib.saturating_mul(1 << 20))
        .attribute(semconv::FUNCTION_DEADLINE_MS, about.deadline_ms)
        .attribute(semconv::CLOUD_PROVIDER, Value::Static("aws"))
        .attribute(semconv::AWS_LAMBDA_INVOKED_ARN, about.invoked_arn);
    if let Some(arn) = Arn::read(about.invoked_arn) {
        span = span
            .attribute(semconv::CLOUD_REGION, arn.region)
            .attribute(semconv::CLOUD_ACCOUNT_ID, arn.account)
            .attribute(semconv::CLOUD_RESOURCE_ID, arn.unqualified)
    }
    event.attributes().fold(span, |span, (name, value)| span.attribute(name, value))
}

/// The span around the work on all records of an event, begun under what is current, and linked to every sender.
pub(crate) fn batch(event: &Event) -> SpanBuilder {
    let records = event.records();
    let destination = match records.split_first() {
        Some((one, rest)) if rest.iter().all(|r| r.destination == one.destination) => &one.destination,
        _ => "",
    };
    let span = process(event.source(), destination).attribute(semconv::MESSAGING_BATCH_COUNT, records.len());
    records.iter().fold(span, |span, record| span.link(&record.carried.context))
}

/// The span around the work on a record, begun under what is current.
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
    if let Some(size) = record.size {
        span = span.attribute(semconv::MESSAGING_BODY_SIZE, size)
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

/// The span of a call of a function, begun under what is current. The function is given as in the call: its name, or
/// its ARN, in part or whole, with or without a qualifier. `region` is the client's.
pub(crate) fn invoke(function: &str, region: Option<&str>, operation: &'static str) -> SpanBuilder {
    let (name, in_arn) = invoked(function);
    let span = observe::span(format!("invoke {name}"))
        .primitive(Primitive::FUNCTION_INVOKE)
        .kind(Kind::Client)
        .attribute(semconv::FAAS_INVOKED_NAME, name)
        .attribute(semconv::FAAS_INVOKED_PROVIDER, Value::Static("aws"))
        .attribute(semconv::RPC_SYSTEM, Value::Static("aws-api"))
        .attribute(semconv::RPC_SERVICE, Value::Static("Lambda"))
        .attribute(semconv::RPC_METHOD, Value::Static(operation));
    match in_arn.or(region) {
        Some(region) => span.attribute(semconv::FAAS_INVOKED_REGION, region),
        None => span,
    }
}

/// The parts of a function's ARN, `arn:aws:lambda:{region}:{account}:function:{name}`, maybe with a qualifier.
#[derive(Debug, PartialEq)]
struct Arn<'a> {
    region: &'a str,
    account: &'a str,
    unqualified: &'a str,
}

impl<'a> Arn<'a> {
    fn read(arn: &'a str) -> Option<Self> {
        let mut parts = arn.split(':');
        let ("arn", _, "lambda") = (parts.next()?, parts.next()?, parts.next()?) else { return None };
        let (region, account, "function", name) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?) else {
            return None;
        };
        let end = name.as_ptr().addr() - arn.as_ptr().addr() + name.len();
        Some(Arn { region, account, unqualified: arn.get(..end)? })
    }
}

/// The name of the function in what a call names it by, and its region where that says so: `name`, `name:qualifier`,
/// `account:function:name` or a whole ARN, with or without a qualifier.
fn invoked(function: &str) -> (&str, Option<&str>) {
    let parts: Vec<_> = function.split(':').collect();
    let region = Arn::read(function).map(|arn| arn.region);
    let name = match parts.iter().position(|part| *part == "function") {
        Some(at) if at > 0 => parts.get(at + 1),
        _ => parts.first(),
    };
    (name.copied().unwrap_or(function), region)
}
