//! Transactions: what they hand over, and what they take back.

use rdkafka::Message;
use rdkafka::consumer::{Consumer, DefaultConsumerContext, StreamConsumer};
use rdkafka::error::KafkaResult;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use spanbridge::Context;
use spanbridge::carrier::{Extract, Header};
use spanbridge::record::{Body, Diagnostic, Event, Record};
use spanbridge_kafka::{CaptureMode, ConsumerExt, Headers, Observed, ProducerExt};
use spanbridge_tests::{Kafka, Seen, kafka, real_kafka, recorder, spans, within};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

/// Takes a message, and sends what comes of it, with the message's offset, in a transaction; what it sent carries the
/// context that is returned.
async fn transform(kafka: &Kafka, id: &str, commit: bool) -> Context {
    let consumer = kafka.consumer(id).observed();
    let job = within("a message", consumer.recv()).await.unwrap();
    let producer: FutureProducer = kafka.config().set("transactional.id", id).create().unwrap();
    // As with rdkafka, these calls block.
    tokio::task::block_in_place(|| producer.init_transactions(SOON)).unwrap();
    let work = async {
        let mut transaction = tokio::task::block_in_place(|| producer.observed().begin_transaction())?;
        let record = FutureRecord::<(), str>::to(&kafka.topic).payload(id);
        let sending = transaction.producer().send_result(record).map_err(|(e, _)| e)?;
        let carried = sending.context();
        within("a delivery report", sending).await.unwrap().map_err(|(e, _)| e)?;
        let (offsets, group) = (consumer.consumer().position()?, consumer.consumer().group_metadata().unwrap());
        tokio::task::block_in_place(|| {
            transaction.send_offsets_to_transaction(&offsets, &group, SOON)?;
            if commit { transaction.commit_transaction(SOON) } else { transaction.abort_transaction(SOON) }
        })?;
        KafkaResult::Ok(carried)
    };
    job.run(|| work).await.unwrap()
}

async fn first_message(kafka: &Kafka) {
    let record = FutureRecord::<(), str>::to(&kafka.topic).payload("first");
    kafka.future_producer().send(record, SOON).await.map_err(|(e, _)| e).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_say_what_became_of_their_transaction() {
    let kafka = kafka("transaction", 1).await;
    first_message(&kafka).await;
    for (id, commit, status) in [("t-commit", true, "committed"), ("t-abort", false, "rolled_back")] {
        let (work, records) = recorder("work");
        work.scope(|| transform(&kafka, id, commit)).await;
        work.flush_blocking(SOON);
        let records = records.records();
        let spans = spans(&records);
        let [process, transaction, send] = &spans[..] else { panic!("{spans:#?}") };
        assert_eq!((transaction.name.as_str(), transaction.parent), ("transaction", process.id));
        assert_eq!(transaction.get("spanbridge.transaction.id"), id);
        assert_eq!((transaction.handoff(), send.handoff()), (status, status));
        assert_eq!((send.parent, send.links[0].1), (process.id, transaction.id.unwrap()));
        let offsets = |r: &&Record<'_>| matches!(&r.body, Body::Event(Event { name, .. }) if name == "offsets");
        assert_eq!(records.iter().filter(offsets).count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_rolled_back_is_not_received() {
    let Some(kafka) = real_kafka("isolation", 1, "transactions").await else { return };
    first_message(&kafka).await;
    let id = |kind: &str| format!("{}.{kind}", kafka.topic);
    let (work, _) = recorder("work");
    work.scope(async || transform(&kafka, &id("abort"), false).await).await;
    let committed = work.scope(async || transform(&kafka, &id("commit"), true).await).await;
    let mut config = kafka.group(&id("reader"));
    config.set("isolation.level", "read_committed");
    let reader: StreamConsumer<_> = config.create_with_context(Observed::new(DefaultConsumerContext)).unwrap();
    reader.subscribe(&[&kafka.topic]).unwrap();
    let reader = reader.observed();
    assert_eq!(within("the first message", reader.recv()).await.unwrap().payload(), Some(&b"first"[..]));
    let job = within("the committed message", reader.recv()).await.unwrap();
    assert_eq!(job.payload(), Some(id("commit").as_bytes()));
    assert_eq!(job.context().span_id(), committed.span_id());
}

/// The transaction has the last word on what was sent in it, whenever the report is looked at; but not on what it never had.
#[tokio::test(flavor = "multi_thread")]
async fn late_reports_and_refused_sends() {
    let kafka = kafka("transaction-late", 1).await;
    for (id, commit, status) in [("late-commit", true, "committed"), ("late-abort", false, "rolled_back")] {
        let mut config = kafka.config();
        let producer: FutureProducer =
            config.set("transactional.id", id).set("message.max.bytes", "2000").create().unwrap();
        tokio::task::block_in_place(|| producer.init_transactions(SOON)).unwrap();
        let (work, records) = recorder("work");
        work.scope(async || {
            let mut transaction = tokio::task::block_in_place(|| producer.observed().begin_transaction()).unwrap();
            let send = |payload: &str| {
                let record = FutureRecord::<(), str>::to(&kafka.topic).payload(payload);
                transaction.producer().send_result(record).map_err(|(e, _)| e)
            };
            send(&"x".repeat(3000)).map(drop).unwrap_err();
            let (awaited, dropped) = (send("awaited").unwrap(), send("dropped").unwrap());
            tokio::task::block_in_place(|| {
                if commit { transaction.commit_transaction(SOON) } else { transaction.abort_transaction(SOON) }
            })
            .unwrap();
            drop(dropped);
            let _ = within("a delivery report", awaited).await.unwrap();
        })
        .await;
        work.flush_blocking(SOON);
        let spans = spans(&records.records());
        let [of_transaction, refused, awaited, dropped] = &spans[..] else { panic!("{spans:#?}") };
        assert_eq!((refused.handoff(), refused.get("error.type")), ("rejected", "MessageSizeTooLarge"));
        assert_eq!([of_transaction, awaited, dropped].map(Seen::handoff), [status; 3]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_has_its_producer_s_settings() {
    let kafka = kafka("transaction-settings", 1).await;
    let producer: FutureProducer =
        kafka.config().set("transactional.id", &kafka.topic).set("linger.ms", "0").create().unwrap();
    tokio::task::block_in_place(|| producer.init_transactions(SOON)).unwrap();
    let (work, records) = recorder("work");
    work.scope(async || {
        let observed = producer.observed().capture(CaptureMode::Off).budget(0);
        let mut transaction = tokio::task::block_in_place(|| observed.begin_transaction()).unwrap();
        let record = FutureRecord::<(), str>::to(&kafka.topic).payload("x");
        within("a delivery report", transaction.producer().send(record, SOON)).await.map_err(|(e, _)| e).unwrap();
        tokio::task::block_in_place(|| transaction.commit_transaction(SOON)).unwrap();
    })
    .await;
    work.flush_blocking(SOON);
    let records = records.records();
    let dropped =
        |r: &&Record<'_>| matches!(&r.body, Body::Diagnostic(Diagnostic { code, .. }) if code == "injection.dropped");
    assert_eq!(records.iter().filter(dropped).count(), 1);
    let spans = spans(&records);
    assert_eq!((spans[1].get("messaging.operation.name"), spans[1].get("messaging.message.body.size")), ("send", ""));
    let consumer = kafka.consumer("settings");
    let message = within("the message", consumer.recv()).await.unwrap();
    assert_eq!(Headers::from(&message).get("traceparent"), Header::Absent);
}
