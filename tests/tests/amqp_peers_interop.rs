//! With services on RabbitMQ in Java: amqp-client under OpenTelemetry's agent. Their messages are continued by us, ours by
//! them, and what they pass on is still in our run. Run by `cargo xtask interop`, which brings them.

use lapin::BasicProperties;
use lapin::options::{BasicAckOptions, BasicPublishOptions};
use spanbridge::{RunId, observe};
use spanbridge_amqp::{Batch, ChannelExt, ConsumerExt};
use spanbridge_tests::{
    Amqp, JavaReceive, Program, Seen, amqp, assert_captured, header_of, in_two_runs, recorder, spans, text_headers,
    within,
};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(30);

/// Two queues that other connections may use; deleted with the value.
struct Shared {
    amqp: Amqp,
    from: String,
    onward: String,
}

async fn shared(test: &str) -> Option<Shared> {
    let amqp = amqp(test).await?;
    let shared = Shared { from: format!("{}.from", amqp.queue), onward: format!("{}.onward", amqp.queue), amqp };
    for queue in [&shared.from, &shared.onward] {
        let expires = spanbridge_tests::headers([("x-expires", lapin::types::AMQPValue::LongInt(180_000))]);
        let durable = lapin::options::QueueDeclareOptions { durable: true, ..Default::default() };
        shared.amqp.channel.queue_declare(queue.as_str().into(), durable, expires).await.unwrap();
    }
    Some(shared)
}

impl Shared {
    async fn delete(self) {
        for queue in [&self.from, &self.onward] {
            self.amqp.channel.queue_delete(queue.as_str().into(), Default::default()).await.unwrap();
        }
    }

    /// One message in the run of a trace with baggage, one in a child run of it: the runs, and the publishes.
    async fn send_two(&self) -> (RunId, RunId, Vec<Seen>) {
        let (orders, sent) = recorder("orders");
        let send = async || {
            let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
            let publish = self.amqp.channel.observed().basic_publish(
                "".into(),
                self.from.as_str().into(),
                options,
                b"{}",
                properties,
            );
            assert!(publish.await.unwrap().await.unwrap().is_ack());
        };
        let (own, child) = orders.scope(|| in_two_runs(send)).await;
        orders.flush_blocking(SOON);
        (own, child, named(&spans(&sent.records()), "publish"))
    }

    /// Works on as many messages of a queue, all but the first as a batch; what is recorded. The first has the headers of a
    /// capture.
    async fn work_on(&self, queue: &str, count: usize, captured: &str) -> Vec<Seen> {
        let (mail, records) = recorder("mail");
        let consume = async {
            let mut jobs = self.amqp.consume_from(queue).await.observed();
            let first = within("a message", jobs.next()).await.unwrap().unwrap();
            assert_captured(captured, text_headers(&first.properties));
            first.run(async || observe::span("write").in_scope(|| ())).await;
            let mut rest = vec![];
            while rest.len() < count - 1 {
                rest.extend(within("a batch", jobs.batch(count - 1 - rest.len())).await.unwrap().unwrap());
            }
            let rest = Batch::new(rest);
            rest.run(async || observe::span("write all").in_scope(|| ())).await;
            assert!(first.ack(BasicAckOptions::default()).await.unwrap());
            for job in rest.iter() {
                assert!(job.ack(BasicAckOptions::default()).await.unwrap());
            }
        };
        mail.scope(|| consume).await;
        mail.flush_blocking(SOON);
        spans(&records.records())
    }
}

fn named(spans: &[Seen], verb: &str) -> Vec<Seen> {
    spans.iter().filter(|s| s.name.split(' ').next() == Some(verb)).cloned().collect()
}

fn hex(id: Option<impl ToString>) -> String {
    id.map(|id| id.to_string()).unwrap_or_default()
}

