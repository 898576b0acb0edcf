//! RabbitMQ is killed and restarted under a producer and a consumer with lapin's recovery on: no message and no record
//! is lost, and what could not be sent is recorded as such.

use futures_util::StreamExt;
use futures_util::stream::iter;
use lapin::options::*;
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Connection, ConnectionProperties};
use spanbridge::{Status, observe};
use spanbridge_amqp::{ChannelExt, ConsumerExt, Job};
use spanbridge_tests::{Seen, recorder, spans};
use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use xtask::rabbitmq::{Private, installed};

const ORDERS: usize = 2_000;

/// What the two sides know of each other.
#[derive(Debug, Default)]
struct Progress {
    returned: AtomicUsize,
    failed: AtomicUsize,
    received: AtomicUsize,
    refused: AtomicUsize,
    done: Mutex<BTreeSet<String>>,
}

async fn connect(url: &str) -> (Connection, Channel) {
    // By itself lapin waits twice as long after each attempt; here it asks often enough for a test.
    let recovering = ConnectionProperties::default()
        .configure_backoff(|backoff| backoff.with_max_delay(Duration::from_millis(500)).with_max_times(200))
        .enable_auto_recover();
    let connection = Connection::connect(url, recovering).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    channel.queue_declare("orders".into(), durable, FieldTable::default()).await.unwrap();
    (connection, channel)
}

/// Sends an order until the broker has it, as an application does.
async fn order(channel: &Channel, number: usize, progress: &Progress) {
    let mut id = ShortString::from(number.to_string());
    loop {
        let properties = BasicProperties::default().with_delivery_mode(2).with_message_id(id.clone());
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let sending = async {
            let confirm = channel.observed().basic_publish("".into(), "orders".into(), options, b"{}", properties);
            confirm.await?.await
        };
        match sending.await {
            Ok(confirm) => match confirm.take_message() {
                None => return,
                // A broker that has just begun takes messages before it has its queues back. The message may be that of
                // another order: lapin gives it to any answer. Who gets one sends it again.
                Some(message) => {
                    progress.returned.fetch_add(1, SeqCst);
                    id = message.properties.message_id().clone().unwrap();
                    tokio::time::sleep(Duration::from_millis(10)).await
                }
            },
            Err(e) => {
                progress.failed.fetch_add(1, SeqCst);
                channel.wait_for_recovery(e).await.expect("lapin recovers");
            }
        }
    }
}

/// Works on orders until each was worked on and acknowledged.
async fn ship(channel: &Channel, progress: &Progress) {
    channel.basic_qos(32, BasicQosOptions::default()).await.unwrap();
    let options = BasicConsumeOptions::default();
    let consumer = channel.basic_consume("orders".into(), "".into(), options, FieldTable::default()).await.unwrap();
    let mut jobs = consumer.observed();
    let mut slow: Option<Job> = None;
    while progress.done.lock().unwrap().len() < ORDERS {
        // While lapin recovers it may say so, and then goes on.
        let Ok(job) = jobs.next().await.expect("the consumer goes on") else { continue };
        job.run(async { observe::span("pack").in_scope(|| ()) }).await;
        if let Some(slow) = slow.take_if(|_| job.redelivered) {
            settle(&slow, progress).await;
            assert!(slow.poisoned(), "that it came over a connection that is gone");
        }
        // The first one is not done before the broker is gone.
        if progress.received.fetch_add(1, SeqCst) == 0 { slow = Some(job) } else { settle(&job, progress).await }
    }
}

