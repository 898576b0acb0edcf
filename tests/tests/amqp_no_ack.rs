//! Messages that the broker takes for settled when it sends them: the record says so, and nobody settles them.

use lapin::Consumer;
use lapin::options::*;
use lapin::types::FieldTable;
use spanbridge_amqp::{BoxError, ChannelExt, ConsumerExt, Disposition, Job, JobHandler, Jobs, SettlePolicy};
use spanbridge_tests::{Amqp, amqp, recorder, spans, within};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

const POLICY: SettlePolicy<Disposition> = SettlePolicy::new(Disposition::Ack, Disposition::Nack { requeue: true })
    .on_panic(Disposition::Reject { requeue: true });

/// Consumes with lapin alone.
async fn consume(amqp: &Amqp, no_ack: bool) -> Consumer {
    let (options, arguments) = (BasicConsumeOptions { no_ack, ..Default::default() }, FieldTable::default());
    amqp.channel.basic_consume(amqp.queue.clone(), "".into(), options, arguments).await.unwrap()
}

/// What the record says of settling: what is expected, and whether it is automatic.
#[tokio::test]
async fn the_record_says_whether_to_settle() {
    let Some(amqp) = amqp("no-ack-told").await else { return };
    let (shipping, memory) = recorder("shipping");
    let work = async {
        for no_ack in [false, true] {
            amqp.send(FieldTable::default(), b"{}").await;
            let (queue, options) = (amqp.queue.clone(), BasicConsumeOptions { no_ack, ..Default::default() });
            let jobs = amqp.channel.observed().basic_consume(queue, "".into(), options, FieldTable::default());
            one(&amqp, jobs.await.unwrap(), no_ack).await;
            amqp.send(FieldTable::default(), b"{}").await;
            one(&amqp, consume(&amqp, no_ack).await.observed().no_ack(no_ack), no_ack).await;
            amqp.send(FieldTable::default(), b"{}").await;
            let got = amqp.channel.observed().basic_get(amqp.queue.clone(), BasicGetOptions { no_ack });
            let job = got.await.unwrap().unwrap();
            job.run(async || {}).await;
            assert!(no_ack || job.ack(BasicAckOptions::default()).await.unwrap());
        }
        amqp.send(FieldTable::default(), b"{}").await;
        one(&amqp, consume(&amqp, false).await.observed(), false).await;
    };
    shipping.scope(|| work).await;
    shipping.flush_blocking(Duration::from_secs(60));
    let spans = spans(&memory.records());
    let processed = spans.iter().filter(|s| s.name.starts_with("process"));
    let told: Vec<_> = processed
        .map(|s| format!("{}{}", s.get("spanbridge.settle.expected"), s.get("spanbridge.settle.automatic")))
        .collect();
    assert_eq!(told, ["ack", "ack", "ack", "true", "true", "true", ""], "of lapin's own consumer nobody knows it");
}

/// Works on one message, and lets the consumer go.
async fn one(amqp: &Amqp, mut jobs: Jobs, no_ack: bool) {
    let job = within("a message", jobs.next()).await.unwrap().unwrap();
    job.run(async || {}).await;
    assert!(no_ack || job.ack(BasicAckOptions::default()).await.unwrap());
    amqp.channel.basic_cancel(jobs.consumer().tag(), BasicCancelOptions::default()).await.unwrap();
}

/// Fails, panics and succeeds in turn; the consumer is cancelled in the last.
struct Mixed<'a> {
    amqp: &'a Amqp,
    consumer: String,
    handled: AtomicUsize,
}

impl JobHandler<Job> for Mixed<'_> {
    async fn handle(&self, _: Arc<Job>) -> Result<(), BoxError> {
        match self.handled.fetch_add(1, SeqCst) {
            0 => Err("no paper".into()),
            1 => panic!("on purpose"),
            n => {
                if n == 4 {
                    self.amqp.channel.basic_cancel(self.consumer.as_str().into(), Default::default()).await?
                }
                Ok(())
            }
        }
    }
}

/// To settle a message that nobody has to settle ends the channel, and the consumer with it.
#[tokio::test]
async fn the_driver_settles_nothing_of_no_ack() {
    let Some(amqp) = amqp("no-ack-driver").await else { return };
    for _ in 0..5 {
        amqp.send(FieldTable::default(), b"{}").await;
    }
    let (shipping, memory) = recorder("shipping");
    let jobs = consume(&amqp, true).await.observed().no_ack(true);
    let consumer = jobs.consumer().tag().to_string();
    let handler = Mixed { amqp: &amqp, consumer, handled: AtomicUsize::new(0) };
    let driven = shipping.scope(async || jobs.drive(POLICY, &handler, pending()).await);
    within("the driver", driven).await.unwrap();
    // What the broker thinks of that it says before it answers something else.
    amqp.send(FieldTable::default(), b"{}").await;
    assert_eq!((handler.handled.into_inner(), amqp.channel.status().connected()), (5, true));
    shipping.flush_blocking(Duration::from_secs(60));
    let spans = spans(&memory.records());
    assert!(spans.iter().all(|s| s.name.starts_with("process")), "{spans:?}");
}
