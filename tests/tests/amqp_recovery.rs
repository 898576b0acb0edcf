//! RabbitMQ is killed and restarted under a producer and a consumer with lapin's recovery on: no message and no record
//! is lost, and what could not be sent is recorded as such.

use futures_util::StreamExt;
use futures_util::stream::iter;
use lapin::options::*;
use lapin::types::{FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use spanbridge::{Status, observe};
use spanbridge_amqp::{ChannelExt, ConsumerExt, Job};
use spanbridge_tests::{Seen, recorder, spans};
use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use tokio::time::timeout;
use xtask::rabbitmq::{Broker, installed};

const ORDERS: usize = 2_000;

/// What the two sides know of each other.
#[derive(Debug, Default)]
struct Progress {
    failed: AtomicUsize,
    given_up: AtomicUsize,
    received: AtomicUsize,
    refused: AtomicUsize,
    unsettled: AtomicUsize,
    done: Mutex<BTreeSet<String>>,
}

impl Progress {
    fn done(&self) -> usize {
        self.done.lock().unwrap().len()
    }
}

/// How long lapin may take to recover before the application connects again, as one does that must go on. A run in which
/// the broker had forgotten the queue once ended with an ack that lapin never answered.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection with a channel, and how often it was renewed.
struct Link {
    url: String,
    current: tokio::sync::Mutex<(usize, Connection, Channel)>,
}

impl Link {
    async fn new(url: &str) -> Self {
        let (connection, channel) = connect(url).await.unwrap();
        Link { url: url.to_owned(), current: (0, connection, channel).into() }
    }

    async fn channel(&self) -> (usize, Channel) {
        let current = self.current.lock().await;
        (current.0, current.2.clone())
    }

    /// Connects again, unless somebody has.
    async fn renew(&self, generation: usize) {
        let mut current = self.current.lock().await;
        while current.0 == generation {
            match connect(&self.url).await {
                Ok((connection, channel)) => *current = (generation + 1, connection, channel),
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    }
}

async fn connect(url: &str) -> lapin::Result<(Connection, Channel)> {
    // By itself lapin waits twice as long after each attempt; here it asks often enough for a test.
    let recovering = ConnectionProperties::default()
        .configure_backoff(|backoff| backoff.with_max_delay(Duration::from_millis(500)).with_max_times(200))
        .enable_auto_recover();
    let connection = Connection::connect(url, recovering).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    channel.queue_declare("orders".into(), durable, FieldTable::default()).await?;
    Ok((connection, channel))
}

/// Sends an order until the broker has it, as an application does.
async fn order(broker: &Link, number: usize, progress: &Progress) {
    let id = ShortString::from(number.to_string());
    loop {
        let (generation, channel) = broker.channel().await;
        let properties = BasicProperties::default().with_delivery_mode(2).with_message_id(id.clone());
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let sending = async {
            let confirm = channel.observed().basic_publish("".into(), "orders".into(), options, b"{}", properties);
            confirm.await?.await
        };
        match timeout(PATIENCE, sending).await {
            Ok(Ok(confirm)) => return assert_eq!(confirm, Confirmation::Ack(None)),
            Ok(Err(e)) => {
                progress.failed.fetch_add(1, SeqCst);
                match timeout(PATIENCE, channel.wait_for_recovery(e)).await {
                    Ok(recovered) => recovered.expect("lapin recovers"),
                    Err(_) => broker.renew(generation).await,
                }
            }
            Err(_) => {
                progress.given_up.fetch_add(1, SeqCst);
                broker.renew(generation).await
            }
        }
    }
}

/// Works on orders until each was worked on and acknowledged.
async fn ship(broker: &Link, progress: &Progress) {
    let mut slow: Option<Job> = None;
    while progress.done() < ORDERS {
        let (generation, channel) = broker.channel().await;
        channel.basic_qos(32, BasicQosOptions::default()).await.unwrap();
        let consumer = channel.basic_consume("orders".into(), "".into(), Default::default(), Default::default());
        let mut jobs = consumer.await.unwrap().observed();
        while progress.done() < ORDERS {
            let Ok(job) = timeout(PATIENCE, jobs.next()).await else {
                broker.renew(generation).await;
                break;
            };
            // While lapin recovers it may say so, and then goes on.
            let Ok(job) = job.expect("the consumer goes on") else { continue };
            job.run(async || observe::span("pack").in_scope(|| ())).await;
            let again = |slow: &mut Job| slow.properties.message_id() == job.properties.message_id();
            if let Some(slow) = slow.take_if(again) {
                settle(&slow, progress).await;
                assert!(slow.poisoned(), "that it came over a connection that is gone");
            }
            if progress.received.fetch_add(1, SeqCst) == 0 {
                slow = Some(job) // it is not done before the broker is gone
            } else if !settle(&job, progress).await {
                broker.renew(generation).await;
                break;
            }
        }
    }
}

/// Acknowledges a job. False: lapin does not say how that went.
async fn settle(job: &Job, progress: &Progress) -> bool {
    match timeout(PATIENCE, job.ack(BasicAckOptions::default())).await {
        Ok(Ok(true)) => {
            let id = job.properties.message_id().as_ref().unwrap().to_string();
            progress.done.lock().unwrap().insert(id);
        }
        // It comes again.
        Ok(Ok(false) | Err(_)) => {
            progress.refused.fetch_add(1, SeqCst);
        }
        Err(_) => {
            progress.unsettled.fetch_add(1, SeqCst);
            return false;
        }
    }
    true
}

/// Neither messages nor records are lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_broker_loses_nothing() {
    if installed().is_none() {
        return xtask::skip("RabbitMQ is not installed");
    }
    let broker = tokio::task::spawn_blocking(|| Broker::start().unwrap()).await.unwrap();
    let (producer, consumer) = tokio::join!(Link::new(broker.url()), Link::new(broker.url()));
    // The queue is there for good: RabbitMQ writes down a little later that it was declared.
    let broker = tokio::task::spawn_blocking(move || {
        assert!(broker.ctl(&["eval", "mnesia:dump_log()."]).unwrap().contains("dumped"));
        broker
    });
    let broker = broker.await.unwrap();
    let (orders, sent) = recorder("orders");
    let (shipping, received) = recorder("shipping");
    let progress = Progress::default();

    let produce = async {
        let one = |number: usize| {
            let sending = order(&producer, number, &progress);
            observe::run("order").attribute("number", number).run(|| sending)
        };
        iter(0..ORDERS).map(one).for_each_concurrent(8, |order| order).await
    };
    let produce = orders.scope(|| produce);
    let consume = shipping.scope(|| ship(&consumer, &progress));
    // In the middle of it all, as soon as both sides are at work.
    let kill = async {
        while progress.done() < ORDERS / 10 {
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
    let broker = timeout(Duration::from_secs(200), work).await;
    drop(broker.unwrap_or_else(|_| panic!("all orders are shipped in time: {progress:?}")));

    let mut reports = vec![];
    for recorder in [orders, shipping] {
        let report = recorder.shutdown(Duration::from_secs(60));
        assert!(report.complete && report.dropped == 0, "{report:?}");
        assert!(report.sinks.iter().all(|s| s.left + s.rejected + s.dropped == 0), "{report:?}");
        reports.push(report.sinks[0].delivered);
    }
    assert_eq!(reports, [sent.records().len() as u64, received.records().len() as u64]);
    check(&spans(&sent.records()), &spans(&received.records()), &progress);
}

fn check(sent: &[Seen], received: &[Seen], progress: &Progress) {
    let load = |n: &AtomicUsize| n.load(SeqCst);
    let (failed, given_up) = (load(&progress.failed), load(&progress.given_up));
    println!("{failed} failed, {given_up} given up, {} acks refused", load(&progress.refused));
    assert!(failed + given_up > 0, "the kill came in the middle of it");
    let status = |s: &&Seen| (s.handoff().to_owned(), s.status.unwrap());
    let mut fates: HashMap<_, usize> = HashMap::new();
    for publish in sent.iter().map(|s| status(&s)) {
        *fates.entry(publish).or_default() += 1;
    }
    // After one was given up, nobody knows for a minute whether a message came back with its answer, so those that are confirmed
    // meanwhile may be unknown, too.
    let unknown = fates.remove(&("unknown".into(), Status::Ok)).unwrap_or_default();
    let unsure = unknown.checked_sub(given_up).expect("each that was given up is unknown");
    assert!(given_up > 0 || unsure == 0, "{unsure}");
    let mut expected = HashMap::from([
        (("confirmed".into(), Status::Ok), ORDERS - unsure),
        (("unknown".into(), Status::Error), failed),
    ]);
    expected.retain(|_, count| *count > 0);
    assert_eq!(fates, expected);
    assert_eq!(sent.iter().filter(|s| s.handoff() == "unknown" && !s.error.is_empty()).count(), failed);

    // Each job hangs under the very span that sent it, also where that one never knew.
    let by_id: HashMap<_, _> = sent.iter().chain(received).map(|s| (s.id, s)).collect();
    let mut acks: HashMap<Status, usize> = HashMap::new();
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
            *acks.entry(span.status.unwrap()).or_default() += 1;
        }
    }
    let count = |status| acks.get(&status).copied().unwrap_or_default();
    assert!(count(Status::Ok) >= ORDERS);
    assert_eq!(count(Status::Error), load(&progress.refused), "a refused settlement is recorded as such");
    assert_eq!(count(Status::Cancelled), load(&progress.unsettled), "and one that was given up on");
    assert!(count(Status::Error) > 0, "of the job that took longer");
}
