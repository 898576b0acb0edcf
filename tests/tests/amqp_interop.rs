//! With a Python service that uses pika and OpenTelemetry's instrumentation: its messages are continued by us, and ours
//! by it. Run by `cargo xtask interop`, which brings Python and a broker.

use lapin::BasicProperties;
use lapin::options::{BasicAckOptions, BasicPublishOptions, QueueDeclareOptions};
use spanbridge::carrier::extract;
use spanbridge::{ContextExt, RunId, observe};
use spanbridge_amqp::{ChannelExt, ConsumerExt};
use spanbridge_tests::{Amqp, Program, amqp, assert_captured, recorder, spans, text_headers, text_of, within};
use std::time::Duration;

/// A program of `tests/interop`, with the broker's address and the arguments.
fn python(program: &str, amqp: &Amqp, arguments: &[&str]) -> Option<Program> {
    Program::python(program, arguments.iter().chain(&["--url", &amqp.url]))
}

/// A queue that both connections may use, gone when nobody asks for it any more.
async fn shared(amqp: &Amqp) -> String {
    let queue = format!("{}.shared", amqp.queue);
    let expires = spanbridge_tests::headers([("x-expires", lapin::types::AMQPValue::LongInt(120_000))]);
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    amqp.channel.queue_declare(queue.as_str().into(), durable, expires).await.unwrap();
    queue
}

#[tokio::test]
async fn interop_what_pika_sends_is_continued() {
    let Some(amqp) = amqp("interop-from").await else { return };
    let queue = shared(&amqp).await;
    let arguments = [queue.as_str(), "3", "--baggage", "tier=gold", "--baggage", "name=two words"];
    let Some(producer) = python("pika_producer.py", &amqp, &arguments) else { return };
    let sent = producer.json_lines().await;
    let (shipping, memory) = recorder("shipping");
    let consume = async {
        let mut jobs = amqp.consume_from(&queue).await.observed();
        for report in &sent {
            let job = within("a message", jobs.next()).await.unwrap().unwrap();
            assert_eq!(job.data, text_of(report, "body").as_bytes());
            assert_captured("pika under OpenTelemetry for Python", text_headers(&job.properties));
            let baggage = job.context().baggage().clone();
            assert_eq!(baggage.get("tier").as_deref(), Some("gold"));
            // Python writes a space as a plus, which is passed on as it came.
            assert_eq!(baggage.iter().find(|m| m.key() == "name").unwrap().raw_value(), "two+words");
            job.run(async || observe::span("pack").in_scope(|| ())).await;
            assert!(job.ack(BasicAckOptions::default()).await.unwrap());
        }
    };
    shipping.scope(|| consume).await;
    shipping.flush_blocking(Duration::from_secs(60));
    let spans = spans(&memory.records());
    let processed: Vec<_> = spans.iter().filter(|s| s.name.starts_with("process")).collect();
    assert_eq!((sent.len(), processed.len()), (3, 3));
    for (report, span) in sent.iter().zip(processed) {
        assert_eq!(span.parent.unwrap().to_string(), text_of(report, "spanId"), "under the very span that sent it");
        assert_eq!(span.trace.unwrap().to_string(), text_of(report, "traceId"));
        assert_eq!(span.run, Some(RunId::of_trace(span.trace.unwrap())), "the trace's own run");
        assert!(span.diagnostics.is_empty());
    }
    amqp.channel.queue_delete(queue.as_str().into(), Default::default()).await.unwrap();
}

#[tokio::test]
async fn interop_what_we_send_is_continued_by_pika() {
    let Some(amqp) = amqp("interop-to").await else { return };
    let queue = shared(&amqp).await;
    let Some(consumer) = python("pika_consumer.py", &amqp, &[&queue, "2", "--timeout", "25"]) else { return };
    let (orders, memory) = recorder("orders");
    let place = async {
        let properties = BasicProperties::default()
            .with_headers(spanbridge_tests::headers([("x-own", spanbridge_tests::text("1"))]));
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let sent = amqp.channel.observed().basic_publish("".into(), queue.as_str().into(), options, b"{}", properties);
        assert_eq!(sent.await.unwrap().await.unwrap(), lapin::Confirmation::Ack(None));
    };
    let send_two = async {
        // In the run of a trace with baggage, and in a child run of it.
        let run = observe::run("order").open();
        let baggage = run.context().baggage().with("tier", "gold & silver").unwrap();
        let context = run.context().with_baggage(baggage);
        observe::in_scope(&context, || observe::span("place").run(|| place)).await;
        let child = observe::in_scope(&context, || observe::run("reprice").open());
        let empty = BasicProperties::default();
        let in_child = child.context().clone();
        let again = async {
            let options = BasicPublishOptions::default();
            let sent = amqp.channel.observed().basic_publish("".into(), queue.as_str().into(), options, b"{}", empty);
            assert!(sent.await.unwrap().await.unwrap().is_ack());
        };
        again.in_context(in_child).await;
        (run.id().unwrap(), child.id().unwrap())
    };
    let (own, child) = orders.scope(|| send_two).await;
    let received = consumer.json_lines().await;
    orders.flush_blocking(Duration::from_secs(60));
    let spans = spans(&memory.records());
    let published: Vec<_> = spans.iter().filter(|s| s.name.starts_with("publish")).collect();
    assert_eq!((published.len(), received.len()), (2, 2));
    for (report, span) in received.iter().zip(&published) {
        assert_eq!(text_of(report, "parentSpanId"), span.id.unwrap().to_string(), "under the very span that sent it");
        assert_eq!(report["parentIsRemote"], true);
        assert_eq!(text_of(report, "traceId"), span.trace.unwrap().to_string());
        assert_eq!(report["baggage"]["tier"], "gold & silver");
    }
    assert_eq!((published[0].run, published[1].run), (Some(own), Some(child)));
    // Python keeps what we say of the run, for whoever comes after it.
    let headers = received[1]["headers"].as_object().unwrap();
    let headers = headers.iter().map(|(k, v)| (k.as_str(), v.as_str().unwrap_or_default().to_owned()));
    let headers: std::collections::BTreeMap<_, _> = headers.collect();
    assert_eq!(extract(&headers).context.run_id(), Some(child));
    assert_eq!(received[0]["headers"]["x-own"], "1");
    amqp.channel.queue_delete(queue.as_str().into(), Default::default()).await.unwrap();
}
