//! With services on Kafka in other languages: kafka-clients under OpenTelemetry's agent for Java, and franz-go with its
//! plugin. Their messages are continued by us, ours by them, and what they pass on is still in our run. Run by
//! `cargo xtask interop`, which brings them.

use rdkafka::Message;
use rdkafka::producer::FutureRecord;
use spanbridge::{RunId, observe};
use spanbridge_kafka::{Batch, ConsumerExt, ProducerExt};
use spanbridge_tests::{
    JavaReceive, Kafka, PeerReport, Program, Seen, assert_captured, header_of, in_two_runs, kafka, recorder, spans,
    text_of, text_pairs, within,
};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);

/// Where the peer's messages go.
fn onward(kafka: &Kafka) -> String {
    format!("{}.onward", kafka.topic)
}

fn named<'a>(spans: &'a [Seen], verb: &str) -> Vec<&'a Seen> {
    spans.iter().filter(|s| s.name.split(' ').next() == Some(verb)).collect()
}

fn hex(id: Option<impl ToString>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

/// One message in the run of a trace with baggage, one in a child run of it: the runs, and the sends.
async fn send_two(kafka: &Kafka) -> (RunId, RunId, Vec<Seen>) {
    let (orders, sent) = recorder("orders");
    let producer = kafka.future_producer();
    let send = async || {
        let record = FutureRecord::<(), str>::to(&kafka.topic).partition(0).payload("{}");
        producer.observed().send(record, SOON).await.map_err(|(e, _)| e).unwrap();
    };
    let (own, child) = orders.scope(|| in_two_runs(send)).await;
    orders.flush_blocking(SOON);
    let spans = spans(&sent.records());
    (own, child, named(&spans, "send").into_iter().cloned().collect())
}

/// Works on as many messages of a topic; what is recorded, and the baggage that came with each.
async fn work_on(kafka: &Kafka, topic: &str, count: usize, captured: &str) -> (Vec<Seen>, Vec<Option<String>>) {
    let (mail, records) = recorder("mail");
    let consume = async {
        let consumer = Kafka { topic: topic.to_owned(), mock: None, brokers: kafka.brokers.clone() };
        let consumer = consumer.consumer("mail").observed();
        let mut tiers = vec![];
        for _ in 0..count {
            let job = within("a message", consumer.recv()).await.unwrap();
            if tiers.is_empty() {
                assert_captured(captured, text_pairs(&job))
            }
            tiers.push(job.context().baggage().get("tier").map(Into::into));
            job.run(async || observe::span("write").in_scope(|| ())).await;
        }
        tiers
    };
    let tiers = mail.scope(|| consume).await;
    mail.flush_blocking(SOON);
    (spans(&records.records()), tiers)
}

/// Two messages go through a service that sends on what it gets: out of our run and into it again, with the baggage.
/// `between` names its spans, from the one that sends up to the one under ours.
async fn passed_on(kafka: &Kafka, relay: Program, captured: &str, between: &[&str]) {
    let (own, child, sends) = send_two(kafka).await;
    let report = relay.peer_report().await;
    let (worked, tiers) = work_on(kafka, &onward(kafka), 2, captured).await;
    assert_eq!(tiers, vec![Some("gold & silver".to_owned()); 2]);
    let processed = named(&worked, "process");
    assert_eq!((sends.len(), report.messages.len(), processed.len()), (2, 2, 2));
    for ((send, message), process) in sends.iter().zip(&report.messages).zip(&processed) {
        let traceparent = header_of(message, "traceparent").unwrap();
        assert!(traceparent.starts_with(&format!("00-{}-{}-", hex(send.trace), hex(send.id))), "{traceparent}");
        let (names, above) = report.path(&hex(process.parent));
        let verbs: Vec<_> = names.iter().map(|name| name.rsplit(' ').next().unwrap_or_default()).collect();
        assert_eq!((verbs.as_slice(), above), (between, hex(send.id)), "under the very span that sent it");
        assert_eq!(process.trace, send.trace);
        assert!(process.diagnostics.is_empty(), "{:?}", process.diagnostics);
    }
    assert_eq!((sends[0].run, sends[1].run), (Some(own), Some(child)));
    assert_eq!((processed[0].run, processed[1].run), (Some(own), Some(child)), "the run is known on the other side");
    assert_eq!(header_of(&report.messages[1], "tracestate"), Some(&*format!("sb=r:{child}")));
}

/// What the peer began is continued, message by message and as a batch.
async fn begun_by(kafka: &Kafka, report: &PeerReport, captured: &str) {
    let (mail, records) = recorder("mail");
    let consume = async {
        let consumer = kafka.consumer("mail").observed();
        let first = within("a message", consumer.recv()).await.unwrap();
        assert_eq!(first.payload(), Some(&b"message-0"[..]));
        assert_captured(captured, text_pairs(&first));
        first.run(async || observe::span("write").in_scope(|| ())).await;
        let mut rest = vec![];
        while rest.len() < 2 {
            rest.extend(within("a batch", consumer.batch(2 - rest.len())).await.unwrap());
        }
        let rest = Batch::new(rest);
        rest.run(async || observe::span("write both").in_scope(|| ())).await;
    };
    mail.scope(|| consume).await;
    mail.flush_blocking(SOON);
    let worked = spans(&records.records());
    let (sent, processed) = (report.named("publish"), named(&worked, "process"));
    let single: Vec<_> = processed.iter().filter(|span| span.parent.is_some()).collect();
    assert_eq!((sent.len(), single.len()), (3, 3), "{worked:?}");
    for (sent, process) in sent.iter().zip(&single) {
        assert_eq!((hex(process.parent), hex(process.trace)), (sent.id.clone(), sent.trace.clone()));
        assert_eq!(process.run, process.trace.map(RunId::of_trace), "the trace's own run");
        assert!(process.diagnostics.is_empty(), "{:?}", process.diagnostics);
    }
    let batch = processed.iter().find(|span| span.parent.is_none()).expect("the span of the batch");
    let links: Vec<_> = batch.links.iter().map(|(_, span)| span.to_string()).collect();
    assert_eq!(links, [sent[1].id.as_str(), sent[2].id.as_str()], "linked to every sender");
}

async fn two_topics(test: &str) -> Kafka {
    let kafka = kafka(test, 1).await;
    kafka.create(&onward(&kafka), 1).await;
    kafka
}

#[tokio::test]
async fn interop_java_passes_our_run_on() {
    let kafka = two_topics("java-relay").await;
    let onward = onward(&kafka);
    let arguments = ["relay", &kafka.brokers, &kafka.topic, "relay", &onward, "2"];
    let Some(relay) = Program::java("KafkaPeer", JavaReceive::Single, arguments) else { return };
    passed_on(&kafka, relay, "kafka-clients under OpenTelemetry for Java, passing on", &["publish", "process"]).await;
}

/// Its spans begin a trace of their own for each poll and link to ours, so what it sends is in its run: that is how the
/// agent sees batches. The baggage stays behind, too.
#[tokio::test]
async fn interop_java_links_to_us_in_batches() {
    let kafka = two_topics("java-batch").await;
    let (own, child, sends) = send_two(&kafka).await;
    let onward = onward(&kafka);
    let arguments = ["relay", &kafka.brokers, &kafka.topic, "relay", &onward, "2"];
    let Some(relay) = Program::java("KafkaPeer", JavaReceive::Batch, arguments) else { return };
    let report = relay.peer_report().await;
    assert_eq!(report.polled, [2], "one poll for both");
    assert_eq!((report.named("receive").len(), report.named("process").len()), (1, 2));
    for (send, process) in sends.iter().zip(report.named("process")) {
        assert_eq!(process.links, [hex(send.id)]);
        assert_eq!(process.parent, report.named("receive")[0].id);
    }
    let (worked, tiers) =
        work_on(&kafka, &onward, 2, "kafka-clients under OpenTelemetry for Java, receiving batches").await;
    assert_eq!(tiers, [None, None]);
    for process in named(&worked, "process") {
        let publish = report.span(&hex(process.parent));
        assert_eq!(hex(process.trace), publish.trace);
        assert!(![Some(own), Some(child)].contains(&process.run), "{process:?}");
    }
}

#[tokio::test]
async fn interop_what_java_sends_is_continued() {
    let kafka = kafka("java-sends", 1).await;
    let arguments = ["produce", &kafka.brokers, &kafka.topic, "3"];
    let Some(producer) = Program::java("KafkaPeer", JavaReceive::Single, arguments) else { return };
    begun_by(&kafka, &producer.peer_report().await, "kafka-clients under OpenTelemetry for Java").await;
}

#[tokio::test]
async fn interop_go_passes_our_run_on() {
    let kafka = two_topics("go-relay").await;
    let onward = onward(&kafka);
    let arguments = ["relay", &kafka.brokers, &kafka.topic, "relay", &onward, "2"];
    let Some(relay) = Program::go(arguments) else { return };
    passed_on(&kafka, relay, "franz-go under OpenTelemetry for Go, passing on", &["publish", "process", "receive"])
        .await;
}

#[tokio::test]
async fn interop_what_go_sends_is_continued() {
    let kafka = kafka("go-sends", 1).await;
    let Some(producer) = Program::go(["produce", &kafka.brokers, &kafka.topic, "3"]) else { return };
    let report = producer.peer_report().await;
    // Go writes a space as %20 and leaves the ampersand.
    assert!(report.messages.iter().all(|m| header_of(m, "baggage") == Some("tier=gold%20&%20silver")));
    assert_eq!(text_of(&report.messages[0], "body"), "message-0");
    begun_by(&kafka, &report, "franz-go under OpenTelemetry for Go").await;
}
