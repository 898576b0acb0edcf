//! What the layer, the service around the handler and the attribute record.
#![cfg(feature = "runtime")]

mod support;

use futures_util::future::FutureExt;
use futures_util::stream;
use lambda_runtime::streaming::Response;
use lambda_runtime::tower::service_fn;
use lambda_runtime::{Diagnostic, Error, LambdaEvent};
use serde::Deserialize;
use serde_json::{Value, json};
use spanbridge::record::{Body, Segment, Via};
use spanbridge::{Status, observe, semconv};
use spanbridge_lambda::{FunctionOptions, ReceiveOptions, Trust, handler, observed};
use std::time::Duration;
use support::*;

const SENDER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async fn score(event: LambdaEvent<Value>) -> Result<Value, Error> {
    observe::span("inner").in_scope(|| ());
    match event.payload["do"].as_str() {
        Some("error") => Err("no such order".into()),
        Some("panic") => panic!("out of {}", "paper"),
        Some("hang") => std::future::pending().await,
        _ => Ok(event.payload),
    }
}

async fn scored(payload: Value) -> (Recorded, Option<Answer>) {
    record(answer(observed(service_fn(score)), invocation(payload, context()))).await
}

#[tokio::test]
async fn a_handler_ends_as_it_ends() {
    let (seen, answer) = scored(json!({"do": "well"})).await;
    assert_eq!(seen.tree(&[]), "score (root)\n  inner\n");
    assert_eq!(answer, Some(Answer::Value(json!({"do": "well"}))));

    let (seen, answer) = scored(json!({"do": "error"})).await;
    assert_eq!(seen.tree(&[semconv::ERROR_TYPE]), "score (root) [error] type=_OTHER\n  inner\n");
    assert_eq!(seen.span("score").error, "no such order");
    let plain = Diagnostic::from(Error::from("no such order"));
    assert_eq!(answer, Some(Answer::Error(plain)), "as it is without us");

    let (seen, answer) = scored(json!({"do": "panic"})).await;
    assert_eq!(seen.tree(&[]), "score (root) [panicked]\n  inner\n");
    assert_eq!(seen.span("score").error, format!("out of paper, at {}:25:26", file!()));
    assert_eq!(answer, Some(Answer::Panic));
}

/// The handler has ended well, but its response does not reach Lambda.
#[tokio::test]
async fn an_answer_that_cannot_be_written() {
    let pairs = |_: LambdaEvent<Value>| async { Ok::<_, Error>(std::collections::BTreeMap::from([((1, 2), 3)])) };
    let (seen, answer) = record(answer(observed(service_fn(pairs)), invocation(json!(null), context()))).await;
    let why = "key must be a string".to_owned();
    assert_eq!((seen.tree(&[]).as_str(), answer), ("score (root)\n", Some(Answer::Lost(why.clone()))));
    assert_eq!(seen.span("score").diagnostics, [(semconv::RESPONSE_LOST.to_owned(), why)]);
}

#[tokio::test]
async fn attributes_of_an_invocation() {
    let (seen, _) = scored(json!(null)).await;
    let span = seen.span("score");
    let told = [
        (semconv::FAAS_NAME, "score"),
        (semconv::FAAS_VERSION, "7"),
        (semconv::FAAS_TRIGGER, "other"),
        (semconv::CLOUD_ACCOUNT_ID, "123456789012"),
        (semconv::CLOUD_REGION, "eu-west-1"),
        (semconv::AWS_LAMBDA_INVOKED_ARN, "arn:aws:lambda:eu-west-1:123456789012:function:score:live"),
    ];
    for (key, value) in told {
        assert_eq!(span.get(key), value, "{key}")
    }
    assert!(span.get(semconv::FAAS_INVOCATION_ID).starts_with("request-"));
    assert!(span.get(semconv::FAAS_MAX_MEMORY).contains(&(128 << 20).to_string()));
}

