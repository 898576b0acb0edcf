//! Ten thousand messages through 64 handlers at a time on several threads: nested spans, `select!`, spawned tasks and
//! cancellations, and every parent is exactly the span that caused it. Fails if two tasks ever share a context.

use futures_util::StreamExt;
use futures_util::stream::iter;
use lapin::BasicProperties;
use lapin::options::*;
use spanbridge::{ContextExt, Status, observe};
use spanbridge_amqp::{ChannelExt, ConsumerExt, Job};
use spanbridge_tests::{Amqp, Seen, amqp, recorder, spans, within};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::{JoinSet, yield_now};

const MESSAGES: usize = 10_000;
const HANDLERS: usize = 64;
/// Every so many is given up on while it is worked on.
const CANCELLED: usize = 7;

/// One message, under a run and a span of its own; its body says which span that is.
async fn send(amqp: &Amqp, number: usize) {
    let run = observe::run("order").attribute("number", number).open();
    let place = async {
        let sender = observe::active_span().unwrap().id().unwrap();
        let body = format!("{sender} {}", observe::current_context().run_id().unwrap());
        let properties = BasicProperties::default().with_message_id(number.to_string().as_str().into());
        let (queue, options) = (amqp.queue.clone(), BasicPublishOptions::default());
        let sent = amqp.channel.observed().basic_publish("".into(), queue, options, body.as_bytes(), properties);
        assert!(sent.await.unwrap().await.unwrap().is_ack());
    };
    run.with_context(|| observe::span("place").attribute("number", number).run(|| place)).await;
    run.end();
}

async fn nested(name: &'static str, number: usize, depth: usize) {
    let inner = async {
        yield_now().await;
        if depth > 1 {
            Box::pin(nested(name, number, depth - 1)).await
        }
        yield_now().await;
    };
    observe::span(name).attribute("number", number).run(|| inner).await
}

/// What a handler may do that moves between threads or is dropped half-way.
async fn work(number: usize) {
    nested("nested", number, 2).await;
    let forever = async {
        nested("loser", number, 1).await;
        std::future::pending::<()>().await
    };
    tokio::select! {
        biased;
        () = forever => unreachable!(),
        () = nested("winner", number, 2) => {}
    }
    let spawned = tokio::spawn(nested("spawned", number, 1).in_current_context());
    tokio::join!(nested("joined", number, 1), async { spawned.await.unwrap() });
    if number.is_multiple_of(CANCELLED) {
        observe::span("given up").attribute("number", number).run(std::future::pending::<()>).await
    }
}

async fn handle(job: Job) {
    let number: usize = job.properties.message_id().as_ref().unwrap().as_str().parse().unwrap();
    let sender = String::from_utf8(job.data.clone()).unwrap();
    let mut running = Box::pin(job.run(async || {
        observe::active_span().unwrap().attribute("sender", &sender);
        work(number).await
    }));
    if number.is_multiple_of(CANCELLED) {
        // Polled until it is in its last span, and dropped there.
        for _ in 0..1000 {
            tokio::select! {
                biased;
                () = &mut running => unreachable!(),
                () = yield_now() => {}
            }
        }
        drop(running);
        assert!(job.nack(BasicNackOptions { requeue: false, ..Default::default() }).await.unwrap());
    } else {
        running.await;
        assert!(job.ack(BasicAckOptions::default()).await.unwrap());
    }
}

async fn consume(amqp: &Amqp) {
    let permits = Arc::new(Semaphore::new(HANDLERS));
    let mut jobs = amqp.consume().await.observed();
    let mut handlers = JoinSet::new();
    for _ in 0..MESSAGES {
        let permit = permits.clone().acquire_owned().await.unwrap();
        let job = jobs.next().await.unwrap().unwrap();
        handlers.spawn(async move {
            handle(job).await;
            drop(permit)
        });
    }
    while let Some(handled) = handlers.join_next().await {
        handled.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_parent_is_exact_under_load() {
    let Some(amqp) = amqp("volume").await else { return };
    let (orders, sent) = recorder("orders");
    let (shipping, received) = recorder("shipping");
    let send_all = orders.scope(async || iter(0..MESSAGES).for_each_concurrent(256, |n| send(&amqp, n)).await);
    let consume_all = shipping.scope(async || consume(&amqp).await);
    within("all of it", async { tokio::join!(send_all, consume_all) }).await;
    for recorder in [orders, shipping] {
        let report = recorder.shutdown(Duration::from_secs(60));
        assert!(report.complete && report.dropped == 0, "{report:?}");
    }
    let (sent, received) = (spans(&sent.records()), spans(&received.records()));
    check(&sent, &received);
}

fn number(span: &Seen) -> &str {
    if span.attributes.contains_key("number") { span.get("number") } else { span.get("messaging.message.id") }
}

fn check(sent: &[Seen], received: &[Seen]) {
    let by_id: HashMap<_, _> = sent.iter().chain(received).map(|s| (s.id.unwrap(), s)).collect();
    let above = |s: &Seen| s.parent.and_then(|p| by_id.get(&p).copied());
    let named = |name: &str| received.iter().filter(|s| s.name.starts_with(name)).count();
    for (name, count) in [("process", 1), ("nested", 2), ("winner", 2), ("loser", 1), ("spawned", 1), ("joined", 1)] {
        assert_eq!(named(name), count * MESSAGES, "{name}");
    }
    assert_eq!(named("ack") + named("nack"), MESSAGES);
    for span in received {
        let parent = above(span).unwrap_or_else(|| panic!("{span:?} has no parent"));
        assert_eq!((span.run, span.trace), (parent.run, parent.trace), "{span:?} under {parent:?}");
        let word = |s: &Seen| s.name.split(' ').next().unwrap().to_owned();
        match word(span).as_str() {
            "process" => {
                // The sender wrote into the message which span it is in; the publish span is that one's child.
                assert_eq!((word(parent).as_str(), number(span)), ("publish", number(parent)), "{span:?}");
                let place = above(parent).unwrap();
                assert_eq!((place.name.as_str(), number(place)), ("place", number(span)));
                assert_eq!(span.get("sender"), format!("{} {}", place.id.unwrap(), place.run.unwrap()));
                let given_up = number(span).parse::<usize>().unwrap().is_multiple_of(CANCELLED);
                assert_eq!(span.status, Some(if given_up { Status::Cancelled } else { Status::Ok }));
            }
            "ack" | "nack" => assert_eq!(word(parent), "process"),
            _ => {
                assert_eq!(number(span), number(parent), "{span:?} under a neighbour's {parent:?}");
                let inner = parent.name == span.name && above(parent).unwrap().name.starts_with("process");
                assert!(inner || parent.name.starts_with("process"), "{span:?} under {parent:?}");
            }
        }
    }
    assert_eq!(received.iter().filter(|s| s.status.is_none()).count(), 0, "all have ended");
}
