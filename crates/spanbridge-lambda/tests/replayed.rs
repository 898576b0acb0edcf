//! A replay answers calls of functions and messages, and no request leaves. The SDK is real; its requests are caught.

#[macro_use]
#[path = "support/caught.rs"]
#[expect(dead_code, reason = "nothing is sent, so not all of it is looked at here")]
mod caught;

use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry};
use caught::Service;
use spanbridge::adapter::{OutboundCall, Recorded, RecordedArtifact, RecordedError, Reply};
use spanbridge::conformance::{Answers, Seen, spans};
use spanbridge::{Memory, Recorder, observe};
use spanbridge_lambda::{CallExt, Propagate};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

const QUEUE: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders";
const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:orders";
const REFUSED: &str = "a replay refused the call: no such call was recorded";

/// What the call returned, its span, and what was asked.
async fn replay<F: Future>(answers: Arc<Answers>, call: impl FnOnce() -> F) -> (F::Output, Seen, Vec<String>) {
    let memory = Memory::new();
    let recorder = Recorder::builder("replay").sink(memory.clone()).stand_in(answers.clone()).build().unwrap();
    let output = recorder.scope(|| observe::span("order").run_value(call)).await;
    assert!(recorder.shutdown(Duration::from_secs(60)).complete);
    let mut all = spans(&memory.records());
    all.retain(|span| span.name != "order");
    assert_eq!(all.len(), 1, "{all:#?}");
    (output, all.remove(0), answers.lines())
}

