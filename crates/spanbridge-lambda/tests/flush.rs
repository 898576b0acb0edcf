//! What becomes of the flush between two invocations. Alone, for it is told by whoever comes next in this process.
#![cfg(feature = "runtime")]

mod support;

use lambda_runtime::tower::service_fn;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Value, json};
use spanbridge::semconv;
use spanbridge_lambda::observed;
use std::time::Duration;
use support::*;

async fn score(event: LambdaEvent<Value>) -> Result<Value, Error> {
    Ok(event.payload)
}

#[tokio::test]
async fn how_a_flush_went_is_told_by_the_next_invocation() {
    let refuses = |_: &spanbridge::Batch| -> Result<spanbridge::Receipt, spanbridge::SinkError> {
        Err(spanbridge::SinkError::new("down"))
    };
    let recorder = spanbridge::Recorder::builder("lambda").sink(refuses).on_flush_only().build().unwrap();
    let mut short = context();
    short.deadline = in_ms(200);
    recorder.scope(answer(observed(service_fn(score)), invocation(json!({}), short))).await;
    recorder.shutdown(Duration::ZERO);
    let (seen, _) = record(answer(observed(service_fn(score)), invocation(json!({}), context()))).await;
    let span = seen.span("score");
    assert!(!span.get(semconv::FLUSH_PREVIOUS_MS).is_empty());
    let (code, message) = &span.diagnostics[0];
    assert!(code == "flush.incomplete" && message.contains("records left"), "{code} {message}");
}
