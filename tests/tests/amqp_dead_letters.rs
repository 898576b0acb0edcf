//! Messages that die, and go on: rejected, out of deliveries, pushed out by others; sent again by hand, and forwarded.

use lapin::BasicProperties;
use lapin::options::*;
use lapin::types::{AMQPValue, FieldTable};
use spanbridge::{Status, observe};
use spanbridge_amqp::{ChannelExt, ConsumerExt, DeliveryExt, Job, Jobs};
use spanbridge_tests::{Amqp, Seen, amqp, headers, publish_raw, recorder, spans, text, within};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const SENDER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const ACK: BasicAckOptions = BasicAckOptions { multiple: false };

async fn next(jobs: &mut Jobs) -> Job {
    within("a message", jobs.next()).await.unwrap().unwrap()
}

/// A queue whose dead letters go to the test's queue, through an exchange.
async fn dying(amqp: &Amqp, name: &str, more: FieldTable, options: QueueDeclareOptions) -> String {
    let (queue, exchange) = (format!("{}.{name}", amqp.queue), format!("{}.dead", amqp.queue));
    let declare = ExchangeDeclareOptions { auto_delete: true, ..Default::default() };
    let kind = lapin::ExchangeKind::Fanout;
    amqp.channel.exchange_declare(exchange.as_str().into(), kind, declare, FieldTable::default()).await.unwrap();
    let (to, from) = (amqp.queue.clone(), exchange.as_str().into());
    amqp.channel.queue_bind(to, from, "".into(), Default::default(), Default::default()).await.unwrap();
    let mut table = headers([("x-dead-letter-exchange", text(exchange.as_str()))]);
    for (name, value) in &more {
        table.insert(name.clone(), value.clone());
    }
    amqp.channel.queue_declare(queue.as_str().into(), options, table).await.unwrap();
    queue
}

async fn publish(amqp: &Amqp, queue: &str, body: &[u8]) {
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let sent = amqp.channel.observed().basic_publish("".into(), queue.into(), options, body, properties);
    assert!(sent.await.unwrap().await.unwrap().is_ack());
}

/// How a message died, as the span of the work on it tells.
fn death(span: &Seen, amqp: &Amqp) -> String {
    let get = |name: &str| span.get(&format!("spanbridge.dead_letter.{name}")).replace(amqp.queue.as_str(), "Q");
    format!("{} in {} from {:?}, {}", get("reason"), get("queue"), get("exchange"), get("count"))
}

fn processed(spans: &[Seen]) -> Vec<&Seen> {
    spans.iter().filter(|s| s.name.starts_with("process")).collect()
}

/// A message is rejected, consumed from the dead-letter queue, and sent again.
#[tokio::test]
async fn rejected_consumed_again_and_forwarded() {
    let Some(amqp) = amqp("dead").await else { return };
    let (shop, memory) = recorder("shop");
    let orders = dying(&amqp, "orders", FieldTable::default(), QueueDeclareOptions::exclusive()).await;
    shop.scope(async || {
        observe::span("checkout").run_value(|| publish(&amqp, &orders, b"{}")).await;
        let (mut live, mut dead) = (amqp.consume_from(&orders).await.observed(), amqp.consume().await.observed());
        let reject = BasicRejectOptions { requeue: false };
        let job = next(&mut live).await;
        assert_eq!(job.run(async || { Err::<(), _>("no paper") }).await, Err("no paper"));
        assert!(job.reject(reject).await.unwrap());
        // Somebody looks at the dead letter, and sends it again as it is: another attempt.
        let letter = next(&mut dead).await;
        let again = async {
            let properties = letter.properties.clone();
            let (queue, options) = (orders.as_str().into(), BasicPublishOptions::default());
            let sent = amqp.channel.observed().basic_publish("".into(), queue, options, &letter.data, properties);
            sent.await.unwrap().await.unwrap();
        };
        letter.run_value(|| again).await;
        assert!(letter.ack(ACK).await.unwrap());
        let job = next(&mut live).await;
        let wire = job.properties.headers().as_ref().unwrap().inner();
        assert_eq!(wire.keys().filter(|k| k.as_str() == "traceparent").count(), 1, "never stacked");
        job.run(async || {}).await;
        assert!(job.reject(reject).await.unwrap());
        let letter = next(&mut dead).await;
        letter.run(async || {}).await;
        assert!(letter.ack(ACK).await.unwrap());
    })
    .await;
    shop.flush_blocking(Duration::from_secs(60));
    let spans = spans(&memory.records());
    let publishes: Vec<_> = spans.iter().filter(|s| s.name.starts_with("publish")).collect();
    let processed = processed(&spans);
    let parents: Vec<_> = processed.iter().map(|s| s.parent).collect();
    let [first, second] = [publishes[0].id, publishes[1].id];
    assert_eq!(parents, [first, first, second, second], "dead letters keep their traceparent");
    assert_eq!(publishes[1].parent, processed[1].id, "the story goes on");
    assert!(spans.iter().all(|s| s.trace == spans[0].trace), "in one trace");
    let deaths: Vec<_> = publishes.iter().chain(&processed).map(|s| death(s, &amqp)).collect();
    assert_eq!(
        deaths,
        [
            " in  from \"\", ",
            "rejected in Q.orders from \"\", 1", // sent along with its headers
            " in  from \"\", ",
            "rejected in Q.orders from \"\", 1",
            "rejected in Q.orders from \"\", 1", // its history comes along when it is sent again
            "rejected in Q.orders from \"\", 2",
        ]
    );
    let attempts: Vec<_> = processed.iter().map(|s| s.get("spanbridge.delivery.attempt")).collect();
    assert_eq!(attempts, ["", "", "2", ""], "of the queue that it died in");
    assert_eq!(processed[1].get("spanbridge.queue.name"), amqp.queue.as_str());
    assert_eq!((processed[0].status, processed[0].error.as_str()), (Some(Status::Error), "no paper"));
}

