//! What handlers do that go wrong, without the driver: one that panics, one that hangs and is given up, one that commits
//! twice, and one that commits what lies behind. (`kafka_processes` has one that dies before it commits.)

use rdkafka::consumer::CommitMode;
use spanbridge::observe;
use spanbridge_kafka::ConsumerExt;
use spanbridge_tests::{kafka, raw_headers, recorder, spans, tree, within};
use std::time::Duration;

const SENDER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const SHOWN: &[&str] = &["spanbridge.delivery.attempt", "spanbridge.settle.ranges", "error.type"];

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_handler_does() {
    let kafka = kafka("handlers", 1).await;
    let (mail, memory) = recorder("mail");
    let work = async {
        for _ in 0..3 {
            kafka.send(0, raw_headers(&[(b"traceparent", Some(SENDER.as_bytes()))]), b"{}").await;
        }
        let consumer = kafka.consumer("handlers").observed();
        let next = async || within("a message", consumer.recv()).await.unwrap();
        let commit = |job: &_| tokio::task::block_in_place(|| consumer.commit_message(job, CommitMode::Sync));
        // It panics; whoever catches that goes on with the next one, or tries it once more.
        let job = next().await.detach();
        let worked = tokio::spawn(job.run(async || panic!("on purpose") as ()));
        assert!(worked.await.unwrap_err().is_panic());
        assert_eq!(job.run(async || { Err::<(), _>(std::fmt::Error) }).await, Err(std::fmt::Error));
        job.run(async || {}).await;
        commit(&job).unwrap();
        // It hangs, and is given up.
        let job = next().await.detach();
        let hangs = job.run(|| observe::span("wait").run(std::future::pending::<()>));
        assert!(tokio::time::timeout(Duration::from_millis(20), hangs).await.is_err());
        // It commits twice, and then what lies behind.
        let earlier = job;
        let job = next().await.detach();
        job.run(async || (commit(&job).unwrap(), commit(&job).unwrap()).0).await;
        commit(&earlier).unwrap();
    };
    within("the work", mail.scope(|| work)).await;
    mail.flush_blocking(Duration::from_secs(60));
    let records = memory.records();
    assert_eq!(
        tree(&records, SHOWN).replace(&kafka.topic, "T"),
        "process T (remote) [panicked] type=panic\n\
         process T (remote) [error] attempt=I64(2) type=core::fmt::Error\n\
         process T (remote) attempt=I64(3)\n\
         \x20 commit T ranges=T[0] 0\n\
         process T (remote) [cancelled]\n\
         \x20 wait [cancelled]\n\
         \x20 commit T ranges=T[0] 1\n\
         process T (remote)\n\
         \x20 commit T ranges=T[0] 1..2\n\
         \x20 commit T ranges=T[0] 2\n"
    );
    let processed = spans(&records).into_iter().filter(|s| s.name.starts_with("process"));
    assert!(processed.into_iter().all(|s| s.parent.unwrap().to_string() == SENDER[36..52]), "under the same sender");
}
