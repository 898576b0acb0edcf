//! The driver: how many at a time, what it tells the broker, and that nothing a handler does stops it.

use lapin::Consumer;
use lapin::options::*;
use lapin::types::{AMQPValue, FieldTable};
use spanbridge::{Status, observe};
use spanbridge_amqp::{BoxError, ChannelExt, ConsumerExt, Disposition, DriverOptions, Job, JobHandler, SettlePolicy};
use spanbridge_tests::{Amqp, Seen, amqp, headers, recorder, spans, text, within};
use std::future::{Future, pending};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use tokio::sync::Semaphore;

const SENDER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// Something else for each outcome.
/// What a panic carries may panic when it is dropped. That is no reason for the driver to end.
struct Bad;

impl Drop for Bad {
    fn drop(&mut self) {
        panic!("in the destructor")
    }
}

const POLICY: SettlePolicy<Disposition> = SettlePolicy::new(Disposition::Ack, Disposition::Reject { requeue: false })
    .on_panic(Disposition::Nack { requeue: false });

/// Does what the body says.
#[derive(Default)]
struct Obedient {
    handled: AtomicUsize,
    under_way: AtomicUsize,
    most: AtomicUsize,
    /// Where set, every handler waits for a permit.
    gate: Option<Semaphore>,
    /// After so many the consumer is cancelled.
    last: Option<(usize, Consumer, lapin::Channel)>,
}

impl JobHandler<Job> for Obedient {
    fn handle(&self, job: Arc<Job>) -> impl Future<Output = Result<(), BoxError>> + Send {
        if job.data == b"panic at once" {
            panic!("on purpose, before there is a future")
        }
        async move {
            observe::span("work").in_scope(|| ());
            self.most.fetch_max(self.under_way.fetch_add(1, SeqCst) + 1, SeqCst);
            if let Some(gate) = &self.gate {
                gate.acquire().await.unwrap().forget();
            }
            tokio::task::yield_now().await;
            self.under_way.fetch_sub(1, SeqCst);
            let handled = self.handled.fetch_add(1, SeqCst) + 1;
            if let Some((last, consumer, channel)) = &self.last
                && handled == *last
            {
                channel.basic_cancel(consumer.tag(), BasicCancelOptions::default()).await?;
            }
            match job.data.as_slice() {
                b"fail" => Err("no paper".into()),
                b"panic" => std::panic::panic_any(Bad),
                b"settle" => job.reject(BasicRejectOptions { requeue: false }).await.map(drop).map_err(Into::into),
                _ => Ok(()),
            }
        }
    }
}

async fn send(amqp: &Amqp, bodies: &[&str]) {
    for body in bodies {
        amqp.send(headers([("traceparent", text(SENDER))]), body.as_bytes()).await;
    }
}

/// Drives until so many were handled, and gives what was recorded.
async fn drive(
    amqp: &Amqp,
    handler: &mut Obedient,
    until: usize,
    limit: usize,
    policy: SettlePolicy<Disposition>,
) -> Vec<Seen> {
    let (shipping, memory) = recorder("shipping");
    let consumer = amqp.consume().await;
    handler.last = Some((until, consumer.clone(), amqp.channel.clone()));
    let driven = shipping.scope(async || {
        consumer.observed().drive(DriverOptions::new(policy).concurrency(limit), handler, pending()).await
    });
    within("the driver", driven).await.unwrap();
    shipping.flush_blocking(Duration::from_secs(60));
    spans(&memory.records())
}

/// How each message fared: its status, and what the broker was told and said.
fn fates(spans: &[Seen]) -> Vec<String> {
    let processed = spans.iter().filter(|s| s.name.starts_with("process"));
    let fate = |s: &Seen| {
        let settled = spans.iter().filter(|c| c.parent == s.id && c.name != "work");
        let settled =
            settled.map(|c| c.name.split(' ').next().unwrap().to_owned() + c.get("spanbridge.settle.requeue"));
        format!("{:?} {}", s.status.unwrap(), settled.collect::<Vec<_>>().join(" "))
    };
    processed.map(fate).collect()
}

