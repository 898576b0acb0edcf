//! An observed producer that is stored: what is recorded is said once, and it can be cloned and sent to other tasks.

use rdkafka::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, DefaultProducerContext, FutureRecord, Producer};
use spanbridge_kafka::{CaptureMode, ConsumerExt, Observed, ObservedProducer, ProducerExt};
use spanbridge_tests::{kafka, recorder, spans, within};
use std::sync::Arc;
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);

/// What a service has as its fields.
#[derive(Clone)]
struct Orders {
    topic: String,
    producer: ObservedProducer,
    /// It cannot be cloned.
    base: ObservedProducer<BaseProducer<Observed<DefaultProducerContext>>>,
}

#[tokio::test]
async fn what_was_said_once_holds_in_every_task() {
    let kafka = kafka("stored", 1).await;
    let (shop, memory) = recorder("shop");
    let mut config = kafka.config();
    let base = config.set("linger.ms", "0").create_with_context(Observed::new(DefaultProducerContext)).unwrap();
    let orders = Orders {
        topic: kafka.topic.clone(),
        producer: kafka.future_producer().observed().capture(CaptureMode::Off).into_owned(),
        base: ObservedProducer::new(Arc::new(base)).capture(CaptureMode::Off).budget(0),
    };
    let mut sending = vec![];
    for _ in 0..3 {
        let (orders, shop) = (orders.clone(), shop.clone());
        sending.push(tokio::spawn(async move {
            let record = FutureRecord::<(), str>::to(&orders.topic).payload("{}");
            // The future does not borrow the producer.
            let send = orders.producer.send(record, SOON);
            shop.scope(|| send).await.map_err(|(e, _)| e).unwrap();
            shop.scope(async || {
                let record = BaseRecord::<(), str>::to(&orders.topic).payload("{}");
                orders.base.send(record).map_err(|(e, _)| e).unwrap();
            })
            .await
        }))
    }
    for sent in sending {
        within("a send", sent).await.unwrap();
    }
    tokio::task::spawn_blocking(move || orders.base.producer().flush(SOON)).await.unwrap().unwrap();
    let consumer = kafka.consumer("stored").observed();
    let mut contexts = vec![];
    for _ in 0..6 {
        let job = within("a message", consumer.clone().recv()).await.map(|job| job.detach()).unwrap();
        assert_eq!(job.payload(), Some(&b"{}"[..]));
        contexts.push(job.context().span_id());
    }
    shop.flush_blocking(SOON);
    let spans = spans(&memory.records());
    assert_eq!(spans.len(), 6);
    for span in &spans {
        assert_eq!((span.handoff(), span.get("messaging.message.body.size")), ("confirmed", ""), "capture is off");
    }
    // Those with a budget of zero carry no context.
    assert_eq!(contexts.iter().flatten().count(), 3);
    assert!(contexts.iter().flatten().all(|sender| spans.iter().any(|span| span.id == Some(*sender))));
}
