//! A topic of Kafka.

mod reports;

use super::contract::{Away, FarEnd, Sent};
use crate::Address;
use crate::format::{Encoder, FORMAT, FORMAT_HEADER, Message};
use crate::ship::result::{Result, failed};
use crate::ship::stop::Stop;
use rdkafka::ClientConfig;
use rdkafka::config::FromClientConfigAndContext;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, PurgeConfig};
use reports::Reports;
use spanbridge::record::Record;
use std::fmt;
use std::time::{Duration, Instant};

/// What a producer does unless the URL says otherwise.
const DEFAULTS: [(&str, &str); 7] = [
    ("client.id", "spanbridge-ship"),
    ("compression.type", "zstd"),
    // A batch waits for its last message.
    ("linger.ms", "5"),
    // What is not delivered by then is sent again, and it is told that the far end is away.
    ("message.timeout.ms", "20000"),
    // Whether a record is too large is for the broker to say.
    ("message.max.bytes", "16777216"),
    // A batch is smaller.
    ("queue.buffering.max.kbytes", "262144"),
    ("socket.keepalive.enable", "true"),
];

/// What the promises rest on.
const REQUIRED: [(&str, &str); 3] =
    [("enable.idempotence", "true"), ("acks", "all"), ("partitioner", "murmur2_random")];

/// How long one look for delivery reports takes.
const LOOK: Duration = Duration::from_millis(100);

/// How long what is in flight is waited for after a stop.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends records to a topic of Kafka. A batch has arrived when every message of it was acknowledged by all replicas in sync.
pub struct KafkaEnd {
    address: Address,
    /// `None`: after an error that ended it.
    producer: Option<BaseProducer<Reports>>,
    encoder: Encoder,
    /// Of the batch at hand, those that have not arrived.
    messages: Vec<Message>,
    sent: Sent,
}

impl KafkaEnd {
    /// Sends to this topic. Nothing is connected yet, so nobody knows whether a broker is there.
    ///
    /// # Errors
    /// A property of the URL is none, or its value is not valid.
    pub fn new(address: Address) -> Result<Self> {
        let producer = Some(Self::producer(&address)?);
        Ok(Self { address, producer, encoder: Encoder::default(), messages: Vec::new(), sent: Sent::default() })
    }

    fn producer(address: &Address) -> Result<BaseProducer<Reports>> {
        let mut config = ClientConfig::new();
        for (name, value) in DEFAULTS {
            config.set(name, value);
        }
        for (name, value) in address.properties() {
            config.set(name, value);
        }
        for (name, value) in REQUIRED {
            config.set(name, value);
        }
        // The error may quote a value, and that a password.
        let of = |error: KafkaError| match error {
            KafkaError::ClientConfig(_, _, name, _) => {
                format!("the property {name} is none, or its value is not valid")
            }
            _ => "its properties contradict each other, or there are no more threads to be had".to_owned(),
        };
        BaseProducer::from_config_and_context(&config, Reports::default())
            .map_err(|error| failed(format_args!("send records to {address}"), of(error)))
    }

    /// Sends the messages at hand, and keeps those that were not delivered. `alone`: one after the other. Returns why each of those that
    /// are left was not delivered.
    fn deliver(&mut self, alone: bool, stop: &Stop) -> Result<Vec<KafkaError>, Away> {
        let producer = match &self.producer {
            Some(producer) => producer,
            None => self.producer.insert(Self::producer(&self.address).map_err(|e| Away::new(e.to_string()))?),
        };
        let mut undelivered = Vec::new();
        for (place, message) in self.messages.iter().enumerate() {
            if let Err(error) = hand_over(producer, self.address.topic(), place, message) {
                undelivered.push((place, error));
            }
            if alone {
                wait(producer, stop);
            }
        }
        wait(producer, stop);
        if let Some((_, why)) = producer.client().fatal_error() {
            self.producer = None;
            return Err(Away::new(why));
        }
        undelivered.extend(producer.client().context().take_undelivered());
        undelivered.sort_unstable_by_key(|(place, _)| *place);
        let mut place = 0;
        self.messages.retain(|_| {
            place += 1;
            undelivered.binary_search_by_key(&(place - 1), |(place, _)| *place).is_ok()
        });
        Ok(undelivered.into_iter().map(|(_, error)| error).collect())
    }

    /// Sends all of the batch that has not arrived. If the broker says that some messages are too large, it may mean a record of them,
    /// or others with which they went: so each of their records goes alone.
    fn send_rest(&mut self, stop: &Stop) -> Result<(), Away> {
        let undelivered = self.deliver(false, stop)?;
        self.assert_large(&undelivered)?;
        if self.messages.is_empty() {
            return Ok(());
        }
        self.messages = std::mem::take(&mut self.messages).into_iter().flat_map(Message::split).collect();
        let undelivered = self.deliver(true, stop)?;
        let is_large: Vec<bool> = undelivered.iter().map(is_too_large).collect();
        let mut place = 0;
        self.messages.retain(|_| {
            place += 1;
            !is_large.get(place - 1).copied().unwrap_or(false)
        });
        let large = is_large.iter().filter(|is_large| **is_large).count() as u64;
        if large > 0 {
            self.sent.reject(large, "the broker takes no message of this size (max.message.bytes)");
        }
        self.assert_large(&undelivered)
    }

    /// Fails if a message was not delivered for another reason than its size.
    fn assert_large(&self, undelivered: &[KafkaError]) -> Result<(), Away> {
        let Some(error) = undelivered.iter().find(|error| !is_too_large(error)) else { return Ok(()) };
        let said = self.producer.as_ref().and_then(|producer| producer.client().context().take_said());
        Err(Away::new(match said {
            Some(said) => format!("{error} ({said})"),
            None => error.to_string(),
        }))
    }
}

impl FarEnd for KafkaEnd {
    fn add(&mut self, record: Record<'_>) -> usize {
        self.encoder.add(record.view())
    }

    fn send(&mut self, stop: &Stop) -> Result<Sent, Away> {
        self.messages.append(&mut self.encoder.finish());
        self.send_rest(stop)?;
        Ok(std::mem::take(&mut self.sent))
    }
}

impl fmt::Debug for KafkaEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaEnd").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Gives a message to the producer; if its queue is full, once there is room.
fn hand_over(producer: &BaseProducer<Reports>, topic: &str, place: usize, message: &Message) -> KafkaResult<()> {
    let key = message.key.map(|run| run.to_string());
    let headers = OwnedHeaders::new().insert(Header { key: FORMAT_HEADER, value: Some(FORMAT) });
    let record = BaseRecord::with_opaque_to(topic, place).payload(&message.value).headers(headers);
    let mut record = match &key {
        Some(key) => record.key(key),
        None => record,
    };
    // What is delivered makes room.
    producer.poll(Duration::ZERO);
    loop {
        match producer.send(record) {
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), again)) => {
                producer.poll(LOOK);
                record = again;
            }
            sent => return sent.map_err(|(error, _)| error),
        }
    }
}

/// Waits until every message is delivered or given up.
fn wait(producer: &BaseProducer<Reports>, stop: &Stop) {
    let mut since_stop = None;
    while producer.in_flight_count() > 0 {
        producer.poll(LOOK);
        if stop.is_set() && since_stop.get_or_insert_with(Instant::now).elapsed() > PATIENCE {
            producer.purge(PurgeConfig::default().queue().inflight());
        }
    }
}

fn is_too_large(error: &KafkaError) -> bool {
    error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageSizeTooLarge)
}
