//! With kcat, and with a Python service that uses confluent-kafka and OpenTelemetry's instrumentation: their messages are
//! continued by us, and ours are read by them. Run by `cargo xtask interop`, which brings both.

use rdkafka::Message;
use rdkafka::consumer::{CommitMode, StreamConsumer};
use rdkafka::producer::FutureRecord;
use spanbridge::{ContextExt, RunId, observe};
use spanbridge_kafka::{ConsumerExt, ObservedConsumer, ProducerExt};
use spanbridge_tests::{
    Kafka, Program, Seen, assert_captured, kafka, raw_headers, recorder, spans, text_of, text_pairs, within,
};
use std::process::Command;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

/// kcat with the broker's address, or why the test is skipped: nobody asked for it.
fn kcat(kafka: &Kafka, arguments: &[&str]) -> Option<Program> {
    let Some(kcat) = std::env::var_os("SPANBRIDGE_INTEROP_KCAT") else {
        xtask::skip("SPANBRIDGE_INTEROP_KCAT is not set; `cargo xtask interop` brings kcat");
        return None;
    };
    let mut command = Command::new(kcat);
    Some(Program::start(command.args(["-b", &kafka.brokers, "-t", &kafka.topic]).args(arguments)))
}

/// The headers of all messages on a partition, a line each: `name=value,name=value`.
async fn headers(kafka: &Kafka, partition: &str) -> Option<Vec<String>> {
    let arguments = ["-C", "-p", partition, "-o", "beginning", "-e", "-q", "-f", "%h\n"];
    Some(kcat(kafka, &arguments)?.output().await.lines().map(str::to_owned).collect())
}

fn named<'a>(spans: &'a [Seen], verb: &str) -> Vec<&'a Seen> {
    spans.iter().filter(|s| s.name.split(' ').next() == Some(verb)).collect()
}

/// Sends to a partition with what is current, and with headers of the user's.
async fn send(kafka: &Kafka, partition: i32, headers: &[(&[u8], Option<&[u8]>)]) {
    let record = FutureRecord::<(), str>::to(&kafka.topic).partition(partition).payload("{}");
    let record = if headers.is_empty() { record } else { record.headers(raw_headers(headers)) };
    kafka.future_producer().observed().send(record, SOON).await.map_err(|(e, _)| e).unwrap();
}

#[tokio::test]
async fn interop_kcat_reads_our_headers_byte_for_byte() {
    let kafka = kafka("kcat-reads", 2).await;
    let (orders, sent) = recorder("orders");
    let place = async {
        let run = observe::run("order").open();
        let baggage = run.context().baggage().with("tier", "gold & silver").unwrap();
        // In a child run, so that there is a tracestate.
        let context = observe::in_scope(&run.context().with_baggage(baggage), || observe::run("reprice").open());
        send(&kafka, 0, &[(b"x-own", Some(b"1"))]).in_context(context.context().clone()).await;
        context.id().unwrap()
    };
    let child = orders.scope(|| place).await;
    // On to another partition, as a consumer does that passes its message's headers along.
    let (relay, relayed) = recorder("relay");
    let forward = async {
        let consumer: ObservedConsumer<StreamConsumer<_>> = kafka.consumer("relay").observed();
        let job = within("a message", consumer.recv()).await.unwrap();
        let headers = spanbridge_tests::pairs(&job);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (&**name, value.as_deref())).collect();
        job.run(async || send(&kafka, 1, &headers).await).await;
        consumer.commit_message(&job, CommitMode::Sync).unwrap();
    };
    relay.scope(|| forward).await;
    orders.flush_blocking(SOON);
    relay.flush_blocking(SOON);

    let (sent, relayed) = (spans(&sent.records()), spans(&relayed.records()));
    let written = |send: &Seen| {
        let (trace, span) = (send.trace.unwrap(), send.id.unwrap());
        format!("x-own=1,traceparent=00-{trace}-{span}-01,tracestate=sb=r:{child},baggage=tier=gold%20&%20silver")
    };
    let Some(first) = headers(&kafka, "0").await else { return };
    assert_eq!(first, [written(named(&sent, "send")[0])]);
    let Some(second) = headers(&kafka, "1").await else { return };
    assert_eq!(second, [written(named(&relayed, "send")[0])], "replaced, and not stacked");
}

