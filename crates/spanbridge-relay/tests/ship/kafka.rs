//! A real Kafka gets every record, whatever happens to the shipper and to the broker.

use super::kills::written_under_fire;
use super::support::{Application, once, open, sorted, span, text, until};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use spanbridge::record::{AttributeValue, Body};
use spanbridge_graph::run_of;
use spanbridge_relay::format::{FORMAT_HEADER, decode};
use spanbridge_relay::ship::{KafkaEnd, Options, Stop};
use spanbridge_store::StoreSink;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;
use xtask::kafka::{Cluster, installed};

const SOON: Duration = Duration::from_secs(60);

/// The URL of a topic that nobody else uses. `None`, and the test is reported as skipped, if there is no Kafka.
fn topic(test: &str) -> Option<String> {
    let Some(brokers) = std::env::var("KAFKA_BROKERS").ok().filter(|brokers| !brokers.is_empty()) else {
        xtask::skip("KAFKA_BROKERS is not set; `cargo xtask kafka` starts a broker");
        return None;
    };
    Some(format!("kafka://{brokers}/ship.{test}.{}", std::process::id()))
}

/// The records of a topic in the order in which they are there, as lines. Each message is as the format says.
fn read(url: &str) -> Vec<String> {
    let (brokers, topic) = url.strip_prefix("kafka://").unwrap().split_once('/').unwrap();
    let topic = topic.split('?').next().unwrap();
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers).set("group.id", "nobody").set("enable.auto.commit", "false");
    let consumer: BaseConsumer = config.create().unwrap();
    let mut lines = Vec::new();
    for partition in consumer.fetch_metadata(Some(topic), SOON).unwrap().topics()[0].partitions() {
        let (mut next, end) = consumer.fetch_watermarks(topic, partition.id(), SOON).unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition.id(), Offset::Offset(next)).unwrap();
        consumer.assign(&list).unwrap();
        while next < end {
            let message = consumer.poll(SOON).expect("a message").unwrap();
            next = message.offset() + 1;
            let header = message.headers().unwrap().get(0);
            assert_eq!(header.key, FORMAT_HEADER);
            let decoded = decode(header.value, message.payload()).unwrap();
            assert_eq!(decoded.faults, []);
            let key = message.key().map(|key| String::from_utf8(key.to_vec()).unwrap());
            for record in decoded.records {
                assert_eq!(run_of(&record).map(|run| run.to_string()), key);
                lines.push(record.to_json());
            }
        }
    }
    lines
}

#[test]
fn a_topic_gets_every_record_despite_kills() {
    let Some(url) = topic("kills") else { return };
    let dir = tempfile::tempdir().unwrap();
    let written = written_under_fire(dir.path(), &url);
    let found = read(&url);
    assert!(found.len() >= written.len());
    // Some come again after a kill, and the reader knows them again.
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), written);
}

/// A broker takes a megabyte. Other records of the same run and the same request arrive.
#[test]
fn what_the_broker_finds_too_large_is_passed() {
    let Some(url) = topic("large") else { return };
    let dir = tempfile::tempdir().unwrap();
    let mut small = Application::alone(dir.path()).write(40);
    let mut large = span(41);
    let Body::Span(data) = &mut large.body else { panic!("a span") };
    // Nothing that compresses.
    let mut state = 1_u64;
    let mut letter = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'!' + (state >> 32) as u8 % 90)
    };
    let noise: String = (0..1_500_000).map(|_| letter()).collect();
    data.attributes = [("noise".into(), AttributeValue::Str(noise.into()))].into_iter().collect();
    let records = [span(40), large, span(42)];
    small.extend([&records[0], &records[2]].map(|record| record.to_json()));
    let receipt = StoreSink::open(dir.path()).unwrap().deliver_records(2, 1, &records).unwrap();
    assert!(receipt.rejected().is_empty());
    let mut told = Vec::new();
    let mut shipper = open(dir.path(), "kafka", KafkaEnd::new(url.parse().unwrap()).unwrap(), once()).unwrap();
    shipper.run(&Stop::default(), &mut |event| told.extend(text(&event))).unwrap();
    assert_eq!(told, ["Rejected(1, \"the broker takes no message of this size (max.message.bytes)\")"]);
    let figures = shipper.figures();
    assert_eq!((figures.records.load(SeqCst), figures.rejected.load(SeqCst)), (42, 1));
    assert_eq!(sorted(read(&url)), sorted(small));
}

#[test]
fn a_broker_that_was_away_gets_all() {
    if installed().is_none() {
        return xtask::skip("Kafka is not installed; `cargo xtask kafka` installs it");
    }
    let cluster = Cluster::start(1).unwrap();
    let url = format!("kafka://{}/away", cluster.brokers());
    let quick = "message.timeout.ms=1000&socket.timeout.ms=900&reconnect.backoff.max.ms=200";
    let dir = tempfile::tempdir().unwrap();
    let mut application = Application::alone(dir.path());
    let (stop, told) = (Stop::default(), Mutex::new(Vec::new()));
    let mut options = Options::default();
    options.interval = Duration::from_millis(5);
    let far_end = KafkaEnd::new(format!("{url}?{quick}").parse().unwrap()).unwrap();
    let mut shipper = open(dir.path(), "kafka", far_end, options).unwrap();
    let figures = shipper.figures();
    let mut all = application.write(5);
    std::thread::scope(|scope| {
        scope.spawn(|| shipper.run(&stop, &mut |event| told.lock().unwrap().extend(text(&event))).unwrap());
        until("the first have arrived", || figures.records.load(SeqCst) == 5);
        told.lock().unwrap().clear();
        cluster.kill(1).unwrap();
        all.extend(application.write(6));
        until("it is away", || figures.away.load(SeqCst) == 1);
        all.extend(application.write(7));
        cluster.restart(1).unwrap();
        until("all has arrived", || figures.records.load(SeqCst) == 18);
        stop.set();
    });
    let told = told.into_inner().unwrap();
    let (first, last) = (told.first().unwrap(), told.last().unwrap());
    assert!(first.starts_with("Away(") && last == "Back", "{told:?}");
    let found: BTreeSet<String> = read(&url).into_iter().collect();
    assert_eq!(found, all.into_iter().collect());
}
