//! Keys and texts of errors on Kafka leave by the policy of payloads: producers, consumers, the driver, transactions.

use rdkafka::message::{BorrowedMessage, Header, OwnedHeaders};
use rdkafka::producer::FutureRecord;
use spanbridge::record::{Body, Record};
use spanbridge::{Status, semconv};
use spanbridge_kafka::{
    BoxError, CaptureMode, CapturePolicy, ConsumerExt, Disposition::*, DriverOptions, Job, JobHandler, ProducerExt,
    ReceiveOptions, Relation, SettlePolicy,
};
use spanbridge_tests::{Kafka, Seen, kafka, recorder, spans, within};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

const SECRET: &str = "amelie@example.org";
const SOON: Duration = Duration::from_secs(10);

fn starred() -> CapturePolicy {
    CapturePolicy::default().redact(|part| {
        part.replace("***");
        Ok::<_, Infallible>(())
    })
}

struct Fails;

impl JobHandler<Job<BorrowedMessage<'_>>> for Fails {
    async fn handle(&self, _: Arc<Job<BorrowedMessage<'_>>>) -> Result<(), BoxError> {
        Err(SECRET.into())
    }
}

/// Sends two messages, works on one by hand and leaves the other to the driver; both fail.
async fn story(kafka: &Kafka, name: &str, capture: Option<CapturePolicy>) -> (Vec<Record<'static>>, Vec<Seen>) {
    let (service, memory) = recorder("shop");
    let work = async {
        let producer = kafka.future_producer();
        let observed = producer.observed();
        let observed = match &capture {
            Some(capture) => observed.capture(capture.clone()),
            None => observed,
        };
        for topic in [&kafka.topic, &kafka.topic] {
            let record = FutureRecord::to(topic).key(SECRET).payload("{}");
            observed.send(record, SOON).await.map_err(|(e, _)| e).unwrap();
        }
        let options = ReceiveOptions::new().relation(Relation::NewRun);
        let options = match &capture {
            Some(capture) => options.capture(capture.clone()),
            None => options,
        };
        let consumer = kafka.consumer(name).observed().with(options);
        let job = within("a message", consumer.recv()).await.unwrap();
        let _ = job.run(async || Err::<(), _>(SECRET)).await;
        drop(job);
        let policy = DriverOptions::new(SettlePolicy::new(StoreOffset, Stop));
        let driven = consumer.drive(policy, &Fails, std::future::pending());
        within("the driver", driven).await.unwrap_err();
    };
    service.scope(|| work).await;
    service.flush_blocking(SOON);
    let records = memory.records();
    let seen = spans(&records);
    (records, seen)
}

#[tokio::test]
async fn keys_and_errors_go_by_the_policy() {
    let kafka = kafka("values", 1).await;
    for (name, capture, left, failed) in [
        ("plain", None, Some(SECRET), false),
        ("off", Some(CaptureMode::Off.into()), None, false),
        ("starred", Some(starred()), Some("***"), false),
        ("failing", Some(CapturePolicy::default().redact(|_| Err("no"))), None, true),
    ] {
        let (records, seen) = story(&kafka, name, capture).await;
        let of = |begins: &str| -> Vec<&Seen> { seen.iter().filter(|s| s.name.starts_with(begins)).collect() };
        let (sends, jobs) = (of("send"), of("process"));
        assert_eq!(sends.len(), 2, "{name}");
        assert!(jobs.len() >= 2, "{name}");
        for span in sends.iter().chain(&jobs) {
            assert_eq!(span.get(semconv::KAFKA_MESSAGE_KEY), left.unwrap_or_default(), "{name} {}", span.name);
        }
        for span in &jobs {
            assert_eq!((span.status, &*span.error), (Some(Status::Error), left.unwrap_or_default()), "{name}");
            assert!(!span.get(semconv::ERROR_TYPE).is_empty(), "{name}");
            let told: Vec<_> =
                span.diagnostics.iter().map(|(_, message)| message.split(" was").next().unwrap()).collect();
            let all = ["nothing of the message key", "nothing of the error's text"];
            assert_eq!(told, if failed { &all[..] } else { &[] }, "{name}");
        }
        let is_said = format!("{records:?}").contains(SECRET);
        assert_eq!(is_said, left == Some(SECRET), "{name}: nowhere else, either");
    }
}

/// With `Whole`, a message is recorded to its last byte, with what is needed to make it again.
#[tokio::test]
async fn a_message_is_recorded_whole() {
    let kafka = kafka("whole", 1).await;
    let (service, memory) = recorder("shop");
    let payload = "x".repeat(100_000);
    let whole = CaptureMode::Whole { max: 1 << 20 };
    let work = async {
        let producer = kafka.future_producer();
        let headers = OwnedHeaders::new().insert(Header { key: "tenant", value: Some(&b"eu\xff"[..]) });
        let record = FutureRecord::to(&kafka.topic).key("k").payload(&payload).headers(headers);
        producer.observed().capture(whole).send(record, SOON).await.map_err(|(e, _)| e).unwrap();
        let consumer = kafka.consumer("whole").observed().with(ReceiveOptions::new().capture(whole));
        let job = within("a message", consumer.recv()).await.unwrap();
        job.run(async || Ok::<_, Infallible>(())).await.unwrap();
    };
    service.scope(|| work).await;
    service.flush_blocking(SOON);
    let artifact = |kind: &str| {
        let of = |record: &Record<'_>| match &record.body {
            Body::Artifact(artifact) if artifact.kind == kind => artifact.preview.as_deref().map(str::to_owned),
            _ => None,
        };
        memory.records().iter().find_map(of).unwrap()
    };
    assert!(artifact("output") == payload && artifact("input") == payload);
    let properties: serde_json::Value = serde_json::from_str(&artifact("input.properties")).unwrap();
    assert_eq!((&properties["transport"], &properties["topic"]), (&"kafka".into(), &kafka.topic.as_str().into()));
    assert_eq!((&properties["key"], &properties["offset"]), (&"k".into(), &0.into()));
    let headers = properties["headers"].as_array().unwrap();
    assert!(headers.contains(&serde_json::json!(["tenant", {"base64": "ZXX/"}])), "{properties}");
    assert!(headers.iter().any(|pair| pair[0] == "traceparent"), "{properties}");
}
