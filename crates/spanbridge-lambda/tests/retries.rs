//! The status of a failed hand-off: `rejected` only if the service cannot have accepted any of the attempts.
//! The SDK is real; each case says how its requests are responded to.

#[macro_use]
#[path = "support/caught.rs"]
#[expect(dead_code, reason = "what was sent is not looked at here")]
mod caught;

use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::config::{AsyncSleep, SharedAsyncSleep, Sleep};
use aws_sdk_lambda::types::InvocationType;
use caught::{Reply, Service};
use serde_json::json;
use spanbridge::conformance::{Seen, spans};
use spanbridge::{Memory, Recorder, Status, observe, semconv};
use spanbridge_lambda::{CallExt, Propagate};
use std::time::Duration;

const QUEUE: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders";
const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:orders";

/// The time limit of an attempt.
const ATTEMPT: Duration = Duration::from_millis(40);

#[derive(Debug)]
struct TokioSleep;

impl AsyncSleep for TokioSleep {
    fn sleep(&self, duration: Duration) -> Sleep {
        Sleep::new(tokio::time::sleep(duration))
    }
}

/// A client with this many attempts.
macro_rules! client {
    ($sdk:ident, $service:expr, $attempts:expr) => {{
        let retries =
            RetryConfig::standard().with_max_attempts($attempts).with_initial_backoff(Duration::from_millis(1));
        use aws_sdk_lambda::config::retry::RetryConfig;
        let times = TimeoutConfig::builder().operation_attempt_timeout(ATTEMPT).build();
        let config = config!($sdk, $service).sleep_impl(SharedAsyncSleep::new(TokioSleep));
        $sdk::Client::from_conf(config.retry_config(retries).timeout_config(times).build())
    }};
}

/// The spans of a call, by their start.
async fn recorded<F: Future>(call: impl FnOnce() -> F) -> Vec<Seen> {
    let memory = Memory::new();
    let recorder = Recorder::builder("caller").sink(memory.clone()).build().unwrap();
    recorder.scope(|| observe::span("order").run_value(async || call().await)).await;
    recorder.flush_blocking(Duration::from_secs(60));
    spans(&memory.records()).split_off(1)
}

fn error(status: u16, kind: &str) -> Reply {
    Reply::Answer(status, json!({"__type": kind, "code": kind, "message": "no", "Type": "User"}).to_string())
}

/// The responses to the attempts, and the expected status.
fn cases() -> Vec<(Vec<Reply>, &'static str)> {
    let throttled = || error(429, "TooManyRequestsException");
    let bad = || error(400, "InvalidParameterValueException");
    let page = |status| Reply::Answer(status, "<html>gateway</html>".to_owned());
    vec![
        (vec![bad()], "rejected"),
        (vec![throttled()], "rejected"),
        (vec![throttled(), bad()], "rejected"),
        (vec![page(413)], "rejected"),
        (vec![Reply::Broken], "unknown"),
        (vec![Reply::Silence], "unknown"),
        (vec![error(500, "ServiceException")], "unknown"),
        (vec![page(502)], "unknown"),
        (vec![page(503)], "unknown"),
        (vec![page(504)], "unknown"),
        (vec![Reply::Broken, throttled()], "unknown"),
        (vec![Reply::Broken, bad()], "unknown"),
        (vec![Reply::Silence, bad()], "unknown"),
        (vec![error(500, "ServiceException"), throttled()], "unknown"),
        (vec![throttled(), page(503)], "unknown"),
        (vec![Reply::Answer(200, "not what it answers".to_owned()), bad()], "confirmed"),
        (vec![Reply::Broken, Reply::Answer(202, "{}".to_owned())], "confirmed"),
    ]
}

#[tokio::test]
async fn an_event_whose_answer_was_lost() {
    for (replies, handoff) in cases() {
        for by_interceptor in [false, true] {
            let service = Service::that(replies.clone());
            let client = client!(aws_sdk_lambda, service, 3);
            let event = client.invoke().function_name("score").invocation_type(InvocationType::Event);
            let spans = match by_interceptor {
                false => recorded(|| event.observed().send()).await,
                true => recorded(|| event.customize().interceptor(Propagate::new()).send()).await,
            };
            let [call] = &spans[..] else { panic!("{spans:#?}") };
            assert_eq!(call.handoff(), handoff, "{replies:?}");
            let status = if handoff == "confirmed" { Status::Ok } else { Status::Error };
            assert_eq!(call.status, Some(status), "{replies:?}");
        }
    }
}