/// The driver settles by its policy, and goes on whatever a handler does.
#[tokio::test]
async fn settles_by_policy_and_outlives_handlers() {
    let Some(amqp) = amqp("driver-policy").await else { return };
    send(&amqp, &["ok", "fail", "panic at once", "panic", "settle", "ok"]).await;
    let spans = drive(&amqp, &mut Obedient::default(), 5, 1, POLICY).await;
    assert_eq!(
        fates(&spans),
        ["Ok ack", "Error rejectfalse", "Panicked nackfalse", "Panicked nackfalse", "Ok rejectfalse", "Ok ack"]
    );
    assert!(spans.iter().all(|s| s.name == "work" || s.trace.unwrap().to_string() == SENDER[3..35]));
    let above = |s: &Seen| spans.iter().find(|p| p.id == s.parent).is_some_and(|p| p.name.starts_with("process"));
    assert!(spans.iter().filter(|s| s.name == "work").all(above), "a handler works inside its job's span");
    assert_eq!(spans.iter().filter(|s| s.status == Some(Status::Panicked)).count(), 2);
}

#[tokio::test]
async fn requeues_where_the_policy_says_so() {
    let Some(amqp) = amqp("driver-requeue").await else { return };
    send(&amqp, &["fail"]).await;
    let policy = SettlePolicy::new(Disposition::Ack, Disposition::Nack { requeue: true });
    let spans = drive(&amqp, &mut Obedient::default(), 3, 1, policy).await;
    assert_eq!(fates(&spans), ["Error nacktrue"; 3]);
    amqp.take().await;

    send(&amqp, &["panic"]).await;
    let policy = POLICY.on_panic(Disposition::Reject { requeue: true });
    let spans = drive(&amqp, &mut Obedient::default(), 2, 1, policy).await;
    assert_eq!(fates(&spans), ["Panicked rejecttrue"; 2]);
    amqp.take().await;
}

#[tokio::test]
async fn the_policy_may_settle_nothing() {
    let Some(amqp) = amqp("driver-nothing").await else { return };
    send(&amqp, &["ok"]).await;
    let policy = SettlePolicy::new(Disposition::Nothing, Disposition::Nothing);
    let spans = drive(&amqp, &mut Obedient::default(), 1, 1, policy).await;
    assert_eq!(fates(&spans), ["Ok "]);
}

#[tokio::test]
async fn works_on_so_many_at_a_time_and_finishes_them() {
    let Some(amqp) = amqp("driver-limit").await else { return };
    send(&amqp, &["ok"; 20]).await;
    let mut handler = Obedient { gate: Some(Semaphore::new(0)), ..Obedient::default() };
    let consumer = amqp.consume().await;
    handler.last = Some((4, consumer.clone(), amqp.channel.clone()));
    let (shipping, memory) = recorder("shipping");
    let driven = async {
        let driven = shipping.scope(async || {
            consumer.observed().drive(DriverOptions::new(POLICY).concurrency(4), &handler, pending()).await
        });
        let watch = async {
            while handler.under_way.load(SeqCst) < 4 {
                tokio::task::yield_now().await
            }
            handler.gate.as_ref().unwrap().add_permits(20);
        };
        tokio::join!(driven, watch).0
    };
    within("the driver", driven).await.unwrap();
    shipping.flush_blocking(Duration::from_secs(60));
    let fates = fates(&spans(&memory.records()));
    // The consumer was cancelled in the fourth; what had been delivered by then is worked on.
    assert_eq!((handler.most.into_inner(), handler.under_way.into_inner()), (4, 0));
    assert!(fates.len() >= 4 && fates.iter().all(|f| f == "Ok ack"), "{fates:?}");
    assert_eq!(handler.handled.into_inner(), fates.len());
}

