//! RabbitMQ through lapin.

use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicNackOptions, BasicPublishOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use spanbridge::conformance::{Abilities, BoxError, TestMessage, Transport};
use spanbridge_amqp::{Batch, ChannelExt, ConsumerExt, Job, Jobs};
use spanbridge_tests::{text, within};
use std::future::Future;
use tokio::sync::Mutex;

const ACK: BasicAckOptions = BasicAckOptions { multiple: false };
const REQUEUE: BasicNackOptions = BasicNackOptions { multiple: false, requeue: true };

pub(crate) struct Amqp {
    broker: spanbridge_tests::Amqp,
    jobs: Mutex<Jobs>,
}

impl Amqp {
    pub(crate) async fn connect() -> Option<Self> {
        let broker = spanbridge_tests::amqp("conformance").await?;
        let jobs = Mutex::new(broker.consume().await.observed());
        Some(Amqp { broker, jobs })
    }

    async fn next(&self) -> Result<Job, BoxError> {
        let next = async { self.jobs.lock().await.next().await };
        Ok(within("a message", next).await.ok_or("receive: the consumer has ended")??)
    }
}

fn table(message: &TestMessage) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in &message.headers {
        let name = ShortString::try_new(String::from_utf8_lossy(name)).expect("a name");
        table.insert(name, value.as_deref().map_or(AMQPValue::Void, text));
    }
    table
}

fn message(delivery: &Delivery) -> TestMessage {
    let mut message = TestMessage::new(delivery.data.clone());
    for (name, value) in delivery.properties.headers().iter().flatten() {
        let value = match value {
            AMQPValue::LongString(text) => Some(text.as_bytes().to_vec()),
            AMQPValue::Void => None,
            other => panic!("{name} is {other:?}"),
        };
        message.headers.push((name.as_str().into(), value))
    }
    message
}

impl Transport for Amqp {
    fn abilities(&self) -> Abilities {
        let mut abilities = Abilities::default();
        abilities.own_headers = true;
        abilities.binary_values = true;
        abilities.null_values = true;
        // A frame of 128 KiB, and room in it for the other properties.
        abilities.header_limit = Some(125 << 10);
        abilities.confirms = true;
        // Classic queues say that a message was redelivered, and do not count.
        abilities.redelivery = true;
        abilities.settlement = true;
        abilities.batches = true;
        abilities.ordering = true;
        abilities
    }

    async fn send(&self, message: TestMessage) -> Result<(), BoxError> {
        let properties = match message.headers.is_empty() {
            true => BasicProperties::default(),
            false => BasicProperties::default().with_headers(table(&message)),
        };
        let (queue, options) = (self.broker.queue.clone(), BasicPublishOptions::default());
        let observed = self.broker.channel.observed();
        observed.basic_publish("".into(), queue, options, &message.payload, properties).await?.await?;
        Ok(())
    }

    async fn send_raw(&self, message: TestMessage) -> Result<(), BoxError> {
        self.broker.send(table(&message), &message.payload).await;
        Ok(())
    }

    async fn receive<W, F>(&self, work: W) -> Result<(), BoxError>
    where
        W: FnOnce(TestMessage) -> F,
        F: Future<Output = Result<(), BoxError>>,
    {
        let job = self.next().await?;
        match job.run(|| work(message(&job))).await {
            Ok(()) => job.ack(ACK).await?,
            Err(_) => job.nack(REQUEUE).await?,
        };
        Ok(())
    }

    async fn receive_batch<W, F>(&self, count: usize, work: W) -> Result<(), BoxError>
    where
        W: FnOnce(Vec<TestMessage>) -> F,
        F: Future<Output = Result<(), BoxError>>,
    {
        let mut jobs = vec![];
        while jobs.len() < count {
            let next = async { self.jobs.lock().await.batch(count - jobs.len()).await };
            jobs.extend(within("a batch", next).await.ok_or("receive: the consumer has ended")??)
        }
        let batch = Batch::new(jobs);
        let done = batch.run(|| work(batch.iter().map(|job| message(job)).collect())).await.is_ok();
        for job in batch {
            if done {
                job.ack(ACK).await?
            } else {
                job.nack(REQUEUE).await?
            };
        }
        Ok(())
    }

    async fn receive_raw(&self) -> Result<TestMessage, BoxError> {
        let delivery = self.next().await?.into_delivery();
        delivery.ack(ACK).await?;
        Ok(message(&delivery))
    }
}
