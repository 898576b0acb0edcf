//! Through RabbitMQ and back: what a producer and a consumer record, and that they are one run.

use lapin::BasicProperties;
use lapin::options::*;
use spanbridge::observe;
use spanbridge_amqp::{ChannelExt, ConsumerExt};
use spanbridge_tests::{amqp, recorder, tree, within};
use std::time::Duration;

const SHOWN: &[&str] = &["spanbridge.handoff.status", "spanbridge.delivery.redelivered"];

#[tokio::test]
async fn a_job_hangs_under_the_span_that_sent_it() {
    let Some(amqp) = amqp("story").await else { return };
    let (orders, sent) = recorder("orders");
    let (shipping, received) = recorder("shipping");
    let run = orders.in_scope(|| observe::run("order 42").open());
    let id = run.id();
    let place = async {
        let properties = BasicProperties::default();
        let observed = amqp.channel.observed();
        let queue = amqp.queue.clone();
        let confirm =
            observed.basic_publish("".into(), queue, BasicPublishOptions::default(), b"{}", properties).await?;
        confirm.await
    };
    let root = async { observe::span("place order").run(async { place.await.map(drop) }).await };
    run.with_context(root).await.unwrap();
    run.end();

    let work = async {
        let mut jobs = amqp.consume().await.observed();
        let job = within("a message", jobs.next()).await.unwrap().unwrap();
        // A job is owned: it can be spawned.
        let handled = tokio::spawn(async move {
            let result = job.run(async {
                observe::span("pack").in_scope(|| ());
                Ok::<_, String>(job.data.len())
            });
            assert_eq!(result.await, Ok(2));
            assert!(job.ack(BasicAckOptions::default()).await.unwrap());
            job
        });
        let job = handled.await.unwrap();
        assert!(!job.ack(BasicAckOptions::default()).await.unwrap(), "lapin refuses a second ack");
    };
    shipping.scope(work).await;

    orders.flush_blocking(Duration::from_secs(5));
    shipping.flush_blocking(Duration::from_secs(5));
    let mut all = sent.records();
    all.extend(received.records());
    assert!(all.iter().all(|r| r.run_id == id && id.is_some()), "one run id");
    let tree = tree(&all, SHOWN).replace(amqp.queue.as_str(), "Q");
    assert_eq!(
        tree,
        "place order (root)\n\
         \x20 publish amq.default:Q status=confirmed\n\
         \x20   process amq.default:Q\n\
         \x20     pack\n\
         \x20     ack amq.default:Q\n\
         \x20     ack amq.default:Q [error]\n"
    );
}
