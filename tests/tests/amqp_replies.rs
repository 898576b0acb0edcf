//! Request and reply: the answer's work points at the question, over a queue of one's own and over RabbitMQ's direct
//! replies.

use lapin::BasicProperties;
use lapin::options::*;
use lapin::types::{AMQPValue, FieldTable, ShortString};
use spanbridge::record::{Body, Edge, Endpoint, Record};
use spanbridge::{SpanId, observe};
use spanbridge_amqp::{ChannelExt, ConsumerExt, Job, Jobs};
use spanbridge_tests::{Amqp, Seen, amqp, recorder, spans, within};
use std::time::Duration;

async fn next(jobs: &mut Jobs) -> Job {
    within("a message", jobs.next()).await.unwrap().unwrap()
}

/// The answering side: it knows nothing but AMQP's own properties.
async fn answer(amqp: &Amqp, job: &Job) {
    let (to, id) = (job.properties.reply_to().clone().unwrap(), job.properties.correlation_id().clone().unwrap());
    let properties = BasicProperties::default().with_correlation_id(id);
    let work = async {
        let options = BasicPublishOptions::default();
        let sent = amqp.channel.observed().basic_publish("".into(), to, options, b"42", properties);
        sent.await.unwrap().await.unwrap();
    };
    job.run_value(|| work).await;
    assert!(job.ack(BasicAckOptions::default()).await.unwrap());
}

/// The edges `replied.to` between spans.
fn replies(records: &[Record<'_>]) -> Vec<(SpanId, SpanId)> {
    let edges = records.iter().filter_map(|r| match &r.body {
        Body::Edge(Edge {
            edge_type,
            from: Endpoint::Span { span_id: from, .. },
            to: Endpoint::Span { span_id: to, .. },
            ..
        }) if edge_type == "replied.to" => Some((*from, *to)),
        _ => None,
    });
    edges.collect()
}

async fn ask(amqp: &Amqp, replies: &str, id: &str) {
    let (queue, options) = (amqp.queue.clone(), BasicPublishOptions::default());
    let properties = BasicProperties::default().with_reply_to(replies.into()).with_correlation_id(id.into());
    let sent = amqp.channel.observed().basic_publish("".into(), queue, options, b"?", properties);
    observe::span("ask").run_value(async || sent.await.unwrap().await.unwrap()).await;
}

async fn told(replies_to: &str, no_ack: bool) {
    let Some(amqp) = amqp("reply").await else { return };
    let (client, asked) = recorder("client");
    let (server, served) = recorder("server");
    let replies_to = match replies_to {
        "" => {
            let own = format!("{}.replies", amqp.queue);
            amqp.declare(&own, FieldTable::default()).await;
            own
        }
        direct => direct.to_owned(),
    };
    let (queue, options) =
        (ShortString::from(replies_to.as_str()), BasicConsumeOptions { no_ack, ..Default::default() });
    let consumer = amqp.channel.observed().basic_consume(queue, "".into(), options, FieldTable::default()).await;
    let mut answers = consumer.unwrap();
    let mut questions = amqp.consume().await.observed();
    client.scope(async || ask(&amqp, &replies_to, "one").await).await;
    client.scope(async || ask(&amqp, &replies_to, "two").await).await;
    for _ in 0..2 {
        let job = server.scope(|| next(&mut questions)).await;
        server.scope(|| answer(&amqp, &job)).await;
    }
    let got = async {
        for _ in 0..2 {
            let job = next(&mut answers).await;
            job.run(async || {}).await;
            if !no_ack {
                job.ack(BasicAckOptions::default()).await.unwrap();
            }
        }
        // An answer to nothing that was asked.
        let properties = BasicProperties::default().with_correlation_id("three".into());
        let (queue, options) = (amqp.queue.clone(), BasicPublishOptions::default());
        amqp.channel.basic_publish("".into(), queue, options, b"", properties).await.unwrap().await.unwrap();
        next(&mut questions).await.run(async || {}).await;
    };
    client.scope(|| got).await;
    for recorder in [&client, &server] {
        recorder.flush_blocking(Duration::from_secs(60));
    }
    let records = asked.records();
    let spans = spans(&records);
    let of = |start: &str| spans.iter().filter(|s| s.name.starts_with(start)).collect::<Vec<&Seen>>();
    let (asks, answers) = (of("publish"), of("process"));
    let expected: Vec<_> = (0..2).map(|n| (answers[n].id.unwrap(), asks[n].id.unwrap())).collect();
    assert_eq!(replies(&records), expected, "each answer to its question");
    for n in 0..2 {
        assert_eq!(answers[n].trace, asks[n].trace, "and one trace over both processes");
        assert_eq!(
            answers[n].get("messaging.message.conversation_id"),
            asks[n].get("messaging.message.conversation_id")
        );
        assert_eq!(answers[n].get("spanbridge.settle.automatic"), if no_ack { "true" } else { "" });
    }
    assert_eq!(replies(&served.records()), [], "the answering side did not ask");
}

#[tokio::test]
async fn an_answer_points_at_its_question() {
    told("", false).await
}

#[tokio::test]
async fn over_direct_replies() {
    told("amq.rabbitmq.reply-to", true).await
}

#[tokio::test]
async fn nothing_is_added_to_the_wire() {
    let Some(amqp) = amqp("reply-wire").await else { return };
    let (client, _) = recorder("client");
    client.scope(|| ask(&amqp, amqp.queue.as_str(), "one")).await;
    let question = amqp.take().await.properties;
    let names: Vec<_> = question.headers().as_ref().unwrap().inner().keys().cloned().collect();
    assert_eq!(names, ["traceparent"].map(ShortString::from));
    assert!(matches!(question.headers().as_ref().unwrap().inner()["traceparent"], AMQPValue::LongString(_)));
}
