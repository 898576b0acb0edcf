//! A handler of messages from RabbitMQ, recorded and replayed without a broker: what a broker shows is in `tests/`.

mod support;

use lapin::BasicProperties;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicRejectOptions};
use lapin::types::{AMQPValue, FieldTable};
use spanbridge::adapter::drive_one;
use spanbridge::observe;
use spanbridge_amqp::{CaptureMode, DeliveryExt, Disposition, DriverOptions, Job, ReceiveOptions, SettlePolicy};
use spanbridge_graph::testing::record_async;
use spanbridge_replay::{Case, DivergenceKind, Replayer, Report, Verdict};
use std::sync::Arc;
use support::{case_of, check};

fn options() -> ReceiveOptions {
    ReceiveOptions::new().capture(CaptureMode::Whole { max: 1 << 16 })
}

/// A message with everything that a handler may look at.
fn message(payload: &str) -> Job {
    let mut headers = FieldTable::default();
    headers.insert("tenant".into(), AMQPValue::LongString("eu".into()));
    let sender = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    headers.insert("traceparent".into(), AMQPValue::LongString(sender.into()));
    let mut delivery = Delivery::mock(7, "orders".into(), "eu.new".into(), true, payload.into());
    delivery.properties = BasicProperties::default().with_headers(headers).with_priority(3).with_reply_to("me".into());
    delivery.observed_from("orders.work".into()).with(options())
}

async fn handle(job: Job) -> lapin::Result<bool> {
    match job.run(|| async { observe::span("ship").in_scope(|| ship(&job)) }).await {
        Ok(()) => job.ack(BasicAckOptions::default()).await,
        Err(_) => job.reject(BasicRejectOptions { requeue: false }).await,
    }
}

/// Fails, and says everything that it was given.
fn ship(job: &Job) -> Result<(), String> {
    let Delivery { exchange, routing_key, redelivered, properties, data, .. } = &**job;
    let queue = job.queue();
    if &**data == b"good" {
        return Ok(());
    }
    Err(format!("{exchange} {routing_key} {redelivered} {queue} {properties:?} {data:?}"))
}

async fn recorded(payload: &str) -> Case {
    case_of(&record_async(|| handle(message(payload))).await, "messaging.process")
}

async fn replayed<F: Future<Output: spanbridge::Outcome>>(case: &Case, handler: impl FnOnce(Job) -> F) -> Report {
    let report = Replayer::of(case.clone()).amqp(|job| handler(job.with(options()))).await.report().clone();
    check(&report, case);
    report
}

/// Each step in a line, with its label.
fn steps(report: &Report) -> Vec<String> {
    let line = |step: &spanbridge_replay::Step| {
        format!("{} {}", step.label, step.target.as_deref().unwrap_or(step.name.as_str()))
    };
    report.steps.iter().map(line).collect()
}

/// The handler gets the same message, fails with the same words in the same span, and rejects it, which nobody hears.
#[tokio::test]
async fn a_message_is_handed_over_as_it_was() {
    let case = recorded("bad").await;
    let report = replayed(&case, handle).await;
    assert_eq!(report.verdict, Verdict::Same, "{report}");
    assert_eq!(report.outcome.as_ref().unwrap().replayed.failing_span.as_deref(), Some("ship"));
    assert_eq!(steps(&report)[2..], ["recorded orders.work"]);
    // The report has the case's own input again, so that a replay can be replayed.
    let kinds: Vec<_> = report.records.iter().filter_map(|record| record["kind"].as_str()).collect();
    assert!(kinds.contains(&"input.properties"), "{kinds:?}");
}

/// Code that acks what it rejected before has that as its first divergence.
#[tokio::test]
async fn another_settlement_is_a_divergence() {
    let case = recorded("bad").await;
    let acks = |job: Job| async move {
        let _ = job.run(|| async { observe::span("ship").in_scope(|| ship(&job)) }).await;
        job.ack(BasicAckOptions::default()).await
    };
    let report = replayed(&case, acks).await;
    let first = report.first_divergence.as_ref().unwrap();
    assert_eq!((first.kind, first.index), (DivergenceKind::Added, Some(2)));
    assert!(first.actual.ends_with(" ack orders:eu.new:orders.work"), "{}", first.actual);
    assert_eq!(steps(&report)[2..], ["diverged orders.work", "diverged orders:eu.new:orders.work"]);
    assert_eq!(report.verdict, Verdict::Diverged);
    // As text, it is told how the message was settled.
    let text = report.to_string();
    assert!(text.contains("  diverged       ack ") && text.contains("  diverged       reject "), "{text}");
}

