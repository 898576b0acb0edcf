//! What becomes of a message that is sent: what the delivery report says, or that there was none.

use futures_util::FutureExt;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::consumer::{Consumer, DefaultConsumerContext, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{DeliveryResult, Header, Headers, OwnedHeaders};
use rdkafka::producer::{
    BaseProducer, BaseRecord, FutureProducer, FutureRecord, Producer, ProducerContext, ThreadedProducer,
};
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{ClientContext, Message};
use spanbridge::{Context, ContextExt, SpanId, Status, observe};
use spanbridge_kafka::{ConsumerExt, Observed, ProducerExt};
use spanbridge_tests::{Kafka, kafka, pairs, recorder, spans, within};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn a_dropped_future_is_an_unknown_outcome() {
    let kafka = kafka("dropped", 1).await;
    let (work, records) = recorder("work");
    let producer = kafka.future_producer();
    let send = async {
        let record = || FutureRecord::<(), str>::to(&kafka.topic).payload("x");
        let sending = producer.observed().send(record(), SOON);
        assert!(sending.now_or_never().is_none(), "there was an answer at once");
        drop(producer.observed().send_result(record()).map_err(|(e, _)| e).unwrap());
        let sending = producer.observed().send_result(record()).map_err(|(e, _)| e).unwrap();
        let carried = sending.context();
        let delivery = within("a delivery report", sending).await.unwrap().map_err(|(e, _)| e).unwrap();
        assert_eq!(delivery.offset, 2, "the others were delivered all the same");
        carried.span_id()
    };
    let carried: Option<SpanId> = work.scope(|| send).await;
    work.flush_blocking(SOON);
    let spans = spans(&records.records());
    let told: Vec<_> = spans.iter().map(|s| (s.handoff(), s.status, s.get("messaging.kafka.offset"))).collect();
    let ok = Some(Status::Ok);
    assert_eq!(told, [("unknown", ok, ""), ("unknown", ok, ""), ("confirmed", ok, "2")]);
    assert_eq!(spans[2].id, carried);
}

/// With `acks=0` a message counts as delivered as soon as it is written to a socket.
#[tokio::test]
async fn what_no_broker_answers_is_not_confirmed() {
    let kafka = kafka("acks", 1).await;
    let (work, records) = recorder("work");
    let mut config = kafka.config();
    config.set("acks", "0").set("linger.ms", "0");
    let producer: FutureProducer = config.create().unwrap();
    let callback: ThreadedProducer<_> =
        ThreadedProducer::from_config_and_context(&config, Observed::new(rdkafka::producer::DefaultProducerContext))
            .unwrap();
    work.scope(async || {
        let record = || FutureRecord::<(), str>::to(&kafka.topic).payload("x");
        within("a delivery report", producer.observed().send(record(), SOON)).await.map_err(|(e, _)| e).unwrap();
        let sending = producer.observed().send_result(record()).map_err(|(e, _)| e).unwrap();
        within("a delivery report", sending).await.unwrap().map_err(|(e, _)| e).unwrap();
        let record = BaseRecord::<(), str>::to(&kafka.topic).payload("x");
        callback.observed().send(record).map_err(|(e, _)| e).unwrap();
        callback.flush(SOON).unwrap();
        drop(callback); // with its thread, which may be about to call back
    })
    .await;
    work.flush_blocking(SOON);
    let spans = spans(&records.records());
    let told: Vec<_> = spans.iter().map(|s| (s.handoff(), s.status, s.get("messaging.kafka.offset"))).collect();
    assert_eq!(told, [("sent", Some(Status::Ok), ""); 3]);
}

#[tokio::test]
async fn errors_are_recorded_and_passed_through() {
    let kafka = kafka("errors", 1).await;
    let (work, records) = recorder("work");
    let unreachable: FutureProducer = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", "127.0.0.1:1")
        .set("message.timeout.ms", "50")
        .create()
        .unwrap();
    let producer = kafka.future_producer();
    let send = async {
        // No such partition.
        let record = FutureRecord::<(), str>::to(&kafka.topic).partition(7).payload("x");
        let (error, message) = producer.observed().send(record, SOON).await.unwrap_err();
        assert_eq!(error, KafkaError::MessageProduction(Code::UnknownPartition));
        assert!(message.headers().is_none(), "the message comes back as it was");
        // Nobody there: librdkafka gives up.
        let headers = OwnedHeaders::new().insert(Header { key: "mine", value: Some("1") });
        let record = FutureRecord::<(), str>::to("t").payload("x").headers(headers);
        let (error, message) = unreachable.observed().send(record, SOON).await.unwrap_err();
        assert_eq!(error, KafkaError::MessageProduction(Code::MessageTimedOut));
        assert_eq!(message.headers().map(Headers::count), Some(1), "without the context of a send that failed");
        // Not a topic at all.
        let record = FutureRecord::<(), str>::to("a\0b").payload("x");
        let (error, record) = producer.observed().send_result(record).map(drop).unwrap_err();
        assert!(matches!(error, KafkaError::Nul(_)));
        assert!(record.headers.is_none());
        // Too large by itself.
        let large = vec![0u8; 2 << 20];
        let record = FutureRecord::<(), [u8]>::to(&kafka.topic).payload(&large);
        let (error, _) = producer.observed().send_result(record).map(drop).unwrap_err();
        assert_eq!(error, KafkaError::MessageProduction(Code::MessageSizeTooLarge));
    };
    work.scope(|| send).await;
    work.flush_blocking(SOON);
    let spans = spans(&records.records());
    let told: Vec<_> = spans.iter().map(|s| (s.handoff(), s.get("error.type"), s.status)).collect();
    let failed = Some(Status::Error);
    assert_eq!(
        told,
        [
            ("rejected", "UnknownPartition", failed),
            ("unknown", "MessageTimedOut", failed),
            ("rejected", "_OTHER", failed),
            ("rejected", "MessageSizeTooLarge", failed),
        ]
    );
    assert!(spans[0].error.contains("Unknown partition"), "{}", spans[0].error);
}

/// With `acks=0` no broker answers: nobody knows whether the message is there, and at which offset.
#[tokio::test]
async fn without_an_answer_it_is_sent() {
    let kafka = kafka("unanswered", 1).await;
    let (work, records) = recorder("work");
    let mut config = kafka.config();
    let producer: FutureProducer = config.set("acks", "0").set("linger.ms", "0").create().unwrap();
    let context = Observed::new(ChapterResult::default());
    let base: BaseProducer<_> = BaseProducer::from_config_and_context(&config, context).unwrap();
    let send = async {
        let record = || FutureRecord::<(), str>::to(&kafka.topic).payload("x");
        producer.observed().send(record(), SOON).await.map_err(|(e, _)| e).unwrap();
        let sending = producer.observed().send_result(record()).map_err(|(e, _)| e).unwrap();
        within("a delivery report", sending).await.unwrap().map_err(|(e, _)| e).unwrap();
        base.observed().send(self::record(&kafka, 1)).map_err(|(e, _)| e).unwrap();
        base.flush(SOON).unwrap();
    };
    work.scope(|| send).await;
    work.flush_blocking(SOON);
    let spans = spans(&records.records());
    let sends = spans.iter().filter(|s| s.name.starts_with("send"));
    let told: Vec<_> = sends.map(|s| (s.handoff(), s.status, s.get("messaging.kafka.offset"))).collect();
    assert_eq!(told, [("sent", Some(Status::Ok), ""); 3]);
}

#[tokio::test]
async fn a_send_does_not_fail_because_of_us() {
    let kafka = kafka("limit", 1).await;
    let (work, records) = recorder("work");
    let producer = kafka.future_producer();
    // There is room for the payload, and not for a context.
    let (least, most) = (999_000, 1_000_000);
    let size = (least..most).rev().step_by(16).find(|size| {
        let payload = vec![0u8; *size];
        producer.send_result(FutureRecord::<(), [u8]>::to(&kafka.topic).payload(&payload)).is_ok()
    });
    let payload = vec![0u8; size.unwrap()];
    let send = async {
        let record = || FutureRecord::<(), [u8]>::to(&kafka.topic).payload(&payload);
        producer.observed().send(record(), SOON).await.map_err(|(e, _)| e).unwrap();
        let sending = producer.observed().send_result(record()).map_err(|(e, _)| e).unwrap();
        within("a delivery report", sending).await.unwrap().map_err(|(e, _)| e).unwrap();
    };
    work.scope(|| send).await;
    work.flush_blocking(SOON);
    for span in spans(&records.records()) {
        assert_eq!((span.handoff(), span.diagnostics[0].0.as_str()), ("confirmed", "injection.dropped"));
    }
}

#[tokio::test]
async fn too_large_without_us_is_not_our_fault() {
    let kafka = kafka("own", 1).await;
    let (work, records) = recorder("work");
    let producer = kafka.future_producer();
    let large = vec![0u8; 2 << 20];
    let send = async {
        // The user's own context stays on the message: there is nothing of ours to leave out.
        let own = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let headers = || OwnedHeaders::new().insert(Header { key: "traceparent", value: Some(own) });
        let record = || FutureRecord::<(), [u8]>::to(&kafka.topic).payload(&large).headers(headers());
        producer.observed().send(record(), SOON).await.unwrap_err();
        producer.observed().send_result(record()).map(drop).unwrap_err();
    };
    work.scope(|| send).await;
    work.flush_blocking(SOON);
    let told: Vec<_> = spans(&records.records()).into_iter().map(|s| (s.handoff().to_owned(), s.diagnostics)).collect();
    assert_eq!(told, [("rejected".to_owned(), vec![]), ("rejected".to_owned(), vec![])]);
}

/// By the client's own limit.
#[tokio::test]
async fn what_has_no_room_is_left_out() {
    let kafka = kafka("room", 1).await;
    let (work, records) = recorder("work");
    let producer: FutureProducer =
        kafka.config().set("linger.ms", "0").set("message.max.bytes", "1000").create().unwrap();
    let consumer = kafka.consumer("room");
    let send = async {
        let run = observe::run("order").open();
        let baggage = run.context().baggage().with("tier", &"x".repeat(200)).unwrap();
        // Room for all of it; for all but the baggage; for nothing, to the byte and beyond.
        let least = 36 + 10 + "traceparent".len() + 55;
        for (free, expected) in [(600, 2), (200, 1), (least, 1), (least - 1, 0), (0, 0)] {
            let payload = vec![0u8; 1000 - free.max(36)];
            let record = FutureRecord::<(), [u8]>::to(&kafka.topic).payload(&payload);
            let sending = producer.observed().send(record, SOON);
            sending.in_context(run.context().with_baggage(baggage.clone())).await.map_err(|(e, _)| e).unwrap();
            let message = within("a message", consumer.recv()).await.unwrap();
            assert_eq!(pairs(&message).len(), expected, "{free} bytes");
        }
    };
    work.scope(|| send).await;
    work.flush_blocking(SOON);
    let told = spans(&records.records()).into_iter().filter(|s| s.name.starts_with("send")).map(|s| {
        assert_eq!(s.handoff(), "confirmed");
        s.diagnostics.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("; ")
    });
    let baggage = "no room for the baggage (205 bytes)";
    let nothing = "no room for the context";
    assert_eq!(told.collect::<Vec<_>>(), ["", baggage, baggage, nothing, nothing]);
}

/// A context of the user's own, that keeps what its callback is told.
#[derive(Clone, Default)]
struct ChapterResult(Arc<Mutex<Vec<Call>>>);

/// The opaque, the error, and what was current.
type Call = (usize, Option<Code>, Context);

impl ClientContext for ChapterResult {}

impl ProducerContext for ChapterResult {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, opaque: usize) {
        let error = result.as_ref().err().and_then(|(e, _)| e.rdkafka_error_code());
        observe::span("callback").in_scope(|| ());
        self.0.lock().unwrap().push((opaque, error, observe::current_context()))
    }
}

