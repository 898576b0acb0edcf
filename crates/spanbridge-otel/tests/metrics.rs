//! What is measured: exact numbers, over spans as adapters and applications record them.
#![cfg(all(feature = "metrics", feature = "export"))]

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use spanbridge::adapter::{Step, span};
use spanbridge::record::Body;
use spanbridge::{Kind, Memory, Primitive, Recorder, RecorderBuilder, Sampler, observe, semconv};
use spanbridge_otel::metrics::MetricsSink;
use spanbridge_otel::{Exporter, Telemetry, WithTelemetry};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);

/// Measures some work; a line for each metric and its attributes, and the records.
fn measured(work: impl FnOnce()) -> (Vec<String>, Memory) {
    measured_by(|sink| sink, |builder| builder, work)
}

fn measured_by(
    sink: impl FnOnce(MetricsSink) -> MetricsSink,
    builder: impl FnOnce(RecorderBuilder) -> RecorderBuilder,
    work: impl FnOnce(),
) -> (Vec<String>, Memory) {
    let (recorder, memory) = (DebuggingRecorder::new(), Memory::new());
    let snapshotter = recorder.snapshotter();
    let all = builder(Recorder::builder("shop").sink(memory.clone()).sink(sink(MetricsSink::to(recorder))));
    let all = all.build().unwrap();
    all.in_scope(work);
    assert!(all.shutdown(SOON).complete);
    // What is lost is nothing, and said of each sink.
    let (lost, lines): (Vec<_>, Vec<_>) =
        lines(&snapshotter).into_iter().partition(|line| line.starts_with("records.lost"));
    assert!(lost.iter().all(|line| line.ends_with(" 0")), "{lost:?}");
    (lines, memory)
}

/// `name{attributes without system} unit value`. Of a histogram, how many values.
fn lines(snapshotter: &Snapshotter) -> Vec<String> {
    let line = |(key, unit, description, value): (metrics_util::CompositeKey, Option<metrics::Unit>, _, _)| {
        let key = key.key();
        let short = |name: &str| name.trim_start_matches("messaging.").trim_start_matches("spanbridge.").to_owned();
        let labels = key.labels().filter(|label| label.key() != semconv::MESSAGING_SYSTEM);
        let labels: Vec<_> = labels.map(|label| format!("{}={}", short(label.key()), label.value())).collect();
        assert!(Option::<metrics::SharedString>::is_some(&description), "{key}");
        let value = match value {
            DebugValue::Counter(count) => count.to_string(),
            DebugValue::Histogram(values) => format!("×{}", values.len()),
            DebugValue::Gauge(_) => unreachable!("no gauges"),
        };
        format!("{}{{{}}} {} {value}", short(key.name()), labels.join(" "), unit.unwrap().as_str())
    };
    let mut lines: Vec<_> = snapshotter.snapshot().into_vec().into_iter().map(line).collect();
    lines.sort();
    lines
}

#[test]
fn sends_count_by_their_outcome() {
    let (lines, _) = measured(|| {
        let send = |class: Option<&str>| {
            let send = span("kafka", Step::Send, "send", "orders").attribute(semconv::SERVER_PORT, 9092).open();
            class.into_iter().for_each(|class| send.attribute(semconv::ERROR_TYPE, class));
            match class {
                Some(_) => send.end_with(&Err::<(), _>("refused")),
                None => send.end(),
            }
        };
        [None, None, Some("UnknownPartition")].into_iter().for_each(send);
        // Given up, its outcome is not known; and an error that has no class.
        span("kafka", Step::Send, "send", "orders").open().cancel();
        span("kafka", Step::Send, "send", "").open().end_with(&Err::<(), _>("somehow"));
        // A transaction sends nothing itself.
        span("kafka", Step::Send, "transaction", "").kind(Kind::Client).in_scope(|| ());
        observe::span("not a message").in_scope(|| ());
    });
    let expected = [
        "client.operation.duration{operation.name=send operation.type=send destination.name=orders} seconds ×1",
        "client.operation.duration{operation.name=send operation.type=send error.type=_OTHER} seconds ×1",
        "client.operation.duration{operation.name=send operation.type=send server.port=9092 destination.name=orders error.type=UnknownPartition} seconds ×1",
        "client.operation.duration{operation.name=send operation.type=send server.port=9092 destination.name=orders} seconds ×2",
        "client.operation.duration{operation.name=transaction operation.type=send} seconds ×1",
        "client.sent.messages{operation.name=send destination.name=orders} count 1",
        "client.sent.messages{operation.name=send error.type=_OTHER} count 1",
        "client.sent.messages{operation.name=send server.port=9092 destination.name=orders error.type=UnknownPartition} count 1",
        "client.sent.messages{operation.name=send server.port=9092 destination.name=orders} count 2",
    ];
    assert_eq!(lines, expected);
}

