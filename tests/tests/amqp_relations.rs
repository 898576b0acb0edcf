//! How the work on a message hangs together with what sent it, through a real broker: as a child, as a run of its own, as
//! a trace of its own, and by age.

use lapin::BasicProperties;
use lapin::options::*;
use lapin::types::{AMQPValue, FieldTable};
use spanbridge::record::{Body, Record, RunEnd, RunStart};
use spanbridge::{Memory, Recorder, RunId, Status, observe, w3c::Baggage};
use spanbridge_amqp::{ChannelExt, ConsumerExt, Job, Jobs, ReceiveOptions, Relation};
use spanbridge_tests::{Amqp, Seen, amqp, headers, recorder, spans, text, within};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Sends a message inside a span of a run, with baggage, to a queue.
async fn send(amqp: &Amqp, queue: &str, properties: BasicProperties) -> RunId {
    let run = observe::run("checkout").open();
    let id = run.id().expect("a run");
    let context = run.context().with_baggage(Baggage::parse(b"tenant=acme").0);
    let sending = async {
        let options = BasicPublishOptions::default();
        let sent = amqp.channel.observed().basic_publish("".into(), queue.into(), options, b"{}", properties);
        assert!(sent.await.unwrap().await.unwrap().is_ack());
    };
    observe::with_context(context, || sending).await;
    run.end();
    id
}

/// The next message, worked on; the work sends the sender's tenant on.
async fn work(jobs: &mut Jobs, result: Result<(), &str>) -> Job {
    let job = within("a message", jobs.next()).await.unwrap().unwrap();
    let inside = async {
        let context = observe::current_context();
        assert_eq!(context.baggage().get("tenant").as_deref(), Some("acme"), "baggage is kept in every relation");
        observe::span("step").in_scope(|| result)
    };
    let _ = job.run(|| inside).await;
    assert!(job.ack(BasicAckOptions::default()).await.unwrap());
    job
}

fn seen(recorder: &Recorder, memory: &Memory) -> (Vec<Record<'static>>, Vec<Seen>) {
    recorder.flush_blocking(Duration::from_secs(60));
    let records = memory.take();
    let spans = spans(&records);
    (records, spans)
}

fn named<'a>(spans: &'a [Seen], start: &str) -> &'a Seen {
    let mut found = spans.iter().filter(|s| s.name.starts_with(start));
    let one = found.next().unwrap_or_else(|| panic!("no {start}: {spans:?}"));
    assert!(found.next().is_none(), "several {start}");
    one
}

#[tokio::test]
async fn a_new_run_names_parent_and_trigger() {
    let Some(amqp) = amqp("relation-run").await else { return };
    let (shop, memory) = recorder("shop");
    let sender = shop.scope(async || {
        let id = send(&amqp, amqp.queue.as_str(), BasicProperties::default()).await;
        work(
            &mut amqp.consume().await.observed().with(ReceiveOptions::new().relation(Relation::NewRun)),
            Err("no paper"),
        )
        .await;
        id
    });
    let sender = sender.await;
    let (records, spans) = seen(&shop, &memory);
    let (publish, process) = (named(&spans, "publish"), named(&spans, "process"));
    assert_eq!((publish.run, process.parent, process.trace), (Some(sender), publish.id, publish.trace));
    assert_ne!(process.run, publish.run);
    assert_eq!(process.get("spanbridge.relation"), "new_run");
    for inside in ["step", "ack"] {
        assert_eq!(named(&spans, inside).run, process.run, "{inside} belongs to the job's run");
    }
    let mut told = vec![];
    for record in records.iter().filter(|r| r.run_id == process.run) {
        match &record.body {
            Body::RunStart(RunStart { name, parent_run_id, triggered_by_span_id, .. }) => {
                assert_eq!((*parent_run_id, *triggered_by_span_id), (Some(sender), publish.id));
                told.push(format!("begins: {name}").replace(amqp.queue.as_str(), "Q"))
            }
            Body::RunEnd(RunEnd { status, error, .. }) => {
                told.push(format!("ends: {} {}", status.name(), error.as_deref().unwrap_or_default()))
            }
            _ => {}
        }
    }
    assert_eq!(told, ["begins: process amq.default:Q", "ends: error no paper"]);
}