fn record<'a>(kafka: &'a Kafka, opaque: usize) -> BaseRecord<'a, str, str, usize> {
    BaseRecord::with_opaque_to(&kafka.topic, opaque).payload("x").key("k")
}

#[tokio::test]
async fn producers_with_callbacks() {
    let kafka = kafka("callbacks", 1).await;
    let (work, records) = recorder("work");
    let told = ChapterResult::default();
    let context = || Observed::new(told.clone());
    let base: BaseProducer<_> = BaseProducer::from_config_and_context(&kafka.config(), context()).unwrap();
    let threaded: ThreadedProducer<_> = ThreadedProducer::from_config_and_context(&kafka.config(), context()).unwrap();
    let send = || {
        base.observed().send(record(&kafka, 1)).map_err(|(e, _)| e).unwrap();
        base.flush(SOON).unwrap();
        let (error, back) = base.observed().send(record(&kafka, 2).partition(9)).unwrap_err();
        assert_eq!(error, KafkaError::MessageProduction(Code::UnknownPartition));
        assert_eq!((back.delivery_opaque, back.headers.is_none(), back.key), (2, true, Some("k")));
        threaded.observed().send(record(&kafka, 3)).map_err(|(e, _)| e).unwrap();
        threaded.flush(SOON).unwrap();
    };
    work.in_scope(send);
    drop((base, threaded));
    work.flush_blocking(SOON);
    let spans = spans(&records.records());
    let sends: Vec<_> = spans.iter().filter(|s| s.name.starts_with("send")).collect();
    assert_eq!(sends.iter().map(|s| s.handoff()).collect::<Vec<_>>(), ["confirmed", "rejected", "confirmed"]);
    let told = told.0.lock().unwrap();
    assert_eq!(told.iter().map(|t| (t.0, t.1)).collect::<Vec<_>>(), [(1, None), (3, None)]);
    let called: Vec<_> = spans.iter().filter(|s| s.name == "callback").map(|s| s.parent).collect();
    assert_eq!(called, [sends[0].id, sends[2].id], "the callback runs in the span's context");
    assert_eq!(told.iter().map(|t| t.2.span_id()).collect::<Vec<_>>(), called);
}

