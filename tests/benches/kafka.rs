//! What observing costs beside Kafka: the same messages by rdkafka alone, with the three headers as constants, and
//! observed, with every span recorded and counted, or kept in a store.
//!
//! ```sh
//! cargo bench -p spanbridge-tests --bench kafka     # SPANBRIDGE_BENCH_ROUNDS, SPANBRIDGE_BENCH_MESSAGES
//! ```
//!
//! The broker is the one at `KAFKA_BROKERS`, else librdkafka's in-process broker in a process of its own: this program
//! again. Consuming is a backlog that is worked off: from the assignment of the partitions to the last message, with all
//! that librdkafka does to fetch them. The bare consumer does not look at headers; since librdkafka unpacks those when
//! somebody does, and whoever continues a trace must, there is one that does nothing else with them.

mod support;

use futures_util::stream::{StreamExt, iter};
use rdkafka::consumer::{Consumer, DefaultConsumerContext, StreamConsumer};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::mocking::MockCluster;
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::{Message, Offset, TopicPartitionList};
use spanbridge::carrier::Extract;
use spanbridge::{Context, ContextExt};
use spanbridge_kafka::{ConsumerExt, Headers, Observed, ProducerExt};
use spanbridge_tests::{Kafka, kafka};
use std::hint::black_box;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use support::{BODY, Recorders, Rounds, Spent, THEIRS, Variant, Watch, number, order};

const PARTITIONS: i32 = 12;
const UNDER_WAY: usize = 1_000;
const SOON: Duration = Duration::from_secs(30);

/// The broker, with a topic for each variant.
struct Broker {
    /// The in-process broker's process, which ends with its standard input.
    child: Option<Child>,
    kafka: Kafka,
}

impl Broker {
    async fn start() -> Self {
        if std::env::var_os("KAFKA_BROKERS").is_some() {
            let broker = Broker { child: None, kafka: kafka("bench", 1).await };
            for variant in Variant::ALL {
                broker.kafka.create(&broker.topic(variant), PARTITIONS).await
            }
            return broker;
        }
        let mut command = Command::new(std::env::current_exe().unwrap());
        let mut child = command.arg("--broker").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut brokers = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut brokers).unwrap();
        let (brokers, topic) = (brokers.trim().to_owned(), "bench".to_owned());
        Broker { child: Some(child), kafka: Kafka { brokers, topic, mock: None } }
    }

    fn be() {
        let mock = MockCluster::new(1).unwrap();
        for variant in Variant::ALL {
            mock.create_topic(&format!("bench.{variant:?}"), PARTITIONS, 1).unwrap()
        }
        println!("{}", mock.bootstrap_servers());
        std::io::stdout().flush().unwrap();
        let _ = std::io::stdin().read(&mut [0]);
    }

    fn topic(&self, variant: Variant) -> String {
        format!("{}.{variant:?}", self.kafka.topic)
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            drop(child.stdin.take());
            let _ = child.wait();
        }
    }
}

struct Bench {
    broker: Broker,
    producer: FutureProducer,
    messages: usize,
}

impl Bench {
    /// Partitions are named, so that every round finds the same number of messages on each.
    fn record<'a>(&self, topic: &'a str, i: usize) -> FutureRecord<'a, str, [u8]> {
        FutureRecord::to(topic).partition((i % PARTITIONS as usize) as i32).key("42").payload(BODY)
    }

    async fn produce(&self, topic: &str, variant: Variant, sender: &Context) -> Spent {
        let send = |i| async move {
            let record = self.record(topic, i);
            let sent = if variant.is_bare() {
                let headers = OwnedHeaders::new_with_capacity(3);
                let headers =
                    THEIRS.iter().fold(headers, |h, (key, value)| h.insert(Header { key, value: Some(*value) }));
                self.producer.send(record.headers(headers), SOON).await
            } else {
                self.producer.observed().send(record, SOON).await
            };
            sent.map_err(|(e, _)| e).unwrap();
        };
        let watch = Watch::start();
        let sending = iter(0..self.messages).for_each_concurrent(UNDER_WAY, send);
        if variant == Variant::Bare {
            sending.await
        } else {
            sending.in_context(sender.clone()).await
        }
        watch.stop()
    }

    /// A consumer that knows the broker and begins with this round's messages, and since when it does.
    fn consumer(&self, topic: &str, round: usize) -> (StreamConsumer<Observed<DefaultConsumerContext>>, Watch) {
        let mut config = self.broker.kafka.config();
        config.set("group.id", "bench").set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
        let consumer: StreamConsumer<_> = config.create_with_context(Observed::new(DefaultConsumerContext)).unwrap();
        let mut partitions = TopicPartitionList::new();
        let first = (round * self.messages / PARTITIONS as usize) as i64;
        for partition in 0..PARTITIONS {
            partitions.add_partition_offset(topic, partition, Offset::Offset(first)).unwrap();
        }
        consumer.fetch_watermarks(topic, 0, SOON).unwrap();
        let watch = Watch::start();
        consumer.assign(&partitions).unwrap();
        (consumer, watch)
    }

    async fn consume(&self, topic: &str, round: usize, reads_headers: bool) -> Spent {
        let (consumer, watch) = self.consumer(topic, round);
        for _ in 0..self.messages {
            let message = consumer.recv().await.unwrap();
            if reads_headers {
                THEIRS.iter().for_each(|(name, _)| drop(black_box(Headers::from(&message).get(name))));
            }
            async { black_box(message.payload()) }.await;
            consumer.store_offset_from_message(&message).unwrap();
        }
        watch.stop()
    }

    async fn consume_observed(&self, topic: &str, round: usize) -> Spent {
        let (consumer, watch) = self.consumer(topic, round);
        let consumer = consumer.observed();
        for _ in 0..self.messages {
            let job = consumer.recv().await.unwrap();
            job.run_value(async { black_box(job.payload()) }).await;
            job.store_offset().unwrap();
        }
        watch.stop()
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let has = |word: &str| std::env::args().any(|argument| argument == word);
    if has("--broker") {
        return Broker::be();
    }
    // `cargo test --all-targets` runs this too.
    if !has("--bench") {
        return;
    }
    let broker = Broker::start().await;
    let producer = broker.kafka.config().create().unwrap();
    // The in-process broker keeps 5 MiB a partition; with headers a message has some 420 bytes.
    let messages = number("SPANBRIDGE_BENCH_MESSAGES", 120_000) / PARTITIONS as usize * PARTITIONS as usize;
    let rounds = number("SPANBRIDGE_BENCH_ROUNDS", 9);
    let bench = Bench { broker, producer, messages };
    let recorders = Recorders::new();
    let mut measured = Rounds::default();
    for round in 0..=rounds {
        for variant in order(round) {
            let topic = bench.broker.topic(variant);
            let produced = bench.produce(&topic, variant, &recorders.sender(variant)).await;
            recorders.settle(variant);
            let consumed = match recorders.of(variant) {
                None => bench.consume(&topic, round, variant == Variant::BareHeaders).await,
                Some(recorder) => recorder.scope(bench.consume_observed(&topic, round)).await,
            };
            recorders.settle(variant);
            // The first round warms up.
            if round > 0 {
                if variant != Variant::BareHeaders {
                    measured.note("produce", variant, produced);
                }
                measured.note("consume, run, store", variant, consumed);
            }
        }
    }
    measured.print(messages);
    recorders.finish();
}