fn answering(answer: impl Fn(&OutboundCall<'_>) -> Recorded + Send + Sync + 'static) -> Arc<Answers> {
    Answers::new(move |call| answer(call).into())
}

fn status(status: i64) -> Recorded {
    Recorded::new().with_attribute("http.response.status_code", status)
}

fn output(text: &str) -> RecordedArtifact {
    RecordedArtifact::new("output", text).content_type("application/json")
}

/// The whole text of an error: the SDK's own says little.
fn text(error: &(dyn Error + 'static)) -> String {
    let causes = std::iter::successors(Some(error), |error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[tokio::test]
async fn a_function_is_not_called() {
    let service = Service::new(200, "live");
    let client = aws_sdk_lambda::Client::from_conf(config!(aws_sdk_lambda, service).build());
    let call = || {
        let payload = Blob::new(r#"{"order":42}"#);
        client.invoke().function_name("score").qualifier("7").payload(payload).observed().send()
    };
    let (result, span, asked) = replay(answering(|_| status(200).with_artifact(output(r#"{"points":7}"#))), call).await;
    let answer = result.unwrap();
    assert_eq!((answer.status_code, answer.function_error), (200, None));
    assert_eq!(answer.payload.unwrap().as_ref(), br#"{"points":7}"#);
    assert_eq!(asked, [r#"function.invoke score:7 {"order":42}"#]);
    assert_eq!(span.error, "");

    // The function itself failed.
    let failed = r#"{"errorType":"OutOfStock","errorMessage":"no tea"}"#;
    let error = RecordedError::new("OutOfStock: no tea").of_class("OutOfStock");
    let then = move |_: &OutboundCall<'_>| status(200).with_artifact(output(failed)).with_error(error.clone());
    let (result, span, _) = replay(answering(then), call).await;
    let answer = result.unwrap();
    assert_eq!(
        (answer.function_error.as_deref(), answer.payload.unwrap().as_ref()),
        (Some("Unhandled"), failed.as_bytes())
    );
    assert_eq!((span.get("error.type"), span.error.as_str()), ("OutOfStock", "OutOfStock: no tea"));

    // The service refused the call, or the connection failed.
    for (class, code) in [("TooManyRequestsException", Some(429)), ("timeout", None), ("io", None), ("_OTHER", None)] {
        let message = format!("{class}: slow down");
        let then = move |_: &OutboundCall<'_>| {
            let then = code.map_or(Recorded::new(), status);
            then.with_error(RecordedError::new(message.clone()).of_class(class))
        };
        let (result, span, _) = replay(answering(then), call).await;
        match (class, result.unwrap_err()) {
            ("TooManyRequestsException", error) => {
                assert_eq!((error.code(), error.message()), (Some(class), Some("slow down")));
                assert_eq!(error.raw_response().unwrap().status().as_u16(), 429);
            }
            ("timeout", SdkError::TimeoutError(_)) | ("io", SdkError::DispatchFailure(_)) => {}
            ("_OTHER", error) => assert!(text(&error).ends_with("slow down"), "{error:?}"),
            (class, error) => panic!("{class}: {error:?}"),
        }
        assert_eq!(span.get("error.type"), class);
    }

    // Nobody knows what it answered.
    let (result, _, _) = replay(answering(|_| status(200)), call).await;
    assert!(text(&result.unwrap_err()).contains("the function's response was not recorded whole"));
    let event = || client.invoke().function_name("score").invocation_type(InvocationType::Event).observed().send();
    let (result, span, _) = replay(answering(|_| status(202)), event).await;
    assert_eq!((result.unwrap().status_code, span.handoff()), (202, "confirmed"));
    let (result, span, _) = replay(Answers::refusing(REFUSED), call).await;
    assert!(text(&result.unwrap_err()).ends_with(REFUSED));
    assert_eq!(span.error, REFUSED);
    let stream = || client.invoke_with_response_stream().function_name("score").observed().send();
    let (result, _, _) = replay(answering(|_| status(200)), stream).await;
    assert!(text(&result.unwrap_err()).contains("a streamed response is not recorded"));
    assert!(service.last.lock().unwrap().is_none(), "no request was made");
}

#[tokio::test]
async fn a_message_is_not_sent() {
    let service = Service::new(200, "{}");
    let (sqs, sns) = (service.sqs(), service.sns());
    let tenant = MessageAttributeValue::builder().data_type("String").string_value("acme").build().unwrap();
    let answers = answering(|_| Recorded::new().with_attribute("messaging.message.id", "m-1"));
    let send = || {
        sqs.send_message().queue_url(QUEUE).message_body("{}").message_attributes("tenant", tenant).observed().send()
    };
    let (result, span, asked) = replay(answers.clone(), send).await;
    assert_eq!(result.unwrap().message_id(), Some("m-1"));
    assert_eq!((asked, span.handoff()), (vec![format!("messaging.publish {QUEUE} {{}}")], "confirmed"));
    assert_eq!(answers.asked()[0].headers, [("tenant".to_owned(), b"acme".to_vec())]);

    let publish = || sns.publish().topic_arn(TOPIC).message("{}").observed().send();
    let (result, span, asked) = replay(answering(|_| status(200)), publish).await;
    assert_eq!((result.unwrap().message_id(), span.handoff()), (None, "confirmed"));
    assert_eq!(asked, [format!("messaging.publish {TOPIC} {{}}")]);
    let (result, span, _) = replay(Answers::refusing(REFUSED), publish).await;
    assert!(text(&result.unwrap_err()).ends_with(REFUSED));
    assert_eq!((span.handoff(), span.error.as_str()), ("rejected", REFUSED));

    // A batch has all of its messages sent, or fails: its record does not say which were refused.
    let entry = |id: &str| SendMessageBatchRequestEntry::builder().id(id).message_body("{}").build().unwrap();
    let batch = || sqs.send_message_batch().queue_url(QUEUE).entries(entry("a")).entries(entry("b")).observed().send();
    let (result, _, asked) = replay(answering(|_| status(200)), batch).await;
    assert_eq!(result.unwrap().successful().iter().map(|sent| sent.id()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(asked, [format!("messaging.publish {QUEUE}")]);
    let some =
        || status(200).with_error(RecordedError::new("Throttled: 1 of 2 messages were refused").of_class("Throttled"));
    let (result, _, _) = replay(answering(move |_| some()), batch).await;
    assert!(text(&result.unwrap_err()).contains("which of its messages were refused"));
    assert!(service.last.lock().unwrap().is_none(), "no request was made");
}

/// An interceptor cannot answer: what only that observes is refused before it is sent, unless it was asked for by name.
#[tokio::test]
async fn an_interceptor_refuses() {
    let service = Service::new(200, "live");
    let config = config!(aws_sdk_lambda, service).interceptor(Propagate::new());
    let client = aws_sdk_lambda::Client::from_conf(config.build());
    let call = || client.invoke().function_name("score").send();
    let (result, _, asked) = replay(answering(|_| status(200)), call).await;
    let said = text(&result.unwrap_err());
    assert!(
        said.contains("a replay refused the call, because it can answer only a call that is observed itself"),
        "{said}"
    );
    assert_eq!(asked, ["function.invoke score"]);
    let (result, _, _) = replay(Answers::refusing(REFUSED), call).await;
    assert!(text(&result.unwrap_err()).contains(REFUSED));
    assert!(service.last.lock().unwrap().is_none(), "no request was made");
    // Live, and asked once, also if the call is observed as well.
    for observed in [false, true] {
        let call = || async {
            let call = client.invoke().function_name("score");
            if observed { call.observed().send().await } else { call.send().await }
        };
        let (result, _, asked) = replay(Answers::new(|_| Reply::Live), call).await;
        assert_eq!((result.unwrap().payload.unwrap().as_ref(), asked.len()), (&b"live"[..], 1));
    }
    assert!(service.last.lock().unwrap().is_some());
}
