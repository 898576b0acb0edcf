//! What became of a published message, as its span tells it: every status of `spanbridge.handoff.status`.

use futures_util::future::join_all;
use lapin::options::*;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{BasicProperties, Channel, Confirmation};
use spanbridge::{Memory, Recorder, Sampler, Status, observe};
use spanbridge_amqp::{ChannelExt, ObservedConfirm};
use spanbridge_tests::{Amqp, Seen, amqp, headers, recorder, spans, text, until, within};
use std::future::Future;
use std::task::Poll;
use std::time::Duration;

const MANDATORY: BasicPublishOptions = BasicPublishOptions { mandatory: true, immediate: false };
const PLAIN: BasicPublishOptions = BasicPublishOptions { mandatory: false, immediate: false };

async fn publish(channel: &Channel, queue: &str, options: BasicPublishOptions) -> lapin::Result<ObservedConfirm> {
    let (queue, properties) = (ShortString::from(queue), BasicProperties::default());
    channel.observed().basic_publish("".into(), queue, options, b"{}", properties).await
}

/// The spans of some work.
async fn recorded<F: Future<Output = ()>>(work: F) -> Vec<Seen> {
    let (orders, memory) = recorder("orders");
    within("the work", orders.scope(|| work)).await;
    // Tests in this process share channel numbers, and a record may wait for what comes over a channel of its number.
    until("the end of every span", || {
        orders.flush_blocking(Duration::from_secs(60));
        Some(spans(&memory.records())).filter(|spans| spans.iter().all(|s| s.status.is_some()))
    })
    .await
}

/// What became of it, how the span ended, and the error with its class.
fn ended(span: &Seen) -> (&str, Option<Status>, &str, &str) {
    (span.handoff(), span.status, &span.error, span.get("error.type"))
}

/// A channel in confirm mode with a number that no other test's has: what is not known of one is not known of another
/// connection's channel of the same number.
async fn numbered(amqp: &Amqp, number: u16) -> Channel {
    let mut lower = vec![];
    loop {
        let channel = bare(amqp).await;
        if channel.id() == number {
            channel.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
            return channel;
        }
        lower.push(channel)
    }
}

/// A channel of its own, in no special mode.
async fn bare(amqp: &Amqp) -> Channel {
    amqp.connection.create_channel().await.unwrap()
}

#[tokio::test]
async fn confirmed_returned_and_sent() {
    let Some(amqp) = amqp("handoff").await else { return };
    let spans = recorded(async {
        let queue = amqp.queue.as_str();
        let ack = publish(&amqp.channel, queue, MANDATORY).await.unwrap().await;
        assert_eq!(ack.unwrap(), Confirmation::Ack(None));
        let returned = publish(&amqp.channel, "no such queue", MANDATORY).await.unwrap().await;
        let message = returned.unwrap().take_message().expect("lapin's own result is the user's");
        assert_eq!(message.reply_code, 312);
        // Without `mandatory` the broker drops it, and says that it has it.
        assert!(publish(&amqp.channel, "no such queue", PLAIN).await.unwrap().await.unwrap().is_ack());
        let unasked = publish(&bare(&amqp).await, queue, PLAIN).await.unwrap().await;
        assert_eq!(unasked.unwrap(), Confirmation::NotRequested);
    });
    let spans = spans.await;
    assert_eq!(ended(&spans[0]), ("confirmed", Some(Status::Ok), "", ""));
    assert_eq!(ended(&spans[1]), ("returned", Some(Status::Error), "returned by the broker: 312 NO_ROUTE", "312"));
    assert_eq!(ended(&spans[2]), ("confirmed", Some(Status::Ok), "", ""));
    assert_eq!(ended(&spans[3]), ("sent", Some(Status::Ok), "", ""));
}

#[tokio::test]
async fn rejected_by_a_queue_that_is_full() {
    let Some(amqp) = amqp("handoff-full").await else { return };
    let full = format!("{}.full", amqp.queue);
    let limits = [("x-max-length", AMQPValue::LongInt(1)), ("x-overflow", text("reject-publish"))];
    amqp.declare(&full, headers(limits)).await;
    let spans = recorded(async {
        assert!(publish(&amqp.channel, &full, PLAIN).await.unwrap().await.unwrap().is_ack());
        assert!(publish(&amqp.channel, &full, PLAIN).await.unwrap().await.unwrap().is_nack());
    });
    let spans = spans.await;
    assert_eq!(ended(&spans[0]), ("confirmed", Some(Status::Ok), "", ""));
    assert_eq!(ended(&spans[1]), ("rejected", Some(Status::Error), "the broker refused the message", "basic.nack"));
}

