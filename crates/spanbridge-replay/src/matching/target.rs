//! Where calls go, so that a recorded call and one of a replay can be compared.

use crate::case::Span;
use crate::values::VALUE;
use spanbridge::semconv;

/// The operations that are compared by target and body.
const COMPARED: [&str; 3] = ["http.client", "messaging.publish", "function.invoke"];
/// Those that are known by the name of their spans, such as `ack orders`: what they are about is not part of the call.
const NAMED: [&str; 2] = ["messaging.settle", "db.query"];

/// What calls have in common that may stand for each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Kind {
    operation: String,
    target: String,
}

impl Kind {
    /// Of a recorded call. `None`: the span is no call.
    pub(super) fn of_span(span: &Span) -> Option<Kind> {
        let operation = span.primitive.as_str();
        let target = if is_transaction(span) || NAMED.contains(&operation) {
            return Some(Kind { operation: operation.to_owned(), target: span.name.clone() });
        } else if COMPARED.contains(&operation) {
            normal(operation, &target(span)?)
        } else {
            return None;
        };
        Some(Kind { operation: operation.to_owned(), target })
    }

    /// What such a call is called where there is nothing else to tell of it: the name of its span, such as `ack orders`.
    pub(super) fn name(&self) -> Option<&str> {
        NAMED.contains(&self.operation.as_str()).then_some(self.target.as_str())
    }

    /// Of a value of this name.
    pub(super) fn of_value(name: &str) -> Kind {
        Kind { operation: VALUE.to_owned(), target: name.to_owned() }
    }

    /// Of a call in a replay, in a span of this name and primitive.
    pub(super) fn of_call(operation: &str, target: &str, span: Option<(&str, &str)>) -> Kind {
        match span {
            Some((name, primitive)) if operation != VALUE && !COMPARED.contains(&operation) => {
                Kind { operation: primitive.to_owned(), target: name.to_owned() }
            }
            _ => Kind { operation: operation.to_owned(), target: normal(operation, target) },
        }
    }
}

/// A transaction of a broker is a span of a publish without a destination.
fn is_transaction(span: &Span) -> bool {
    span.primitive == "messaging.publish" && span.text(semconv::MESSAGING_OPERATION_NAME) == Some("transaction")
}

/// Where a recorded call went, as [`OutboundCall`](spanbridge::adapter::OutboundCall) says it, or nearly so.
pub(super) fn target(span: &Span) -> Option<String> {
    match span.primitive.as_str() {
        "http.client" => {
            let method = span.text(semconv::HTTP_REQUEST_METHOD_ORIGINAL).or(span.text(semconv::HTTP_REQUEST_METHOD))?;
            Some(format!("{method} {}", span.text(semconv::URL_FULL).unwrap_or_default()))
        }
        "messaging.publish" | "function.invoke" => {
            let full = [semconv::AWS_SQS_QUEUE_URL, semconv::AWS_SNS_TOPIC_ARN, semconv::FAAS_INVOKED_NAME];
            let name = full.iter().find_map(|key| span.text(key)).or(span.text(semconv::MESSAGING_DESTINATION_NAME))?;
            Some(name.to_owned())
        }
        "messaging.settle" | "messaging.process" => span.text(semconv::MESSAGING_DESTINATION_NAME).map(str::to_owned),
        "db.query" => span.text(semconv::DB_NAMESPACE).map(str::to_owned),
        _ => None,
    }
}

/// One spelling of a target: records and adapters have several.
fn normal(operation: &str, target: &str) -> String {
    match operation {
        // `exchange/routing key` and `exchange:routing key`, where the default exchange has a name. The parts may have both marks.
        "messaging.publish" => {
            let named = if target.starts_with('/') { format!("amq.default{target}") } else { target.to_owned() };
            named.trim_end_matches('/').replace('/', ":")
        }
        "function.invoke" => function(target).to_owned(),
        _ => target.to_owned(),
    }
}

/// The name of a function without its qualifier, which records do not have.
fn function(target: &str) -> &str {
    let parts: Vec<_> = target.split(':').collect();
    match parts.as_slice() {
        ["arn", _, "lambda", _, _, "function", name, ..] | [_, "function", name, ..] => name,
        ["arn", ..] => target,
        [name, ..] => name,
        [] => target,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use spanbridge::SpanId;

    fn recorded(primitive: &str, attributes: &[(&str, &str)]) -> Option<Kind> {
        let mut span = Span::new(SpanId::new(1).unwrap(), "ack orders", primitive);
        span.attributes.extend(attributes.iter().map(|(key, value)| ((*key).to_owned(), (*value).into())));
        Kind::of_span(&span)
    }

    #[test]
    fn a_call_is_of_the_kind_of_its_record() {
        for (operation, attributes, target) in [
            (
                "http.client",
                &[("http.request.method", "POST"), ("url.full", "http://x/a?b=c")][..],
                "POST http://x/a?b=c",
            ),
            (
                "http.client",
                &[
                    ("http.request.method", "_OTHER"),
                    ("http.request.method_original", "PURGE"),
                    ("url.full", "http://x/"),
                ],
                "PURGE http://x/",
            ),
            ("messaging.publish", &[("messaging.destination.name", "amq.default:orders")], "/orders"),
            ("messaging.publish", &[("messaging.destination.name", "events:eu.new")], "events/eu.new"),
            ("messaging.publish", &[("messaging.destination.name", "events")], "events/"),
            ("messaging.publish", &[("messaging.destination.name", "a/b:c/d")], "a/b/c/d"),
            ("messaging.publish", &[("messaging.destination.name", "topic")], "topic"),
            (
                "messaging.publish",
                &[("messaging.destination.name", "q"), ("aws.sqs.queue.url", "https://sqs/1/q")],
                "https://sqs/1/q",
            ),
            ("function.invoke", &[("faas.invoked_name", "score")], "score:live"),
            ("function.invoke", &[("faas.invoked_name", "score")], "arn:aws:lambda:eu-west-1:1:function:score:7"),
        ] {
            assert_eq!(recorded(operation, attributes), Some(Kind::of_call(operation, target, None)), "{target}");
        }
    }

    #[test]
    fn settlements_are_known_by_name() {
        let span = Some(("ack orders", "messaging.settle"));
        assert_eq!(recorded("messaging.settle", &[]), Some(Kind::of_call("messaging.settle", "q", span)));
        let nack = Some(("nack orders", "messaging.settle"));
        assert_ne!(recorded("messaging.settle", &[]), Some(Kind::of_call("messaging.settle", "q", nack)));
        let transaction = Some(("ack orders", "messaging.publish"));
        assert_eq!(
            recorded("messaging.publish", &[("messaging.operation.name", "transaction")]),
            Some(Kind::of_call("messaging.transaction", "tx.commit", transaction))
        );
        assert_eq!(recorded("flow.step", &[]), None);
    }
}
