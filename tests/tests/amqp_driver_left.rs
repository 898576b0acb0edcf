//! A driver that is dropped: what it had and did not handle comes again, though its channel lives on.

use futures_util::FutureExt;
use lapin::options::*;
use lapin::types::FieldTable;
use spanbridge_amqp::{
    BoxError, ChannelExt, ConsumerExt, Disposition, DriverOptions, Job, JobHandler, Jobs, ReceiveOptions, Relation,
    SettlePolicy,
};
use spanbridge_tests::{Amqp, amqp, recorder, spans, until, within};
use std::collections::BTreeSet;
use std::future::pending;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use tokio::sync::Semaphore;

const POLICY: SettlePolicy<Disposition> = SettlePolicy::new(Disposition::Ack, Disposition::Nack { requeue: false });
const COUNT: usize = 10;

/// Waits for a permit in each handler, and notes what was handled.
struct Gated {
    gate: Semaphore,
    begun: AtomicUsize,
    handled: Mutex<BTreeSet<Vec<u8>>>,
    /// Settles before it waits.
    acks: bool,
}

impl Gated {
    fn new(permits: usize, acks: bool) -> Self {
        let gate = Semaphore::new(permits);
        Gated { gate, begun: AtomicUsize::new(0), handled: Mutex::default(), acks }
    }

    fn handled(&self) -> usize {
        self.handled.lock().unwrap().len()
    }
}

impl JobHandler<Job> for Gated {
    async fn handle(&self, job: Arc<Job>) -> Result<(), BoxError> {
        if self.acks {
            job.ack(BasicAckOptions::default()).await?;
        }
        self.begun.fetch_add(1, SeqCst);
        self.gate.acquire().await?.forget();
        self.handled.lock().unwrap().insert(job.data.clone());
        Ok(())
    }
}

/// Messages with the numbers from 0 in the test's queue.
async fn send(amqp: &Amqp) {
    for n in 0..COUNT {
        amqp.send(FieldTable::default(), n.to_string().as_bytes()).await;
    }
}

async fn waiting_in_queue(amqp: &Amqp) -> u32 {
    let options = QueueDeclareOptions { passive: true, ..Default::default() };
    amqp.channel.queue_declare(amqp.queue.clone(), options, FieldTable::default()).await.unwrap().message_count()
}

/// Drives until so many handlers have begun and all other messages are in the client; then drops the driver.
async fn drop_a_driver(amqp: &Amqp, jobs: Jobs, limit: usize, begun: usize, handler: &Gated) {
    let driver = jobs.drive(DriverOptions::new(POLICY).concurrency(limit), handler, pending());
    let there = async {
        while handler.begun.load(SeqCst) < begun || waiting_in_queue(amqp).await > 0 {
            tokio::task::yield_now().await
        }
    };
    within("all messages in the client", async {
        tokio::select! {
            ended = driver => panic!("the driver has ended: {ended:?}"),
            () = there => {}
        }
    })
    .await
}

/// Drives until all messages were handled.
async fn drive_all(jobs: Jobs, handler: &Gated) {
    let driver = jobs.drive(DriverOptions::new(POLICY).concurrency(COUNT), handler, pending());
    let all = until("all messages", || (handler.handled() == COUNT).then_some(()));
    tokio::select! {
        ended = driver => panic!("the driver has ended: {ended:?}"),
        () = all => {}
    }
}

async fn consume(amqp: &Amqp, channel: &lapin::Channel, no_ack: bool) -> Jobs {
    let (queue, options) = (amqp.queue.clone(), BasicConsumeOptions { no_ack, ..Default::default() });
    channel.observed().basic_consume(queue, "".into(), options, FieldTable::default()).await.unwrap()
}

#[tokio::test]
async fn all_that_was_not_handled_comes_again() {
    let Some(amqp) = amqp("left").await else { return };
    let (shipping, memory) = recorder("shipping");
    let channel = amqp.connection.create_channel().await.unwrap();
    for known in ["by basic_consume", "told"] {
        send(&amqp).await;
        let jobs = match known {
            "told" => amqp.consume().await.observed().channel(&amqp.channel),
            _ => consume(&amqp, &channel, false).await,
        };
        // Two are handled, three are under way, and the others wait in the client.
        let first = Gated::new(2, false);
        shipping.scope(|| drop_a_driver(&amqp, jobs, 3, 5, &first)).await;
        let again = Gated::new(usize::MAX >> 4, false);
        *again.handled.lock().unwrap() = first.handled.into_inner().unwrap();
        assert_eq!(again.handled(), 2, "{known}");
        drive_all(consume(&amqp, &channel, false).await, &again).await;
        assert!(channel.status().connected() && amqp.channel.status().connected(), "{known}");
    }
    shipping.flush_blocking(Duration::from_secs(60));
    let spans = spans(&memory.records());
    let given_back =
        spans.iter().filter(|s| s.name.starts_with("nack") && s.get("spanbridge.settle.requeue") == "true");
    assert!(given_back.count() >= 2 * 3, "it is recorded: {spans:?}");
}

