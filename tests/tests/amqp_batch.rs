//! Batches: linked to all of their senders, with a span and an outcome for each message.

use futures_util::FutureExt;
use lapin::options::*;
use spanbridge::{SpanId, Status, TraceId, observe};
use spanbridge_amqp::{Batch, ChannelExt, ConsumerExt, Job, Jobs, ReceiveOptions, Relation};
use spanbridge_tests::{Amqp, Seen, amqp, headers, recorder, spans, text, within};
use std::collections::BTreeSet;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

/// Messages of so many senders, each of another trace, and a batch of all of them.
async fn collected(amqp: &Amqp, count: usize) -> (BTreeSet<(TraceId, SpanId)>, Jobs, Batch<Job>) {
    let mut senders = BTreeSet::new();
    for n in 1..=count {
        let (trace, span) = (format!("{n:032x}"), format!("{n:016x}"));
        senders.insert((trace.parse().unwrap(), span.parse().unwrap()));
        let body = n.to_string();
        amqp.send(headers([("traceparent", text(format!("00-{trace}-{span}-01")))]), body.as_bytes()).await;
    }
    let mut jobs = amqp.consume().await.observed();
    let mut all: Vec<Job> = vec![];
    while all.len() < count {
        let batch = within("a batch", jobs.batch(count - all.len())).await.unwrap().unwrap();
        assert!(!batch.is_empty() && batch.len() <= count - all.len());
        all.extend(batch)
    }
    (senders, jobs, Batch::new(all))
}

fn split(spans: &[Seen]) -> (&Seen, Vec<&Seen>) {
    let (batch, each): (Vec<&Seen>, Vec<_>) = spans
        .iter()
        .filter(|s| s.name.starts_with("process"))
        .partition(|s| !s.get("messaging.batch.message_count").is_empty());
    assert_eq!(batch.len(), 1);
    (batch[0], each)
}

#[tokio::test]
async fn a_hundred_messages_of_a_hundred_senders() {
    let Some(amqp) = amqp("batch").await else { return };
    let (shop, memory) = recorder("shop");
    let senders = shop.scope(async || {
        let (senders, _jobs, batch) = collected(&amqp, 100).await;
        let work = async {
            // Some have an outcome of their own; the others share the batch's.
            for job in batch.iter().filter(|job| job.data.ends_with(b"7")) {
                let result = job.run(async || observe::span("step").in_scope(|| Err::<(), _>("out of stock"))).await;
                assert_eq!(result, Err("out of stock"));
                job.nack(BasicNackOptions { requeue: false, multiple: false }).await.unwrap();
            }
            Ok::<_, String>(())
        };
        assert_eq!(batch.run(|| work).await, Ok(()));
        // One ack for all that are left.
        assert!(batch.last().unwrap().ack(BasicAckOptions { multiple: true }).await.unwrap());
        senders
    });
    let senders = senders.await;
    shop.flush_blocking(Duration::from_secs(60));
    let spans = spans(&memory.records());
    let (batch, each) = split(&spans);
    assert_eq!((batch.links.len(), batch.links.iter().copied().collect::<BTreeSet<_>>()), (100, senders.clone()));
    assert_eq!(
        (batch.parent, batch.get("messaging.batch.message_count"), batch.status),
        (None, "100", Some(Status::Ok))
    );
    assert!(!senders.iter().any(|(trace, _)| Some(*trace) == batch.trace), "no sender is privileged");
    assert_eq!(each.len(), 100);
    let under: BTreeSet<_> = each.iter().map(|s| (s.trace.unwrap(), s.parent.unwrap())).collect();
    assert_eq!(under, senders, "each under its own sender");
    assert!(each.iter().all(|s| s.links == [(batch.trace.unwrap(), batch.id.unwrap())]), "and linked to the batch");
    let failed: Vec<_> = each.iter().filter(|s| s.status == Some(Status::Error)).collect();
    assert_eq!(failed.len(), 10, "a partial failure is seen by message");
    assert!(failed.iter().all(|s| s.error == "out of stock"), "{failed:?}");
    let ack = spans.iter().find(|s| s.name.starts_with("ack")).unwrap();
    assert_eq!(ack.get("spanbridge.settle.multiple"), "true");
    assert_eq!(spans.iter().filter(|s| s.name.starts_with("nack")).count(), 10);
}

