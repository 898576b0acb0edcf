//! X-Ray's header beside W3C's, from the event to the calls of the function: X-Ray's sampling decision is passed on
//! unchanged, is never raised, and decides nothing of ours. The SDK is real; its requests are caught.

#[path = "support/caught.rs"]
#[expect(dead_code, reason = "not all of what was sent is looked at here")]
#[macro_use]
mod caught;
#[expect(dead_code, reason = "what was recorded is not looked at here")]
mod support;

use aws_sdk_lambda::types::InvocationType;
use caught::Service;
use lambda_runtime::tower::service_fn;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Value, json};
use spanbridge_lambda::{CallExt, Event, FunctionOptions, InvocationMetadata, XRay, observed};
use support::{answer, context, invocation, record};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const ROOT: &str = "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736";

/// The `traceparent` and X-Ray's header that a function sends with a call and with a message, when it was called so.
async fn sent_on(traceparent: Option<&str>, xray: Option<&str>) -> [(String, XRay); 2] {
    let (called, sent) = (Service::new(202, ""), Service::new(200, json!({"MessageId": "m"})));
    let (lambda, sqs) = (aws_sdk_lambda::Client::from_conf(config!(aws_sdk_lambda, called).build()), sent.sqs());
    let handler = service_fn(move |_: LambdaEvent<Value>| {
        let event = lambda.invoke().function_name("next").invocation_type(InvocationType::Event);
        let message = sqs.send_message().queue_url("https://sqs/1/orders").message_body("{}");
        async move {
            event.observed().send().await?;
            message.observed().send().await?;
            Ok::<_, Error>(())
        }
    });
    let mut context = context();
    context.xray_trace_id = xray.map(str::to_owned);
    let event = traceparent.map_or(json!({}), |parent| json!({"__spanbridge": {"traceparent": parent}}));
    record(answer(observed(handler), (FunctionOptions::new(), invocation(event, context)))).await;
    let header = called.last.lock().unwrap().as_ref().unwrap().headers().get(XRay::HEADER).unwrap().to_owned();
    let attribute = |of: &str, name: &str| sent.json()[of][name]["StringValue"].as_str().unwrap().to_owned();
    let parse = |header: &str| XRay::parse(header.as_bytes()).unwrap();
    [
        (called.json()["__spanbridge"]["traceparent"].as_str().unwrap().to_owned(), parse(&header)),
        (
            attribute("MessageAttributes", "traceparent"),
            parse(&attribute("MessageSystemAttributes", XRay::SQS_ATTRIBUTE)),
        ),
    ]
}

#[tokio::test]
async fn a_decision_goes_on_as_it_came() {
    let w3c = |flags: &str| Some(format!("00-{TRACE}-00f067aa0ba902b7-{flags}"));
    let xray = |sampled: &str| Some(format!("{ROOT};Parent=53995c3f42cd8ad8{sampled}"));
    for (traceparent, header, flags, sampled) in [
        // Lambda sends this to every function without active tracing.
        (None, xray(";Sampled=0"), "01", Some(false)),
        (None, xray(";Sampled=1"), "01", Some(true)),
        (None, xray(""), "01", Some(true)),
        (None, xray(";Sampled=?"), "01", Some(true)),
        (w3c("01"), xray(";Sampled=0"), "01", Some(false)),
        (w3c("01"), xray(";Sampled=1"), "01", Some(true)),
        (w3c("01"), None, "01", Some(true)),
        (w3c("00"), xray(";Sampled=1"), "00", Some(true)),
        (w3c("00"), xray(";Sampled=0"), "00", Some(false)),
        (w3c("00"), None, "00", Some(false)),
        (None, None, "01", Some(true)),
        (None, Some("of nobody".to_owned()), "01", Some(true)),
    ] {
        let what = format!("{traceparent:?} {header:?}");
        for (parent, found) in sent_on(traceparent.as_deref(), header.as_deref()).await {
            assert_eq!((&parent[53..], found.sampled), (flags, sampled), "{what}");
            assert_eq!(found.trace_id.to_string(), parent[3..35], "{what}");
            assert_eq!(found.parent.unwrap().to_string(), parent[36..52], "{what}");
            let is_known = traceparent.is_some() || header.as_ref().is_some_and(|header| header.starts_with("Root"));
            assert_eq!(&parent[3..35] == TRACE, is_known, "{what}");
        }
    }
}

/// A message whose ten attributes are all taken has only X-Ray's header. Its parent is the sender's span, because no
/// service on the way makes one up.
#[test]
fn a_message_that_only_has_x_ray() {
    for (sampled, parent) in [("", true), (";Sampled=?", true), (";Sampled=1", true), (";Sampled=0", false)] {
        let header = format!("{ROOT};Parent=53995c3f42cd8ad8{sampled}");
        let message = json!({"eventSource": "aws:sqs", "attributes": {"AWSTraceHeader": header}});
        let event = json!({"Records": [message]}).to_string();
        let (event, _) = Event::read(event.as_bytes(), InvocationMetadata::new());
        let found = &event.records()[0].carried.context;
        assert_eq!(found.trace_id().unwrap().to_string(), TRACE, "{header}");
        assert_eq!(found.span_id().is_some(), parent, "{header}");
        assert_eq!(found.flags(), 1, "{header}: what X-Ray does is no business of ours");
    }
}