#[tokio::test]
async fn interop_java_passes_our_run_on() {
    let Some(shared) = shared("java-relay").await else { return };
    let arguments = ["relay", &shared.amqp.url, &shared.from, &shared.onward, "2"];
    let Some(relay) = Program::java("RabbitPeer", JavaReceive::Single, arguments) else { return };
    let (own, child, sends) = shared.send_two().await;
    let report = relay.peer_report().await;
    let worked = shared.work_on(&shared.onward, 2, "amqp-client under OpenTelemetry for Java, passing on").await;
    let processed: Vec<_> = named(&worked, "process").into_iter().filter(|span| span.parent.is_some()).collect();
    assert_eq!((sends.len(), report.messages.len(), processed.len()), (2, 2, 2));
    for ((send, message), process) in sends.iter().zip(&report.messages).zip(&processed) {
        let traceparent = header_of(message, "traceparent").unwrap();
        assert!(traceparent.starts_with(&format!("00-{}-{}-", hex(send.trace), hex(send.id))), "{traceparent}");
        assert_eq!(header_of(message, "baggage"), Some("tier=gold%20&%20silver"));
        let (names, above) = report.path(&hex(process.parent));
        assert_eq!(
            (names.len(), above),
            (2, hex(send.id)),
            "its publish and its process, under our publish: {names:?}"
        );
        assert_eq!(process.trace, send.trace);
        assert!(process.diagnostics.is_empty(), "{:?}", process.diagnostics);
    }
    assert_eq!((processed[0].run, processed[1].run), (Some(own), Some(child)), "the run is known on the other side");
    assert_eq!(header_of(&report.messages[1], "tracestate"), Some(&*format!("sb=r:{child}")));
    shared.delete().await;
}

/// A fetched message has a `receive` span where the agent is asked for such spans, linked to ours. It is over when the
/// client has the message, so what is sent then has no parent.
#[tokio::test]
async fn interop_java_fetches_from_us() {
    let Some(shared) = shared("java-get").await else { return };
    let (_, _, sends) = shared.send_two().await;
    let arguments = ["get", &shared.amqp.url, &shared.from, &shared.onward, "2"];
    let Some(get) = Program::java("RabbitPeer", JavaReceive::Batch, arguments) else { return };
    let report = get.peer_report().await;
    let received = report.named("receive");
    assert_eq!((sends.len(), report.messages.len(), received.len()), (2, 2, 2), "{:?}", report.spans);
    for ((send, message), receive) in sends.iter().zip(&report.messages).zip(received) {
        let traceparent = header_of(message, "traceparent").unwrap();
        assert!(traceparent.starts_with(&format!("00-{}-{}-", hex(send.trace), hex(send.id))), "{traceparent}");
        assert_eq!(receive.links, [hex(send.id)], "{receive:?}");
    }
    shared.delete().await;
}

#[tokio::test]
async fn interop_what_java_sends_is_continued() {
    let Some(shared) = shared("java-sends").await else { return };
    let arguments = ["produce", &shared.amqp.url, &shared.from, "3"];
    let Some(producer) = Program::java("RabbitPeer", JavaReceive::Single, arguments) else { return };
    let report = producer.peer_report().await;
    let worked = shared.work_on(&shared.from, 3, "amqp-client under OpenTelemetry for Java").await;
    let sent = report.named("publish");
    let (single, batch): (Vec<_>, Vec<_>) =
        named(&worked, "process").into_iter().partition(|span| span.parent.is_some());
    assert_eq!((sent.len(), single.len(), batch.len()), (3, 3, 1), "{worked:?}");
    for (sent, process) in sent.iter().zip(&single) {
        assert_eq!((hex(process.parent), hex(process.trace)), (sent.id.clone(), sent.trace.clone()));
        assert_eq!(process.run, process.trace.map(RunId::of_trace), "the trace's own run");
        assert!(process.diagnostics.is_empty(), "{:?}", process.diagnostics);
    }
    let links: Vec<_> = batch[0].links.iter().map(|(_, span)| span.to_string()).collect();
    assert_eq!(links, [sent[1].id.as_str(), sent[2].id.as_str()], "linked to every sender");
    shared.delete().await;
}
