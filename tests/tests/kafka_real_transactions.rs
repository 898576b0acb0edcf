//! Transactions on a real broker: what readers of both kinds see, where the group stands, and what the spans say of it;
//! also of a producer whose place another one has taken.

use rdkafka::consumer::{Consumer, DefaultConsumerContext, StreamConsumer};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::message::{OwnedHeaders, OwnedMessage};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer};
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{Message, Offset};
use spanbridge::Status;
use spanbridge_kafka::{ConsumerExt, Observed, ObservedConsumer, ProducerExt, Transaction};
use spanbridge_tests::{Kafka, Seen, contents, real_kafka, recorder, sender, spans, within};
use std::time::Duration;
use tokio::task::block_in_place;

const SOON: Duration = Duration::from_secs(20);
const MESSAGES: usize = 3;

type Reader = ObservedConsumer<StreamConsumer<Observed<DefaultConsumerContext>>>;

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Commit,
    Abort,
    /// Another producer of the same id comes first, then it is committed.
    FencedCommit,
    /// Or aborted.
    FencedAbort,
}

impl End {
    const ALL: [End; 4] = [End::Commit, End::Abort, End::FencedCommit, End::FencedAbort];

    fn told(self) -> (&'static str, Status) {
        match self {
            End::Commit => ("committed", Status::Ok),
            End::Abort => ("rolled_back", Status::Ok),
            End::FencedCommit => ("unknown", Status::Error),
            End::FencedAbort => ("rolled_back", Status::Error),
        }
    }
}

fn transactional(kafka: &Kafka, id: &str) -> FutureProducer {
    let producer: FutureProducer = kafka.config().set("transactional.id", id).create().unwrap();
    block_in_place(|| producer.init_transactions(SOON)).unwrap();
    producer
}

/// Takes three messages and sends one for each to the other topic, with their offsets, in one transaction.
async fn transform(kafka: &Kafka, consumer: &Reader, end: End) -> KafkaResult<()> {
    let id = format!("{}.{end:?}", kafka.topic);
    let producer = transactional(kafka, &id);
    let mut transaction = block_in_place(|| producer.observed().begin_transaction())?;
    for number in 0..MESSAGES {
        let job = within("a message", consumer.recv()).await?;
        job.run(async || send(kafka, &transaction, &format!("{end:?} {number}")).await).await?;
    }
    let (offsets, group) = (consumer.consumer().position()?, consumer.consumer().group_metadata().unwrap());
    block_in_place(|| transaction.send_offsets_to_transaction(&offsets, &group, SOON))?;
    // While it waits for its end, its place may be taken.
    let _other = matches!(end, End::FencedCommit | End::FencedAbort).then(|| transactional(kafka, &id));
    block_in_place(|| match end {
        End::Commit | End::FencedCommit => transaction.commit_transaction(SOON),
        End::Abort | End::FencedAbort => transaction.abort_transaction(SOON),
    })
}

async fn send(
    kafka: &Kafka,
    transaction: &Transaction<FutureProducer, &FutureProducer>,
    payload: &str,
) -> KafkaResult<()> {
    let topic = output(kafka);
    let record = FutureRecord::<(), str>::to(&topic).payload(payload);
    let sending = transaction.producer().send_result(record).map_err(|(e, _)| e)?;
    within("a delivery report", sending).await.unwrap().map_err(|(e, _)| e)?;
    Ok(())
}

fn output(kafka: &Kafka) -> String {
    format!("{}.output", kafka.topic)
}

/// Where the group will go on.
fn committed(consumer: &Reader) -> Option<i64> {
    let committed = block_in_place(|| consumer.consumer().committed(SOON)).unwrap();
    committed.elements()[0].offset().to_raw().filter(|_| committed.elements()[0].offset() != Offset::Invalid)
}