/// Where another handle keeps the consumer, it gets back what the driver had begun, and the rest is there still.
#[tokio::test]
async fn another_handle_of_the_consumer_gets_it() {
    let Some(amqp) = amqp("left-clone").await else { return };
    send(&amqp).await;
    let consumer = amqp.consume().await;
    let first = Gated::new(2, false);
    drop_a_driver(&amqp, consumer.clone().observed(), 3, 5, &first).await;
    let again = Gated::new(usize::MAX >> 4, false);
    *again.handled.lock().unwrap() = first.handled.into_inner().unwrap();
    drive_all(consumer.observed(), &again).await;
    assert!(amqp.channel.status().connected());
}

/// What a handler has settled, or the broker before it, is not settled once more: that would end the channel.
#[tokio::test]
async fn what_is_settled_is_not_given_back() {
    let Some(amqp) = amqp("left-settled").await else { return };
    let channel = amqp.connection.create_channel().await.unwrap();
    for no_ack in [false, true] {
        send(&amqp).await;
        let handler = Gated::new(0, !no_ack);
        drop_a_driver(&amqp, consume(&amqp, &channel, no_ack).await, COUNT, COUNT, &handler).await;
        // What the broker thinks of a settlement it says before it answers something else.
        let options = BasicQosOptions::default();
        channel.basic_qos(0, options).await.unwrap();
        assert!(channel.status().connected());
        assert_eq!(waiting_in_queue(&amqp).await, 0);
    }
}

/// Waits for ever, and panics when it is dropped.
struct Bad {
    begun: AtomicUsize,
}

impl JobHandler<Job> for Bad {
    async fn handle(&self, _: Arc<Job>) -> Result<(), BoxError> {
        struct Panics;
        impl Drop for Panics {
            fn drop(&mut self) {
                panic!("out of paper")
            }
        }
        let _panics = Panics;
        self.begun.fetch_add(1, SeqCst);
        pending().await
    }
}

/// Handlers that are dropped in mid-work may panic. That is recorded, and what the others worked on comes again, too.
#[tokio::test]
async fn destructors_that_panic_lose_nothing() {
    let Some(amqp) = amqp("left-destructors").await else { return };
    let (shipping, memory) = recorder("shipping");
    let channel = amqp.connection.create_channel().await.unwrap();
    send(&amqp).await;
    let bad = Bad { begun: AtomicUsize::new(0) };
    let jobs = consume(&amqp, &channel, false).await;
    let driver = || jobs.drive(DriverOptions::new(POLICY).concurrency(3), &bad, pending());
    let mut driver = Box::pin(shipping.scope(driver));
    within("three handlers", async {
        tokio::select! {
            ended = &mut driver => panic!("the driver has ended: {ended:?}"),
            () = async { while bad.begun.load(SeqCst) < 3 { tokio::task::yield_now().await } } => {}
        }
    })
    .await;
    drop(driver);
    let again = Gated::new(usize::MAX >> 4, false);
    within("all messages", drive_all(consume(&amqp, &channel, false).await, &again)).await;
    shipping.flush_blocking(Duration::from_secs(60));
    let spans = spans(&memory.records());
    assert_eq!(spans.iter().filter(|s| s.error.contains("out of paper")).count(), 3, "{spans:?}");
}

/// The application's own function may panic before the message is a job.
#[tokio::test]
async fn a_relation_that_panics_loses_nothing() {
    let Some(amqp) = amqp("left-relation").await else { return };
    let channel = amqp.connection.create_channel().await.unwrap();
    send(&amqp).await;
    let seen = AtomicUsize::new(0);
    let options = ReceiveOptions::new().relation_by(move |_| match seen.fetch_add(1, SeqCst) {
        3 => panic!("no relation"),
        _ => Relation::Parent,
    });
    let handler = Gated::new(0, false);
    let jobs = consume(&amqp, &channel, false).await.with(options);
    let driver = jobs.drive(DriverOptions::new(POLICY).concurrency(COUNT), &handler, pending());
    let ended = within("the panic", AssertUnwindSafe(driver).catch_unwind()).await;
    assert_eq!(ended.unwrap_err().downcast_ref(), Some(&"no relation"), "it is the application's");
    let again = Gated::new(usize::MAX >> 4, false);
    within("all messages", drive_all(consume(&amqp, &channel, false).await, &again)).await;
}
