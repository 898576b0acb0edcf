//! A function that answers an HTTP request is judged by its status.
#![cfg(feature = "runtime")]

#[expect(dead_code, reason = "how a handler ends otherwise is looked at by others")]
mod support;

use http::{HeaderMap, StatusCode};
use lambda_runtime::tower::service_fn;
use lambda_runtime::{Error, LambdaEvent, MetadataPrelude, StreamResponse};
use serde::Serialize;
use serde_json::{Value, json};
use spanbridge::conformance::spans;
use spanbridge::{Primitive, Status, semconv};
use spanbridge_lambda::{CaptureMode, FunctionOptions, ReceiveOptions, handler, observed};
use support::*;

/// An event as its source sends it.
fn event(name: &str) -> String {
    std::fs::read_to_string(format!("tests/events/{name}.json")).unwrap()
}

/// The span of a function that returns this, and what its caller gets.
async fn returned<B>(event: &str, response: B) -> (String, Option<Answer>)
where
    B: Serialize + Clone + Send + Sync + 'static,
{
    let handler = move |_: LambdaEvent<Value>| {
        let response = response.clone();
        async move { Ok::<_, Error>(response) }
    };
    let (seen, answer) = record(answer(observed(service_fn(handler)), invocation(event, context()))).await;
    (of_root(&seen), answer)
}

/// What the span of an invocation shows.
fn of_root(seen: &Recorded) -> String {
    let all = spans(&seen.0);
    let root = all.iter().find(|span| span.primitive == Primitive::FUNCTION_HANDLE.name()).unwrap();
    let status = root.status.map_or("open", Status::name);
    let code = root.get(semconv::HTTP_RESPONSE_STATUS_CODE);
    format!("{code} {status} {} {}", root.error_type, root.error).trim().to_owned()
}

/// As `lambda_http` and the types of `aws_lambda_events` are serialized.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Proxy {
    status_code: u16,
    headers: Vec<()>,
    body: Option<String>,
}

/// From 500 on a status is an error of the function, whoever sent the request; below, it is none.
#[tokio::test]
async fn a_status_from_500_on_is_an_error() {
    for source in
        ["apigateway-rest", "apigateway-http", "apigateway-websocket", "function-url", "load-balancer", "vpc-lattice"]
    {
        for (status, shown) in [
            (200, "200 ok"),
            (404, "404 ok"),
            (500, "500 error 500 500 Internal Server Error"),
            (503, "503 error 503 503 Service Unavailable"),
        ] {
            let proxy = Proxy { status_code: status, headers: vec![], body: Some("x".repeat(100_000)) };
            let (span, answer) = returned(&event(source), proxy.clone()).await;
            assert_eq!(span, shown, "{source}");
            assert_eq!(answer, Some(Answer::Value(serde_json::to_value(&proxy).unwrap())), "{source}");
            let (span, _) =
                returned(&event(source), json!({ "body": "{\"statusCode\": 1}", "statusCode": status })).await;
            assert_eq!(span, shown, "{source}");
        }
    }
}

/// Only the response to a request has a status, and only if it is a number on the outside.
#[tokio::test]
async fn other_responses_have_no_status() {
    for other in ["direct-plain", "sqs", "eventbridge", "lookalike-request"] {
        assert_eq!(returned(&event(other), json!({ "statusCode": 500 })).await.0, "ok", "{other}");
    }
    for response in [json!({ "statusCode": "500" }), json!({ "a": { "statusCode": 500 } }), json!("text"), json!(null)]
    {
        assert_eq!(returned(&event("apigateway-http"), response.clone()).await.0, "ok", "{response}");
    }
}

/// A response that was serialized because it is captured has the same status.
#[tokio::test]
async fn a_captured_response_has_its_status() {
    let capture = FunctionOptions::new().with(ReceiveOptions::new().capture(CaptureMode::Inline { max: 100 }));
    let handler = |_: LambdaEvent<Value>| async { Ok::<_, Error>(json!({ "body": "no", "statusCode": 502 })) };
    let call = (capture, invocation(event("apigateway-rest"), context()));
    let (seen, answer) = record(answer(observed(service_fn(handler)), call)).await;
    assert_eq!(of_root(&seen), "502 error 502 502 Bad Gateway");
    assert_eq!(answer, Some(Answer::Value(json!({ "body": "no", "statusCode": 502 }))));
}

/// A handler that fails answers nothing itself: its error counts.
#[tokio::test]
async fn a_failed_handler_has_no_status() {
    let handler = |_: LambdaEvent<Value>| async { Err::<Value, _>(Error::from("out of ink")) };
    let call = invocation(event("function-url"), context());
    let (seen, _) = record(answer(observed(service_fn(handler)), call)).await;
    assert_eq!(of_root(&seen).split_whitespace().next(), Some("error"));
    assert!(of_root(&seen).ends_with("out of ink"), "{}", of_root(&seen));
}

/// A streamed response says its status first. It counts when the stream has ended well; a stream that fails counts more.
#[tokio::test]
async fn a_streamed_response_has_its_status() {
    for (status, breaks, shown) in [
        (200, false, "200 ok"),
        (503, false, "503 error 503 503 Service Unavailable"),
        (503, true, "503 error _OTHER out of ink"),
    ] {
        let handler = move |_: LambdaEvent<Value>| async move {
            let last = if breaks { Err(Error::from("out of ink")) } else { Ok("lo") };
            let stream = futures_util::stream::iter([Ok("hel"), last]);
            let status_code = StatusCode::from_u16(status).unwrap();
            let metadata_prelude = MetadataPrelude { status_code, headers: HeaderMap::new(), cookies: vec![] };
            Ok::<_, Error>(StreamResponse { metadata_prelude, stream })
        };
        let call = invocation(event("function-url"), context());
        let (seen, answer) = record(answer(observed(service_fn(handler)), call)).await;
        assert_eq!(of_root(&seen), shown);
        let last = if breaks { "out of ink" } else { "lo" };
        assert_eq!(answer, Some(Answer::Stream(vec!["hel".to_owned(), last.to_owned()])));
    }
}

/// A response that cannot be serialized is reported by lambda_runtime, not by us.
#[derive(Clone)]
struct Unserializable;

impl Serialize for Unserializable {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("on purpose")
    }
}

#[tokio::test]
async fn a_panic_in_serializing_is_not_ours() {
    let handler = |_: LambdaEvent<Value>| async { Ok::<_, Error>(Unserializable) };
    let call = invocation(event("apigateway-http"), context());
    let outside = std::panic::AssertUnwindSafe(record(answer(observed(service_fn(handler)), call)));
    // Where lambda_runtime would serialize it, the stand-in does.
    assert!(futures_util::FutureExt::catch_unwind(outside).await.is_err());
}

/// The attribute on a function does the same.
#[handler]
async fn refuses(_: LambdaEvent<Value>) -> Result<Value, Error> {
    Ok(json!({ "statusCode": 500 }))
}

#[tokio::test]
async fn the_attribute_records_it_too() {
    let call = invocation(event("load-balancer"), context());
    let (seen, _) = record(answer(observed(service_fn(refuses)), call)).await;
    assert_eq!(of_root(&seen), "500 error 500 500 Internal Server Error");
}