/// Each message has a span under that of the call, as SQS and SNS have it. Other clients tell a number only.
#[test]
fn batches_that_are_sent_count_messages() {
    let (lines, _) = measured(|| {
        let batch = |kind| {
            span("aws_sqs", Step::Send, "send_batch", "orders").kind(kind).attribute(semconv::MESSAGING_BATCH_COUNT, 3)
        };
        batch(Kind::Client).in_scope(|| {
            (0..3).for_each(|_| span("aws_sqs", Step::Send, "send", "orders").in_scope(|| ()));
        });
        batch(Kind::Producer).in_scope(|| ());
    });
    let expected = [
        "client.operation.duration{operation.name=send_batch operation.type=send destination.name=orders} seconds ×2",
        "client.sent.messages{operation.name=send destination.name=orders} count 3",
        "client.sent.messages{operation.name=send_batch destination.name=orders} count 3",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn each_attempt_counts() {
    let (lines, memory) = measured(|| {
        let process = || {
            let group = (semconv::MESSAGING_CONSUMER_GROUP, "billing");
            span("kafka", Step::Process, "process", "orders").attribute(group.0, group.1)
        };
        process().in_scope(|| Err::<(), _>(std::fmt::Error)).unwrap_err();
        process().in_scope(|| ());
        span("kafka", Step::Settle, "commit", "orders").in_scope(|| ());
    });
    let of = "operation.name=process consumer.group.name=billing destination.name=orders";
    let expected = [
        format!("client.consumed.messages{{{of} error.type=core::fmt::Error}} count 1"),
        format!("client.consumed.messages{{{of}}} count 1"),
        "client.operation.duration{operation.name=commit operation.type=settle destination.name=orders} seconds ×1"
            .into(),
        format!("process.duration{{{of} error.type=core::fmt::Error}} seconds ×1"),
        format!("process.duration{{{of}}} seconds ×1"),
    ];
    assert_eq!(lines, expected);
    drop(memory);
}

/// Three messages: two have spans, linked to the batch. Then a batch whose messages have none, as the whole event of a function.
#[test]
fn batches_that_are_worked_on_count_messages() {
    let (lines, _) = measured(|| {
        let process = || span("rabbitmq", Step::Process, "process", "orders");
        let batch = process().attribute(semconv::MESSAGING_BATCH_COUNT, 3).open();
        let messages = [process().open(), process().link(batch.context()).open()];
        messages[0].link(batch.context());
        // The messages end as the batch does: after it.
        batch.end();
        messages.into_iter().for_each(observe::Span::end);
        let whole = process().attribute(semconv::MESSAGING_DESTINATION_TEMPLATE, "amq.{anonymous}");
        whole.attribute(semconv::MESSAGING_BATCH_COUNT, 5).in_scope(|| ());
    });
    let expected = [
        "client.consumed.messages{operation.name=process destination.name=orders} count 3",
        "client.consumed.messages{operation.name=process destination.template=amq.{anonymous}} count 5",
        "process.duration{operation.name=process destination.name=orders} seconds ×2",
        "process.duration{operation.name=process destination.template=amq.{anonymous}} seconds ×1",
    ];
    assert_eq!(lines, expected);
}

/// By the conventions, a delivery counts once: when it is received, if that is a span.
#[test]
fn what_was_received_is_not_counted_again() {
    let (lines, _) = measured(|| {
        let receive = || {
            let receive = observe::span("poll").primitive(Primitive::MESSAGING_RECEIVE).kind(Kind::Client);
            receive.attribute(semconv::MESSAGING_OPERATION_NAME, "poll")
        };
        let process = || span("nats", Step::Process, "work", "orders");
        let received = receive().attribute(semconv::MESSAGING_BATCH_COUNT, 3).open();
        let context = received.context().clone();
        received.end();
        observe::in_scope(&context, || process().in_scope(|| ()));
        process().link(&context).in_scope(|| ());
        let late = process().open();
        late.link(&context);
        late.end();
        // Nothing came, once by its number and once by its error; and one message.
        receive().attribute(semconv::MESSAGING_BATCH_COUNT, 0).in_scope(|| ());
        receive().open().end_with(&Err::<(), _>("no broker"));
        receive().in_scope(|| ());
        process().in_scope(|| ());
    });
    let expected = [
        "client.consumed.messages{operation.name=poll} count 4",
        "client.consumed.messages{operation.name=work destination.name=orders} count 1",
        "client.operation.duration{operation.name=poll error.type=_OTHER} seconds ×1",
        "client.operation.duration{operation.name=poll} seconds ×3",
        "process.duration{operation.name=work destination.name=orders} seconds ×4",
    ];
    assert_eq!(lines, expected);
}

/// In seconds, of spans that begin and end in different deliveries, too.
#[test]
fn durations_are_those_of_the_spans() {
    let (recorder, memory) = (DebuggingRecorder::new(), Memory::new());
    let snapshotter = recorder.snapshotter();
    let all = Recorder::builder("shop").sink(memory.clone()).sink(MetricsSink::to(recorder)).build().unwrap();
    all.in_scope(|| {
        let work = span("kafka", Step::Process, "process", "orders").open();
        all.flush_blocking(SOON);
        std::thread::sleep(Duration::from_millis(20));
        work.end();
    });
    all.shutdown(SOON);
    let (mut began, mut ended) = (0, 0);
    for record in memory.records() {
        match record.body {
            Body::Span(span) => began = span.started_at,
            Body::SpanEnd(end) => ended = end.end.ended_at,
            _ => {}
        }
    }
    let values = snapshotter.snapshot().into_vec().into_iter().find_map(|(.., value)| match value {
        DebugValue::Histogram(values) => Some(values),
        _ => None,
    });
    let values: Vec<f64> = values.unwrap().into_iter().map(|value| value.into_inner()).collect();
    assert_eq!(values, [(ended - began) as f64 / 1e9]);
    assert!(values[0] > 0.02 && values[0] < SOON.as_secs_f64());
}

#[test]
fn partitions_if_they_are_wanted() {
    let send = || {
        let send = span("kafka", Step::Send, "send", "orders").attribute(semconv::MESSAGING_PARTITION_ID, "7");
        send.in_scope(|| ())
    };
    let (with, _) = measured_by(|sink| sink.partitions(true), |builder| builder, send);
    assert_eq!(
        with[1],
        "client.sent.messages{operation.name=send destination.name=orders destination.partition.id=7} count 1"
    );
    let (without, _) = measured(send);
    assert_eq!(without[1], "client.sent.messages{operation.name=send destination.name=orders} count 1");
}

#[test]
fn traces_that_are_not_sampled_do_not_count() {
    let (lines, _) = measured_by(
        |sink| sink,
        |builder| builder.sampler(Sampler::never()),
        || span("kafka", Step::Send, "send", "orders").in_scope(|| ()),
    );
    assert_eq!(lines, [""; 0]);
}

/// As the recorder reports them, and as the exporter counts them.
///
/// The sinks work beside each other: the last span may be lost in one of them when the metrics are
/// taken, or not yet. So each number lies between the reports before it and after it.
#[test]
fn losses_are_measured() {
    let (recorder, memory) = (DebuggingRecorder::new(), Memory::new());
    let snapshotter = recorder.snapshotter();
    let refusing = Exporter::callback(|_| panic!("the callback panics"));
    let counter = refusing.counter();
    let sink = MetricsSink::to(recorder).exporter("refusing", counter.clone());
    let telemetry = Telemetry::new("shop").exporter(refusing);
    let builder = Recorder::builder("shop").sink(memory).sink(sink).memory_limit(1 << 20).interval(SOON);
    let all = builder.with_telemetry(telemetry).unwrap().build().unwrap();
    // Until there are losses of both kinds, however quick the delivery is.
    let begun = std::time::Instant::now();
    while all.report().dropped == 0 || counter.counts().lost == 0 {
        all.in_scope(|| (0..100_000).for_each(|_| observe::span("work").in_scope(|| ())));
        all.flush_blocking(SOON);
        assert!(begun.elapsed() < SOON, "{:?}", all.report());
    }
    let counted = || {
        let (report, counts) = (all.report(), counter.counts());
        let mut lines = vec![("records.lost{lost.reason=memory}".to_owned(), report.dropped)];
        for sink in &report.sinks {
            let line = |reason| format!("records.lost{{lost.reason={reason} sink.name={}}}", sink.name);
            lines.extend([(line("behind"), sink.dropped), (line("rejected"), sink.rejected)]);
        }
        for (outcome, spans) in [("accepted", 0), ("lost", counts.lost), ("not_chosen", 0)] {
            lines.push((format!("exporter.spans{{exporter.name=refusing exporter.outcome={outcome}}}"), spans));
        }
        assert!(report.dropped > 0 && counts.lost > 0, "{report:?} {counts:?}");
        lines
    };
    let before = counted();
    all.in_scope(|| observe::span("last").in_scope(|| ()));
    all.flush_blocking(SOON);
    let lines = lines(&snapshotter);
    for ((line, from), (_, to)) in before.into_iter().zip(counted()) {
        let told = lines.iter().find_map(|it| it.strip_prefix(&line)?.strip_prefix(" count ")?.parse::<u64>().ok());
        assert!(told.is_some_and(|told| (from..=to).contains(&told)), "{line}: {told:?}, not {from} to {to}");
    }
    all.shutdown(SOON);
}
