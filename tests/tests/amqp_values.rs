//! Routing keys and texts of errors on RabbitMQ leave by the policy of payloads: publishes, work, settlements.

use lapin::options::*;
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, ExchangeKind};
use spanbridge::record::{Body, Record};
use spanbridge::{Status, semconv};
use spanbridge_amqp::{CaptureMode, CapturePolicy, ChannelExt, ConsumerExt, ReceiveOptions, Relation};
use spanbridge_tests::{Seen, amqp, recorder, spans, within};
use std::convert::Infallible;
use std::time::Duration;

const SECRET: &str = "amelie.example";
const ACK: BasicAckOptions = BasicAckOptions { multiple: false };

#[tokio::test]
async fn keys_and_errors_go_by_the_policy() {
    let Some(amqp) = amqp("values").await else { return };
    let (exchange, queue) = (format!("{}-events", amqp.queue), amqp.queue.as_str());
    let options = ExchangeDeclareOptions { auto_delete: true, ..ExchangeDeclareOptions::default() };
    let kind = ExchangeKind::Topic;
    amqp.channel.exchange_declare(exchange.as_str().into(), kind, options, FieldTable::default()).await.unwrap();
    let (bound, none) = (QueueBindOptions::default(), FieldTable::default());
    amqp.channel.queue_bind(queue.into(), exchange.as_str().into(), "#".into(), bound, none).await.unwrap();
    let starred = CapturePolicy::default().redact(|part| {
        part.replace("***");
        Ok::<_, Infallible>(())
    });
    for (name, capture, left) in [
        ("plain", None, Some(SECRET)),
        ("off", Some(CaptureMode::Off.into()), None),
        ("starred", Some(starred), Some("***")),
        ("failing", Some(CapturePolicy::default().redact(|_| Err("no"))), None),
    ] {
        let (service, memory) = recorder("shop");
        let work = async {
            let channel = amqp.channel.observed();
            let channel = match &capture {
                Some(capture) => channel.capture(capture),
                None => channel,
            };
            let (key, options) = (SECRET.into(), BasicPublishOptions::default());
            let sent = channel.basic_publish(exchange.as_str().into(), key, options, b"{}", BasicProperties::default());
            sent.await.unwrap().await.unwrap();
            // By the default exchange to a queue: its name is no secret.
            let own = channel.basic_publish("".into(), queue.into(), options, b"{}", BasicProperties::default());
            own.await.unwrap().await.unwrap();
            let options = ReceiveOptions::new().relation(Relation::NewRun);
            let options = match &capture {
                Some(capture) => options.capture(capture),
                None => options,
            };
            let mut jobs = amqp.consume().await.observed().with(options);
            for _ in 0..2 {
                let job = within("a message", jobs.next()).await.unwrap().unwrap();
                let _ = job.run(async || Err::<(), _>(SECRET)).await;
                assert!(job.ack(ACK).await.unwrap());
                assert!(!job.ack(ACK).await.unwrap(), "twice");
            }
            let tag = jobs.consumer().tag();
            amqp.channel.basic_cancel(tag, BasicCancelOptions::default()).await.unwrap();
        };
        service.scope(|| work).await;
        service.flush_blocking(Duration::from_secs(60));
        let records = memory.records();
        let seen = spans(&records);
        let with_key = |exchange: &str| left.map_or(exchange.to_owned(), |key| format!("{exchange}:{key}"));
        let of = |begins: &str| -> Vec<&Seen> { seen.iter().filter(|s| s.name.starts_with(begins)).collect() };
        let (publishes, jobs, acks) = (of("publish"), of("process"), of("ack"));
        assert_eq!((publishes.len(), jobs.len(), acks.len()), (2, 2, 4), "{name}");
        assert_eq!(publishes[0].name, format!("publish {}", with_key(&exchange)), "{name}");
        assert_eq!(publishes[1].name, format!("publish amq.default:{queue}"), "{name}");
        assert_eq!(jobs[0].name, format!("process {}:{queue}", with_key(&exchange)), "{name}");
        assert_eq!(jobs[1].name, format!("process amq.default:{queue}"), "{name}");
        for span in [publishes[0], jobs[0]] {
            assert_eq!(span.get(semconv::RABBITMQ_ROUTING_KEY), left.unwrap_or_default(), "{name}");
        }
        for span in jobs {
            assert_eq!((span.status, &*span.error), (Some(Status::Error), left.unwrap_or_default()), "{name}");
        }
        // What lapin says of a second settlement is a text like any other; its class is told.
        for span in acks.iter().filter(|ack| ack.status == Some(Status::Error)) {
            let text = if name == "plain" {
                span.error.starts_with("not sent")
            } else {
                span.error == left.unwrap_or_default()
            };
            assert!(text && span.get(semconv::ERROR_TYPE) == "not_sent", "{name} {:?}", span.error);
        }
        assert_eq!(format!("{records:?}").contains(SECRET), left == Some(SECRET), "{name}: nowhere else, either");
    }
}

/// With `Whole`, a message is recorded to its last byte, with what is needed to make it again.
#[tokio::test]
async fn a_message_is_recorded_whole() {
    let Some(amqp) = amqp("whole").await else { return };
    let (service, memory) = recorder("shop");
    let (queue, payload) = (amqp.queue.as_str(), "x".repeat(100_000));
    let whole = CaptureMode::Whole { max: 1 << 20 };
    let work = async {
        let mut headers = FieldTable::default();
        headers.insert("tenant".into(), AMQPValue::LongString("eu".into()));
        headers.insert("n".into(), AMQPValue::LongInt(7));
        let properties = BasicProperties::default().with_headers(headers).with_correlation_id("c".into());
        let channel = amqp.channel.observed().capture(whole);
        let options = BasicPublishOptions::default();
        let sent = channel.basic_publish("".into(), queue.into(), options, payload.as_bytes(), properties);
        sent.await.unwrap().await.unwrap();
        let mut jobs = amqp.consume().await.observed().with(ReceiveOptions::new().capture(whole));
        let job = within("a message", jobs.next()).await.unwrap().unwrap();
        job.run(async || Ok::<_, Infallible>(())).await.unwrap();
        assert!(job.ack(ACK).await.unwrap());
    };
    service.scope(|| work).await;
    service.flush_blocking(Duration::from_secs(60));
    let artifact = |kind: &str| {
        let of = |record: &Record<'_>| match &record.body {
            Body::Artifact(artifact) if artifact.kind == kind => artifact.preview.as_deref().map(str::to_owned),
            _ => None,
        };
        memory.records().iter().find_map(of).unwrap()
    };
    assert!(artifact("output") == payload && artifact("input") == payload);
    let told: serde_json::Value = serde_json::from_str(&artifact("input.properties")).unwrap();
    assert_eq!(
        (&told["transport"], &told["queue"], &told["routingKey"]),
        (&"amqp".into(), &queue.into(), &queue.into())
    );
    let properties = &told["properties"];
    assert_eq!((&properties["correlationId"], &told["redelivered"]), (&"c".into(), &false.into()));
    let headers = &properties["headers"];
    assert_eq!(
        (&headers["n"], &headers["tenant"]),
        (&serde_json::json!({"i32": 7}), &serde_json::json!({"longString": "eu"}))
    );
    assert!(headers["traceparent"]["longString"].is_string(), "{told}");
}
