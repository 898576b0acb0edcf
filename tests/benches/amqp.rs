//! What observing costs beside RabbitMQ: the same messages by lapin alone, with the three headers as constants, and
//! observed, with every span recorded and counted. Run with `AMQP_URL=… cargo bench -p spanbridge-tests --bench amqp`.
//!
//! The two take turns over one connection, so that whatever else the machine does meets both.

use futures_util::StreamExt;
use futures_util::stream::iter;
use lapin::BasicProperties;
use lapin::options::*;
use spanbridge::carrier::extract;
use spanbridge::{Batch, Context, ContextExt, Receipt, Recorder, Sink, SinkError, observe};
use spanbridge_amqp::{ChannelExt, ConsumerExt};
use spanbridge_tests::{Amqp, amqp, headers, text};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

const MESSAGES: usize = 20_000;
const ROUNDS: usize = 7;
const UNDER_WAY: usize = 64;
const THEIRS: [(&str, &str); 3] = [
    ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ("tracestate", "sb=r:0123456789abcdef0123456789abcdef"),
    ("baggage", "tier=gold"),
];
const BODY: &[u8] = &[b'x'; 256];
const ACK: BasicAckOptions = BasicAckOptions { multiple: false };

struct Count(Arc<AtomicU64>);

impl Sink for Count {
    fn deliver(&mut self, batch: &Batch) -> Result<Receipt, SinkError> {
        self.0.fetch_add(batch.records().map(black_box).count() as u64, Relaxed);
        Ok(Receipt::default())
    }
}

async fn bare(amqp: &Amqp) -> [Duration; 2] {
    let begun = Instant::now();
    let publish = |_| async {
        let table = headers(THEIRS.map(|(name, value)| (name, text(value))));
        let (queue, properties) = (amqp.queue.clone(), BasicProperties::default().with_headers(table));
        let sent = amqp.channel.basic_publish("".into(), queue, BasicPublishOptions::default(), BODY, properties);
        sent.await.unwrap().await.unwrap();
    };
    iter(0..MESSAGES).for_each_concurrent(UNDER_WAY, publish).await;
    let published = begun.elapsed();
    let begun = Instant::now();
    let mut consumer = amqp.consume().await;
    for _ in 0..MESSAGES {
        let delivery = consumer.next().await.unwrap().unwrap();
        async { black_box(&delivery.data) }.await;
        delivery.ack(ACK).await.unwrap();
    }
    let consumed = begun.elapsed();
    amqp.channel.basic_cancel(consumer.tag(), BasicCancelOptions::default()).await.unwrap();
    [published, consumed]
}

async fn observed(amqp: &Amqp, sender: &Context) -> [Duration; 2] {
    let begun = Instant::now();
    let publish = |_| {
        let publish = async {
            let (queue, properties) = (amqp.queue.clone(), BasicProperties::default());
            let options = BasicPublishOptions::default();
            let sent = amqp.channel.observed().basic_publish("".into(), queue, options, BODY, properties);
            sent.await.unwrap().await.unwrap();
        };
        publish.in_context(sender.clone())
    };
    iter(0..MESSAGES).for_each_concurrent(UNDER_WAY, publish).await;
    let published = begun.elapsed();
    let begun = Instant::now();
    let mut jobs = amqp.consume().await.observed();
    for _ in 0..MESSAGES {
        let job = jobs.next().await.unwrap().unwrap();
        job.run_value(async { black_box(&job.data) }).await;
        job.ack(ACK).await.unwrap();
    }
    let consumed = begun.elapsed();
    amqp.channel.basic_cancel(jobs.consumer().tag(), BasicCancelOptions::default()).await.unwrap();
    [published, consumed]
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    MESSAGES as f64 / times[times.len() / 2].as_secs_f64()
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    // `cargo test --all-targets` runs this too.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let Some(amqp) = amqp("bench").await else { return };
    let count = Arc::new(AtomicU64::new(0));
    let recorder = Recorder::builder("bench").sink(Count(count.clone())).install().unwrap();
    let sender = extract(&BTreeMap::from(THEIRS)).context;
    assert!(observe::in_scope(&sender, || observe::span("warm").id()).is_some(), "it is recorded");
    let mut times = [const { Vec::new() }; 4];
    for round in 0..=ROUNDS {
        let ([publish, consume], [publish_observed, consume_observed]) = if round % 2 == 0 {
            let bare = bare(&amqp).await;
            (bare, observed(&amqp, &sender).await)
        } else {
            let observed = observed(&amqp, &sender).await;
            (bare(&amqp).await, observed)
        };
        // The first round warms up.
        for (times, time) in times.iter_mut().zip([publish, publish_observed, consume, consume_observed]) {
            times.extend((round > 0).then_some(time))
        }
    }
    let report = recorder.shutdown(Duration::from_secs(10));
    let [publish, publish_observed, consume, consume_observed] = times.map(median);
    println!("messages per second, median of {ROUNDS} rounds of {MESSAGES}");
    for (name, bare, observed) in
        [("publish, confirmed", publish, publish_observed), ("consume, run, ack", consume, consume_observed)]
    {
        let (ratio, more) = (observed / bare, (1e6 / observed) - (1e6 / bare));
        println!("{name:20} lapin {bare:8.0}   observed {observed:8.0}   ratio {ratio:.3}   {more:+.2} us each");
    }
    println!("{} records counted, {} dropped", count.load(Relaxed), report.dropped);
}
