//! The topic for what cannot be stored.

use super::options::CollectOptions;
use crate::error::{Error, ErrorKind, Result};
use crate::format::{ERROR_HEADER, SOURCE_HEADER};
use rdkafka::ClientContext;
use rdkafka::error::KafkaError;
use rdkafka::message::{BorrowedMessage, DeliveryResult, Header, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext, PurgeConfig};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long all dead letters of a batch may take. Then they are tried again.
const FLUSH: Duration = Duration::from_secs(15);

/// A longer error is cut. It may quote what is in the message.
const MAX_ERROR_BYTES: usize = 1024;

/// A message that is set aside.
pub(super) struct Letter<'m, 'c> {
    pub(super) message: &'m BorrowedMessage<'c>,
    /// `TOPIC/PARTITION/OFFSET`
    pub(super) source: String,
    pub(super) why: String,
}

/// The dead-letter topic.
pub(super) struct DeadLetters<'o> {
    options: &'o CollectOptions,
    /// Made by the first one.
    producer: Option<BaseProducer<Reports>>,
}

/// What became of those that were sent.
#[derive(Default)]
struct Reports(Mutex<Reported>);

#[derive(Default)]
struct Reported {
    delivered: usize,
    failed: Option<KafkaError>,
}

impl ClientContext for Reports {}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let mut reported = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(_) => reported.delivered += 1,
            Err((error, _)) => reported.failed = Some(error.clone()),
        }
    }
}

impl<'o> DeadLetters<'o> {
    pub(super) fn new(options: &'o CollectOptions) -> Self {
        Self { options, producer: None }
    }

    /// Sends these. After an error, some of them may be there: they are known by their source.
    pub(super) fn send(&mut self, letters: &[Letter<'_, '_>]) -> Result<()> {
        let topic = self.options.from.dead_letter_topic();
        let result = self.try_to_send(&topic, letters);
        if result.is_err() {
            // What is still on its way would come again with the next attempt.
            if let Some(producer) = self.producer.take() {
                producer.purge(PurgeConfig::default().queue().inflight());
            }
        }
        result.map_err(|error| Error::new(ErrorKind::Unreachable, format!("write to the topic {topic}: {error}")))
    }

    fn try_to_send(&mut self, topic: &str, letters: &[Letter<'_, '_>]) -> Result<(), KafkaError> {
        let producer = match &self.producer {
            Some(producer) => producer,
            None => {
                let made = self.options.dead_letters().create_with_context(Reports::default())?;
                self.producer.insert(made)
            }
        };
        *reported(producer) = Reported::default();
        for letter in letters {
            let mut record = letter_record(topic, letter);
            while let Err((error, again)) = producer.send(record) {
                if error.rdkafka_error_code() != Some(rdkafka::types::RDKafkaErrorCode::QueueFull) {
                    return Err(error);
                }
                producer.poll(Duration::from_millis(100));
                record = again;
            }
        }
        producer.flush(FLUSH)?;
        let mut reported = reported(producer);
        match reported.failed.take() {
            Some(error) => Err(error),
            None if reported.delivered == letters.len() => Ok(()),
            None => Err(KafkaError::Flush(rdkafka::types::RDKafkaErrorCode::OperationTimedOut)),
        }
    }
}

fn reported(producer: &BaseProducer<Reports>) -> std::sync::MutexGuard<'_, Reported> {
    let context = producer.context();
    context.0.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The message as it was, with two headers more.
fn letter_record<'l>(topic: &'l str, letter: &'l Letter<'_, '_>) -> BaseRecord<'l, [u8], [u8]> {
    let mut why = letter.why.as_str();
    while why.len() > MAX_ERROR_BYTES {
        why = why
            .get(..why.len() - 1)
            .or_else(|| why.get(..why.len() - 2))
            .or_else(|| why.get(..why.len() - 3))
            .unwrap_or("");
    }
    let headers = letter.message.headers().map_or_else(OwnedHeaders::new, |headers| headers.detach());
    let headers = headers
        .insert(Header { key: ERROR_HEADER, value: Some(why) })
        .insert(Header { key: SOURCE_HEADER, value: Some(&letter.source) });
    let mut record = BaseRecord::to(topic).headers(headers);
    (record.key, record.payload) = (letter.message.key(), letter.message.payload());
    record.timestamp = letter.message.timestamp().to_millis();
    record
}
