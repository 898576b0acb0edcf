//! A handler of messages from Kafka, recorded and replayed without a broker.

mod support;

use rdkafka::message::{Header, Headers, OwnedHeaders, OwnedMessage};
use rdkafka::{Message, Timestamp};
use spanbridge::observe;
use spanbridge_graph::testing::record_async;
use spanbridge_kafka::{CaptureMode, Job, ReceiveOptions};
use spanbridge_replay::{Replayer, Verdict};
use support::{case_of, check};

fn options() -> ReceiveOptions {
    ReceiveOptions::new().capture(CaptureMode::Whole { max: 1 << 16 })
}

/// Fails, and says everything that it was given.
async fn handle(job: Job<OwnedMessage>) -> Result<(), String> {
    let project = || {
        let headers: Vec<_> = job.headers().into_iter().flat_map(Headers::iter).collect();
        let (place, time) = ((job.topic(), job.partition(), job.offset()), job.timestamp());
        Err(format!("{place:?} {time:?} {:?} {:?} {headers:?}", job.key(), job.payload()))
    };
    job.run(|| async { observe::span("project").in_scope(project) }).await
}

/// The handler gets the same message, fails with the same words in the same span; also one that has no payload.
#[tokio::test]
async fn a_message_is_handed_over_as_it_was() {
    for payload in [Some(b"{}".to_vec()), None] {
        let headers = OwnedHeaders::new().insert(Header { key: "raw", value: Some(&[0u8, 255][..]) });
        let headers = headers.insert(Header { key: "none", value: None::<&[u8]> });
        let key = Some(b"customer".to_vec());
        let message =
            OwnedMessage::new(payload, key, "orders".into(), Timestamp::CreateTime(9), 3, 4711, Some(headers));
        let recorded = record_async(|| handle(Job::alone(message).with(&options()))).await;
        let case = case_of(&recorded, "messaging.process");
        let report = Replayer::of(case.clone()).kafka_with(options(), handle).await.report().clone();
        check(&report, &case);
        assert_eq!(report.verdict, Verdict::Same, "{report}");
        assert_eq!(report.outcome.unwrap().replayed.failing_span.as_deref(), Some("project"));
    }
}
