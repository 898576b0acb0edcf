//! A replay answers sends, offsets and transactions, and Kafka sees none of them.

use rdkafka::consumer::CommitMode;
use rdkafka::consumer::Consumer;
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, OwnedHeaders, OwnedMessage};
use rdkafka::producer::{
    BaseProducer, BaseRecord, DefaultProducerContext, FutureProducer, FutureRecord, Producer, ThreadedProducer,
};
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{Message, Timestamp};
use spanbridge::adapter::{OutboundCall, Recorded, RecordedError};
use spanbridge::conformance::{Answers, Seen};
use spanbridge::{Memory, Recorder, observe};
use spanbridge_kafka::{ConsumerExt, Job, Observed, ProducerExt};
use spanbridge_tests::{in_process_kafka, spans};
use std::sync::Arc;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);
const REFUSED: &str = "a replay refused the call: no such call was recorded";

/// What the work returned, what was recorded of it, and what was asked.
async fn replay<F: Future>(answers: Arc<Answers>, work: impl FnOnce() -> F) -> (F::Output, Vec<Seen>, Vec<String>) {
    let memory = Memory::new();
    let recorder = Recorder::builder("replay").sink(memory.clone()).stand_in(answers.clone()).build().unwrap();
    let output = recorder.scope(|| observe::span("work").run_value(work)).await;
    assert!(recorder.shutdown(SOON).complete);
    let spans = spans(&memory.records()).into_iter().filter(|span| span.name != "work").collect();
    (output, spans, answers.lines())
}

fn answering(answer: impl Fn(&OutboundCall<'_>) -> Recorded + Send + Sync + 'static) -> Arc<Answers> {
    Answers::new(move |call| answer(call).into())
}

fn confirmed() -> Recorded {
    Recorded::new()
        .with_attribute("spanbridge.handoff.status", "confirmed")
        .with_attribute("messaging.destination.partition.id", "2")
        .with_attribute("messaging.kafka.offset", 42)
}

fn failed(class: &'static str) -> Recorded {
    let error = RecordedError::new(format!("Message production error: {class}")).of_class(class);
    let status = if class == "MessageTimedOut" { "unknown" } else { "rejected" };
    Recorded::new().with_attribute("spanbridge.handoff.status", status).with_error(error)
}

/// A producer whose broker is nowhere: what leaves would not be delivered.
fn producer() -> FutureProducer {
    rdkafka::ClientConfig::new().set("bootstrap.servers", "127.0.0.1:1").create().unwrap()
}

fn record() -> FutureRecord<'static, str, str> {
    let tenant = OwnedHeaders::new().insert(Header { key: "tenant", value: Some("acme") });
    FutureRecord::to("orders").key("7").payload("{}").headers(tenant)
}

#[tokio::test]
async fn a_send_is_answered() {
    let producer = producer();
    let (result, seen, asked) = replay(answering(|_| confirmed()), || producer.observed().send(record(), SOON)).await;
    let delivery = result.unwrap();
    assert_eq!((delivery.partition, delivery.offset), (2, 42));
    assert_eq!(asked, ["messaging.publish orders {}"]);
    assert_eq!((seen[0].handoff(), seen[0].get("messaging.kafka.offset")), ("confirmed", "42"));

    let (result, seen, _) =
        replay(answering(|_| failed("MessageTimedOut")), || producer.observed().send(record(), SOON)).await;
    let (error, message) = result.unwrap_err();
    assert_eq!(error, KafkaError::MessageProduction(Code::MessageTimedOut));
    assert_eq!((message.topic(), message.key(), message.payload()), ("orders", Some(&b"7"[..]), Some(&b"{}"[..])));
    let names: Vec<_> =
        rdkafka::message::Headers::iter(message.headers().unwrap()).map(|header| header.key.to_owned()).collect();
    assert_eq!(names, ["tenant"], "it carries no context of ours");
    assert_eq!((seen[0].handoff(), seen[0].get("error.type")), ("unknown", "MessageTimedOut"));
    assert_eq!(seen[0].error, "Message production error: MessageTimedOut");

    let (result, seen, _) = replay(Answers::refusing(REFUSED), || producer.observed().send(record(), SOON)).await;
    assert_eq!(result.unwrap_err().0, KafkaError::MessageProduction(Code::PolicyViolation));
    assert_eq!((seen[0].handoff(), seen[0].error.as_str()), ("rejected", REFUSED));
}

/// The report of `send_result` comes by its future; what the client refused comes at once.
#[tokio::test]
async fn a_report_is_answered() {
    let producer = producer();
    let send = || async { producer.observed().send_result(record()).map_err(|(error, _)| error) };
    let (sent, seen, _) = replay(answering(|_| confirmed()), send).await;
    assert_eq!(sent.unwrap().await.unwrap().unwrap().offset, 42);
    assert_eq!(seen[0].handoff(), "confirmed");
    let (sent, _, _) = replay(answering(|_| failed("MessageTimedOut")), send).await;
    let (error, _) = sent.unwrap().await.unwrap().unwrap_err();
    assert_eq!(error, KafkaError::MessageProduction(Code::MessageTimedOut));
    for (answers, code) in
        [(answering(|_| failed("QueueFull")), Code::QueueFull), (Answers::refusing(REFUSED), Code::PolicyViolation)]
    {
        let (sent, _, _) = replay(answers, send).await;
        assert_eq!(sent.err(), Some(KafkaError::MessageProduction(code)));
    }
}