#[tokio::test]
async fn out_of_deliveries() {
    let Some(amqp) = amqp("dead-limit").await else { return };
    let (shop, memory) = recorder("shop");
    let limited = headers([("x-queue-type", text("quorum")), ("x-delivery-limit", AMQPValue::LongInt(2))]);
    let durable = QueueDeclareOptions { durable: true, ..Default::default() };
    let orders = dying(&amqp, "orders", limited, durable).await;
    shop.scope(async || {
        publish(&amqp, &orders, b"{}").await;
        let (mut live, mut dead) = (amqp.consume_from(&orders).await.observed(), amqp.consume().await.observed());
        for _ in 0..3 {
            let job = next(&mut live).await;
            job.run(async || {}).await;
            assert!(job.nack(BasicNackOptions { requeue: true, multiple: false }).await.unwrap());
        }
        let letter = next(&mut dead).await;
        letter.run(async || {}).await;
        assert!(letter.ack(ACK).await.unwrap());
    })
    .await;
    amqp.channel.queue_delete(orders.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
    shop.flush_blocking(Duration::from_secs(60));
    let spans = spans(&memory.records());
    let shown: Vec<_> = processed(&spans)
        .iter()
        .map(|s| format!("{:?}: {}", s.get("spanbridge.delivery.attempt"), death(s, &amqp)))
        .collect();
    assert_eq!(
        shown,
        [
            "\"\":  in  from \"\", ",
            "\"2\":  in  from \"\", ",
            "\"3\":  in  from \"\", ",
            "\"\": delivery_limit in Q.orders from \"\", 1",
        ]
    );
    assert!(processed(&spans).iter().all(|s| s.parent == processed(&spans)[0].parent), "under the first sender");
}

#[tokio::test]
async fn pushed_out_of_a_full_queue() {
    let Some(amqp) = amqp("dead-full").await else { return };
    let (shop, memory) = recorder("shop");
    let one = headers([("x-max-length", AMQPValue::LongInt(1))]);
    let orders = dying(&amqp, "orders", one, QueueDeclareOptions::exclusive()).await;
    shop.scope(async || {
        publish(&amqp, &orders, b"first").await;
        publish(&amqp, &orders, b"second").await;
        let letter = next(&mut amqp.consume().await.observed()).await;
        assert_eq!(letter.data, b"first");
        letter.run(async || {}).await;
        letter.ack(ACK).await.unwrap();
    })
    .await;
    shop.flush_blocking(Duration::from_secs(60));
    let spans = spans(&memory.records());
    assert_eq!(death(processed(&spans)[0], &amqp), "maxlen in Q.orders from \"\", 1");
}

/// A shovel, or a bridge of one's own, moves messages as they are; one that is observed says so.
#[tokio::test]
async fn a_forwarded_message_has_one_traceparent() {
    let Some(amqp) = amqp("forward").await else { return };
    let (bridge, memory) = recorder("bridge");
    let other = format!("{}.other", amqp.queue);
    amqp.declare(&other, FieldTable::default()).await;
    bridge
        .scope(async || {
            let mut jobs = amqp.consume().await.observed();
            let mut moved = amqp.consume_from(&other).await.observed();
            for inside in [true, false] {
                amqp.send(headers([("traceparent", text(SENDER)), ("x-mine", text("1"))]), b"{}").await;
                let job = next(&mut jobs).await;
                let forward = async {
                    let (properties, options) = (job.properties.clone(), BasicPublishOptions::default());
                    let queue = other.as_str().into();
                    let sent = amqp.channel.observed().basic_publish("".into(), queue, options, &job.data, properties);
                    sent.await.unwrap().await.unwrap();
                };
                // Inside the work it is the same trace; outside, another one, and the message's own is meant.
                if inside {
                    job.run_value(|| forward).await
                } else {
                    observe::span("bridge").run_value(|| forward).await
                }
                job.ack(ACK).await.unwrap();
                let job = next(&mut moved).await;
                let wire: Vec<_> = job.properties.headers().as_ref().unwrap().inner().keys().cloned().collect();
                assert_eq!(wire.iter().map(|k| k.as_str()).collect::<Vec<_>>(), ["traceparent", "x-mine"]);
                job.run(async || {}).await;
                job.ack(ACK).await.unwrap();
            }
        })
        .await;
    bridge.flush_blocking(Duration::from_secs(60));
    let spans = spans(&memory.records());
    let publishes: Vec<_> = spans.iter().filter(|s| s.name.starts_with("publish")).collect();
    let processed = processed(&spans);
    assert_eq!(processed[1].parent, publishes[0].id, "replaced: the new hop is the parent");
    assert_eq!(publishes[0].parent, processed[0].id);
    assert_eq!(processed[2].parent.unwrap().to_string(), SENDER[36..52], "kept: the sender is");
    assert_eq!(publishes[1].links.len(), 1, "and the hop links to it");
    assert!(processed.iter().all(|s| s.trace.unwrap().to_string() == SENDER[3..35]), "{processed:?}");
}

/// A table of headers may have a name twice on the wire, though no client of ours can write that. The last hop counts.
#[tokio::test]
async fn of_two_traceparents_one_is_sent_on() {
    let Some(amqp) = amqp("twice").await else { return };
    let (bridge, memory) = recorder("bridge");
    let other = format!("{}.other", amqp.queue);
    amqp.declare(&other, FieldTable::default()).await;
    let (first, last) = (SENDER.replace("4bf9", "ffff"), SENDER.replace("00f067aa0ba902b7", "00000000000000aa"));
    let twice = [("traceparent", first.as_str()), ("x-mine", "1"), ("traceparent", &last)];
    publish_raw(&amqp.url, amqp.queue.as_str(), &twice, b"{}");
    bridge
        .scope(async || {
            let job = next(&mut amqp.consume().await.observed()).await;
            let forward = async {
                let (properties, options) = (job.properties.clone(), BasicPublishOptions::default());
                let queue = other.as_str().into();
                let sent = amqp.channel.observed().basic_publish("".into(), queue, options, &job.data, properties);
                sent.await.unwrap().await.unwrap();
            };
            job.run_value(|| forward).await;
            job.ack(ACK).await.unwrap();
        })
        .await;
    bridge.flush_blocking(Duration::from_secs(60));
    let spans = spans(&memory.records());
    let (process, publish) = (processed(&spans)[0], spans.iter().find(|s| s.name.starts_with("publish")).unwrap());
    assert_eq!(process.parent.unwrap().to_string(), "00000000000000aa", "the last hop");
    assert_eq!((publish.parent, publish.trace), (process.id, process.trace));
    let wire = amqp.take_from(&other).await.properties.headers().clone().unwrap();
    let names: Vec<_> = wire.inner().keys().map(|k| k.as_str()).collect();
    assert_eq!(names, ["traceparent", "x-mine"]);
}

/// What RabbitMQ's clock says is not what ours says.
#[tokio::test]
async fn a_wrong_clock_is_told_apart_from_a_delay() {
    let (shop, memory) = recorder("shop");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    shop.scope(async || {
        for timestamp in [now - 60, now + 2, now + 3600, 0, 1, now * 1000, u64::MAX] {
            let mut delivery = lapin::message::Delivery::mock(1, "".into(), "q".into(), false, b"{}".into());
            delivery.properties = BasicProperties::default().with_timestamp(timestamp);
            delivery.observed_from("q".into()).run(async || {}).await;
        }
    })
    .await;
    shop.flush_blocking(Duration::from_secs(60));
    let shown: Vec<_> = spans(&memory.records())
        .iter()
        .map(|s| {
            let waited = s.get("spanbridge.queue.time_ms").parse::<u64>().ok().map(|ms| ms / 10_000);
            (waited, s.diagnostics.iter().map(|(code, _)| code.clone()).collect::<Vec<_>>().join(" "))
        })
        .collect();
    let none = String::new;
    let expected = [
        (Some(5), none()), // 59 to 60 seconds
        (Some(0), none()),
        (None, "clock.skew".to_owned()),
        (None, none()),
        (None, none()),
        (None, none()),
        (None, none()),
    ];
    assert_eq!(shown, expected);
}