/// All invocations belong to the same run.
#[tokio::test]
async fn each_invocation_has_a_segment_of_its_own() {
    let payload = format!(r#"{{"__spanbridge":{{"traceparent":"{SENDER}"}}}}"#);
    let (seen, _) = record(async {
        for _ in 0..2 {
            answer(observed(service_fn(score)), invocation(&payload, context())).await;
        }
    })
    .await;
    assert_eq!(seen.tree(&[]), "score (remote)\n  inner\nscore (remote)\n  inner\n");
    let opened = seen.0.iter().filter_map(|record| match record.body {
        Body::Segment(Segment { via, .. }) => Some((record.segment_id, via, record.run_id)),
        _ => None,
    });
    let run = seen.span("score").run;
    let [(a, Via::Receive, a_run), (b, Via::Receive, b_run)] = opened.collect::<Vec<_>>()[..] else {
        panic!("two that were received: {:?}", seen.0)
    };
    assert!(a != b && (a_run, b_run) == (run, run) && run.is_some());
    assert_eq!(seen.0.iter().filter(|record| record.segment_id == a).count(), seen.0.len() / 2);
}

/// Lambda sends `Sampled=0` to every function without active tracing.
#[tokio::test]
async fn x_rays_sampled_0_stops_no_other_recorder() {
    for (share, spans) in [(1.0, 1), (0.0, 0)] {
        let memory = spanbridge::Memory::new();
        let sampler = spanbridge::Sampler::parent_based(share);
        let recorder = spanbridge::Recorder::builder("lambda").sink(memory.clone()).sampler(sampler);
        let recorder = recorder.on_flush_only().build().unwrap();
        let mut context = context();
        let header = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0;Lineage=1:a87bd80c:0";
        context.xray_trace_id = Some(header.to_owned());
        recorder.scope(|| answer(observed(service_fn(score)), invocation(json!({}), context))).await;
        let seen = Recorded(memory.records());
        assert_eq!(seen.spans("score").len(), spans, "{share}");
        let traces = seen.spans("score").into_iter().filter_map(|span| span.trace);
        assert!(traces.into_iter().all(|trace| trace.to_string() == "5759e988bd862e3fe1be46a994272793"));
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    order: u64,
}

#[tokio::test]
async fn context_restored_hidden_field_removed() {
    let strict = |event: LambdaEvent<Order>| async move { Ok::<_, Error>(event.payload.order) };
    let payload = format!(r#"{{"__spanbridge":{{"traceparent":"{SENDER}","baggage":"tier=gold"}},"order":42}}"#);
    let (seen, answer) = record(answer(observed(service_fn(strict)), invocation(payload, context()))).await;
    assert_eq!(answer, Some(Answer::Value(json!(42))));
    let span = seen.span("score");
    assert_eq!(span.parent.unwrap().to_string(), "00f067aa0ba902b7");
    assert_eq!(span.trace.unwrap().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
}

#[tokio::test]
async fn an_uncalled_handler_is_not_ok() {
    let strict = |event: LambdaEvent<Order>| async move { Ok::<_, Error>(event.payload.order) };
    let handler = observed(service_fn(strict));
    let (seen, answer) = record(answer(handler, invocation(json!({"another": 1}), context()))).await;
    assert_eq!((answer, seen.tree(&[])), (Some(Answer::NotItsType), "score (root) [error]\n".to_owned()));
    assert!(seen.span("score").error.starts_with("the handler was not called"), "{}", seen.span("score").error);
}

/// lambda_runtime drops the future when it is stopped.
#[tokio::test]
async fn a_dropped_invocation_is_cancelled() {
    let (seen, ()) = record(async {
        let hanging = answer(observed(service_fn(score)), invocation(json!({"do": "hang"}), context()));
        assert!(hanging.now_or_never().is_none());
        spanbridge::flush(LONG).await;
    })
    .await;
    assert_eq!(seen.tree(&[]), "score (root) [cancelled]\n  inner\n");
}

#[tokio::test]
async fn a_stream_ends_when_it_ends() {
    let bits = |event: LambdaEvent<Value>| async move {
        let bits = event.payload.as_array().cloned().unwrap_or_default();
        let bits = bits.into_iter().map(|bit| match bit.as_str() {
            Some("panic") => panic!("no more"),
            Some("error") => Err("lost"),
            _ => {
                observe::span("bit").in_scope(|| ());
                Ok(bit.to_string())
            }
        });
        Ok::<_, Error>(Response::from(stream::iter(bits)))
    };
    let run = |payload| record(answer(observed(service_fn(bits)), invocation(payload, context())));
    let (seen, answer) = run(json!([1, 2])).await;
    assert_eq!(answer, Some(Answer::Stream(vec!["1".to_owned(), "2".to_owned()])));
    assert_eq!(seen.tree(&[]), "score (root)\n  bit\n  bit\n");
    let (seen, _) = run(json!([1, "error", 2])).await;
    assert_eq!(seen.tree(&[]), "score (root) [error]\n  bit\n  bit\n");
    assert_eq!(seen.span("score").error, "lost");
    let (seen, answer) = run(json!([1, "panic"])).await;
    assert_eq!((answer, seen.tree(&[])), (Some(Answer::Panic), "score (root) [panicked]\n  bit\n".to_owned()));
}

/// Near the time limit, open spans are delivered while the handler hangs.
#[tokio::test]
async fn a_handler_that_hangs_is_seen_in_time() {
    let memory = spanbridge::Memory::new();
    let recorder = spanbridge::Recorder::builder("lambda").sink(memory.clone()).on_flush_only().build().unwrap();
    let mut short = context();
    short.deadline = in_ms(120);
    let hanging = recorder.scope(|| answer(observed(service_fn(score)), invocation(json!({"do": "hang"}), short)));
    let hanging = tokio::spawn(hanging);
    let begun = std::time::Instant::now();
    let seen = loop {
        let seen = Recorded(memory.records());
        if !seen.spans("score").is_empty() {
            break seen;
        }
        assert!(begun.elapsed() < LONG, "nothing was delivered");
        tokio::time::sleep(Duration::from_millis(2)).await;
    };
    let span = seen.span("score");
    assert_eq!(span.status, None);
    assert_eq!(span.diagnostics.len(), 1);
    assert_eq!(span.diagnostics[0].0, "deadline.near");
    hanging.abort();
}

/// A busy machine may be late, but not by as much as this.
const LONG: Duration = Duration::from_secs(60);

#[handler]
async fn annotated(event: LambdaEvent<Value>) -> Result<Value, Error> {
    score(event).await
}

/// With another argument, a pattern, a lifetime, and an error without `Display`.
#[handler]
async fn picky(
    prefix: &str,
    LambdaEvent { payload, context: _ }: LambdaEvent<Value>,
) -> Result<impl serde::Serialize + use<>, std::sync::Mutex<u8>> {
    if payload.is_null() { Err(std::sync::Mutex::new(7)) } else { Ok(format!("{prefix}{payload}")) }
}

#[tokio::test]
async fn the_attribute_alone_observes_an_invocation() {
    let event = |payload| {
        let mut context = context();
        let client = json!({"custom": {"traceparent": SENDER}});
        context.client_context = serde_json::from_value(client).unwrap();
        LambdaEvent::new(payload, context)
    };
    let (seen, result) = record(annotated(event(json!(1)))).await;
    assert_eq!(result.unwrap(), json!(1));
    assert_eq!(seen.tree(&[]), "score (remote)\n  inner\n");
    assert_eq!(seen.span("score").parent.unwrap().to_string(), "00f067aa0ba902b7");
    let (seen, result) = record(annotated(event(json!({"do": "error"})))).await;
    assert_eq!(result.unwrap_err().to_string(), "no such order");
    assert_eq!(seen.tree(&[]), "score (remote) [error]\n  inner\n");
    let panics = std::panic::AssertUnwindSafe(annotated(event(json!({"do": "panic"}))));
    // A panic, too, is delivered before the response is posted.
    let (seen, result) = record(panics.catch_unwind()).await;
    assert!(result.is_err());
    assert_eq!(seen.tree(&[]), "score (remote) [panicked]\n  inner\n");
    assert!(seen.span("score").error.starts_with("out of paper, at "), "{}", seen.span("score").error);
    let (seen, result) = record(picky("n", event(json!(null)))).await;
    assert!(result.is_err());
    let span = seen.span("score");
    assert_eq!(
        (span.status, span.get(semconv::ERROR_TYPE)),
        (Some(Status::Error), "std::sync::poison::mutex::Mutex<u8>")
    );
}

#[tokio::test]
async fn attribute_and_layer_report_once() {
    for wrapped in [false, true] {
        for (what, status) in [("well", ""), ("error", " [error]"), ("panic", " [panicked]")] {
            let invocation = invocation(json!({"do": what}), context());
            let (seen, _) = match wrapped {
                false => record(answer(service_fn(annotated), invocation)).await,
                true => record(answer(observed(service_fn(annotated)), invocation)).await,
            };
            assert_eq!(seen.tree(&[]), format!("score (root){status}\n  inner\n"));
        }
    }
}

#[tokio::test]
async fn without_a_recorder_everything_is_as_it_was() {
    let payload = format!(r#"{{"__spanbridge":{{"traceparent":"{SENDER}"}},"order":42}}"#);
    let carried = |event: LambdaEvent<Order>| async move {
        Ok::<_, Error>(format!("{} {:?}", event.payload.order, observe::current_context().trace_id()))
    };
    let answer = answer(observed(service_fn(carried)), invocation(payload, context())).await;
    let Some(Answer::Value(Value::String(text))) = answer else { panic!("{answer:?}") };
    assert!(text.starts_with("42 Some(4bf92f3577b34da6a3ce929d0e0e4736"), "the context travels on: {text}");
}

/// As with lambda_runtime, a handler need not be `Send`; if it is, the future that runs it can be spawned.
#[test]
fn bounds_are_those_of_lambda_runtime() {
    fn spawnable<F: Future + Send + 'static>(_: impl FnOnce() -> F) {}
    fn runnable<F: Future>(_: impl FnOnce() -> F) {}
    async fn alone(event: LambdaEvent<Value>) -> Result<Value, Error> {
        let not_send = std::rc::Rc::new(event.payload);
        std::future::ready(()).await;
        Ok(Value::clone(&not_send))
    }
    runnable(|| spanbridge_lambda::run(service_fn(alone)));
    spawnable(|| spanbridge_lambda::run(service_fn(score)));
    spawnable(|| spanbridge_lambda::run_concurrent(service_fn(score)));
    spawnable(|| spanbridge_lambda::run_concurrent(service_fn(annotated)));
    runnable(|| FunctionOptions::new().with(ReceiveOptions::new().trust(Trust::Ignore)).run(service_fn(alone)));
    spawnable(|| FunctionOptions::new().with(ReceiveOptions::new().trust(Trust::Ignore)).run(service_fn(score)));
    spawnable(|| {
        FunctionOptions::new().with(ReceiveOptions::new().trust(Trust::Ignore)).run_concurrent(service_fn(score))
    });
    let shared = 7;
    let by_reference = &shared;
    runnable(|| {
        spanbridge_lambda::run(service_fn(move |_: LambdaEvent<Value>| async move { Ok::<_, Error>(*by_reference) }))
    });
}