#[tokio::test]
async fn a_linked_trace_stays_in_the_sender_s_run() {
    let Some(amqp) = amqp("relation-link").await else { return };
    let on = format!("{}.on", amqp.queue);
    let (shop, memory) = recorder("shop");
    let sender = shop.scope(async || {
        let id = send(&amqp, amqp.queue.as_str(), BasicProperties::default()).await;
        let job =
            work(&mut amqp.consume().await.observed().with(ReceiveOptions::new().relation(Relation::Link)), Ok(()))
                .await;
        // What the work sends on is in the new trace, and still in the run.
        amqp.declare(&on, FieldTable::default()).await;
        job.run_value(|| send_on(&amqp, &on)).await;
        id
    });
    let sender = sender.await;
    let (_, spans) = seen(&shop, &memory);
    let process: Vec<_> = spans.iter().filter(|s| s.name.starts_with("process")).collect();
    let publish = spans.iter().find(|s| s.name.starts_with("publish")).unwrap();
    for process in &process {
        assert_eq!((process.run, process.parent), (Some(sender), None));
        assert_ne!(process.trace, publish.trace);
        assert_eq!(process.links, [(publish.trace.unwrap(), publish.id.unwrap())]);
        assert_eq!(process.get("spanbridge.relation"), "link");
    }
    assert_eq!(named(&spans, "ack").trace, process[0].trace);
    let sent = spans.iter().rfind(|s| s.name.starts_with("publish")).unwrap();
    assert_eq!((sent.trace, sent.run, sent.parent), (process[1].trace, Some(sender), process[1].id));
    let wire = amqp.take_from(&on).await.properties.headers().clone().unwrap();
    let AMQPValue::LongString(state) = &wire.inner()["tracestate"] else { panic!("{wire:?}") };
    assert_eq!(state.to_string(), format!("sb=r:{sender}"));
}

async fn send_on(amqp: &Amqp, queue: &str) {
    let options = BasicPublishOptions::default();
    let sent =
        amqp.channel.observed().basic_publish("".into(), queue.into(), options, b"{}", BasicProperties::default());
    sent.await.unwrap().await.unwrap();
}

/// It waits in a queue for longer than `max_age`, by its time to live, and comes on by dead-lettering.
#[tokio::test]
async fn a_message_older_than_max_age_is_linked() {
    let Some(amqp) = amqp("relation-age").await else { return };
    let (shop, memory) = recorder("shop");
    let wait = format!("{}.wait", amqp.queue);
    let back = [
        ("x-dead-letter-exchange", text("")),
        ("x-dead-letter-routing-key", text(amqp.queue.as_str())),
        ("x-message-ttl", AMQPValue::LongInt(2500)),
    ];
    amqp.declare(&wait, headers(back)).await;
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let stamped = || BasicProperties::default().with_timestamp(now());
    shop.scope(async || {
        let auto = Relation::Auto { max_age: Duration::from_secs(1) };
        let mut jobs = amqp.consume().await.observed().with(ReceiveOptions::new().relation(auto));
        for (queue, properties) in [
            (amqp.queue.as_str(), stamped()),
            (wait.as_str(), stamped()),
            (wait.as_str(), BasicProperties::default()), // of unknown age
        ] {
            send(&amqp, queue, properties).await;
            work(&mut jobs, Ok(())).await;
        }
    })
    .await;
    let (_, spans) = seen(&shop, &memory);
    let process: Vec<_> = spans.iter().filter(|s| s.name.starts_with("process")).collect();
    let relations: Vec<_> = process.iter().map(|s| s.get("spanbridge.relation")).collect();
    assert_eq!(relations, ["", "link", ""]);
    let waited: Vec<_> = process.iter().map(|s| s.get("spanbridge.queue.time_ms").parse::<u64>().ok()).collect();
    assert!(waited[0].is_some_and(|ms| ms < 1000), "{waited:?}");
    assert!(
        waited[1].is_some_and(|ms| (1500..60_000).contains(&ms)),
        "whole seconds, by the shortest reading: {waited:?}"
    );
    assert_eq!(waited[2], None, "no timestamp, no guess");
    assert_eq!(process[1].get("spanbridge.dead_letter.reason"), "expired");
    assert_eq!(process[1].status, Some(Status::Ok));
}

#[tokio::test]
async fn a_relation_may_be_chosen_by_the_message() {
    let Some(amqp) = amqp("relation-by").await else { return };
    let (shop, memory) = recorder("shop");
    shop.scope(async || {
        let by_type =
            |delivery: &lapin::message::Delivery| match delivery.properties.kind().as_ref().map(|k| k.as_str()) {
                Some("report") => Relation::NewRun,
                Some("digest") => Relation::Link,
                _ => Relation::Parent,
            };
        let mut jobs = amqp.consume().await.observed().with(ReceiveOptions::new().relation_by(by_type));
        for kind in ["order", "report", "digest"] {
            send(&amqp, amqp.queue.as_str(), BasicProperties::default().with_type(kind.into())).await;
            work(&mut jobs, Ok(())).await;
        }
    })
    .await;
    let (_, spans) = seen(&shop, &memory);
    let process = spans.iter().filter(|s| s.name.starts_with("process"));
    assert_eq!(process.map(|s| s.get("spanbridge.relation")).collect::<Vec<_>>(), ["", "new_run", "link"]);
}
