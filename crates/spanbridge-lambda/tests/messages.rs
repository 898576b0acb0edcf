//! What is sent to SQS and SNS, and how their responses end the spans. The SDK is real; its requests are caught.

#[path = "support/caught.rs"]
#[expect(dead_code, reason = "every request is answered here")]
mod caught;

use caught::Service;
use serde_json::json;
use spanbridge::conformance::{Seen, spans};
use spanbridge::{Memory, Recorder, Status, observe, semconv};
use spanbridge_lambda::CallExt;
use std::time::Duration;

const QUEUE: &str = "https://sqs.eu-west-1.amazonaws.com/123456789012/orders";
const TOPIC: &str = "arn:aws:sns:eu-west-1:123456789012:orders";

struct Caller {
    recorder: Recorder,
    memory: Memory,
}

impl Caller {
    fn new() -> Self {
        let memory = Memory::new();
        Caller { recorder: Recorder::builder("caller").sink(memory.clone()).build().unwrap(), memory }
    }

    async fn order<F: Future>(&self, work: impl FnOnce() -> F) -> F::Output {
        let order = async { observe::span("order").run_value(async || work().await).await };
        self.recorder.scope(|| order).await
    }

    fn spans(&self) -> Vec<Seen> {
        self.recorder.flush_blocking(Duration::from_secs(60));
        spans(&self.memory.records())
    }
}

fn traceparent(span: &Seen) -> String {
    format!("00-{}-{}-01", span.trace.unwrap(), span.id.unwrap())
}

fn xray(span: &Seen) -> String {
    let trace = span.trace.unwrap().to_string();
    format!("Root=1-{}-{};Parent={};Sampled=1", &trace[..8], &trace[8..], span.id.unwrap())
}

#[tokio::test]
async fn a_message_for_sqs() {
    let (caller, sqs) = (Caller::new(), Service::new(200, json!({"MessageId": "m-1"})));
    let client = sqs.sqs();
    let own = aws_sdk_sqs::types::MessageAttributeValue::builder().data_type("Number").string_value("7").build();
    let send = client.send_message().queue_url(QUEUE).message_body("{}").message_attributes("tenant", own.unwrap());
    let sent = caller.order(|| send.observed().send()).await.unwrap();
    assert_eq!(sent.message_id(), Some("m-1"));
    let [order, send] = &caller.spans()[..] else { panic!("two spans") };
    assert_eq!(
        sqs.json()["MessageAttributes"],
        json!({
            "tenant": {"DataType": "Number", "StringValue": "7"},
            "traceparent": {"DataType": "String", "StringValue": traceparent(send)},
        })
    );
    let attribute = json!({"AWSTraceHeader": {"DataType": "String", "StringValue": xray(send)}});
    assert_eq!(sqs.json()["MessageSystemAttributes"], attribute);
    assert_eq!((send.name.as_str(), send.parent, send.status), ("send orders", order.id, Some(Status::Ok)));
    assert_eq!((send.primitive.as_str(), send.handoff()), ("messaging.publish", "confirmed"));
    for (name, value) in [
        (semconv::MESSAGING_SYSTEM, "aws_sqs"),
        (semconv::MESSAGING_DESTINATION_NAME, "orders"),
        (semconv::AWS_SQS_QUEUE_URL, QUEUE),
        (semconv::MESSAGING_MESSAGE_ID, "m-1"),
        (semconv::MESSAGING_BODY_SIZE, "2"),
        (semconv::AWS_REQUEST_ID, "r-1"),
    ] {
        assert_eq!(send.get(name), value, "{name}");
    }
}