#[tokio::test]
async fn unknown_where_nobody_waited() {
    let Some(amqp) = amqp("handoff-unknown").await else { return };
    let spans = recorded(async {
        let channel = numbered(&amqp, 7).await;
        drop(publish(&channel, amqp.queue.as_str(), PLAIN).await.unwrap());
        // Given up on at its first suspension; lapin sends it all the same, or it does not. (A poll finds it done at once
        // if the thread that writes is quick, so it takes a few.)
        while !given_up(publish(&channel, amqp.queue.as_str(), PLAIN)).await {}
        channel.wait_for_confirms().await.unwrap();
    });
    let spans = spans.await;
    assert!(spans.len() >= 2);
    for span in &spans {
        assert_eq!(ended(span), ("unknown", Some(Status::Ok), "", ""), "legal, so no error");
    }
}

/// Polls a future once and drops it. Whether there was something to give up.
async fn given_up<T>(future: impl Future<Output = T>) -> bool {
    let mut future = Box::pin(future);
    std::future::poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx).is_pending())).await
}

/// The outcome of a send is unknown then.
#[tokio::test]
async fn unknown_if_connection_or_channel_is_gone() {
    let Some(amqp) = amqp("handoff-closed").await else { return };
    let connection = amqp.another().await;
    let spans = recorded(async {
        let (gone, pending) = (connection.create_channel().await.unwrap(), connection.create_channel().await.unwrap());
        pending.confirm_select(ConfirmSelectOptions::default()).await.unwrap();
        gone.close(200, "done".into()).await.unwrap();
        assert!(publish(&gone, amqp.queue.as_str(), PLAIN).await.is_err());
        // An exchange that is not there: RabbitMQ closes the channel, and the answer never comes.
        let sent =
            pending.observed().basic_publish("no such".into(), "".into(), PLAIN, b"", BasicProperties::default());
        assert!(sent.await.unwrap().await.is_err());
        connection.close(200, "done".into()).await.unwrap();
        assert!(publish(&pending, amqp.queue.as_str(), PLAIN).await.is_err());
    });
    let spans = spans.await;
    assert_eq!(spans.len(), 3);
    for span in &spans {
        assert_eq!((span.handoff(), span.status), ("unknown", Some(Status::Error)));
    }
    assert_eq!([1, 2].map(|n| spans[n].get("error.type")), ["ProtocolError", "InvalidChannelState"]);
    assert!(spans[1].error.contains("no exchange 'no such'"), "lapin's own words: {}", spans[1].error);
}

/// lapin hands a message that came back to whichever publish is answered next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_many_at_once_is_told_its_own_fate() {
    let Some(amqp) = amqp("handoff-many").await else { return };
    let durable = format!("{}.quorum", amqp.queue);
    let options = QueueDeclareOptions { durable: true, ..Default::default() };
    let quorum = headers([("x-queue-type", text("quorum"))]);
    amqp.channel.queue_declare(durable.as_str().into(), options, quorum).await.unwrap();

    let strays = std::sync::atomic::AtomicUsize::new(0);
    // Some of them are not sampled: no span to end, but their answers may carry the messages of others.
    let quiet = Recorder::builder("quiet").sink(Memory::new()).sampler(Sampler::ratio(0.0)).build().unwrap();
    let quiet = &quiet;
    let spans = recorded(async {
        for round in 0..20 {
            let one = |n: usize| {
                let (amqp, durable, strays) = (&amqp, &durable, &strays);
                // The answers come in an order of their own: at once where there is no route, later from a quorum queue.
                let queue = [durable.as_str(), "nowhere", amqp.queue.as_str(), "nowhere either"][n % 4];
                let name = if n.is_multiple_of(2) { "routable" } else { "unroutable" };
                let work = async move {
                    let options = if n % 12 == 2 { PLAIN } else { MANDATORY };
                    let confirm = publish(&amqp.channel, queue, options).await.unwrap();
                    let came_back = confirm.await.unwrap().take_message().is_some();
                    strays.fetch_add((came_back == n.is_multiple_of(2)).into(), std::sync::atomic::Ordering::Relaxed);
                };
                let span = (n % 5 != 1).then(|| observe::span(name).attribute("round", round).open());
                async move {
                    match span {
                        Some(span) => span.run(|| work).await,
                        None => quiet.scope(|| work).await,
                    }
                }
            };
            join_all((0..50).map(one)).await;
        }
    });
    let spans = spans.await;
    amqp.channel.queue_delete(durable.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    println!("{} answers were not the publish's own", strays.into_inner());
    let above = |s: &Seen| spans.iter().find(|p| p.id == s.parent).unwrap().name.clone();
    let publishes: Vec<_> = spans.iter().filter(|s| s.name.starts_with("publish")).collect();
    assert_eq!(publishes.len(), 800);
    for span in publishes {
        let expected = match above(span).as_str() {
            "routable" => ("confirmed", Some(Status::Ok), "", ""),
            _ => ("returned", Some(Status::Error), "returned by the broker: 312 NO_ROUTE", "312"),
        };
        assert_eq!(ended(span), expected, "{span:?}");
        let parent = spans.iter().find(|p| p.id == span.parent).unwrap();
        assert!(span.ended_at <= parent.ended_at, "the end is that of its own answer");
    }
}

