//! What becomes of the flush between two invocations. Alone, for it is told by whoever comes next in this process.
#![cfg(feature = "runtime")]

mod support;

use lambda_runtime::tower::service_fn;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Value, json};
use spanbridge::semconv;
use spanbridge_lambda::{Observe, observed};
use std::time::{Duration, Instant};
use support::*;

async fn score(event: LambdaEvent<Value>) -> Result<Value, Error> {
    Ok(event.payload)
}

#[tokio::test]
async fn how_a_flush_went_is_told_by_the_next_invocation() {
    let refuses = |_: &spanbridge::Batch| -> Result<spanbridge::Receipt, spanbridge::SinkError> {
        Err(spanbridge::SinkError::new("down"))
    };
    // It ends with the function's time, or where the limit is less, with that; by itself that is two seconds.
    let limited = Observe::new().flush_within(Duration::from_millis(50));
    for (observe, ms) in [(Observe::new(), 200), (limited, 60_000)] {
        let recorder = spanbridge::Recorder::builder("lambda").sink(refuses).on_flush_only().build().unwrap();
        let mut context = context();
        context.deadline = in_ms(ms);
        let begun = Instant::now();
        recorder.scope(answer(observed(service_fn(score)), (observe, invocation(json!({}), context)))).await;
        assert!(begun.elapsed() < Duration::from_secs(2), "{ms}: {:?}", begun.elapsed());
        recorder.shutdown(Duration::ZERO);
        let (seen, _) = record(answer(observed(service_fn(score)), invocation(json!({}), support::context()))).await;
        let span = seen.span("score");
        assert!(!span.get(semconv::FLUSH_PREVIOUS_MS).is_empty());
        let (code, message) = &span.diagnostics[0];
        assert!(code == "flush.incomplete" && message.contains("records left"), "{code} {message}");
    }
}
