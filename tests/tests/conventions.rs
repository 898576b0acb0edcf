//! What is emitted is what `docs/conventions.md` says, in both directions.

use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::options::*;
use lapin::types::{AMQPValue, FieldTable};
use rdkafka::consumer::{CommitMode, Consumer, StreamConsumer};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::util::Timeout;
use rdkafka::{Message, Offset};
use spanbridge::record::{Body, Diagnostic, Record};
use spanbridge::{Kind, observe, w3c::Baggage};
use spanbridge_amqp::{ChannelExt, ConsumerExt, DeliveryExt};
use spanbridge_kafka::{Batch, CaptureMode, CapturePolicy, ConsumerExt as _, ProducerExt, Relation, Trust};
use spanbridge_tests::tables::{DOC, attributes, table};
use spanbridge_tests::{Seen, amqp, headers, kafka, recorder, spans, text, until, within};
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SOON: Duration = Duration::from_secs(20);
const SENDER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// The rows of the table of spans, of one system.
fn steps(system: &str) -> Vec<Vec<String>> {
    table("Spans").into_iter().filter(|row| row[0] == system).collect()
}

/// Holds the spans of one system against the tables.
fn check(system: &str, heading: &str, records: &[Record<'_>]) {
    let (steps, known) = (steps(system), attributes(heading));
    let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
    let mut operations = BTreeSet::new();
    for span in spans(records).iter().filter(|s| s.get("messaging.system") == system) {
        let (step, operation) = step(span, &steps, records);
        operations.insert((step.clone(), operation));
        // The class of an error is a field of the span's end.
        let error_type = (!span.error_type.is_empty()).then(|| "error.type".to_owned());
        for name in span.attributes.keys().cloned().chain(error_type) {
            let key = (step.clone(), name.clone());
            assert!(known.contains_key(&key), "{system} {step} has `{name}`, which the table does not: {span:?}");
            seen.insert(key);
        }
        let always = known.iter().filter(|((of, _), always)| *of == step && **always);
        for ((_, name), _) in always {
            assert!(span.attributes.contains_key(name), "{system} {step} has no `{name}`: {span:?}");
        }
    }
    let promised: BTreeSet<_> = known.keys().cloned().collect();
    let missing: Vec<_> = promised.difference(&seen).collect();
    assert!(missing.is_empty(), "promised, and not emitted: {missing:?}");
    let promised = steps.iter().flat_map(|row| row[2].split(", ").map(|op| (row[1].clone(), op.to_owned())));
    assert_eq!(operations, promised.collect(), "operations");
}

/// Which step a span is, by the table of spans; the rest of the row holds for it.
fn step(span: &Seen, steps: &[Vec<String>], records: &[Record<'_>]) -> (String, String) {
    let operation = span.get("messaging.operation.name");
    let is_batch = span.attributes.contains_key("messaging.batch.message_count");
    let row = steps.iter().find(|row| row[2].split(", ").any(|op| op == operation) && (row[1] == "batch") == is_batch);
    let row = row.unwrap_or_else(|| panic!("no row for {span:?}"));
    let kind = records.iter().find_map(|r| match &r.body {
        Body::Span(start) if Some(start.span_id) == span.id => Some(start.kind),
        _ => None,
    });
    let emitted = [kind.map_or("", Kind::name), &span.primitive, span.get("messaging.operation.type")];
    assert_eq!(emitted.map(str::to_owned), row[3..6], "{span:?}");
    let (name, template) = (span.get("messaging.destination.name"), span.get("messaging.destination.template"));
    let name = match if template.is_empty() { name } else { template } {
        "" => operation.to_owned(),
        destination => format!("{operation} {destination}"),
    };
    assert_eq!(span.name, name);
    (row[1].clone(), operation.to_owned())
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap()
}

fn hook_that_fails() -> CapturePolicy {
    CapturePolicy::from(CaptureMode::Inline { max: 9 }).redact(|_| Err("no"))
}

#[tokio::test]
async fn on_rabbitmq() {
    let Some(amqp) = amqp("conventions").await else { return };
    let (shop, memory) = recorder("shop");
    let publish = |queue: &str, properties: BasicProperties, options: BasicPublishOptions| {
        amqp.channel.observed().basic_publish("".into(), queue.to_owned().into(), options, b"{}", properties)
    };
    let mock = |tag: u64, properties: BasicProperties| {
        let mut delivery = Delivery::mock(tag, "".into(), "q".into(), tag.is_multiple_of(2), b"{}".into());
        delivery.properties = properties;
        delivery.observed_from("q".into())
    };
    let work = async {
        let named = || BasicProperties::default().with_message_id("m".into()).with_correlation_id("c".into());
        let off = CaptureMode::Off.into();
        let fails = hook_that_fails();
        publish(amqp.queue.as_str(), named(), BasicPublishOptions::default()).await.unwrap().await.unwrap();
        for capture in [&off, &fails] {
            let channel = amqp.channel.observed().server("rabbit.example", 5672).capture(capture).budget(80);
            let (queue, options) = (amqp.queue.clone(), BasicPublishOptions::default());
            let context = observe::span("s").open();
            let context = context.context().with_baggage(Baggage::parse(b"k=v").0);
            let sent = channel.basic_publish("".into(), queue, options, b"{}", BasicProperties::default());
            observe::with_context(context, || sent).await.unwrap().await.unwrap();
        }
        let mandatory = BasicPublishOptions { mandatory: true, ..Default::default() };
        publish("nowhere", named(), mandatory).await.unwrap().await.unwrap();
        let other = amqp.connection.create_channel().await.unwrap();
        let transaction = other.observed().server("rabbit.example", 5672).tx_select().await.unwrap();
        other.close(200, "away".into()).await.unwrap();
        transaction.tx_commit().await.unwrap_err();
        // A queue that the broker has named.
        let options = QueueDeclareOptions::exclusive();
        let generated =
            amqp.channel.queue_declare("".into(), options, FieldTable::default()).await.unwrap().name().clone();
        for _ in 0..2 {
            publish(generated.as_str(), named(), BasicPublishOptions::default()).await.unwrap().await.unwrap();
        }
        let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
        let jobs = amqp.channel.observed().basic_consume(generated, "g".into(), options, arguments);
        let mut jobs = jobs.await.unwrap();
        within("a message", jobs.next()).await.unwrap().unwrap().ack(BasicAckOptions::default()).await.unwrap();
        within("a batch", jobs.batch(9)).await.unwrap().unwrap().run(async || {}).await;
        // Settled in every way.
        let mut jobs = amqp.consume().await.observed().server("rabbit.example", 5672);
        for how in 0..3 {
            let job = within("a message", jobs.next()).await.unwrap().unwrap();
            job.run(async || {}).await;
            let settled = match how {
                0 => job.ack(BasicAckOptions { multiple: true }).await,
                1 => job.nack(BasicNackOptions { requeue: false, multiple: false }).await,
                _ => job.reject(BasicRejectOptions { requeue: false }).await,
            };
            assert!(settled.unwrap());
            assert!(!job.ack(BasicAckOptions::default()).await.unwrap(), "it was settled already");
        }
        amqp.channel.basic_cancel(jobs.consumer().tag(), BasicCancelOptions::default()).await.unwrap();
        publish(amqp.queue.as_str(), named(), BasicPublishOptions::default()).await.unwrap().await.unwrap();
        let got = amqp.channel.observed().basic_get(amqp.queue.clone(), BasicGetOptions { no_ack: true }).await;
        got.unwrap().expect("a message").run(async || {}).await;
        // What only headers and properties tell.
        let death = [
            ("queue", text("q")),
            ("reason", text("expired")),
            ("exchange", text("")),
            ("count", AMQPValue::LongLongInt(1)),
        ];
        let deaths = AMQPValue::FieldArray(vec![AMQPValue::FieldTable(headers(death))].into());
        let died =
            BasicProperties::default().with_headers(headers([("x-death", deaths)])).with_timestamp(now().as_secs());
        publish("nowhere", died.clone(), BasicPublishOptions::default()).await.unwrap().await.unwrap();
        mock(2, died).run(async || {}).await;
        mock(1, BasicProperties::default().with_timestamp(now().as_secs() + 60)).run(async || {}).await;
        mock(1, BasicProperties::default().with_headers(headers([("traceparent", text("junk"))])))
            .run(async || {})
            .await;
        let sent = || {
            let table = headers([("traceparent", text(SENDER)), ("baggage", text("k=v"))]);
            mock(1, BasicProperties::default().with_headers(table))
        };
        let options = spanbridge_amqp::ReceiveOptions::new;
        for options in [
            options().relation(Relation::Link).capture(CaptureMode::Off),
            options().trust(Trust::Ignore).capture(hook_that_fails()),
            options().allow_baggage([""; 0]),
        ] {
            sent().with(options).run(async || {}).await;
        }
        spanbridge_amqp::Batch::new(vec![sent(), sent()]).run(async || Err::<(), _>("no")).await.unwrap_err();
        publish(amqp.queue.as_str(), named(), BasicPublishOptions::default()).await.unwrap().await.unwrap();
        let (queue, options) = (amqp.queue.clone(), BasicConsumeOptions::default());
        let channel = amqp.channel.observed().server("rabbit.example", 5672);
        let mut jobs = channel.basic_consume(queue, "c".into(), options, FieldTable::default()).await.unwrap();
        within("a batch", jobs.batch(9)).await.unwrap().unwrap().run(async || {}).await;
        let mut other = Delivery::mock(1, "x".into(), "k".into(), false, vec![]);
        other.properties = BasicProperties::default();
        spanbridge_amqp::Batch::new(vec![sent(), other.observed_from("other".into())]).run(async || {}).await;
    };
    within("the work", shop.scope(|| work)).await;
    let records = until("the end of every span", || {
        shop.flush_blocking(SOON);
        Some(memory.records()).filter(|records| spans(records).iter().all(|s| s.status.is_some()))
    });
    let records = records.await;
    check("rabbitmq", "Attributes on RabbitMQ", &records);
    let told: BTreeSet<String> = records
        .iter()
        .filter_map(|r| match &r.body {
            Body::Diagnostic(Diagnostic { code, .. }) => Some(code.to_string()),
            _ => None,
        })
        .collect();
    // What only Kafka's broker can do is shown on one (`kafka_real_topics`).
    let here = table("Diagnostics").into_iter().skip(1).filter(|row| !row[1].ends_with("(kafka)"));
    let promised: BTreeSet<String> = here.map(|row| row[0].clone()).collect();
    assert_eq!(told, promised, "diagnostics");
}

#[tokio::test(flavor = "multi_thread")]
async fn on_kafka() {
    let kafka = kafka("conventions", 1).await;
    let (shop, memory) = recorder("shop");
    let producer = kafka.future_producer();
    let work = async {
        let send = |key: Option<&'static str>, payload: Option<&'static str>| {
            let mut record = FutureRecord::<str, str>::to(&kafka.topic);
            (record.key, record.payload) = (key, payload);
            producer.observed().send(record, SOON)
        };
        for (key, payload) in [(None, None), (Some("k"), Some("{}")), (None, Some("{}"))] {
            send(key, payload).await.map_err(|(e, _)| e).unwrap();
        }
        let nowhere = FutureRecord::<(), str>::to(&kafka.topic).partition(77).payload("{}");
        producer.observed().send(nowhere, SOON).await.unwrap_err();
        let record = FutureRecord::<(), str>::to(&kafka.topic).payload("{}");
        producer.observed().capture(CaptureMode::Off).send(record, SOON).await.map_err(|(e, _)| e).unwrap();

        let options = || spanbridge_kafka::ReceiveOptions::new();
        let consumer = kafka.consumer("conventions").observed().with(options().relation(Relation::Link));
        for _ in 0..4 {
            let job = within("a message", consumer.recv()).await.unwrap();
            if job.offset() == 3 {
                job.store_offset().unwrap(); // before there is a process span
            }
            let _ = job.run(async || if job.offset() == 0 { Err("no") } else { Ok(()) }).await;
            job.store_offset().unwrap();
            let mode = if job.offset() == 0 { CommitMode::Async } else { CommitMode::Sync };
            consumer.commit_message(&job, mode).unwrap();
        }
        consumer.consumer().seek(&kafka.topic, 0, Offset::Offset(0), Timeout::After(SOON)).unwrap();
        let mut jobs = vec![];
        while jobs.len() < 2 {
            jobs.extend(within("a batch", consumer.batch(2 - jobs.len())).await.unwrap())
        }
        Batch::new(jobs).run(async || Err::<(), _>("no")).await.unwrap_err();
        let consumer = consumer.with(options().relation(Relation::Link).capture(CaptureMode::Off));
        let job = within("a message", consumer.recv()).await.unwrap();
        // Taken away while it is worked on.
        let revoke = async {
            let unsubscribed = consumer.consumer().clone();
            tokio::task::spawn_blocking(move || unsubscribed.unsubscribe()).await.unwrap();
            let _ = tokio::time::timeout(Duration::from_millis(1), consumer.recv()).await;
            while !job.is_revoked() {
                let _ = tokio::time::timeout(Duration::from_millis(5), consumer.recv()).await;
            }
        };
        within("a revocation", job.run_value(|| revoke)).await;
        job.store_offset().unwrap_err();
        consumer.commit_message(&job, CommitMode::Sync).ok();

        let mut config = kafka.group("automatic");
        config.set("enable.auto.commit", "true").set("enable.auto.offset.store", "true");
        let automatic: StreamConsumer = config.create().unwrap();
        automatic.subscribe(&[&kafka.topic]).unwrap();
        let automatic = automatic.observed();
        within("a message", automatic.recv()).await.unwrap().run(async || {}).await;

        let transactional: FutureProducer = kafka.config().set("transactional.id", "t").create().unwrap();
        assert!(transactional.observed().begin_transaction().is_err(), "it has to be initialised");
        tokio::task::block_in_place(|| transactional.init_transactions(SOON)).unwrap();
        let mut transaction = tokio::task::block_in_place(|| transactional.observed().begin_transaction()).unwrap();
        let record = FutureRecord::<(), str>::to(&kafka.topic).payload("{}");
        transaction.producer().send(record, SOON).await.map_err(|(e, _)| e).unwrap();
        tokio::task::block_in_place(|| transaction.commit_transaction(SOON)).unwrap();
    };
    within("the work", shop.scope(|| work)).await;
    shop.flush_blocking(SOON);
    check("kafka", "Attributes on Kafka", &memory.records());
}

/// A name that no table has is a mistake. (That of what a table has nothing is missing is told above, and for Lambda and the
/// spans of agents in the tests of their crates.)
#[test]
fn every_name_is_in_the_tables() {
    let source = include_str!("../../crates/spanbridge/src/semconv.rs");
    let agents = include_str!("../../docs/opentelemetry.md");
    for name in source.lines().filter_map(|line| line.strip_prefix("pub const ")?.split('"').nth(1)) {
        let is_in = |doc: &str| doc.contains(&format!("`{name}`"));
        assert!(is_in(DOC) || is_in(agents), "`{name}` is in no table");
    }
}