/// A confirm that is dropped takes along what came with its answer, be it the message of another publish. Nobody can tell
/// then that the other's message has arrived.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropped_confirms_leave_others_unknown() {
    let Some(amqp) = amqp("handoff-dropped").await else { return };
    let channel = numbered(&amqp, 8).await;
    let spans = recorded(async {
        for _ in 0..300 {
            let (mut dropped, mut awaited) = (vec![], vec![]);
            for _ in 0..4 {
                dropped.push(publish(&channel, amqp.queue.as_str(), MANDATORY).await.unwrap());
                awaited.push(publish(&channel, "nowhere", MANDATORY).await.unwrap());
            }
            drop(dropped);
            for confirm in awaited {
                confirm.await.unwrap();
            }
        }
    });
    let spans = spans.await;
    let unroutable: Vec<_> = spans.iter().filter(|s| s.name.ends_with("nowhere")).map(Seen::handoff).collect();
    assert_eq!(unroutable.len(), 1200);
    assert!(unroutable.iter().all(|status| ["returned", "unknown"].contains(status)), "{unroutable:?}");
    assert!(unroutable.contains(&"returned"), "most messages came with an answer that was looked at");
}

/// A queue with replicas confirms later than RabbitMQ says that there is no queue: also after publishes that began later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_confirm_of_a_slow_queue_comes_late() {
    let Some(amqp) = amqp("handoff-slow").await else { return };
    let channel = numbered(&amqp, 9).await;
    let slow = format!("{}.quorum", amqp.queue);
    let mut quorum = FieldTable::default();
    quorum.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    channel.queue_declare(slow.as_str().into(), durable, quorum).await.unwrap();
    let spans = recorded(async {
        for _ in 0..600 {
            for _ in 0..3 {
                drop(publish(&channel, &slow, MANDATORY).await.unwrap())
            }
            for _ in 0..4 {
                publish(&channel, "nowhere", MANDATORY).await.unwrap().await.unwrap();
            }
        }
    });
    let spans = spans.await;
    channel.queue_delete(slow.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    let unroutable: Vec<_> = spans.iter().filter(|s| s.name.ends_with("nowhere")).map(Seen::handoff).collect();
    assert_eq!(unroutable.len(), 2400);
    assert_eq!(unroutable.iter().find(|status| !["returned", "unknown"].contains(status)), None);
}

#[tokio::test]
async fn an_unobserved_message_fails_no_other() {
    let Some(amqp) = amqp("handoff-stray").await else { return };
    let spans = recorded(async {
        for _ in 0..20 {
            let bare = amqp.channel.basic_publish("".into(), "nowhere".into(), MANDATORY, b"", Default::default());
            let (bare, observed) = tokio::join!(bare, publish(&amqp.channel, amqp.queue.as_str(), MANDATORY));
            let _ = tokio::join!(bare.unwrap(), observed.unwrap());
        }
    });
    for span in spans.await {
        assert_eq!(ended(&span), ("confirmed", Some(Status::Ok), "", ""));
    }
}
