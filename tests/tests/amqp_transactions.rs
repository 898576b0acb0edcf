//! AMQP's transactions: what they hand over, and what they take back.

use lapin::options::*;
use lapin::{BasicProperties, Channel, Confirmation};
use spanbridge::observe;
use spanbridge_amqp::{ChannelExt, ConsumerExt, Transaction};
use spanbridge_tests::{Amqp, Seen, amqp, recorder, spans, within};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(20);

/// How a transaction ends.
#[derive(Clone, Copy)]
enum End {
    Commit,
    RollBack,
    Drop,
    /// The channel is closed under it.
    Lose,
}

async fn channel(amqp: &Amqp) -> Channel {
    amqp.connection.create_channel().await.unwrap()
}

async fn publish(transaction: &Transaction<&Channel>, amqp: &Amqp, body: &[u8]) {
    let (options, properties) = (BasicPublishOptions::default(), BasicProperties::default());
    let sent = transaction.channel().basic_publish("".into(), amqp.queue.clone(), options, body, properties);
    let answer = within("the publish", sent).await.unwrap().await.unwrap();
    assert_eq!(answer, Confirmation::NotRequested, "the transaction answers");
}

#[tokio::test]
async fn publishes_say_how_the_transaction_ended() {
    let Some(amqp) = amqp("transactions").await else { return };
    let ends = [
        (End::Commit, "committed"),
        (End::RollBack, "rolled_back"),
        (End::Drop, "unknown"),
        (End::Lose, "unknown"),
        (End::Commit, "committed"),
    ];
    for (place, (end, status)) in ends.into_iter().enumerate() {
        let (orders, memory) = recorder("orders");
        let work = async {
            let channel = channel(&amqp).await;
            let transaction = channel.observed().server("rabbit.example", 5672).tx_select().await.unwrap();
            assert!(transaction.context().span_id().is_some());
            for n in 0..2 {
                publish(&transaction, &amqp, format!("{place} {n}").as_bytes()).await
            }
            match end {
                End::Commit => transaction.tx_commit().await.unwrap(),
                End::RollBack => transaction.tx_rollback().await.unwrap(),
                End::Drop => drop(transaction),
                End::Lose => {
                    channel.close(200, "away".into()).await.unwrap();
                    transaction.tx_commit().await.unwrap_err();
                }
            }
        };
        orders.scope(|| observe::span("work").run_value(|| work)).await;
        orders.flush_blocking(SOON);
        let spans = spans(&memory.records());
        let [work, transaction, first, second] = &spans[..] else { panic!("{spans:#?}") };
        assert_eq!((transaction.name.as_str(), transaction.parent), ("transaction", work.id));
        assert_eq!([transaction, first, second].map(Seen::handoff), [status; 3]);
        for sent in [first, second] {
            assert_eq!((sent.parent, sent.links[0].1), (work.id, transaction.id.unwrap()));
            assert_eq!((sent.get("server.address"), sent.get("server.port")), ("rabbit.example", "5672"));
        }
        let is_lost = matches!(end, End::Lose);
        assert_eq!(
            (transaction.get("error.type"), transaction.error.is_empty()),
            match is_lost {
                true => ("InvalidChannelState", false),
                false => ("", true),
            }
        );
    }
    // Only what was committed has arrived; under the span that published it.
    let (shipping, memory) = recorder("shipping");
    let mut jobs = amqp.consume().await.observed();
    let mut came = vec![];
    shipping
        .scope(async || {
            for _ in 0..4 {
                let job = within("a message", jobs.next()).await.unwrap().unwrap();
                came.push(String::from_utf8(job.data.clone()).unwrap());
                job.run_value(async || {}).await;
                assert!(job.ack(BasicAckOptions::default()).await.unwrap());
            }
        })
        .await;
    assert_eq!(came, ["0 0", "0 1", "4 0", "4 1"]);
    shipping.flush_blocking(SOON);
    assert!(spans(&memory.records()).iter().all(|span| span.parent.is_some()));
}

/// Nothing needs to be awaited of a publish in a transaction: what is let go of only later is committed all the same.
#[tokio::test]
async fn confirms_kept_longer_than_the_transaction() {
    let Some(amqp) = amqp("transactions-kept").await else { return };
    for (commits, status) in [(true, "committed"), (false, "rolled_back")] {
        let (orders, memory) = recorder("orders");
        orders
            .scope(async || {
                let channel = channel(&amqp).await;
                let transaction = channel.observed().tx_select().await.unwrap();
                let publish = || {
                    let (queue, options) = (amqp.queue.clone(), BasicPublishOptions::default());
                    transaction.channel().basic_publish("".into(), queue, options, b"{}", BasicProperties::default())
                };
                let (dropped, awaited) = (publish().await.unwrap(), publish().await.unwrap());
                let ended = if commits { transaction.tx_commit().await } else { transaction.tx_rollback().await };
                ended.unwrap();
                drop(dropped);
                awaited.await.unwrap();
            })
            .await;
        orders.flush_blocking(SOON);
        let spans = spans(&memory.records());
        assert_eq!(spans.iter().map(Seen::handoff).collect::<Vec<_>>(), [status; 3], "{spans:#?}");
    }
}

/// The channel of a transaction can be cloned and stored. What it publishes later belongs to another transaction, and that may
/// never be committed.
#[tokio::test]
async fn a_stored_channel_outlives_its_transaction() {
    let Some(amqp) = amqp("transactions-stored").await else { return };
    for commits in [true, false] {
        let (orders, memory) = recorder("orders");
        orders
            .scope(async || {
                let channel = channel(&amqp).await;
                let transaction = channel.observed().into_owned().tx_select().await.unwrap();
                let stored = transaction.channel().clone();
                let ended = if commits { transaction.tx_commit().await } else { transaction.tx_rollback().await };
                ended.unwrap();
                let (queue, options) = (amqp.queue.clone(), BasicPublishOptions::default());
                let publish = stored.basic_publish("".into(), queue, options, b"{}", BasicProperties::default());
                publish.await.unwrap().await.unwrap();
                channel.close(200, "away".into()).await.unwrap(); // which rolls back
            })
            .await;
        orders.flush_blocking(SOON);
        let spans = spans(&memory.records());
        let [transaction, sent] = &spans[..] else { panic!("{spans:#?}") };
        let status = if commits { "committed" } else { "rolled_back" };
        assert_eq!((transaction.handoff(), sent.handoff(), sent.links.len()), (status, "sent", 0), "{spans:#?}");
    }
}