/// A batch that is given up does so, too.
#[tokio::test]
async fn a_failed_batch_tells_each_message() {
    let Some(amqp) = amqp("batch-fails").await else { return };
    for (result, expected) in [(Some("no paper"), Status::Error), (None, Status::Cancelled)] {
        let (shop, memory) = recorder("shop");
        shop.scope(async || {
            let (_, jobs, batch) = collected(&amqp, 3).await;
            match result {
                Some(error) => assert_eq!(batch.run(async || { Err::<(), _>(error) }).await, Err(error)),
                None => drop(batch.run(std::future::pending::<()>)),
            }
            batch.last().unwrap().ack(BasicAckOptions { multiple: true }).await.unwrap();
            amqp.channel.basic_cancel(jobs.consumer().tag(), BasicCancelOptions::default()).await.unwrap();
        })
        .await;
        shop.flush_blocking(Duration::from_secs(60));
        let spans = spans(&memory.records());
        let (batch, each) = split(&spans);
        assert_eq!((batch.status, each.len()), (Some(expected), 3));
        assert!(each.iter().all(|s| s.status == Some(expected)), "{each:?}");
    }
}

#[tokio::test]
async fn what_comes_after_a_batch_is_not_lost() {
    let Some(amqp) = amqp("batch-ends").await else { return };
    amqp.send(headers([]), b"1").await;
    let mut jobs = amqp.consume().await.observed();
    let tag = jobs.consumer().tag();
    // The consumer is cancelled behind a message: the batch has the message, and what follows is the end.
    amqp.channel.basic_cancel(tag, BasicCancelOptions::default()).await.unwrap();
    let batch = within("a batch", jobs.batch(10)).await.unwrap().unwrap();
    assert_eq!(batch.len(), 1);
    assert!(within("the end", jobs.next()).await.is_none());
}

/// The application's own function may panic before a message is a job: the messages before it are a batch, and it comes again.
#[tokio::test]
async fn a_relation_that_panics_loses_nothing() {
    const COUNT: usize = 6;
    let Some(amqp) = amqp("batch-relation").await else { return };
    for n in 0..COUNT {
        amqp.send(headers([]), n.to_string().as_bytes()).await;
    }
    // Over one message behind others, and over one that comes first: three times.
    let asked = AtomicUsize::new(0);
    let options = ReceiveOptions::new().relation_by(move |_| match asked.fetch_add(1, SeqCst) {
        2..5 => panic!("no relation"),
        _ => Relation::Parent,
    });
    let mut jobs = amqp.consume().await.observed().with(options);
    let (mut all, mut panics) = (vec![], 0);
    while all.len() < COUNT {
        match within("a batch", AssertUnwindSafe(jobs.batch(COUNT)).catch_unwind()).await {
            Ok(batch) => all.extend(batch.unwrap().unwrap()),
            Err(panic) => {
                assert_eq!(panic.downcast_ref(), Some(&"no relation"), "it is the application's");
                panics += 1
            }
        }
    }
    let bodies: Vec<_> = all.iter().map(|job| String::from_utf8(job.data.clone()).unwrap()).collect();
    assert_eq!(bodies, ["0", "1", "2", "3", "4", "5"]);
    assert!((2..=3).contains(&panics), "{panics}: one may have ended a batch");
    for job in all {
        assert!(job.ack(BasicAckOptions::default()).await.unwrap());
    }
}

/// However its jobs were collected: what is not the same for all of them is not told of the batch.
#[tokio::test]
async fn a_batch_of_two_brokers_names_neither() {
    let Some(amqp) = amqp("batch-brokers").await else { return };
    let (shop, memory) = recorder("shop");
    let work = async || {
        let mut jobs = vec![];
        for server in ["one.example", "other.example"] {
            amqp.send(headers([]), b"1").await;
            let channel = amqp.channel.observed().server(server, 5672);
            let got = async {
                loop {
                    let got = channel.basic_get(amqp.queue.clone(), BasicGetOptions::default()).await.unwrap();
                    if let Some(got) = got {
                        break got.job;
                    }
                }
            };
            jobs.push(within("a message", got).await)
        }
        Batch::new(jobs).run(async || ()).await
    };
    shop.scope(work).await;
    shop.flush_blocking(Duration::from_secs(60));
    let spans = spans(&memory.records());
    let (batch, each) = split(&spans);
    assert_eq!(batch.get("server.address"), "");
    assert_eq!(each.iter().map(|s| s.get("server.address")).collect::<Vec<_>>(), ["one.example", "other.example"]);
}
