//! Kafka through rdkafka: librdkafka's in-process broker, or the cluster that is given.

use rdkafka::Message as _;
use rdkafka::consumer::{CommitMode, DefaultConsumerContext, StreamConsumer};
use rdkafka::message::{BorrowedMessage, OwnedMessage};
use rdkafka::producer::{FutureProducer, FutureRecord};
use spanbridge::conformance::{Abilities, BoxError, TestMessage, Transport};
use spanbridge_kafka::{Batch, ConsumerExt, Job, Observed, ObservedConsumer, ProducerExt};
use spanbridge_tests::{pairs, raw_headers, within};
use std::collections::VecDeque;
use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

pub(crate) struct Kafka {
    broker: spanbridge_tests::Kafka,
    producer: FutureProducer,
    consumer: ObservedConsumer<StreamConsumer<Observed<DefaultConsumerContext>>>,
    /// Kafka gives no message back: who wants to try again keeps it.
    again: Mutex<VecDeque<(Job<OwnedMessage>, TestMessage)>>,
}

impl Kafka {
    pub(crate) async fn connect() -> Self {
        let broker = spanbridge_tests::kafka("conformance", 1).await;
        let consumer = broker.consumer("conformance").observed();
        Kafka { producer: broker.future_producer(), consumer, broker, again: Mutex::default() }
    }

    async fn next(&self) -> Result<(Job<OwnedMessage>, TestMessage), BoxError> {
        if let Some(again) = self.again.lock().expect("a lock").pop_front() {
            return Ok(again);
        }
        let job = within("a message", self.consumer.recv()).await?;
        let message = message(&job);
        Ok((job.detach(), message))
    }
}

fn message(message: &BorrowedMessage<'_>) -> TestMessage {
    let mut seen = TestMessage::new(message.payload().unwrap_or_default());
    seen.headers = pairs(message);
    seen
}

impl Transport for Kafka {
    fn abilities(&self) -> Abilities {
        super::all_abilities()
    }

    async fn send(&self, message: TestMessage) -> Result<(), BoxError> {
        let mut record = FutureRecord::<(), [u8]>::to(&self.broker.topic).payload(&message.payload);
        if !message.headers.is_empty() {
            let pairs: Vec<_> = message.headers.iter().map(|(name, value)| (&**name, value.as_deref())).collect();
            record = record.headers(raw_headers(&pairs))
        }
        self.producer.observed().send(record, SOON).await.map_err(|(e, _)| e)?;
        Ok(())
    }

    async fn send_raw(&self, message: TestMessage) -> Result<(), BoxError> {
        let pairs: Vec<_> = message.headers.iter().map(|(name, value)| (&**name, value.as_deref())).collect();
        self.broker.send(0, raw_headers(&pairs), &message.payload).await;
        Ok(())
    }

    async fn receive<W, F>(&self, work: W) -> Result<(), BoxError>
    where
        W: FnOnce(TestMessage) -> F,
        F: Future<Output = Result<(), BoxError>>,
    {
        let (job, message) = self.next().await?;
        match job.run(|| work(message.clone())).await {
            Ok(()) => self.consumer.commit_message(&job, CommitMode::Sync)?,
            Err(_) => self.again.lock().expect("a lock").push_back((job, message)),
        }
        Ok(())
    }

    async fn receive_raw(&self) -> Result<TestMessage, BoxError> {
        Ok(message(&within("a message", self.consumer.consumer().recv()).await?))
    }

    async fn receive_batch<W, F>(&self, count: usize, work: W) -> Result<(), BoxError>
    where
        W: FnOnce(Vec<TestMessage>) -> F,
        F: Future<Output = Result<(), BoxError>>,
    {
        let (mut jobs, mut messages) = (vec![], vec![]);
        while jobs.len() < count {
            let batch = within("a batch", self.consumer.batch(count - jobs.len())).await?;
            messages.extend(batch.iter().map(|job| message(job)));
            jobs.extend(batch)
        }
        let batch = Batch::new(jobs);
        if batch.run(|| work(messages)).await.is_ok() {
            batch.iter().try_for_each(Job::store_offset)?
        }
        Ok(())
    }
}