#[tokio::test]
async fn a_producer_that_is_dropped_ends_its_spans() {
    let (work, records) = recorder("work");
    let mut config = rdkafka::ClientConfig::new();
    config.set("bootstrap.servers", "127.0.0.1:1");
    let told = ChapterResult::default();
    let base: BaseProducer<_> = BaseProducer::from_config_and_context(&config, Observed::new(told.clone())).unwrap();
    let record = BaseRecord::<str, str, usize>::with_opaque_to("t", 1).payload("x");
    work.in_scope(|| base.observed().send(record).map_err(|(e, _)| e)).unwrap();
    drop(base);
    work.flush_blocking(SOON);
    let spans = spans(&records.records());
    assert_eq!((spans[0].handoff(), spans[0].get("error.type")), ("rejected", "PurgeQueue"));
    assert_eq!(told.0.lock().unwrap().len(), 1);
}

/// librdkafka cuts the names of its clients short, so two of them may have the same.
#[tokio::test]
async fn clients_with_long_ids_are_told_apart() {
    let kafka = kafka("long-ids", 1).await;
    let (work, records) = recorder("work");
    let id = format!("é{}", "é".repeat(100));
    let send = async {
        for port in ["1", "2"] {
            let producer: FutureProducer = rdkafka::ClientConfig::new()
                .set("bootstrap.servers", format!("127.0.0.1:{port}"))
                .set("client.id", &id)
                .set("message.timeout.ms", "1")
                .create()
                .unwrap();
            let record = FutureRecord::<(), str>::to(&kafka.topic).payload("x");
            producer.observed().send(record, SOON).await.unwrap_err();
        }
    };
    work.scope(|| send).await;
    work.flush_blocking(SOON);
    for (span, port) in spans(&records.records()).iter().zip(["1", "2"]) {
        assert_eq!((span.get("server.port"), span.get("messaging.client.id")), (port, id.as_str()));
        assert!(span.diagnostics.is_empty(), "{:?}", span.diagnostics);
    }
    let groups = ["one", "two"].map(|group| {
        let context = Observed::new(DefaultConsumerContext);
        let consumer: StreamConsumer<_> =
            kafka.group(group).set("client.id", &id).create_with_context(context).unwrap();
        consumer.subscribe(&[&kafka.topic]).unwrap();
        (group, consumer.observed())
    });
    kafka.send(0, OwnedHeaders::new(), b"{}").await;
    for (group, consumer) in &groups {
        assert_eq!(within("a message", consumer.recv()).await.unwrap().group(), *group);
    }
}
