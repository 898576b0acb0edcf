//! Jobs: settled before, in and after the work, delivered again, failing in every way, got one at a time.

use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::options::*;
use lapin::types::AMQPValue;
use spanbridge::{Memory, Recorder, observe};
use spanbridge_amqp::{ChannelExt, ConsumerExt, DeliveryExt, Job, Jobs};
use spanbridge_tests::{Amqp, amqp, headers, recorder, spans, text, tree, within};
use std::time::Duration;

const SENDER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const ACK: BasicAckOptions = BasicAckOptions { multiple: false };
const REQUEUE: BasicNackOptions = BasicNackOptions { multiple: false, requeue: true };
const SHOWN: &[&str] = &["spanbridge.settle.requeue", "spanbridge.delivery.attempt", "spanbridge.delivery.redelivered"];

/// The tree of what was recorded.
fn seen(recorder: &Recorder, memory: &Memory, queue: &str) -> String {
    recorder.flush_blocking(Duration::from_secs(60));
    tree(&memory.records(), SHOWN).replace(queue, "Q")
}

async fn send(amqp: &Amqp, count: usize) {
    for _ in 0..count {
        amqp.send(headers([("traceparent", text(SENDER))]), b"{}").await;
    }
}

async fn next(jobs: &mut Jobs) -> Job {
    within("a message", jobs.next()).await.unwrap().unwrap()
}

#[tokio::test]
async fn settled_before_in_and_after_the_work() {
    let Some(amqp) = amqp("jobs-settle").await else { return };
    let (shipping, memory) = recorder("shipping");
    send(&amqp, 4).await;
    let work = async {
        let mut jobs = amqp.consume().await.observed();
        let job = next(&mut jobs).await;
        assert!(job.ack(ACK).await.unwrap());
        job.run(async || observe::span("after the ack").in_scope(|| ())).await;

        let job = next(&mut jobs).await;
        let inside = job.run(async || {
            observe::span("step").in_scope(|| ());
            job.nack(BasicNackOptions::default()).await
        });
        assert!(inside.await.unwrap());
        assert!(!job.nack(REQUEUE).await.unwrap(), "lapin refuses a second settlement");

        let job = next(&mut jobs).await;
        job.run(async || {}).await;
        assert!(job.reject(BasicRejectOptions { requeue: false }).await.unwrap());

        // From another task, which knows nothing of this one.
        let job = next(&mut jobs).await;
        let job = tokio::spawn(async move {
            job.run(async || {}).await;
            job
        });
        let job = job.await.unwrap();
        assert!(tokio::spawn(async move { job.ack(ACK).await }).await.unwrap().unwrap());
    };
    shipping.scope(|| work).await;
    assert_eq!(
        seen(&shipping, &memory, &amqp.queue.to_string()),
        "ack amq.default:Q (remote)\n\
         process amq.default:Q (remote)\n\
         \x20 after the ack\n\
         process amq.default:Q (remote)\n\
         \x20 step\n\
         \x20 nack amq.default:Q requeue=Bool(false)\n\
         \x20 nack amq.default:Q [error] requeue=Bool(true)\n\
         process amq.default:Q (remote)\n\
         \x20 reject amq.default:Q requeue=Bool(false)\n\
         process amq.default:Q (remote)\n\
         \x20 ack amq.default:Q\n"
    );
    let spans = spans(&memory.records());
    assert!(
        spans.iter().filter(|s| s.name.starts_with("process")).all(|s| s.parent.unwrap().to_string() == SENDER[36..52])
    );
    let refused = spans.iter().find(|s| !s.error.is_empty()).unwrap();
    assert_eq!(refused.error, "not sent: the message was settled already, or its channel is gone");
    assert_eq!(refused.get("error.type"), "not_sent");
}

/// It hangs under the same sender.
#[tokio::test]
async fn a_redelivery_is_a_new_span() {
    let Some(amqp) = amqp("jobs-again").await else { return };
    let (shipping, memory) = recorder("shipping");
    send(&amqp, 1).await;
    let work = async {
        let mut jobs = amqp.consume().await.observed();
        let first = next(&mut jobs).await;
        let failed = first.run(async || Err::<(), _>("no paper")).await;
        assert_eq!(failed, Err("no paper"));
        first.nack(REQUEUE).await.unwrap();
        let second = next(&mut jobs).await;
        assert_eq!(second.context(), first.context());
        second.run(async || {}).await;
        second.ack(ACK).await.unwrap();
    };
    shipping.scope(|| work).await;
    // That a message was redelivered is no count of attempts.
    assert_eq!(
        seen(&shipping, &memory, &amqp.queue.to_string()),
        "process amq.default:Q (remote) [error]\n\
         \x20 nack amq.default:Q requeue=Bool(true)\n\
         process amq.default:Q (remote) redelivered=Bool(true)\n\
         \x20 ack amq.default:Q\n"
    );
}

