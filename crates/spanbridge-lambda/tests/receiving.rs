//! How the contexts of events are received: trust, baggage, relations.
#![cfg(feature = "runtime")]

mod support;

use lambda_runtime::tower::service_fn;
use lambda_runtime::{Context, Error, LambdaEvent};
use serde_json::{Value, json};
use spanbridge::conformance::Seen;
use spanbridge::record::{Body, Record, RunStart};
use spanbridge::{RunId, Sampler, TraceId, observe, semconv};
use spanbridge_lambda::{
    BatchResponse, FunctionOptions, ReceiveOptions, Relation, Source, Trust, for_each_record, handler, observed,
};
use std::collections::{BTreeSet, HashSet};
use std::time::Duration;
use support::*;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";
const BAGGAGE: &str = "tenant=acme,secret=s3";

fn sender() -> (TraceId, RunId) {
    let trace = TRACE.parse().unwrap();
    (trace, RunId::of_trace(trace))
}

fn traceparent() -> String {
    format!("00-{TRACE}-{SPAN}-01")
}

/// A request to a function URL, and other events with a context.
fn events() -> [(&'static str, Value, Context); 3] {
    let url = json!({
        "version": "2.0", "rawPath": "/", "headers": {"traceparent": traceparent(), "baggage": BAGGAGE},
        "requestContext": {"domainName": "abc.lambda-url.eu-west-1.on.aws", "http": {"method": "POST", "path": "/"}},
    });
    let hidden = json!({"__spanbridge": {"traceparent": traceparent(), "baggage": BAGGAGE}});
    let mut beside = context();
    let client = json!({"custom": {"traceparent": traceparent(), "baggage": BAGGAGE}});
    beside.client_context = serde_json::from_value(client).unwrap();
    [("url", url, context()), ("hidden", hidden, context()), ("beside", json!({}), beside)]
}

/// Returns the baggage in the handler's context.
async fn baggage(_: LambdaEvent<Value>) -> Result<String, Error> {
    Ok(observe::current_context().baggage().as_str().to_owned())
}

async fn handled(observe: &FunctionOptions, event: &Value, context: &Context) -> (Recorded, String) {
    let call = (observe.clone(), invocation(event, context.clone()));
    let (seen, answer) = record(answer(observed(service_fn(baggage)), call)).await;
    let Some(Answer::Value(Value::String(baggage))) = answer else { panic!("{answer:?}") };
    (seen, baggage)
}

fn with(options: ReceiveOptions) -> FunctionOptions {
    FunctionOptions::new().with(options)
}

fn codes(span: &Seen) -> Vec<&str> {
    span.diagnostics.iter().map(|(code, _)| code.as_str()).filter(|code| *code != "flush.incomplete").collect()
}

fn parent(span: &Seen) -> String {
    span.parent.map(|id| id.to_string()).unwrap_or_default()
}

#[tokio::test]
async fn callers_are_believed_as_far_as_was_said() {
    for (place, event, context) in events() {
        for observe in [FunctionOptions::new(), with(ReceiveOptions::new().trust(Trust::Full))] {
            let (seen, baggage) = handled(&observe, &event, &context).await;
            let span = seen.span("score");
            assert_eq!(
                (parent(&span).as_str(), span.run, baggage.as_str()),
                (SPAN, Some(sender().1), BAGGAGE),
                "{place}"
            );
            assert!(codes(&span).is_empty() && span.links.is_empty());
        }

        let (seen, baggage) = handled(&with(ReceiveOptions::new().trust(Trust::IdsOnly)), &event, &context).await;
        let span = seen.span("score");
        assert_eq!((parent(&span).as_str(), span.run, baggage.as_str()), (SPAN, Some(sender().1), ""), "{place}");
        assert_eq!(codes(&span), [semconv::BAGGAGE_FILTERED]);

        let (seen, baggage) = handled(&with(ReceiveOptions::new().trust(Trust::Ignore)), &event, &context).await;
        let span = seen.span("score");
        assert_eq!((parent(&span).as_str(), baggage.as_str()), ("", ""), "{place}");
        assert!(span.trace != Some(sender().0) && span.run != Some(sender().1));
        assert_eq!(span.links, [(sender().0, SPAN.parse().unwrap())], "what was claimed");
        assert_eq!(codes(&span), [semconv::CONTEXT_IGNORED]);

        let (seen, baggage) = handled(&with(ReceiveOptions::new().allow_baggage(["tenant"])), &event, &context).await;
        let span = seen.span("score");
        assert_eq!((parent(&span).as_str(), baggage.as_str()), (SPAN, "tenant=acme"), "{place}");
        assert_eq!(codes(&span), [semconv::BAGGAGE_FILTERED]);
    }
}

/// A stranger can also send X-Ray's header, with or without a parent.
#[tokio::test]
async fn x_ray_is_believed_no_further() {
    for header in
        ["Root=1-5759e988-bd862e3fe1be46a994272793", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8"]
    {
        let mut context = context();
        context.xray_trace_id = Some(header.to_owned());
        for (trust, believed) in [(Trust::Full, true), (Trust::IdsOnly, true), (Trust::Ignore, false)] {
            let (seen, _) = handled(&with(ReceiveOptions::new().trust(trust)), &json!({}), &context).await;
            let trace = seen.span("score").trace.unwrap().to_string();
            assert_eq!(trace == "5759e988bd862e3fe1be46a994272793", believed, "{header} {trust:?}");
        }
    }
}

/// A stranger must not decide what is recorded.
#[tokio::test]
async fn ids_only_decides_sampling_here() {
    for (trust, share, spans) in
        [(Trust::Full, 0.0, 1), (Trust::IdsOnly, 0.0, 0), (Trust::Ignore, 0.0, 0), (Trust::IdsOnly, 1.0, 1)]
    {
        let (memory, [(_, event, context), ..]) = (spanbridge::Memory::new(), events());
        let recorder =
            spanbridge::Recorder::builder("lambda").sink(memory.clone()).sampler(Sampler::parent_based(share));
        let recorder = recorder.on_flush_only().build().unwrap();
        let call = (with(ReceiveOptions::new().trust(trust)), invocation(event, context));
        recorder.scope(|| answer(observed(service_fn(baggage)), call)).await;
        assert_eq!(Recorded(memory.records()).spans("score").len(), spans, "{trust:?} {share}");
    }
}

#[tokio::test]
async fn untrusted_context_stops_without_recorder() {
    let carried = |_: LambdaEvent<Value>| async { Ok::<_, Error>(observe::current_context().trace_id().is_some()) };
    let [(_, event, context), ..] = events();
    for (trust, travels) in [(Trust::Full, true), (Trust::IdsOnly, true), (Trust::Ignore, false)] {
        let call = (with(ReceiveOptions::new().trust(trust)), invocation(&event, context.clone()));
        assert_eq!(answer(observed(service_fn(carried)), call).await, Some(Answer::Value(json!(travels))), "{trust:?}");
    }
}

#[handler]
async fn annotated(event: LambdaEvent<Value>) -> Result<String, Error> {
    baggage(event).await
}

#[tokio::test]
async fn the_attribute_goes_by_what_the_layer_was_told() {
    let [(_, event, context), ..] = events();
    let call = (with(ReceiveOptions::new().trust(Trust::Ignore)), invocation(event, context));
    let (seen, answer) = record(answer(service_fn(annotated), call)).await;
    assert_eq!((answer, seen.tree(&[])), (Some(Answer::Value(json!(""))), "score (root)\n".to_owned()));
}

/// The name, primitive, parent run and trigger of every run.
fn runs(seen: &Recorded) -> Vec<(String, String, Option<RunId>, String)> {
    let starts = seen.0.iter().filter_map(|record| match &record.body {
        Body::RunStart(RunStart { name, parent_run_id, triggered_by_span_id, root_primitive, .. }) => {
            let trigger = triggered_by_span_id.map(|id| id.to_string()).unwrap_or_default();
            Some((name.to_string(), root_primitive.as_deref().unwrap_or_default().to_owned(), *parent_run_id, trigger))
        }
        _ => None,
    });
    starts.collect()
}

#[tokio::test]
async fn an_invocation_is_a_run_of_its_own_or_linked() {
    let [(_, event, context), ..] = events();
    let (seen, baggage) = handled(&with(ReceiveOptions::new().relation(Relation::NewRun)), &event, &context).await;
    let span = seen.span("score");
    assert_eq!(runs(&seen), [("score".to_owned(), "function.handle".to_owned(), Some(sender().1), SPAN.to_owned())]);
    assert_eq!((span.trace, parent(&span).as_str(), baggage.as_str()), (Some(sender().0), SPAN, BAGGAGE));
    assert!(span.run != Some(sender().1) && span.get(semconv::RELATION) == "new_run");
    // By this, a search for gaps takes the run for the invocation's own.
    let of_run = |record: &&Record<'_>| record.run_id == span.run;
    let segments: BTreeSet<_> = seen.0.iter().filter(of_run).map(|record| record.segment_id).collect();
    assert_eq!(segments.len(), 1);

    let (seen, baggage) = handled(&with(ReceiveOptions::new().relation(Relation::Link)), &event, &context).await;
    let span = seen.span("score");
    assert_eq!((parent(&span).as_str(), span.run, baggage.as_str()), ("", Some(sender().1), BAGGAGE));
    assert_eq!((&*span.links, span.get(semconv::RELATION)), (&[(sender().0, SPAN.parse().unwrap())][..], "link"));
    assert!(span.trace != Some(sender().0));
    // A request has no sending time, so it counts as fresh.
    let auto = with(ReceiveOptions::new().relation(Relation::Auto { max_age: Duration::ZERO }));
    assert_eq!(parent(&handled(&auto, &event, &context).await.0.span("score")), SPAN);
}

/// The process returns to the same run again and again, whatever the trust.
#[tokio::test]
async fn each_invocation_has_its_own_segment() {
    let [(_, event, context), ..] = events();
    for observe in
        [with(ReceiveOptions::new().trust(Trust::IdsOnly)), with(ReceiveOptions::new().relation(Relation::Link))]
    {
        let (seen, ()) = record(async {
            for _ in 0..2 {
                let call = (observe.clone(), invocation(&event, context.clone()));
                answer(observed(service_fn(baggage)), call).await;
            }
        })
        .await;
        let segments: HashSet<_> = seen.0.iter().map(|record| record.segment_id).collect();
        assert_eq!((seen.spans("score").len(), segments.len()), (2, 2), "{observe:?}");
        assert!(seen.spans("score").iter().all(|span| span.run == Some(sender().1)));
    }
}

/// SQS messages that were sent this long ago.
fn messages(ages: &[Duration]) -> Value {
    let message = |(n, age): (usize, &Duration)| {
        let text = |text: &str| json!({"stringValue": text, "dataType": "String"});
        let sent = in_ms(0) - age.as_millis() as u64;
        json!({
            "messageId": format!("m{n}"), "eventSource": "aws:sqs", "body": "{}",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:orders",
            "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": sent.to_string()},
            "messageAttributes": {"traceparent": text(&traceparent()), "baggage": text(BAGGAGE)},
        })
    };
    json!({"Records": ages.iter().enumerate().map(message).collect::<Vec<_>>()})
}

/// The spans of the messages, and the baggage of the work on them.
async fn shipped(observe: FunctionOptions, ages: &[Duration]) -> (Recorded, Vec<Seen>) {
    async fn ship(event: LambdaEvent<Value>) -> Result<BatchResponse, Error> {
        let records = event.payload["Records"].as_array().cloned().unwrap_or_default();
        let work = |_: Value| async {
            let baggage = observe::current_context().baggage().as_str().to_owned();
            observe::span("work").attribute("baggage", &baggage).in_scope(|| ())
        };
        Ok(for_each_record(&event.context, records, work).await?)
    }
    let call = (observe, invocation(messages(ages), context()));
    let (seen, answer) = record(answer(observed(service_fn(ship)), call)).await;
    assert_eq!(answer, Some(Answer::Value(json!({"batchItemFailures": []}))));
    let spans = seen.spans("process orders");
    let messages = spans.into_iter().filter(|span| !span.get(semconv::MESSAGING_MESSAGE_ID).is_empty()).collect();
    (seen, messages)
}

const FRESH: Duration = Duration::ZERO;
const TWO: &[Duration] = &[FRESH, FRESH];

#[tokio::test]
async fn records_are_received_by_the_options() {
    for (trust, is_parent, diagnostics) in [
        (Trust::Full, true, [].as_slice()),
        (Trust::IdsOnly, true, &[semconv::BAGGAGE_FILTERED]),
        (Trust::Ignore, false, &[semconv::CONTEXT_IGNORED]),
    ] {
        let (seen, messages) = shipped(with(ReceiveOptions::new().trust(trust)), TWO).await;
        let batch =
            seen.spans("process orders").into_iter().find(|s| !s.get(semconv::MESSAGING_BATCH_COUNT).is_empty());
        let batch = batch.unwrap();
        assert_eq!((messages.len(), batch.links.len()), (2, 2), "the batch is linked to whom they say: {trust:?}");
        for message in &messages {
            assert_eq!(message.trace == Some(sender().0), is_parent, "{trust:?}");
            assert_eq!(parent(message), if is_parent { SPAN } else { "" });
            assert_eq!(codes(message), diagnostics);
            assert!(message.links.contains(&(batch.trace.unwrap(), batch.id.unwrap())));
            assert_eq!(message.links.contains(&(sender().0, SPAN.parse().unwrap())), !is_parent);
        }
        let expected = if trust == Trust::Full { BAGGAGE } else { "" };
        assert!(seen.spans("work").iter().all(|work| work.get("baggage") == expected), "{trust:?}");
    }
    let (seen, messages) = shipped(with(ReceiveOptions::new().allow_baggage(["tenant"])), TWO).await;
    assert!(messages.iter().all(|message| codes(message) == [semconv::BAGGAGE_FILTERED]));
    let baggage: Vec<_> = seen.spans("work").iter().map(|work| work.get("baggage").to_owned()).collect();
    assert_eq!(baggage, ["tenant=acme", "tenant=acme"]);
}

#[tokio::test]
async fn a_record_is_a_run_of_its_own_or_linked() {
    let (seen, messages) = shipped(with(ReceiveOptions::new().relation(Relation::NewRun)), TWO).await;
    let run = || ("process orders".to_owned(), "messaging.process".to_owned(), Some(sender().1), SPAN.to_owned());
    let of_messages: Vec<_> = runs(&seen).into_iter().filter(|(name, ..)| name == "process orders").collect();
    assert_eq!(of_messages, [run(), run()]);
    let own: HashSet<_> = messages.iter().map(|message| message.run).collect();
    assert!(own.len() == 2 && !own.contains(&Some(sender().1)));

    let (_, messages) = shipped(with(ReceiveOptions::new().relation(Relation::Link)), TWO).await;
    for message in messages {
        assert_eq!((parent(&message).as_str(), message.run), ("", Some(sender().1)));
        assert!(message.trace != Some(sender().0));
        assert_eq!(message.links.len(), 2, "the sender and the batch");
    }
}

#[tokio::test]
async fn old_messages_are_linked() {
    let (hour, day) = (Duration::from_secs(3600), Duration::from_secs(86_400));
    let auto = with(ReceiveOptions::new().relation(Relation::Auto { max_age: hour }));
    let (_, messages) = shipped(auto.clone(), &[FRESH, day]).await;
    let relations = messages.iter().map(|message| (message.get(semconv::MESSAGING_MESSAGE_ID), parent(message)));
    assert_eq!(relations.collect::<Vec<_>>(), [("m0", SPAN.to_owned()), ("m1", String::new())]);
    // A single message is the cause of the invocation.
    for (age, expected) in [(FRESH, SPAN), (day, "")] {
        let (seen, _) = shipped(auto.clone(), &[age]).await;
        assert_eq!(parent(&seen.span("score")), expected);
        assert_eq!(seen.span("score").run, Some(sender().1));
    }
}

/// The function sees the event, and of a record that, too.
#[tokio::test]
async fn the_relation_may_depend_on_the_cause() {
    let by_record = ReceiveOptions::new().relation_by(|cause| match cause.record {
        Some(record) if record.id == "m0" => Relation::NewRun,
        Some(_) => Relation::Link,
        None => Relation::Parent,
    });
    let (_, messages) = shipped(with(by_record), TWO).await;
    let relations: Vec<_> = messages.iter().map(|message| message.get(semconv::RELATION).to_owned()).collect();
    assert_eq!(relations, ["new_run", "link"]);

    let [(_, event, context), ..] = events();
    let by_source = ReceiveOptions::new().relation_by(|cause| match cause.event.source() {
        Source::FunctionUrl => Relation::Link,
        _ => Relation::Parent,
    });
    let (seen, _) = handled(&with(by_source), &event, &context).await;
    assert_eq!(seen.span("score").get(semconv::RELATION), "link");
}