/// A time limit around the call ends it between two attempts, or within one.
#[tokio::test]
async fn an_event_that_ran_out_of_time() {
    for (replies, handoff) in [
        (vec![error(500, "ServiceException")], "unknown"),
        (vec![Reply::Silence], "unknown"),
        (vec![error(429, "TooManyRequestsException")], "rejected"),
    ] {
        let service = Service::that(replies.clone());
        use aws_sdk_lambda::config::retry::RetryConfig;
        let retries = RetryConfig::standard().with_max_attempts(9).with_initial_backoff(Duration::from_secs(9));
        let times = TimeoutConfig::builder().operation_timeout(2 * ATTEMPT).build();
        let config = config!(aws_sdk_lambda, service).sleep_impl(SharedAsyncSleep::new(TokioSleep));
        let client = aws_sdk_lambda::Client::from_conf(config.retry_config(retries).timeout_config(times).build());
        let event = client.invoke().function_name("score").invocation_type(InvocationType::Event);
        let [call] = &recorded(|| event.observed().send()).await[..] else { panic!("one span") };
        // The delay before a retry is random; the status does not depend on it.
        assert_eq!((call.status, call.handoff()), (Some(Status::Error), handoff), "{replies:?}");
    }
}

#[tokio::test]
async fn messages_whose_answer_was_lost() {
    for (replies, handoff) in cases().into_iter().filter(|(_, handoff)| *handoff != "confirmed") {
        let service = Service::that(replies.clone());
        let sqs = client!(aws_sdk_sqs, service, 2);
        let send = sqs.send_message().queue_url(QUEUE).message_body("{}");
        assert_eq!(recorded(|| send.observed().send()).await[0].handoff(), handoff, "SQS: {replies:?}");

        let service = Service::that(replies.clone());
        let sqs = client!(aws_sdk_sqs, service, 2);
        let entry = aws_sdk_sqs::types::SendMessageBatchRequestEntry::builder().id("a").message_body("x");
        let batch = sqs.send_message_batch().queue_url(QUEUE).entries(entry.build().unwrap());
        assert_eq!(recorded(|| batch.observed().send()).await[1].handoff(), handoff, "batch: {replies:?}");

        // The SDK does not recognize a throttled response that is not XML, so it does not retry.
        if matches!(&replies[..], [Reply::Answer(429, _), _, ..]) {
            continue;
        }
        let service = Service::that(replies.clone());
        let sns = client!(aws_sdk_sns, service, 2);
        let publish = sns.publish().topic_arn(TOPIC).message("{}");
        assert_eq!(recorded(|| publish.observed().send()).await[0].handoff(), handoff, "SNS: {replies:?}");
    }
}

/// The service says for each entry whose fault it is. If it is its own, it may have accepted the entry; and so may an
/// earlier attempt.
#[tokio::test]
async fn an_entry_that_is_refused() {
    let refused = |ours: bool| {
        let failed = json!([{"Id": "a", "Code": "No", "Message": "no", "SenderFault": ours}]);
        Reply::Answer(200, json!({"Successful": [], "Failed": failed}).to_string())
    };
    for (replies, handoff) in [
        (vec![refused(true)], "rejected"),
        (vec![refused(false)], "unknown"),
        (vec![Reply::Broken, refused(true)], "unknown"),
        (vec![Reply::Silence, refused(true)], "unknown"),
    ] {
        let service = Service::that(replies.clone());
        let sqs = client!(aws_sdk_sqs, service, 2);
        let entry = aws_sdk_sqs::types::SendMessageBatchRequestEntry::builder().id("a").message_body("x");
        let batch = sqs.send_message_batch().queue_url(QUEUE).entries(entry.build().unwrap());
        let spans = recorded(|| batch.observed().send()).await;
        assert_eq!((spans[1].handoff(), spans[1].get(semconv::ERROR_TYPE)), (handoff, "No"), "{replies:?}");
    }
}