/// Code that gives back what it dropped before: the same call, with another end for the message.
#[tokio::test]
async fn another_requeue_is_a_divergence() {
    let case = recorded("bad").await;
    let gives_back = |job: Job| async move {
        let _ = job.run(|| async { observe::span("ship").in_scope(|| ship(&job)) }).await;
        job.reject(BasicRejectOptions { requeue: true }).await
    };
    let report = replayed(&case, gives_back).await;
    let first = report.first_divergence.as_ref().unwrap();
    assert_eq!((first.kind, first.index), (DivergenceKind::Changed, Some(2)));
    assert!(first.actual.ends_with("spanbridge.settle.requeue true"), "{}", first.actual);
    assert_eq!(report.verdict, Verdict::Diverged);
}

/// A handler that never begins its span has not done what was recorded.
#[tokio::test]
async fn a_handler_without_its_span() {
    let case = recorded("good").await;
    let report = replayed(&case, |_| async {}).await;
    let outcome = report.outcome.as_ref().unwrap();
    assert_eq!(outcome.replayed.status, "open");
    assert!(outcome.replayed.error.as_ref().unwrap().starts_with("the handler never began its span"), "{report}");
    assert_eq!(report.verdict, Verdict::Diverged);
}

/// A driver's handler is replayed with the driver's options.
#[tokio::test]
async fn a_driven_handler_is_replayed() {
    let policy = SettlePolicy::new(Disposition::Ack, Disposition::Reject { requeue: false });
    let drive = |job: Job| async move {
        let handler = |job: Arc<Job>| async move { observe::span("ship").in_scope(|| ship(&job)) };
        drive_one(&Arc::new(job), &handler, &DriverOptions::new(policy)).await;
    };
    let case = case_of(&record_async(|| drive(message("bad"))).await, "messaging.process");
    let report = replayed(&case, drive).await;
    assert_eq!(report.verdict, Verdict::Same, "{report}");
}

mod cases {
    use super::{Job, handle};

    spanbridge_replay::case! {
        /// The file was recorded from an order without an address.
        a_rejected_order, "tests/cases/rejected_order.json", |replay| replay.amqp(|job: Job| handle(job))
    }
}

/// A case that was fixed fails until it expects that; then it guards the fix.
#[test]
fn a_fixed_case_says_what_to_do() {
    let directory = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("case-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("fixed.json");
    let mut case = Case::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/rejected_order.json")).unwrap();
    let fixed = |job: Job| async move {
        job.run(|| async { observe::span("ship").in_scope(|| Ok::<(), String>(())) }).await.unwrap();
        job.reject(BasicRejectOptions { requeue: false }).await
    };
    let test = |case: &Case| {
        case.write(&path).unwrap();
        let path = path.to_str().unwrap().to_owned();
        std::panic::catch_unwind(move || spanbridge_replay::testing::check(&path, move |replay| replay.amqp(fixed)))
    };
    let said = *test(&case).unwrap_err().downcast::<String>().unwrap();
    assert!(said.contains("first divergence: outcome") && said.contains("now:  ok"), "{said}");
    assert!(said.contains("The handler succeeds now. If that is the fix, add \"expect\": \"ok\" to "), "{said}");
    case.expect = Some(spanbridge_replay::Wanted::Ok);
    test(&case).unwrap();
    std::fs::remove_dir_all(directory).unwrap();
}

/// A handler that blocks its thread fails its test in time.
#[test]
fn a_blocking_handler_fails_its_test() {
    let blocks = |_: Job| async { std::thread::park() };
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/rejected_order.json");
    let at_once = std::time::Duration::ZERO;
    let test = move || spanbridge_replay::testing::check(path, move |replay| replay.deadline(at_once).amqp(blocks));
    let said = *std::panic::catch_unwind(test).unwrap_err().downcast::<String>().unwrap();
    assert!(said.contains("now:  timeout"), "{said}");
}