fn texts(messages: &[OwnedMessage]) -> Vec<String> {
    messages.iter().map(|m| String::from_utf8(m.payload().unwrap().to_vec()).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn committed_aborted_and_fenced() {
    let Some(kafka) = real_kafka("ends", 1, "transactions").await else { return };
    kafka.create(&output(&kafka), 1).await;
    for number in 0..MESSAGES {
        kafka.send(0, OwnedHeaders::new(), number.to_string().as_bytes()).await
    }
    let sent = |end: End| (0..MESSAGES).map(move |number| format!("{end:?} {number}"));
    // What was not committed comes again to the next of the group. So the commit is the last.
    for end in [End::Abort, End::FencedCommit, End::FencedAbort, End::Commit] {
        let (work, records) = recorder("work");
        let consumer: Reader = kafka.consumer("transformers").observed();
        let result = work.scope(|| transform(&kafka, &consumer, end)).await;
        match (&result, end) {
            (Ok(()), End::Commit | End::Abort) => {}
            (Err(KafkaError::Transaction(e)), _) => assert!(e.is_fatal() && e.code() == Code::Fenced, "{end:?}: {e:?}"),
            _ => panic!("{end:?}: {result:?}"),
        }
        assert_eq!(committed(&consumer), (end == End::Commit).then_some(MESSAGES as i64), "{end:?}");
        drop(consumer);
        work.flush_blocking(SOON);
        let spans = spans(&records.records());
        let named = |name: &str| spans.iter().filter(|s| s.name.starts_with(name)).collect::<Vec<_>>();
        let (transactions, sends) = (named("transaction"), named("send"));
        assert_eq!((transactions.len(), sends.len(), named("process").len()), (1, MESSAGES, MESSAGES));
        let (told, status) = end.told();
        assert_eq!((transactions[0].handoff(), transactions[0].status), (told, Some(status)), "{end:?}");
        assert_eq!(transactions[0].get("error.type"), if status == Status::Error { "Fenced" } else { "" });
        assert!(sends.iter().all(|send| send.handoff() == told), "{end:?}: {sends:#?}");
        // They are in the log, and who reads what is not committed finds them, under their senders.
        let all = contents(&kafka, &output(&kafka), "read_uncommitted").await;
        for (text, send) in sent(end).zip(&sends) {
            let message = all.iter().find(|m| m.payload() == Some(text.as_bytes())).unwrap();
            assert_eq!(send.get("messaging.kafka.offset"), message.offset().to_string(), "{text}");
            assert_eq!(sender(message).unwrap(), send.id.unwrap().to_string());
        }
    }
    let seen = async |isolation| texts(&contents(&kafka, &output(&kafka), isolation).await);
    let uncommitted = seen("read_uncommitted").await;
    assert_eq!(uncommitted.len(), MESSAGES * End::ALL.len());
    assert!(End::ALL.into_iter().flat_map(sent).all(|text| uncommitted.contains(&text)));
    assert_eq!(seen("read_committed").await, sent(End::Commit).collect::<Vec<_>>());
}

/// A send that meets the broker after the place of its producer was taken never becomes part of anything.
#[tokio::test(flavor = "multi_thread")]
async fn a_send_of_a_fenced_producer() {
    let Some(kafka) = real_kafka("fenced-send", 1, "transactions").await else { return };
    kafka.create(&output(&kafka), 1).await;
    let (work, records) = recorder("work");
    let result = work.scope(async || {
        let producer = transactional(&kafka, &kafka.topic);
        let mut transaction = block_in_place(|| producer.observed().begin_transaction()).unwrap();
        send(&kafka, &transaction, "before").await.unwrap();
        let _other = transactional(&kafka, &kafka.topic);
        let error = send(&kafka, &transaction, "after").await.unwrap_err();
        (error, block_in_place(|| transaction.abort_transaction(SOON)).unwrap_err())
    });
    let (send, _) = result.await;
    work.flush_blocking(SOON);
    let spans = spans(&records.records());
    let told: Vec<_> =
        spans.iter().map(|s| (s.name.split(' ').next().unwrap(), s.handoff(), s.get("error.type"))).collect();
    let refused = format!("{:?}", send.rdkafka_error_code().unwrap());
    assert_eq!(
        told,
        [("transaction", "rolled_back", "Fenced"), ("send", "rolled_back", ""), ("send", "rejected", refused.as_str())]
    );
    assert!(spans.iter().all(|s: &Seen| s.status.is_some()));
    assert_eq!(texts(&contents(&kafka, &output(&kafka), "read_uncommitted").await), ["before"]);
    assert!(contents(&kafka, &output(&kafka), "read_committed").await.is_empty());
}