async fn settle(job: &Job, progress: &Progress) {
    match job.ack(BasicAckOptions::default()).await {
        Ok(true) => {
            let id = job.properties.message_id().as_ref().unwrap().to_string();
            progress.done.lock().unwrap().insert(id);
        }
        // It comes again.
        Ok(false) | Err(_) => {
            progress.refused.fetch_add(1, SeqCst);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_killed_loses_neither_messages_nor_records() {
    if installed().is_none() {
        return xtask::skip("RabbitMQ is not installed");
    }
    let broker = tokio::task::spawn_blocking(|| Private::start().unwrap()).await.unwrap();
    let ((producing, producer), (consuming, consumer)) = tokio::join!(connect(broker.url()), connect(broker.url()));
    let (orders, sent) = recorder("orders");
    let (shipping, received) = recorder("shipping");
    let progress = Progress::default();

    let produce = async {
        let one = |number: usize| {
            let sending = order(&producer, number, &progress);
            observe::run("order").attribute("number", number).run(sending)
        };
        iter(0..ORDERS).map(one).for_each_concurrent(8, |order| order).await
    };
    let produce = orders.scope(produce);
    let consume = shipping.scope(ship(&consumer, &progress));
    // In the middle of it all, as soon as both sides are at work.
    let kill = async {
        while progress.done.lock().unwrap().len() < ORDERS / 10 {
            tokio::time::sleep(Duration::from_millis(1)).await
        }
        tokio::task::spawn_blocking(move || {
            broker.kill().unwrap();
            broker.restart().unwrap();
            broker
        })
        .await
        .unwrap()
    };
    let work = async { tokio::join!(produce, consume, kill).2 };
    let broker = tokio::time::timeout(Duration::from_secs(120), work).await;
    let broker = broker.unwrap_or_else(|_| panic!("all orders are shipped in time: {progress:?}"));
    for connection in [producing, consuming] {
        connection.close(200, "done".into()).await.unwrap();
    }
    drop(broker);

    let mut reports = vec![];
    for recorder in [orders, shipping] {
        let report = recorder.shutdown(Duration::from_secs(10));
        assert!(report.complete && report.dropped == 0, "{report:?}");
        assert!(report.sinks.iter().all(|s| s.left + s.rejected + s.dropped == 0), "{report:?}");
        reports.push(report.sinks[0].delivered);
    }
    assert_eq!(reports, [sent.records().len() as u64, received.records().len() as u64]);
    check(&spans(&sent.records()), &spans(&received.records()), &progress);
}

fn check(sent: &[Seen], received: &[Seen], progress: &Progress) {
    let load = |n: &AtomicUsize| n.load(SeqCst);
    let (returned, failed) = (load(&progress.returned), load(&progress.failed));
    println!("{returned} returned, {failed} failed, {} acks refused", load(&progress.refused));
    assert!(failed > 0, "the kill came in the middle of it");
    let status = |s: &&Seen| (s.handoff().to_owned(), s.status.unwrap());
    let mut fates: HashMap<_, usize> = HashMap::new();
    for publish in sent.iter().map(|s| status(&s)) {
        *fates.entry(publish).or_default() += 1;
    }
    let mut expected = HashMap::from([(("confirmed".into(), Status::Ok), ORDERS)]);
    expected.insert(("unknown".into(), Status::Error), failed);
    if returned > 0 {
        expected.insert(("returned".into(), Status::Error), returned);
    }
    assert_eq!(fates, expected);
    assert!(sent.iter().filter(|s| s.handoff() == "unknown").all(|s| !s.error.is_empty()));

    // Each job hangs under the very span that sent it, also where that one never knew.
    let by_id: HashMap<_, _> = sent.iter().chain(received).map(|s| (s.id, s)).collect();
    let (mut acks, mut refused) = (0, 0);
    for span in received {
        let parent = by_id[&span.parent];
        assert_eq!((span.run, span.trace), (parent.run, parent.trace));
        if span.name.starts_with("process") {
            assert_eq!(span.get("messaging.message.id"), parent.get("messaging.message.id"));
            assert!(parent.name.starts_with("publish"));
        } else {
            assert!(parent.name.starts_with("process"), "{span:?}");
        }
        if span.name.starts_with("ack") {
            *(if span.status == Some(Status::Ok) { &mut acks } else { &mut refused }) += 1;
        }
    }
    assert!(acks >= ORDERS);
    assert_eq!(refused, load(&progress.refused), "a refused settlement is recorded as such");
    assert!(refused > 0, "of the job that took longer");
}