#[tokio::test]
async fn attempts_are_what_the_broker_counts() {
    let Some(amqp) = amqp("jobs-attempts").await else { return };
    let (shipping, memory) = recorder("shipping");
    // A quorum queue counts deliveries.
    let quorum = format!("{}.quorum", amqp.queue);
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    let table = headers([("x-queue-type", text("quorum"))]);
    amqp.channel.queue_declare(quorum.as_str().into(), durable, table).await.unwrap();
    // Rejected messages wait here and come back.
    let wait = format!("{}.wait", amqp.queue);
    let again = format!("{}.again", amqp.queue);
    let back = [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text(again.as_str()))];
    let [exchange, key] = back.clone();
    amqp.declare(&wait, headers([exchange, key, ("x-message-ttl", AMQPValue::LongInt(1))])).await;
    let to_wait = [("x-dead-letter-exchange", text("")), ("x-dead-letter-routing-key", text(wait.as_str()))];
    amqp.declare(&again, headers(to_wait)).await;
    let work = async {
        for queue in [&quorum, &again] {
            let properties = BasicProperties::default().with_headers(headers([("traceparent", text(SENDER))]));
            let sent =
                amqp.channel.basic_publish("".into(), queue.as_str().into(), Default::default(), b"{}", properties);
            sent.await.unwrap().await.unwrap();
            let mut jobs = amqp.consume_from(queue).await.observed();
            for attempt in 1..=3 {
                let job = next(&mut jobs).await;
                job.run(async || {}).await;
                let settled = match attempt {
                    3 => job.ack(ACK).await,
                    _ => job.reject(BasicRejectOptions { requeue: queue == &quorum }).await,
                };
                assert!(settled.unwrap());
            }
        }
    };
    shipping.scope(|| work).await;
    amqp.channel.queue_delete(quorum.as_str().into(), Default::default()).await.unwrap();
    shipping.flush_blocking(Duration::from_secs(60));
    let spans = spans(&memory.records());
    let processed = spans.iter().filter(|s| s.name.starts_with("process"));
    let shown: Vec<_> = processed
        .map(|s| {
            assert_eq!(s.parent.unwrap().to_string(), SENDER[36..52], "the first traceparent is kept");
            let queue = if s.name.contains("quorum") { "quorum" } else { "dead letters" };
            format!("{queue} {} {}", s.get(SHOWN[1]), s.get(SHOWN[2]))
        })
        .collect();
    assert_eq!(
        shown,
        ["quorum  ", "quorum 2 true", "quorum 3 true", "dead letters  ", "dead letters 2 ", "dead letters 3 "],
        "queue, attempt, redelivered"
    );
}

#[tokio::test]
async fn work_that_panics_is_dropped_or_fails() {
    let (shipping, memory) = recorder("shipping");
    let work = async {
        let job = |name: &'static str| {
            let mut delivery = Delivery::mock(1, "".into(), name.into(), false, b"{}".into());
            delivery.properties = BasicProperties::default().with_headers(headers([("traceparent", text(SENDER))]));
            delivery.observed_from(name.into())
        };
        let panics = |value: bool| async move {
            tokio::task::yield_now().await;
            if value {
                panic!("on purpose")
            }
        };
        let (one, two, three, four) = (job("run"), job("run_value"), job("dropped"), job("fails"));
        assert!(tokio::spawn(one.run(|| panics(true))).await.unwrap_err().is_panic());
        assert!(tokio::spawn(two.run_value(|| panics(true))).await.unwrap_err().is_panic());
        // Given up on while it waits, and before it began.
        let never = three.run(std::future::pending::<()>);
        assert!(tokio::time::timeout(Duration::from_millis(1), never).await.is_err());
        drop(three.run_value(std::future::pending::<()>));
        assert_eq!(four.run(async || { Err::<u8, _>("no paper") }).await, Err("no paper"));
        assert_eq!(four.run_value(async || { Err::<u8, _>(()) }).await, Err(()));
    };
    shipping.scope(|| work).await;
    assert_eq!(
        seen(&shipping, &memory, "-"),
        "process amq.default:run (remote) [panicked]\n\
         process amq.default:run_value (remote) [panicked]\n\
         process amq.default:dropped (remote) [cancelled]\n\
         process amq.default:dropped (remote) [cancelled]\n\
         process amq.default:fails (remote) [error]\n\
         process amq.default:fails (remote)\n"
    );
    let errors: Vec<_> =
        spans(&memory.records()).into_iter().map(|s| s.error).filter(|error| !error.is_empty()).collect();
    let [first, second, third] = &errors[..] else { panic!("{errors:?}") };
    assert!([first, second].iter().all(|error| error.starts_with("on purpose, at ")), "{errors:?}");
    assert_eq!(third, "no paper");
}

#[tokio::test]
async fn got_one_at_a_time() {
    let Some(amqp) = amqp("jobs-get").await else { return };
    let (shipping, memory) = recorder("shipping");
    send(&amqp, 2).await;
    let work = async {
        let get = |queue: &str| amqp.channel.observed().basic_get(queue.into(), BasicGetOptions::default());
        let job = get(amqp.queue.as_str()).await.unwrap().expect("a message");
        assert_eq!((job.queue(), job.message_count), (amqp.queue.as_str(), 1), "another one is left");
        job.run(async || {}).await;
        job.ack(ACK).await.unwrap();
        // With lapin alone, and observed afterwards.
        let got = amqp.channel.basic_get(amqp.queue.clone(), BasicGetOptions { no_ack: true }).await.unwrap().unwrap();
        let job = got.delivery.observed();
        assert_eq!(job.queue(), "");
        job.run(async || {}).await;
        assert_eq!(job.into_delivery().data, b"{}");
        assert!(get(amqp.queue.as_str()).await.unwrap().is_none());
    };
    shipping.scope(|| work).await;
    assert_eq!(
        seen(&shipping, &memory, &amqp.queue.to_string()),
        "process amq.default:Q (remote)\n\
         \x20 ack amq.default:Q\n\
         process amq.default:Q (remote)\n"
    );
}
