//! What is on the wire: headers from anywhere are survived, and ours do not stack.

use rdkafka::Message;
use rdkafka::message::{BorrowedMessage, Header, OwnedHeaders};
use rdkafka::producer::FutureRecord;
use spanbridge::{Context, Status, observe};
use spanbridge_kafka::{ConsumerExt, Job, ProducerExt};
use spanbridge_tests::{kafka, pairs, raw_headers, recorder, spans, within};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(10);
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

type RawHeaders<'a> = &'a [(&'a [u8], Option<&'a [u8]>)];

#[tokio::test]
async fn hostile_headers_are_survived() {
    let kafka = kafka("hostile", 1).await;
    let long = vec![b'x'; 64 << 10];
    let parent = PARENT.as_bytes();
    // What comes, whether it is a context, and which headers there is something to say about.
    let cases: &[(RawHeaders<'_>, bool, &[&str])] = &[
        (&[], false, &[]),
        (&[(b"traceparent", Some(parent))], true, &[]),
        (&[(b"bad\xff", Some(b"x")), (b"\xc3\x28", None), (b"traceparent", Some(parent))], true, &[]),
        (&[(b"", Some(b"")), (b"traceparent", Some(parent)), (b"\0", None)], true, &[]),
        (&[(b"traceparent", Some(b"junk")), (b"traceparent", Some(parent))], true, &[]),
        (&[(b"traceparent", Some(parent)), (b"traceparent", Some(b"junk"))], false, &["traceparent"]),
        (&[(b"traceparent", None)], false, &["traceparent"]),
        (&[(b"traceparent", Some(b""))], false, &["traceparent"]),
        (&[(b"traceparent", Some(b"\xff\xfe\0"))], false, &["traceparent"]),
        (&[(b"traceparent", Some(&long))], false, &["traceparent"]),
        (&[(b"Traceparent", Some(parent))], false, &[]),
        (
            &[(b"traceparent", Some(parent)), (b"tracestate", Some(b"\xff=\0")), (b"baggage", Some(&long))],
            true,
            &["tracestate", "baggage"],
        ),
        (
            &[(b"traceparent", Some(parent)), (b"tracestate", None), (b"baggage", None)],
            true,
            &["tracestate", "baggage"],
        ),
    ];
    for (headers, ..) in cases {
        kafka.send(0, raw_headers(headers), b"work").await;
    }
    let (work, records) = recorder("work");
    let receive = async {
        let consumer = kafka.consumer("work").observed();
        for (i, (headers, is_context, _)) in cases.iter().enumerate() {
            let job = within("a message", consumer.recv()).await.unwrap();
            let came = pairs(job.message()).len();
            assert_eq!(came, headers.len(), "case {i}");
            assert_eq!(job.context().trace_id().is_some(), *is_context, "case {i}");
            if i % 2 == 0 {
                job.run(async { assert_eq!(job.payload(), Some(&b"work"[..])) }).await;
            } else {
                let job = job.detach();
                job.run(async { assert_eq!(job.payload(), Some(&b"work"[..])) }).await;
            }
        }
    };
    work.scope(receive).await;
    work.flush_blocking(SOON);
    let spans = spans(&records.records());
    assert_eq!(spans.len(), cases.len());
    for (i, (span, (_, is_context, told))) in spans.iter().zip(cases).enumerate() {
        assert_eq!(span.status, Some(Status::Ok), "case {i}");
        assert_eq!(span.parent.is_some(), *is_context, "case {i}");
        let about: Vec<&str> = span.diagnostics.iter().map(|(_, m)| m.split(':').next().unwrap()).collect();
        assert_eq!(about, *told, "case {i}: {:?}", span.diagnostics);
    }
}

#[tokio::test]
async fn forwarding_replaces_and_does_not_stack() {
    let kafka = kafka("forward", 1).await;
    let (first, _) = recorder("first");
    let producer = kafka.future_producer();
    let mine =
        raw_headers(&[(b"k\xff", Some(b"\0\xff")), (b"empty", Some(b"")), (b"null", None), (b"k\xff", Some(b"2"))]);
    let send = async {
        let record = FutureRecord::<(), str>::to(&kafka.topic).payload("0").headers(mine);
        producer.observed().send(record, SOON).await.map_err(|(e, _)| e).unwrap();
    };
    first.scope(send).await;
    let (hops, records) = recorder("hops");
    let work = async {
        let consumer = kafka.consumer("forward").observed();
        for hop in 0..4 {
            let job = within("a message", consumer.recv()).await.unwrap();
            let (theirs, ours) = split(&job);
            let expected =
                [(&b"k\xff"[..], Some(&b"\0\xff"[..])), (b"empty", Some(b"")), (b"null", None), (b"k\xff", Some(b"2"))];
            let expected = expected.map(|(k, v)| (k.to_vec(), v.map(<[u8]>::to_vec)));
            assert_eq!(theirs, expected, "hop {hop}");
            assert_eq!(ours, ["traceparent"], "hop {hop}");
            let payload = (hop + 1).to_string();
            job.run(async {
                let headers = job.headers().map(|h| h.detach()).unwrap();
                let record = FutureRecord::<(), str>::to(&kafka.topic).payload(&payload).headers(headers);
                producer.observed().send(record, SOON).await.map_err(|(e, _)| e).map(drop)
            })
            .await
            .unwrap();
        }
    };
    hops.scope(work).await;
    hops.flush_blocking(SOON);
    let spans = spans(&records.records());
    assert_eq!(spans.len(), 8);
    assert!(spans.windows(2).all(|w| w[1].parent == w[0].id && w[1].trace == w[0].trace), "one chain: {spans:#?}");
}

/// The user's headers, and the names of ours.
fn split(job: &Job<BorrowedMessage<'_>>) -> (Vec<spanbridge_tests::Pair>, Vec<String>) {
    let ours = |key: &[u8]| [&b"traceparent"[..], b"tracestate", b"baggage"].contains(&key);
    let (ours, theirs): (Vec<_>, Vec<_>) = pairs(job.message()).into_iter().partition(|(key, _)| ours(key));
    (theirs, ours.into_iter().map(|(key, _)| String::from_utf8(key).unwrap()).collect())
}

#[tokio::test]
async fn a_context_of_another_trace_is_kept_and_linked() {
    let kafka = kafka("kept", 1).await;
    let (work, records) = recorder("work");
    let producer = kafka.future_producer();
    let send = async {
        let headers = OwnedHeaders::new().insert(Header { key: "traceparent", value: Some(PARENT) });
        let record = FutureRecord::<(), str>::to(&kafka.topic).headers(headers);
        producer.observed().send(record, SOON).await.map_err(|(e, _)| e).unwrap();
        let job_of = kafka.consumer("kept").observed();
        let job = within("a message", job_of.recv()).await.unwrap();
        assert_eq!(job.context().trace_id().unwrap().to_string(), TRACE);
        job.run_value(async { observe::capture_context() }).await
    };
    let inside: Context = work.scope(send).await;
    assert_eq!(inside.trace_id().unwrap().to_string(), TRACE);
    work.flush_blocking(SOON);
    let spans = spans(&records.records());
    assert_eq!(spans[0].links[0].0.to_string(), TRACE);
    assert_eq!(spans[0].get("messaging.kafka.message.tombstone"), "true");
    assert_eq!(spans[1].get("messaging.kafka.message.tombstone"), "true");
    assert_eq!(spans[1].get("messaging.message.body.size"), "");
}

#[tokio::test]
async fn without_a_recorder_nothing_is_written() {
    let kafka = kafka("silent", 1).await;
    let producer = kafka.future_producer();
    let record = FutureRecord::<str, str>::to(&kafka.topic).payload("x");
    producer.observed().send(record, SOON).await.map_err(|(e, _)| e).unwrap();
    let consumer = kafka.consumer("silent").observed();
    let job = within("a message", consumer.recv()).await.unwrap();
    assert_eq!(pairs(job.message()), []);
    assert!(job.context().is_empty());
    job.run(async {}).await;
    job.store_offset().unwrap();
}
