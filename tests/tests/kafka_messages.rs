//! What becomes of a message in Kafka: relations, trust, room for the context, capture, messages that are read again, and
//! forwarded ones with two contexts, retry and dead-letter topics.

use rdkafka::Message;
use rdkafka::consumer::{Consumer, DefaultConsumerContext, StreamConsumer};
use rdkafka::producer::FutureRecord;
use rdkafka::util::Timeout;
use spanbridge::record::{Body, Record, RunStart};
use spanbridge::{Memory, Recorder, observe, w3c::Baggage};
use spanbridge_kafka::{
    CaptureMode, CapturePolicy, ConsumerExt, Observed, ObservedConsumer, ProducerExt, ReceiveOptions, Relation, Trust,
};
use spanbridge_tests::{Kafka, Seen, kafka, pairs, raw_headers, recorder, spans, within};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SENDER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const SOON: Duration = Duration::from_secs(10);

type Observing = ObservedConsumer<StreamConsumer<Observed<DefaultConsumerContext>>>;

/// Sends a message inside a run, with baggage, as old as this.
async fn send(kafka: &Kafka, age: Duration) -> spanbridge::Context {
    let run = observe::run("checkout").open();
    let context = run.context().with_baggage(Baggage::parse(b"tenant=acme,card=4111").0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let record = FutureRecord::<(), str>::to(&kafka.topic).payload("{}").timestamp((now - age).as_millis() as i64);
    let producer = kafka.future_producer();
    let sent = observe::with_context(context, || producer.observed().send(record, SOON));
    sent.await.map_err(|(e, _)| e).unwrap();
    let context = run.context().clone();
    run.end();
    context
}

/// Works on the next message; what baggage there was.
async fn work(consumer: &Observing) -> String {
    let job = within("a message", consumer.recv()).await.unwrap();
    job.run_value(async || observe::current_context().baggage().as_str().to_owned()).await
}

fn seen(recorder: &Recorder, memory: &Memory) -> (Vec<Record<'static>>, Vec<Seen>) {
    recorder.flush_blocking(SOON);
    let records = memory.take();
    let spans = spans(&records);
    (records, spans)
}

fn processed(spans: &[Seen]) -> Vec<&Seen> {
    spans.iter().filter(|s| s.name.starts_with("process")).collect()
}

#[tokio::test]
async fn each_relation_keeps_the_run_whole() {
    let kafka = kafka("relation", 1).await;
    let (shop, memory) = recorder("shop");
    let hour = Duration::from_secs(3600);
    let auto = Relation::Auto { max_age: hour };
    let cases = [
        (Relation::Parent, Duration::ZERO, ""),
        (Relation::NewRun, Duration::ZERO, "new_run"),
        (Relation::Link, Duration::ZERO, "link"),
        (auto, Duration::ZERO, ""),
        (auto, 2 * hour, "link"),
    ];
    let relations = cases.map(|(relation, ..)| relation);
    let senders = shop.scope(async || {
        let mut senders = vec![];
        // By a function of the message: its offset says which case it is.
        let by_offset = move |message: spanbridge_kafka::Incoming<'_>| relations[message.offset as usize];
        let consumer = kafka.consumer("relation").observed().with(ReceiveOptions::new().relation_by(by_offset));
        for (_, age, _) in cases {
            senders.push(send(&kafka, age).await);
            assert_eq!(work(&consumer).await, "tenant=acme,card=4111");
        }
        senders
    });
    let senders = senders.await;
    let (records, spans) = seen(&shop, &memory);
    let sends: Vec<_> = spans.iter().filter(|s| s.name.starts_with("send")).collect();
    for (n, process) in processed(&spans).into_iter().enumerate() {
        let (relation, _, told) = cases[n];
        assert_eq!(process.get("spanbridge.relation"), told, "{relation:?}");
        let own_run = process.run != senders[n].run_id();
        assert_eq!(own_run, told == "new_run", "{relation:?}: the run");
        let own_trace = process.trace != senders[n].trace_id();
        assert_eq!(own_trace, told == "link", "{relation:?}: the trace");
        match told {
            "link" => assert_eq!(process.links, [(sends[n].trace.unwrap(), sends[n].id.unwrap())]),
            _ => assert_eq!(process.parent, sends[n].id),
        }
        let start = records.iter().find_map(|r| match &r.body {
            Body::RunStart(RunStart { parent_run_id: Some(parent), triggered_by_span_id, .. })
                if r.run_id == process.run =>
            {
                Some((*parent, *triggered_by_span_id))
            }
            _ => None,
        });
        assert_eq!(start, own_run.then_some((senders[n].run_id().unwrap(), sends[n].id)));
    }
    let ends = records.iter().filter(|r| matches!(r.body, Body::RunEnd(_))).count();
    assert_eq!(ends, cases.len() + 1, "the senders' runs and the job's");
    let waited: u64 = processed(&spans)[4].get("spanbridge.queue.time_ms").parse().unwrap();
    assert!(waited >= 7_200_000);
}

#[tokio::test]
async fn as_far_as_the_sender_is_trusted() {
    let kafka = kafka("trust", 1).await;
    let (shop, memory) = recorder("shop");
    let mut consumer = kafka.consumer("trust").observed();
    shop.scope(async || {
        for (trust, baggage) in [(Trust::Full, "tenant=acme"), (Trust::IdsOnly, ""), (Trust::Ignore, "")] {
            consumer = consumer.with(ReceiveOptions::new().allow_baggage(["tenant"]).trust(trust));
            send(&kafka, Duration::ZERO).await;
            assert_eq!(work(&consumer).await, baggage, "{trust:?}");
        }
    })
    .await;
    let (_, spans) = seen(&shop, &memory);
    let sends: Vec<_> = spans.iter().filter(|s| s.name.starts_with("send")).collect();
    let told = processed(&spans).into_iter().enumerate().map(|(n, s)| {
        let linked = s.links.contains(&(sends[n].trace.unwrap(), sends[n].id.unwrap()));
        format!("continued {}, linked {linked}: {}", s.parent == sends[n].id, s.diagnostics[0].0)
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "continued true, linked false: baggage.filtered",
            "continued true, linked false: baggage.filtered",
            "continued false, linked true: context.ignored",
        ]
    );
}

/// 8 KiB of baggage onto a message with room for 200 bytes.
#[tokio::test]
async fn what_has_no_room_is_left_out_and_said() {
    let kafka = kafka("budget", 1).await;
    let (orders, memory) = recorder("orders");
    let baggage = (0..64).map(|n| format!("k{n:02}={}", "v".repeat(123))).collect::<Vec<_>>().join(",");
    let run = orders.scope(async || {
        let outer = observe::run("outer").open();
        let run = outer.in_scope(|| observe::run("inner").open());
        let context = run.context().with_baggage(Baggage::parse(baggage.as_bytes()).0);
        let (producer, record) = (kafka.future_producer(), FutureRecord::<(), str>::to(&kafka.topic).payload("{}"));
        let sent = observe::with_context(context, || producer.observed().budget(200).send(record, SOON));
        sent.await.map_err(|(e, _)| e).expect("it is sent");
        let id = run.id().unwrap();
        run.end();
        outer.end();
        id
    });
    let run = run.await;
    let (_, spans) = seen(&orders, &memory);
    let send = spans.iter().find(|s| s.name.starts_with("send")).unwrap();
    assert_eq!((send.handoff(), send.diagnostics[0].0.as_str()), ("confirmed", "injection.dropped"));
    let consumer = kafka.consumer("budget");
    let got = within("a message", consumer.recv()).await.unwrap();
    let mut wire: Vec<_> = pairs(&got).into_iter().map(|(k, v)| (k, String::from_utf8(v.unwrap()).unwrap())).collect();
    wire.sort();
    assert_eq!(wire.len(), 2, "{wire:?}");
    assert_eq!(wire[0].1[36..52], send.id.unwrap().to_string());
    assert_eq!(wire[1], (b"tracestate".to_vec(), format!("sb=r:{run}")));
}

/// Only where it was asked for.
#[tokio::test]
async fn payloads_and_headers_are_captured() {
    let kafka = kafka("capture", 1).await;
    let (orders, memory) = recorder("orders");
    let all =
        CapturePolicy::from(CaptureMode::Inline { max: 99 }).headers(CaptureMode::Inline { max: 99 }).redact(|part| {
            if part.header() == Some("authorization") {
                part.replace("***")
            }
            Ok::<_, std::fmt::Error>(())
        });
    let consumer = kafka.consumer("capture").observed().with(ReceiveOptions::new().capture(all.clone()));
    orders
        .scope(async || {
            let headers = [
                (b"content-type".as_slice(), Some(b"text/plain".as_slice())),
                (b"authorization", Some(b"Bearer 123")),
                (b"bad\xff", None),
            ];
            let record = FutureRecord::<(), str>::to(&kafka.topic).payload("hello").headers(raw_headers(&headers));
            let producer = kafka.future_producer();
            producer.observed().capture(&all).send(record, SOON).await.map_err(|(e, _)| e).unwrap();
            work(&consumer).await;
        })
        .await;
    let (records, _) = seen(&orders, &memory);
    let shown: Vec<_> = records
        .iter()
        .filter_map(|r| match &r.body {
            Body::Artifact(a) => Some(format!("{} {} {}", a.kind, a.content_type, a.preview.as_deref().unwrap_or("-"))),
            _ => None,
        })
        .collect();
    let headers = "{\"content-type\":\"text/plain\",\"authorization\":\"***\",\"bad\u{fffd}\":\"\"}";
    assert_eq!(
        shown,
        [
            "output text/plain hello".to_owned(),
            format!("output.headers application/json {headers}"),
            "input text/plain hello".to_owned(),
            format!("input.headers application/json {headers}"),
        ]
    );
}

#[tokio::test]
async fn what_is_read_again_is_another_attempt() {
    let kafka = kafka("again", 1).await;
    let (shop, memory) = recorder("shop");
    shop.scope(async || {
        for _ in 0..3 {
            send(&kafka, Duration::ZERO).await;
        }
        let consumer = kafka.consumer("again").observed();
        for _ in 0..3 {
            work(&consumer).await;
        }
        let back = rdkafka::Offset::Offset(1);
        consumer.consumer().seek(&kafka.topic, 0, back, Timeout::After(SOON)).unwrap();
        for _ in 0..2 {
            work(&consumer).await;
        }
        consumer.consumer().seek(&kafka.topic, 0, back, Timeout::After(SOON)).unwrap();
        let job = within("a message", consumer.recv()).await.unwrap();
        job.run_value(async || {}).await;
        job.run_value(async || {}).await; // tried again at once
    })
    .await;
    let (_, spans) = seen(&shop, &memory);
    let told: Vec<_> = processed(&spans)
        .iter()
        .map(|s| format!("{}: {}", s.get("messaging.kafka.offset"), s.get("spanbridge.delivery.attempt")))
        .collect();
    assert_eq!(told, ["0: ", "1: ", "2: ", "1: 2", "2: 2", "1: 3", "1: 4"]);
    let second: Vec<_> = processed(&spans).into_iter().filter(|s| s.get("messaging.kafka.offset") == "1").collect();
    assert!(second.iter().all(|s| s.parent == second[0].parent), "each under its first sender");
}

/// Headers that other clients have stacked: the last hop counts, and what we send on has one.
#[tokio::test]
async fn a_forwarded_message_with_two_contexts() {
    let kafka = kafka("forward", 1).await;
    let (bridge, memory) = recorder("bridge");
    let other = format!("{}.other", kafka.topic);
    kafka.create(&other, 1).await;
    let last = SENDER.replace("00f067aa0ba902b7", "00000000000000aa");
    let first = SENDER.replace("4bf9", "ffff");
    let stacked =
        [(b"traceparent".as_slice(), Some(first.as_bytes())), (b"x", None), (b"traceparent", Some(last.as_bytes()))];
    kafka.send(0, raw_headers(&stacked), b"{}").await;
    let consumer = kafka.consumer("forward").observed();
    bridge
        .scope(async || {
            let job = within("a message", consumer.recv()).await.unwrap();
            let forward = async {
                let headers = job.headers().unwrap().detach();
                let record = FutureRecord::<(), [u8]>::to(&other).payload(job.payload().unwrap()).headers(headers);
                kafka.future_producer().observed().send(record, SOON).await.map_err(|(e, _)| e).unwrap();
            };
            job.run_value(|| forward).await;
        })
        .await;
    let (_, spans) = seen(&bridge, &memory);
    let (process, send) = (processed(&spans)[0], spans.iter().find(|s| s.name.starts_with("send")).unwrap());
    assert_eq!(process.parent.unwrap().to_string(), "00000000000000aa");
    assert_eq!((send.parent, send.trace), (process.id, process.trace));
    let reader = kafka.consumer("reader");
    reader.subscribe(&[&other]).unwrap();
    let got = within("a message", reader.recv()).await.unwrap();
    let wire = pairs(&got);
    let ours: Vec<_> = wire.iter().filter(|(name, _)| name == b"traceparent").collect();
    assert_eq!((wire.len(), ours.len()), (2, 1), "one, and the user's own: {wire:?}");
    assert!(ours[0].1.as_ref().unwrap().windows(16).any(|w| w == send.id.unwrap().to_string().as_bytes()));
}

/// The pattern of retry and dead-letter topics: what failed is sent on with its own headers, and its story goes on.
#[tokio::test]
async fn through_a_retry_topic_to_a_dead_letter_topic() {
    let kafka = kafka("retries", 1).await;
    let topics = ["", ".retry", ".dead"].map(|end| format!("{}{end}", kafka.topic));
    for more in &topics[1..] {
        kafka.create(more, 1).await
    }
    let (mail, memory) = recorder("mail");
    let producer = kafka.future_producer();
    let work = async {
        let run = send(&kafka, Duration::ZERO).await.run_id();
        for (n, topic) in topics.iter().enumerate() {
            let consumer = kafka.consumer(&format!("retries-{n}"));
            consumer.subscribe(&[topic]).unwrap();
            let consumer = consumer.observed();
            let job = within("a message", consumer.recv()).await.unwrap();
            let next = topics.get(n + 1);
            let deliver = async {
                assert_eq!(observe::current_context().baggage().get("tenant").as_deref(), Some("acme"), "at {topic}");
                let Some(next) = next else { return Ok(()) };
                let headers = job.headers().unwrap().detach();
                let record = FutureRecord::<(), [u8]>::to(next).payload(job.payload().unwrap()).headers(headers);
                producer.observed().send(record, SOON).await.map_err(|(e, _)| e).unwrap();
                Err("mailbox full")
            };
            assert_eq!(job.run(|| deliver).await.is_err(), next.is_some());
            assert_eq!(pairs(job.message()).iter().filter(|(name, _)| name == b"traceparent").count(), 1);
        }
        run
    };
    let run = mail.scope(|| work).await;
    let (_, spans) = seen(&mail, &memory);
    assert!(spans.iter().all(|s| s.run == run && s.trace == spans[0].trace), "one story: {spans:#?}");
    let shown: Vec<_> = spans.iter().map(|s| s.name.replace(&kafka.topic, "orders")).collect();
    assert_eq!(
        shown,
        [
            "send orders",
            "process orders",
            "send orders.retry",
            "process orders.retry",
            "send orders.dead",
            "process orders.dead"
        ]
    );
    let above: Vec<_> = spans.iter().skip(1).map(|s| s.parent).collect();
    assert_eq!(above, spans.iter().take(5).map(|s| s.id).collect::<Vec<_>>(), "each under the one before it");
}
