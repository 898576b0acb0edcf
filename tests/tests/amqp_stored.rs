//! An observed channel that is stored: server and capture are said once, and it can be cloned and sent to other tasks.

use lapin::BasicProperties;
use lapin::options::*;
use spanbridge_amqp::{CaptureMode, ChannelExt, ConsumerExt, Job, Jobs, ObservedChannel, Transaction};
use spanbridge_tests::{amqp, recorder, spans, within};
use std::time::Duration;

/// They can be fields of a service.
const _: () = {
    const fn stored<T: Send + Sync + 'static>() {}
    const fn cloned<T: Clone>() {}
    stored::<ObservedChannel>();
    cloned::<ObservedChannel>();
    stored::<Transaction>();
    stored::<Jobs>();
    stored::<Job>();
};

#[tokio::test]
async fn what_was_said_once_holds_in_every_task() {
    let Some(amqp) = amqp("stored").await else { return };
    let (shop, memory) = recorder("shop");
    let channel = amqp.channel.observed().server("rabbit.example", 5672).capture(CaptureMode::Off).into_owned();
    let mut publishing = vec![];
    for _ in 0..3 {
        let (channel, queue, shop) = (channel.clone(), amqp.queue.clone(), shop.clone());
        publishing.push(tokio::spawn(async move {
            // The future does not borrow the channel.
            let options = BasicPublishOptions::default();
            let publish = channel.basic_publish("".into(), queue, options, b"{}", BasicProperties::default());
            shop.scope(|| publish).await.unwrap().await.unwrap()
        }))
    }
    for published in publishing {
        within("a publish", published).await.unwrap();
    }
    let (queue, options) = (amqp.queue.clone(), BasicConsumeOptions::default());
    let mut jobs = channel.basic_consume(queue, "".into(), options, Default::default()).await.unwrap();
    shop.scope(async || {
        for _ in 0..3 {
            let job = within("a message", jobs.next()).await.unwrap().unwrap();
            job.run(async || ()).await;
            job.ack(BasicAckOptions::default()).await.unwrap();
        }
    })
    .await;
    drop(amqp.consume().await.observed());
    shop.flush_blocking(Duration::from_secs(60));
    let spans = spans(&memory.records());
    assert_eq!(spans.len(), 9);
    for span in &spans {
        assert_eq!((span.get("server.address"), span.get("server.port")), ("rabbit.example", "5672"), "{}", span.name);
        let publishes = span.name.starts_with("publish");
        assert!(!publishes || span.get("messaging.message.body.size").is_empty(), "capture is off");
    }
}