/// Producers with a callback have sent, and the callback does not come.
#[tokio::test]
async fn a_callback_does_not_come() {
    let kafka = in_process_kafka("replay-callback", 1).await;
    let (config, topic) = (kafka.config(), kafka.topic.as_str());
    let base: BaseProducer<_> = config.create_with_context(Observed::new(DefaultProducerContext)).unwrap();
    let threaded: ThreadedProducer<_> = config.create_with_context(Observed::new(DefaultProducerContext)).unwrap();
    let both = || async {
        let record = || BaseRecord::<str, str>::to(topic).payload("{}");
        let base = base.observed().send(record()).map_err(|(error, _)| error);
        let threaded = threaded.observed().send(record()).map_err(|(error, record)| (error, record.payload.is_some()));
        (base, threaded)
    };
    let ((one, other), seen, asked) = replay(answering(|_| confirmed()), both).await;
    assert_eq!((one, other), (Ok(()), Ok(())));
    assert_eq!(asked, [format!("messaging.publish {topic} {{}}"), format!("messaging.publish {topic} {{}}")]);
    assert_eq!(seen.iter().map(Seen::handoff).collect::<Vec<_>>(), ["confirmed"; 2]);
    let ((one, other), _, _) = replay(Answers::refusing(REFUSED), both).await;
    let refused = KafkaError::MessageProduction(Code::PolicyViolation);
    assert_eq!((one, other), (Err(refused.clone()), Err((refused, true))));
    base.flush(SOON).unwrap();
    threaded.flush(SOON).unwrap();
    assert_eq!(base.client().fetch_watermarks(topic, 0, SOON).unwrap(), (0, 0), "nothing has come");
}

/// A transaction is asked about once, and its sends by themselves.
#[tokio::test]
async fn a_transaction_is_answered() {
    let producer: FutureProducer = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", "127.0.0.1:1")
        .set("transactional.id", "orders-1")
        .create()
        .unwrap();
    let work = || async {
        let mut transaction = producer.observed().begin_transaction()?;
        transaction.producer().send(record(), SOON).await.map_err(|(error, _)| error)?;
        transaction.commit_transaction(SOON)
    };
    let committed = || confirmed().with_attribute("spanbridge.handoff.status", "committed");
    let (result, seen, asked) = replay(answering(move |_| committed()), work).await;
    assert_eq!(result, Ok(()));
    assert_eq!(asked, ["messaging.settle orders-1", "messaging.publish orders {}"]);
    assert_eq!(seen.iter().map(Seen::handoff).collect::<Vec<_>>(), ["committed"; 2]);
    let (result, _, _) = replay(Answers::refusing(REFUSED), work).await;
    assert_eq!(result.unwrap_err().to_string(), format!("Client creation error: {REFUSED}"));
}

/// A message needs no consumer to be worked on; storing its offset does nothing.
#[tokio::test]
async fn a_job_needs_no_consumer() {
    let sent = OwnedHeaders::new()
        .insert(Header { key: "traceparent", value: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01") });
    let message = OwnedMessage::new(
        Some(b"{}".to_vec()),
        None,
        "orders".to_owned(),
        Timestamp::CreateTime(1_800_000_000_000),
        3,
        7,
        Some(sent),
    );
    let (stored, seen, asked) = replay(Answers::refusing(REFUSED), || async {
        let job = Job::alone(message);
        assert_eq!((job.group(), job.is_revoked()), ("", false));
        job.run_value(|| async { job.store_offset() }).await
    })
    .await;
    assert_eq!((stored, asked.len()), (Ok(()), 0));
    let [process] = &seen[..] else { panic!("{seen:#?}") };
    assert_eq!(process.name, "process orders");
    assert_eq!(process.get("spanbridge.settle.stored"), "true");
    assert!(!format!("{:?}", process.trace).contains("4bf92f35"));
}

/// The offsets of a real consumer are neither stored nor committed.
#[tokio::test(flavor = "multi_thread")]
async fn offsets_do_not_leave() {
    let kafka = in_process_kafka("replay", 1).await;
    kafka.future_producer().send(FutureRecord::<(), str>::to(&kafka.topic).payload("first"), SOON).await.unwrap();
    let consumer = kafka.consumer("shipping").observed();
    let message = consumer.consumer().recv().await.unwrap().detach();
    let commit = || async {
        let job = consumer.job(message.clone());
        let stored = job.store_offset();
        (stored, consumer.commit_message(&job, CommitMode::Sync))
    };
    let (done, _, asked) = replay(answering(|_| Recorded::new()), commit).await;
    assert_eq!(done, (Ok(()), Ok(())));
    assert_eq!(asked, [format!("messaging.settle {}/0", kafka.topic), format!("messaging.settle {}/0", kafka.topic)]);
    let (refused, seen, _) = replay(Answers::refusing(REFUSED), commit).await;
    let code = Code::PolicyViolation;
    assert_eq!(refused, (Err(KafkaError::StoreOffset(code)), Err(KafkaError::ConsumerCommit(code))));
    assert_eq!(seen.iter().map(|span| span.get("error.type")).collect::<Vec<_>>(), ["PolicyViolation"; 2]);
    let committed = consumer.consumer().committed(SOON).unwrap();
    assert!(committed.elements().iter().all(|one| one.offset() == rdkafka::Offset::Invalid), "{committed:?}");
}