#[tokio::test]
async fn attributes_without_room_are_left_out() {
    let (caller, sqs) = (Caller::new(), Service::new(200, json!({"MessageId": "m-1"})));
    let client = sqs.sqs();
    let own = || aws_sdk_sqs::types::MessageAttributeValue::builder().data_type("String").string_value("7").build();
    let with = |count: usize, body: usize| {
        let send = client.send_message().queue_url(QUEUE).message_body("x".repeat(body));
        (0..count).fold(send, |send, n| send.message_attributes(format!("own{n}"), own().unwrap()))
    };
    let context = caller.recorder.in_scope(|| {
        let header = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        serde_json::from_value::<spanbridge::Context>(json!({"traceparent": header, "baggage": "k=v"})).unwrap()
    });
    // The number of other attributes, the size of the body, and which of ours are written.
    for (count, body, ours) in [
        (7, 1, &["traceparent", "baggage"][..]),
        (9, 1, &["traceparent"]),
        (10, 1, &[]),
        (0, 256 * 1024 - 80, &["traceparent"]),
        (0, 256 * 1024 - 71, &[]),
        (0, 256 * 1024 + 1, &["traceparent", "baggage"]),
        (0, 1024 * 1024, &[]),
    ] {
        let send = async { with(count, body).observed().send().await };
        observe::with_context(context.clone(), || send).await.unwrap();
        let there = sqs.json()["MessageAttributes"].as_object().cloned().unwrap_or_default();
        let there: Vec<_> = there.keys().filter(|name| !name.starts_with("own")).map(String::as_str).collect();
        let mut wanted = ours.to_vec();
        wanted.sort_unstable();
        assert_eq!(there, wanted, "{count} attributes, {body} bytes");
        let told = caller.spans().pop().unwrap().diagnostics;
        assert_eq!(told.len(), usize::from(ours.len() < 2), "{told:?}");
    }
}

#[tokio::test]
async fn a_batch_for_sqs_has_a_span_for_each_message() {
    let answer = json!({
        "Successful": [{"Id": "a", "MessageId": "m-a", "MD5OfMessageBody": "x"}],
        "Failed": [{"Id": "c", "Code": "InternalError", "Message": "no luck", "SenderFault": false}],
    });
    let (caller, sqs) = (Caller::new(), Service::new(200, answer));
    let client = sqs.sqs();
    let entry = |id: &str| {
        aws_sdk_sqs::types::SendMessageBatchRequestEntry::builder().id(id).message_body(format!("body {id}")).build()
    };
    let entries = ["a", "b", "c"].map(|id| entry(id).unwrap()).to_vec();
    let send = client.send_message_batch().queue_url(QUEUE).set_entries(Some(entries));
    let sent = caller.order(|| send.observed().send()).await.unwrap();
    assert_eq!((sent.successful().len(), sent.failed().len()), (1, 1));
    let [_, batch, a, b, c] = &caller.spans()[..] else { panic!("{:#?}", caller.spans()) };
    assert_eq!((batch.name.as_str(), batch.status, batch.handoff()), ("send_batch orders", Some(Status::Error), ""));
    assert_eq!(batch.error, "InternalError: 1 of 3 messages were refused");
    assert_eq!(batch.get(semconv::MESSAGING_BATCH_COUNT), "3");
    for (n, (span, status, handoff)) in
        [(a, Status::Ok, "confirmed"), (b, Status::Ok, "unknown"), (c, Status::Error, "unknown")]
            .into_iter()
            .enumerate()
    {
        assert_eq!((span.name.as_str(), span.parent, span.status), ("send orders", batch.id, Some(status)));
        assert_eq!(span.handoff(), handoff);
        let sent = &sqs.json()["Entries"][n];
        assert_eq!(sent["MessageAttributes"]["traceparent"]["StringValue"], traceparent(span));
        assert_eq!(sent["MessageSystemAttributes"]["AWSTraceHeader"]["StringValue"], xray(span));
    }
    assert_eq!((a.get(semconv::MESSAGING_MESSAGE_ID), c.get(semconv::ERROR_TYPE)), ("m-a", "InternalError"));
}

