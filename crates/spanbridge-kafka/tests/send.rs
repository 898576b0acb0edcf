//! What can be sent to other tasks and threads.

use rdkafka::Message;
use rdkafka::consumer::{BaseConsumer, DefaultConsumerContext, StreamConsumer};
use rdkafka::message::{BorrowedMessage, OwnedMessage};
use rdkafka::producer::{BaseProducer, DefaultProducerContext, FutureProducer, FutureRecord, ThreadedProducer};
use spanbridge_kafka::*;
use std::sync::Arc;
use std::time::Duration;

fn send<T: Send>(_: T) {}
fn everything<T: Send + Sync + 'static>() {}
/// It can be a field of a service.
fn stored<T: Clone + Send + Sync + 'static>() {}
fn shared<T: Send + Sync>() {}

#[test]
fn types() {
    everything::<Job<OwnedMessage>>();
    everything::<Batch<Job<OwnedMessage>>>();
    stored::<ObservedConsumer<StreamConsumer>>();
    stored::<ObservedConsumer<BaseConsumer<Observed<DefaultConsumerContext>>>>();
    stored::<ObservedProducer>();
    stored::<ObservedProducer<BaseProducer<Observed<DefaultProducerContext>>>>();
    stored::<ObservedProducer<ThreadedProducer<Observed<DefaultProducerContext>>>>();
    everything::<Transaction>();
    everything::<Observed<DefaultProducerContext>>();
    everything::<Error>();
    shared::<Job<BorrowedMessage<'_>>>();
    shared::<ObservedProducer<FutureProducer, &FutureProducer>>();
    shared::<Transaction<FutureProducer, &FutureProducer>>();
    send::<Option<ObservedDelivery>>(None);
}

#[expect(dead_code, reason = "that it compiles is the test")]
fn futures(producer: &FutureProducer, consumer: &ObservedConsumer<StreamConsumer>, job: &Job<OwnedMessage>) {
    send(producer.observed().send(FutureRecord::to("t").key("k").payload("p"), Duration::ZERO));
    // The future borrows neither the producer nor what observes it.
    let stored = producer.observed().into_owned();
    let sending = stored.send(FutureRecord::to("t").key("k").payload("p"), Duration::ZERO);
    drop(stored);
    everything_owned(sending);
    send(consumer.recv());
    send(consumer.stream());
    send(consumer.batch(8));
    send(job.run(async || {}));
    send(job.run_value(async || 7));
    let policy = SettlePolicy::new(Disposition::StoreOffset, Disposition::Stop);
    let handler = async |job: Arc<Job<BorrowedMessage<'_>>>| if job.offset() > 0 { Ok(()) } else { Err("no") };
    send(consumer.drive(policy, &handler, async {}));
}

#[expect(dead_code, reason = "that it compiles is the test")]
fn work_borrows_no_job<'m>(job: Job<BorrowedMessage<'m>>, other: Job<BorrowedMessage<'m>>) -> Job<OwnedMessage> {
    everything_owned(other.run_value(async || 7));
    let work = (job.run(async || {}), job.run_value(async || 7));
    let job = job.detach();
    drop((work, other));
    job
}

fn everything_owned<T: 'static>(_: T) {}