/// The channel is gone when the settlement is sent.
#[tokio::test]
async fn a_refused_settlement_is_recorded() {
    let Some(amqp) = amqp("driver-gone").await else { return };
    send(&amqp, &["ok"]).await;
    let handler = Obedient { gate: Some(Semaphore::new(0)), ..Obedient::default() };
    let connection = amqp.another().await;
    let channel = connection.create_channel().await.unwrap();
    // An exclusive queue is the other connection's; this one asks for a shared one of the same messages.
    let shared = format!("{}.shared", amqp.queue);
    let expires = headers([("x-expires", AMQPValue::LongInt(60_000))]);
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    channel.queue_declare(shared.as_str().into(), durable, expires).await.unwrap();
    let properties = lapin::BasicProperties::default().with_headers(headers([("traceparent", text(SENDER))]));
    let sent = channel.basic_publish("".into(), shared.as_str().into(), Default::default(), b"ok", properties);
    sent.await.unwrap().await.unwrap();
    let consumer = channel.basic_consume(shared.as_str().into(), "".into(), Default::default(), Default::default());
    let consumer = consumer.await.unwrap();
    let (shipping, memory) = recorder("shipping");
    let driven = async {
        let driven = shipping.scope(async || {
            consumer.observed().drive(DriverOptions::new(POLICY).concurrency(4), &handler, pending()).await
        });
        let close = async {
            while handler.under_way.load(SeqCst) < 1 {
                tokio::task::yield_now().await
            }
            // The broker ends the channel: there is no such exchange.
            let options = ExchangeDeclareOptions { passive: true, ..Default::default() };
            let kind = lapin::ExchangeKind::Direct;
            channel.exchange_declare("no such".into(), kind, options, Default::default()).await.unwrap_err();
            handler.gate.as_ref().unwrap().add_permits(1);
        };
        tokio::join!(driven, close).0
    };
    assert!(within("the driver", driven).await.is_err(), "the stream of messages ended with an error");
    shipping.flush_blocking(Duration::from_secs(60));
    let spans = spans(&memory.records());
    let ack = spans.iter().find(|s| s.name.starts_with("ack")).expect("an ack that was tried");
    assert_eq!(ack.error, "not sent: the message was settled already, or its channel is gone");
    amqp.channel.queue_delete(shared.as_str().into(), Default::default()).await.unwrap();
}

/// A closure is a handler; every attempt has a process span of its own, and after the last the policy counts.
#[tokio::test]
async fn retries_before_it_settles() {
    let Some(amqp) = amqp("driver-retries").await else { return };
    send(&amqp, &["fail", "ok"]).await;
    let (shipping, memory) = recorder("shipping");
    let consumer = amqp.consume().await;
    let (tag, channel) = (consumer.tag(), amqp.channel.clone());
    let handler = |job: Arc<Job>| {
        let (tag, channel) = (tag.clone(), channel.clone());
        async move {
            if job.data == b"fail" {
                return Err(BoxError::from("no paper"));
            }
            Ok(channel.basic_cancel(tag, BasicCancelOptions::default()).await?)
        }
    };
    let options = DriverOptions::new(POLICY).retries(2);
    let driven = shipping.scope(async || consumer.observed().drive(options, &handler, pending()).await);
    within("the driver", driven).await.unwrap();
    shipping.flush_blocking(Duration::from_secs(60));
    assert_eq!(fates(&spans(&memory.records())), ["Error ", "Error ", "Error rejectfalse", "Ok ack"]);
}

/// Told to stop, it finishes what is under way, and gives back what it has received beside that.
#[tokio::test]
async fn stops_when_it_is_told_and_gives_back() {
    let Some(amqp) = amqp("driver-stop").await else { return };
    send(&amqp, &["ok"; 6]).await;
    let handler = Obedient { gate: Some(Semaphore::new(0)), ..Obedient::default() };
    let (queue, options) = (amqp.queue.clone(), BasicConsumeOptions::default());
    let jobs = amqp.channel.observed().basic_consume(queue, "".into(), options, FieldTable::default()).await.unwrap();
    let stop = async {
        while handler.under_way.load(SeqCst) < 2 {
            tokio::task::yield_now().await
        }
        handler.gate.as_ref().unwrap().add_permits(2);
    };
    within("the driver", jobs.drive(DriverOptions::new(POLICY).concurrency(2), &handler, stop)).await.unwrap();
    assert_eq!((handler.handled.into_inner(), handler.under_way.into_inner()), (2, 0));
    for _ in 0..4 {
        within("what was given back", amqp.take()).await;
    }
}