#[tokio::test]
async fn interop_what_kcat_sends_is_continued() {
    let kafka = kafka("kcat-sends", 1).await;
    let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
    let traceparent = format!("traceparent=00-{trace}-{span}-01");
    let body = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(body.path(), "from the command line").unwrap();
    let arguments =
        ["-P", "-H", "traceparent=garbage", "-H", &traceparent, "-H", "tracestate=other=1", "-H", "baggage=tier=gold"];
    let Some(program) = kcat(&kafka, &[&arguments[..], &[body.path().to_str().unwrap()]].concat()) else { return };
    program.output().await;
    let (mail, records) = recorder("mail");
    let consume = async {
        let consumer = kafka.consumer("mail").observed();
        let job = within("a message", consumer.recv()).await.unwrap();
        assert_eq!(job.payload(), Some(&b"from the command line"[..]));
        assert_eq!(job.context().baggage().get("tier").as_deref(), Some("gold"));
        assert_eq!(job.context().trace_state().get("other"), Some("1"));
        job.run(async || observe::span("write").in_scope(|| ())).await;
    };
    mail.scope(|| consume).await;
    mail.flush_blocking(SOON);
    let spans = spans(&records.records());
    let process = named(&spans, "process")[0];
    assert_eq!(process.parent.unwrap().to_string(), span);
    assert_eq!(process.trace.unwrap().to_string(), trace);
    assert_eq!(process.run, Some(RunId::of_trace(process.trace.unwrap())), "the trace's own run");
    assert!(process.diagnostics.is_empty(), "the last traceparent counts");
}

#[tokio::test]
async fn interop_confluent_kafka_sends_to_us() {
    let kafka = kafka("confluent-sends", 1).await;
    let arguments =
        [&kafka.topic, "3", "--brokers", &kafka.brokers, "--baggage", "tier=gold", "--baggage", "name=two words"];
    let Some(producer) = Program::python("confluent_producer.py", arguments) else { return };
    let sent = producer.json_lines().await;
    let (mail, records) = recorder("mail");
    let consume = async {
        let consumer = kafka.consumer("mail").observed();
        for report in &sent {
            let job = within("a message", consumer.recv()).await.unwrap();
            assert_eq!(job.payload(), Some(text_of(report, "body").as_bytes()));
            assert_captured("confluent-kafka under OpenTelemetry for Python", text_pairs(&job));
            let baggage = job.context().baggage();
            assert_eq!(baggage.get("tier").as_deref(), Some("gold"));
            // Python writes a space as a plus, which is passed on as it came.
            assert_eq!(baggage.iter().find(|m| m.key() == "name").unwrap().raw_value(), "two+words");
            job.run(async || observe::span("write").in_scope(|| ())).await;
        }
    };
    mail.scope(|| consume).await;
    mail.flush_blocking(SOON);
    let spans = spans(&records.records());
    let processed = named(&spans, "process");
    assert_eq!((sent.len(), processed.len()), (3, 3));
    for (report, span) in sent.iter().zip(processed) {
        assert_eq!(span.parent.unwrap().to_string(), text_of(report, "spanId"), "under the very span that sent it");
        assert_eq!(span.trace.unwrap().to_string(), text_of(report, "traceId"));
        assert_eq!(span.run, Some(RunId::of_trace(span.trace.unwrap())), "the trace's own run");
        assert!(span.diagnostics.is_empty());
    }
}

#[tokio::test]
async fn interop_confluent_kafka_continues_ours() {
    let kafka = kafka("confluent-reads", 1).await;
    let arguments = [&kafka.topic, "2", "--brokers", &kafka.brokers, "--group", &kafka.topic, "--timeout", "25"];
    let Some(consumer) = Program::python("confluent_consumer.py", arguments) else { return };
    let (orders, sent) = recorder("orders");
    let place = async {
        let run = observe::run("order").open();
        let baggage = run.context().baggage().with("tier", "gold & silver").unwrap();
        let context = run.context().with_baggage(baggage);
        send(&kafka, 0, &[(b"x-own", Some(b"1"))]).in_context(context.clone()).await;
        let child = observe::in_scope(&context, || observe::run("reprice").open());
        send(&kafka, 0, &[]).in_context(child.context().clone()).await;
        child.id().unwrap()
    };
    let child = orders.scope(|| place).await;
    let received = consumer.json_lines().await;
    orders.flush_blocking(SOON);
    let spans = spans(&sent.records());
    let sends = named(&spans, "send");
    assert_eq!((sends.len(), received.len()), (2, 2));
    for (report, span) in received.iter().zip(&sends) {
        let (id, trace) = (span.id.unwrap().to_string(), span.trace.unwrap().to_string());
        assert_eq!(text_of(report, "parentSpanId"), id, "under the very span that sent it");
        assert_eq!((&report["parentIsRemote"], text_of(report, "traceId")), (&true.into(), trace));
        assert_eq!(report["links"], serde_json::json!([id]), "the instrumentation's own span links to it");
        assert_eq!(report["baggage"]["tier"], "gold & silver");
    }
    assert_eq!(received[0]["headers"][0], serde_json::json!(["x-own", "1"]));
    let headers = received[1]["headers"].as_array().unwrap();
    assert!(headers.contains(&serde_json::json!(["tracestate", format!("sb=r:{child}")])), "{headers:?}");
}