#[tokio::test]
async fn a_refused_batch_refuses_each_message() {
    let refusal = json!({"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "no such queue"});
    let (caller, sqs) = (Caller::new(), Service::new(400, refusal));
    let client = sqs.sqs();
    let entry = aws_sdk_sqs::types::SendMessageBatchRequestEntry::builder().id("a").message_body("x").build();
    let send = client.send_message_batch().queue_url(QUEUE).entries(entry.unwrap());
    caller.order(|| send.observed().send()).await.unwrap_err();
    for span in &caller.spans()[1..] {
        assert_eq!((span.status, span.get(semconv::ERROR_TYPE)), (Some(Status::Error), "QueueDoesNotExist"));
        assert_eq!(span.error, "QueueDoesNotExist: no such queue");
    }
    assert_eq!(caller.spans()[2].handoff(), "rejected");
}

#[tokio::test]
async fn sns_by_the_interceptor() {
    let answer = "<PublishResponse><PublishResult><MessageId>m-1</MessageId></PublishResult></PublishResponse>";
    let (caller, sns) = (Caller::new(), Service::new(200, answer));
    let client = sns.sns();
    caller.order(|| client.publish().topic_arn(TOPIC).message("{}").send()).await.unwrap();
    let publish = caller.spans().pop().unwrap();
    assert_eq!((publish.name.as_str(), publish.handoff()), ("publish orders", "confirmed"));
    assert_eq!(publish.get(semconv::MESSAGING_SYSTEM), "aws.sns");
    assert_eq!(publish.get(semconv::AWS_SNS_TOPIC_ARN), TOPIC);
    assert_eq!(publish.get(semconv::MESSAGING_MESSAGE_ID), "m-1");
    let sent = format!(
        "MessageAttributes.entry.1.Name=traceparent&MessageAttributes.entry.1.Value.DataType=String&\
         MessageAttributes.entry.1.Value.StringValue={}",
        traceparent(&publish)
    );
    assert!(sns.body().contains(&sent), "{}", sns.body());
    let header = sns.last.lock().unwrap().as_ref().unwrap().headers().get("x-amzn-trace-id").map(str::to_owned);
    assert_eq!(header, Some(xray(&publish)));

    // A telephone continues no trace.
    caller.order(|| client.publish().phone_number("+491234").message("hi").observed().send()).await.unwrap();
    let publish = caller.spans().pop().unwrap();
    assert_eq!((publish.name.as_str(), publish.handoff()), ("publish", "confirmed"));
    assert!(!sns.body().contains("traceparent") && !format!("{:?}", publish.attributes).contains("491234"));
}

#[tokio::test]
async fn a_batch_for_sns() {
    let answer = "<PublishBatchResponse><PublishBatchResult><Successful><member><Id>a</Id><MessageId>m-a</MessageId>\
         </member></Successful><Failed><member><Id>b</Id><Code>InvalidParameter</Code><SenderFault>true</SenderFault>\
         </member></Failed></PublishBatchResult></PublishBatchResponse>";
    let (caller, sns) = (Caller::new(), Service::new(200, answer));
    let client = sns.sns();
    let entry = |id: &str| aws_sdk_sns::types::PublishBatchRequestEntry::builder().id(id).message("x").build().unwrap();
    let send = client.publish_batch().topic_arn(TOPIC);
    let send = send.publish_batch_request_entries(entry("a")).publish_batch_request_entries(entry("b"));
    caller.order(|| send.observed().send()).await.unwrap();
    let [_, batch, a, b] = &caller.spans()[..] else { panic!("{:#?}", caller.spans()) };
    assert_eq!((batch.name.as_str(), batch.status), ("publish_batch orders", Some(Status::Error)));
    assert_eq!((a.handoff(), a.get(semconv::MESSAGING_MESSAGE_ID)), ("confirmed", "m-a"));
    assert_eq!((b.handoff(), b.get(semconv::ERROR_TYPE)), ("rejected", "InvalidParameter"));
    let at = |span: &Seen| sns.body().find(&traceparent(span)).unwrap();
    assert!(at(a) < at(b));
}

#[tokio::test]
async fn a_users_attributes_stay() {
    use aws_sdk_sqs::types::{MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue};
    let (caller, sqs) = (Caller::new(), Service::new(200, json!({"MessageId": "m-1"})));
    let client = sqs.sqs();
    let theirs = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let own = MessageAttributeValue::builder().data_type("String").string_value(theirs).build().unwrap();
    let xray = MessageSystemAttributeValue::builder().data_type("String").string_value("Root=1-x").build().unwrap();
    let send = client
        .send_message()
        .queue_url(QUEUE)
        .message_body("{}")
        .message_attributes("traceparent", own)
        .message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, xray);
    caller.order(|| send.observed().send()).await.unwrap();
    assert_eq!(sqs.json()["MessageAttributes"]["traceparent"]["StringValue"], theirs);
    assert_eq!(sqs.json()["MessageSystemAttributes"]["AWSTraceHeader"]["StringValue"], "Root=1-x");
    let send = caller.spans().pop().unwrap();
    assert_eq!(send.links[0].0.to_string(), theirs[3..35], "a context of another trace is linked to");
}

/// The future can be spawned.
#[test]
fn calls_can_be_spawned() {
    fn is_send<T: Send>(_: &T) {}
    let client = Service::new(200, "").sqs();
    is_send(&client.send_message().observed().send());
    is_send(&client.send_message_batch().observed().send());
    is_send(&Service::new(200, "").sns().publish().observed().send());
}
