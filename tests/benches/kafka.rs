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
//! somebody does, and whoever continues a trace must, there is one that does nothing else with them. A stream is worked
//! off while a process of its own sends it, as fast as that can: there the consumer is not what everybody waits for.

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
        let mut child = Self::again(["--broker"]);
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

    /// This program again, as another process.
    fn again<const N: usize>(arguments: [&str; N]) -> Child {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
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
        let watch = Watch::start();
        let sending = self.send(topic, variant);
        if variant.is_bare() {
            sending.await
        } else {
            sending.in_context(sender.clone()).await
        }
        watch.stop()
    }

    async fn send(&self, topic: &str, variant: Variant) {
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
        iter(0..self.messages).for_each_concurrent(UNDER_WAY, send).await
    }

    /// A consumer that knows the broker, with every partition from where the messages of a turn begin.
    fn consumer(&self, topic: &str, turn: usize) -> StreamConsumer<Observed<DefaultConsumerContext>> {
        let mut config = self.broker.kafka.config();
        config.set("group.id", "bench").set("enable.auto.commit", "false").set("enable.auto.offset.store", "false");
        let consumer: StreamConsumer<_> = config.create_with_context(Observed::new(DefaultConsumerContext)).unwrap();
        consumer.fetch_watermarks(topic, 0, SOON).unwrap();
        let mut partitions = TopicPartitionList::new();
        let first = (turn * self.messages / PARTITIONS as usize) as i64;
        for partition in 0..PARTITIONS {
            partitions.add_partition_offset(topic, partition, Offset::Offset(first)).unwrap();
        }
        consumer.assign(&partitions).unwrap();
        consumer
    }

    /// Consumes what is there; or, of a stream, from the first message that comes.
    async fn consume(&self, topic: &str, turn: usize, variant: Variant, is_stream: bool) -> Spent {
        let (consumer, mut watch) = (self.consumer(topic, turn), Watch::start());
        for i in 0..self.messages {
            let message = consumer.recv().await.unwrap();
            if is_stream && i == 0 {
                watch = Watch::start()
            }
            if variant == Variant::BareHeaders {
                THEIRS.iter().for_each(|(name, _)| drop(black_box(Headers::from(&message).get(name))));
            }
            async { black_box(message.payload()) }.await;
            consumer.store_offset_from_message(&message).unwrap();
        }
        watch.stop()
    }

    /// The same, observed.
    async fn consume_observed(&self, topic: &str, turn: usize, is_stream: bool) -> Spent {
        let (consumer, mut watch) = (self.consumer(topic, turn).observed(), Watch::start());
        for i in 0..self.messages {
            let job = consumer.recv().await.unwrap();
            if is_stream && i == 0 {
                watch = Watch::start()
            }
            job.run_value(async || black_box(job.payload())).await;
            job.store_offset().unwrap();
        }
        watch.stop()
    }

    async fn turn(&self, recorders: &Recorders, variant: Variant, turn: usize, is_stream: bool) -> Spent {
        let topic = self.broker.topic(variant);
        let sender = is_stream.then(|| Broker::again(["--produce", &self.broker.kafka.brokers, &topic]));
        let spent = match recorders.of(variant) {
            None => self.consume(&topic, turn, variant, is_stream).await,
            Some(recorder) => recorder.scope(|| self.consume_observed(&topic, turn, is_stream)).await,
        };
        if let Some(mut sender) = sender {
            assert!(sender.wait().unwrap().success())
        }
        recorders.settle(variant);
        spent
    }
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let has = |word: &str| std::env::args().any(|argument| argument == word);
    if has("--broker") {
        return Broker::be();
    }
    // `cargo test --all-targets` runs this too.
    if !has("--bench") && !has("--produce") {
        return;
    }
    // The in-process broker keeps 5 MiB a partition; with headers a message has some 420 bytes.
    let messages = number("SPANBRIDGE_BENCH_MESSAGES", 120_000) / PARTITIONS as usize * PARTITIONS as usize;
    let arguments: Vec<String> = std::env::args().skip_while(|argument| argument != "--produce").collect();
    if let [_, brokers, topic, ..] = &arguments[..] {
        let kafka = Kafka { brokers: brokers.clone(), topic: topic.clone(), mock: None };
        let producer = kafka.config().create().unwrap();
        return Bench { broker: Broker { child: None, kafka }, producer, messages }.send(topic, Variant::Bare).await;
    }
    let broker = Broker::start().await;
    let producer = broker.kafka.config().create().unwrap();
    let rounds = number("SPANBRIDGE_BENCH_ROUNDS", 9);
    let bench = Bench { broker, producer, messages };
    let recorders = Recorders::new();
    let mut measured = Rounds::default();
    for round in 0..=rounds {
        for variant in order(round, &Variant::ALL) {
            let produced = bench.produce(&bench.broker.topic(variant), variant, &recorders.sender(variant)).await;
            recorders.settle(variant);
            let backlog = bench.turn(&recorders, variant, 2 * round, false).await;
            let stream = bench.turn(&recorders, variant, 2 * round + 1, true).await;
            // The first round warms up.
            if round > 0 {
                if variant != Variant::BareHeaders {
                    measured.note("produce", variant, produced);
                }
                measured.note("work off a backlog", variant, backlog);
                measured.note("work off a stream", variant, stream);
            }
        }
    }
    measured.print(messages);
    recorders.finish();
}
