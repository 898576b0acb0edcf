//! What observing costs beside RabbitMQ: the same messages by lapin alone, with the three headers as constants, and
//! observed, with every span recorded and counted, or kept in a store.
//!
//! ```sh
//! AMQP_URL=… cargo bench -p spanbridge-tests --bench amqp    # SPANBRIDGE_BENCH_ROUNDS, SPANBRIDGE_BENCH_MESSAGES
//! ```
//!
//! They take turns over one connection. A consumer gets no more than a few messages ahead (`basic.qos`), as services
//! have it: without a limit RabbitMQ sends everything at once, and how long that takes depends on how the two of them
//! come to share the processor. The broker is the measure of all of it; what observing itself costs is the processor time.

mod support;

use futures_util::stream::{StreamExt, iter};
use lapin::BasicProperties;
use lapin::options::*;
use spanbridge::{Context, ContextExt};
use spanbridge_amqp::{ChannelExt, ConsumerExt};
use spanbridge_tests::{Amqp, amqp, headers, text};
use std::hint::black_box;
use support::{BODY, Recorders, Rounds, Spent, THEIRS, Variant, Watch, number, order};

const UNDER_WAY: usize = 64;
const AHEAD: u16 = 256;
const ACK: BasicAckOptions = BasicAckOptions { multiple: false };

struct Bench {
    amqp: Amqp,
    messages: usize,
}

impl Bench {
    async fn publish(&self, variant: Variant, sender: &Context) -> Spent {
        let publish = |_| async move {
            let (queue, options) = (self.amqp.queue.clone(), BasicPublishOptions::default());
            let channel = &self.amqp.channel;
            if variant.is_bare() {
                let table = headers(THEIRS.map(|(name, value)| (name, text(value))));
                let properties = BasicProperties::default().with_headers(table);
                channel.basic_publish("".into(), queue, options, BODY, properties).await.unwrap().await.unwrap();
            } else {
                let sent =
                    channel.observed().basic_publish("".into(), queue, options, BODY, BasicProperties::default());
                sent.await.unwrap().await.unwrap();
            }
        };
        let watch = Watch::start();
        let publishing = iter(0..self.messages).for_each_concurrent(UNDER_WAY, publish);
        if variant.is_bare() {
            publishing.await
        } else {
            publishing.in_context(sender.clone()).await
        }
        watch.stop()
    }

    async fn consume(&self) -> Spent {
        let mut consumer = self.amqp.consume().await;
        let watch = Watch::start();
        for _ in 0..self.messages {
            let delivery = consumer.next().await.unwrap().unwrap();
            async { black_box(&delivery.data) }.await;
            delivery.ack(ACK).await.unwrap();
        }
        let spent = watch.stop();
        self.cancel(consumer).await;
        spent
    }

    async fn consume_observed(&self) -> Spent {
        let mut jobs = self.amqp.consume().await.observed();
        let watch = Watch::start();
        for _ in 0..self.messages {
            let job = jobs.next().await.unwrap().unwrap();
            job.run_value(async || black_box(&job.data)).await;
            job.ack(ACK).await.unwrap();
        }
        let spent = watch.stop();
        self.cancel(jobs.consumer().clone()).await;
        spent
    }

    async fn cancel(&self, consumer: lapin::Consumer) {
        self.amqp.channel.basic_cancel(consumer.tag(), BasicCancelOptions::default()).await.unwrap();
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    // `cargo test --all-targets` runs this too.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let Some(amqp) = amqp("bench").await else { return };
    amqp.channel.basic_qos(AHEAD, BasicQosOptions::default()).await.unwrap();
    let bench = Bench { amqp, messages: number("SPANBRIDGE_BENCH_MESSAGES", 20_000) };
    let rounds = number("SPANBRIDGE_BENCH_ROUNDS", 9);
    let recorders = Recorders::new();
    let mut measured = Rounds::default();
    for round in 0..=rounds {
        for variant in order(round, &[Variant::Bare, Variant::Counted, Variant::Stored]) {
            let published = bench.publish(variant, &recorders.sender(variant)).await;
            recorders.settle(variant);
            let consumed = match recorders.of(variant) {
                None => bench.consume().await,
                Some(recorder) => recorder.scope(|| bench.consume_observed()).await,
            };
            recorders.settle(variant);
            // The first round warms up.
            if round > 0 {
                measured.note("publish, confirmed", variant, published);
                measured.note("consume, run, ack", variant, consumed);
            }
        }
    }
    measured.print(bench.messages);
    recorders.finish();
}
