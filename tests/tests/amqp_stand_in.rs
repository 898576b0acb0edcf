//! A replay answers publishes, settlements and transactions, and RabbitMQ sees none of them.

use lapin::message::Delivery;
use lapin::options::*;
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, ErrorKind};
use spanbridge::adapter::{OutboundCall, Recorded, RecordedError, Reply};
use spanbridge::conformance::{Answers, Seen};
use spanbridge::{Memory, Recorder, observe};
use spanbridge_amqp::{ChannelExt, DeliveryExt, Disposition, DriverOptions, ObservedChannel, SettlePolicy};
use spanbridge_tests::{amqp, headers, spans, text, within};
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

fn status(status: &str) -> Recorded {
    Recorded::new().with_attribute("spanbridge.handoff.status", status)
}

/// A message that is handled without a broker.
fn job() -> spanbridge_amqp::Job {
    let mut delivery = Delivery::mock(1, "orders".into(), "eu.new".into(), false, b"{}".into());
    delivery.properties = BasicProperties::default()
        .with_headers(headers([("traceparent", text("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))]));
    delivery.observed_from("orders.work".into())
}

/// A message is worked on in the run of the replay; settlements are answered as they were, and what is settled is settled.
#[tokio::test]
async fn settlements_do_not_leave() {
    let answers = answering(|_| Recorded::new());
    let ((first, again), seen, asked) = replay(answers, || async {
        let job = job();
        let requeue = BasicNackOptions { requeue: true, multiple: false };
        job.run_value(|| async { (job.ack(BasicAckOptions::default()).await, job.nack(requeue).await) }).await
    })
    .await;
    assert_eq!((first.unwrap(), again.unwrap()), (true, false));
    assert_eq!(asked, ["messaging.settle orders.work"; 2]);
    let names: Vec<_> = seen.iter().map(|span| (span.name.as_str(), span.get("error.type"))).collect();
    assert_eq!(names[1..], [("ack orders:eu.new:orders.work", ""), ("nack orders:eu.new:orders.work", "not_sent")]);
    assert!(seen.iter().all(|span| span.trace == seen[0].trace && !format!("{:?}", span.trace).contains("4bf92f35")));

    let (results, seen, _) = replay(Answers::refusing(REFUSED), || async {
        let job = job();
        (job.ack(BasicAckOptions::default()).await, job.reject(BasicRejectOptions::default()).await)
    })
    .await;
    for (result, span) in [results.0, results.1].into_iter().zip(&seen) {
        assert_eq!(result.unwrap_err().to_string(), format!("IO error: {REFUSED}"));
        assert_eq!(span.error, format!("IO error: {REFUSED}"));
    }
}

/// An error that was recorded comes again as lapin's own, of its kind and with its text.
#[tokio::test]
async fn a_settlement_fails_as_it_did() {
    for (class, text) in [
        ("ProtocolError", "protocol error: AMQP soft error: PRECONDITION-FAILED: unknown delivery tag 1"),
        ("IOError", "IO error: connection reset by peer"),
        ("not_sent", "not sent: the message was settled already, or its channel is gone"),
    ] {
        let answers = answering(move |_| Recorded::new().with_error(RecordedError::new(text).of_class(class)));
        let (result, seen, _) = replay(answers, || async { job().ack(BasicAckOptions::default()).await }).await;
        match (class, result) {
            ("ProtocolError", Err(error)) => assert!(matches!(error.kind(), ErrorKind::ProtocolError(_)), "{error:?}"),
            ("IOError", Err(error)) => assert!(error.to_string().ends_with("connection reset by peer"), "{error}"),
            ("not_sent", Ok(false)) => {}
            (class, result) => panic!("{class}: {result:?}"),
        }
        assert_eq!((seen[0].get("error.type"), seen[0].error.as_str()), (class, text));
    }
}

async fn publish(channel: &ObservedChannel<&Channel>, queue: &str, mandatory: bool) -> lapin::Result<Confirmation> {
    let options = BasicPublishOptions { mandatory, immediate: false };
    let properties = BasicProperties::default().with_content_type("application/json".into());
    channel.basic_publish("".into(), queue.into(), options, b"{\"n\": 1}", properties).await?.await
}

/// Each status that a publish may have is answered as lapin answers it; the queue stays empty.
#[tokio::test]
async fn publishes_do_not_leave() {
    let Some(amqp) = amqp("replay").await else { return };
    let channel = amqp.connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let (queue, observed) = (amqp.queue.as_str(), channel.observed());
    let back = || {
        let error = RecordedError::new("returned by the broker: 312 NO_ROUTE").of_class("312");
        status("returned").with_error(error)
    };
    let refused = status("rejected").with_error(RecordedError::new("the broker refused it").of_class("basic.nack"));
    let lost = || status("unknown").with_error(RecordedError::new("IO error: broken pipe").of_class("IOError"));
    for (then, handoff) in [
        (status("confirmed"), "confirmed"),
        (refused, "rejected"),
        (status("sent"), "sent"),
        (back(), "returned"),
        (lost(), "unknown"),
        (status("unknown"), "unknown"),
    ] {
        let answers = answering(move |_| then.clone());
        let (answer, seen, asked) = replay(answers, || publish(&observed, queue, true)).await;
        assert_eq!((seen.len(), seen[0].handoff()), (1, handoff));
        assert_eq!(asked, [format!("messaging.publish /{queue} {{\"n\": 1}}")]);
        match (handoff, answer) {
            ("confirmed", Ok(Confirmation::Ack(None))) | ("sent", Ok(Confirmation::NotRequested)) => {}
            ("rejected", Ok(Confirmation::Nack(None))) => {}
            ("returned", Ok(Confirmation::Ack(Some(message)))) => {
                assert_eq!((message.reply_code, message.reply_text.as_str()), (312, "NO_ROUTE"));
                assert_eq!(message.delivery.data, b"{\"n\": 1}");
                assert_eq!(seen[0].error, "returned by the broker: 312 NO_ROUTE");
            }
            ("unknown", Err(error)) => {
                let text = error.to_string();
                assert!(text.contains("broken pipe") || text.contains("a replay refused the confirm"), "{text}")
            }
            (handoff, answer) => panic!("{handoff}: {answer:?}"),
        }
    }
    let (answer, seen, _) = replay(Answers::refusing(REFUSED), || publish(&observed, queue, false)).await;
    assert_eq!(answer.unwrap_err().to_string(), format!("IO error: {REFUSED}"));
    assert_eq!(seen[0].handoff(), "unknown");

    // Those that take messages themselves have nothing to be answered by.
    let taking = replay(answering(|_| Recorded::new()), || async {
        let got = observed.basic_get(queue.into(), BasicGetOptions::default()).await.map(drop);
        let consumed = observed
            .basic_consume(queue.into(), "".into(), BasicConsumeOptions::default(), FieldTable::default())
            .await
            .map(drop);
        (got, consumed)
    });
    let ((got, consumed), _, asked) = taking.await;
    for result in [got, consumed] {
        assert!(result.unwrap_err().to_string().contains("a replay refused the call, because messages"));
    }
    assert_eq!(asked, [format!("messaging.receive {queue}"), format!("messaging.receive {queue}")]);

    // Nothing has come but what was asked for by name.
    let live = Answers::new(|_| Reply::Live);
    let (answer, _, _) = replay(live, || publish(&observed, queue, false)).await;
    assert!(answer.unwrap().is_ack());
    let left = within("the count", channel.queue_purge(queue.into(), QueuePurgeOptions::default())).await.unwrap();
    assert_eq!(left, 1);
}

/// A transaction is asked about once. It ends as it ended, and what it publishes is asked about by itself.
#[tokio::test]
async fn transactions_do_not_leave() {
    let Some(amqp) = amqp("replay-tx").await else { return };
    let channel = amqp.connection.create_channel().await.unwrap();
    let queue = amqp.queue.as_str();
    let work = || async {
        let transaction = channel.observed().tx_select().await?;
        let answer = publish(transaction.channel(), queue, false).await?;
        assert_eq!(answer, Confirmation::NotRequested);
        transaction.tx_commit().await
    };
    let (result, seen, asked) = replay(answering(|_| status("committed")), work).await;
    result.unwrap();
    assert_eq!(asked, ["messaging.settle tx.select".to_owned(), format!("messaging.publish /{queue} {{\"n\": 1}}")]);
    assert_eq!(seen.iter().map(Seen::handoff).collect::<Vec<_>>(), ["committed"; 2]);
    let (result, _, _) = replay(Answers::refusing(REFUSED), work).await;
    assert_eq!(result.unwrap_err().to_string(), format!("IO error: {REFUSED}"));
    // The channel has no transaction.
    channel.tx_commit().await.unwrap_err();
}

/// A driver settles once: a handler that has settled by itself is left alone.
#[tokio::test]
async fn a_driver_settles_once() {
    let (_, _, asked) = replay(answering(|_| Recorded::new()), || async {
        for by_itself in [false, true] {
            let options = DriverOptions::new(SettlePolicy::new(Disposition::Ack, Disposition::Nothing));
            let handler = move |job: Arc<spanbridge_amqp::Job>| async move {
                if by_itself { job.ack(BasicAckOptions::default()).await.map(drop) } else { Ok(()) }
            };
            spanbridge::adapter::drive_one(&Arc::new(job()), &handler, &options).await;
        }
    })
    .await;
    assert_eq!(asked, ["messaging.settle orders.work"; 2]);
}
