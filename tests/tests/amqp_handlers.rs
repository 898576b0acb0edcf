//! What handlers do that go wrong, on a real broker: one that panics, one that hangs and is given up, one that acks twice,
//! and a consumer that dies before the ack. Each message's story stays whole.

use lapin::options::*;
use spanbridge::observe;
use spanbridge_amqp::{ConsumerExt, Job, Jobs};
use spanbridge_tests::{amqp, headers, recorder, spans, text, tree, within};
use std::time::Duration;

const SENDER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const ACK: BasicAckOptions = BasicAckOptions { multiple: false };
const REQUEUE: BasicNackOptions = BasicNackOptions { multiple: false, requeue: true };
const SHOWN: &[&str] = &["spanbridge.settle.requeue", "spanbridge.delivery.redelivered"];

async fn next(jobs: &mut Jobs) -> Job {
    within("a message", jobs.next()).await.unwrap().unwrap()
}

#[tokio::test]
async fn whatever_a_handler_does() {
    let Some(amqp) = amqp("handlers").await else { return };
    let (shipping, memory) = recorder("shipping");
    let send = || amqp.send(headers([("traceparent", text(SENDER))]), b"{}");
    let work = async {
        let mut jobs = amqp.consume().await.observed();
        // It panics; whoever catches that gives the message back.
        send().await;
        let job = next(&mut jobs).await;
        let worked = tokio::spawn(job.run(async || panic!("on purpose") as ()));
        assert!(worked.await.unwrap_err().is_panic());
        job.nack(REQUEUE).await.unwrap();
        // It hangs, and is given up.
        let job = next(&mut jobs).await;
        let hangs = job.run(|| observe::span("wait").run(std::future::pending::<()>));
        assert!(tokio::time::timeout(Duration::from_millis(20), hangs).await.is_err());
        job.nack(REQUEUE).await.unwrap();
        // It acks twice.
        let job = next(&mut jobs).await;
        let twice = async { (job.ack(ACK).await.unwrap(), job.ack(ACK).await.unwrap()) };
        assert_eq!(job.run_value(|| twice).await, (true, false));
        // It dies before the ack, with its connection; another consumer gets the message.
        amqp.channel.basic_cancel(jobs.consumer().tag(), BasicCancelOptions::default()).await.unwrap();
        let queue = format!("{}.shared", amqp.queue);
        let options = QueueDeclareOptions { auto_delete: true, ..Default::default() };
        amqp.channel.queue_declare(queue.as_str().into(), options, Default::default()).await.unwrap();
        let properties = lapin::BasicProperties::default().with_headers(headers([("traceparent", text(SENDER))]));
        let sent = amqp.channel.basic_publish("".into(), queue.as_str().into(), Default::default(), b"{}", properties);
        sent.await.unwrap().await.unwrap();
        let dies = amqp.another().await;
        let channel = dies.create_channel().await.unwrap();
        let consume = |channel: lapin::Channel| {
            let queue = queue.as_str().into();
            async move { channel.basic_consume(queue, "".into(), Default::default(), Default::default()).await.unwrap() }
        };
        let mut first = consume(channel).await.observed();
        let mut second = consume(amqp.channel.clone()).await.observed();
        let job = next(&mut first).await;
        job.run(async || {}).await;
        dies.close(200, "gone".into()).await.unwrap();
        let again = next(&mut second).await;
        again.run(async || {}).await;
        again.ack(ACK).await.unwrap();
        assert!(matches!(job.ack(ACK).await, Ok(false) | Err(_)), "too late");
    };
    within("the work", shipping.scope(|| work)).await;
    shipping.flush_blocking(Duration::from_secs(60));
    let records = memory.records();
    assert_eq!(
        tree(&records, SHOWN).replace(amqp.queue.as_str(), "Q"),
        "process amq.default:Q (remote) [panicked]\n\
         \x20 nack amq.default:Q requeue=Bool(true)\n\
         process amq.default:Q (remote) [cancelled] redelivered=Bool(true)\n\
         \x20 wait [cancelled]\n\
         \x20 nack amq.default:Q requeue=Bool(true)\n\
         process amq.default:Q (remote) redelivered=Bool(true)\n\
         \x20 ack amq.default:Q\n\
         \x20 ack amq.default:Q [error]\n\
         process amq.default:Q.shared (remote)\n\
         \x20 ack amq.default:Q.shared [error]\n\
         process amq.default:Q.shared (remote) redelivered=Bool(true)\n\
         \x20 ack amq.default:Q.shared\n"
    );
    let processed = spans(&records).into_iter().filter(|s| s.name.starts_with("process"));
    assert!(processed.into_iter().all(|s| s.parent.unwrap().to_string() == SENDER[36..52]), "under the same sender");
}
