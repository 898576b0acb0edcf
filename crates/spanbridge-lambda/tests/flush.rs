//! The report of the flush between two invocations. Alone in its process, because the next invocation makes that report.
#![cfg(feature = "runtime")]

mod support;

use lambda_runtime::tower::service_fn;
use lambda_runtime::{Error, LambdaEvent};
use serde_json::{Value, json};
use spanbridge::semconv;
use spanbridge_lambda::{FunctionOptions, observed};
use std::time::{Duration, Instant};
use support::*;

async fn score(event: LambdaEvent<Value>) -> Result<Value, Error> {
    Ok(event.payload)
}

#[tokio::test]
async fn the_next_invocation_reports_the_flush() {
    let refuses = |_: &spanbridge::RecordBatch| -> Result<spanbridge::Receipt, spanbridge::SinkError> {
        Err(spanbridge::SinkError::new("down"))
    };
    // It is limited by the function's time and by the option, which is two seconds by default.
    for (is_limited, ms) in [(false, 200), (true, 60_000)] {
        let mut is_quick = false;
        // A busy machine may need longer. A flush without a limit does so each time.
        for _ in 0..6 {
            let recorder = spanbridge::Recorder::builder("lambda").sink(refuses).on_flush_only().build().unwrap();
            let limited = FunctionOptions::new().flush_within(Duration::from_millis(50));
            let options = if is_limited { limited } else { FunctionOptions::new() };
            let mut context = context();
            context.deadline = in_ms(ms);
            let begun = Instant::now();
            recorder.scope(|| answer(observed(service_fn(score)), (options, invocation(json!({}), context)))).await;
            is_quick = begun.elapsed() < Duration::from_secs(2);
            recorder.shutdown(Duration::ZERO);
            if is_quick {
                break;
            }
        }
        assert!(is_quick, "{ms}");
        let (seen, _) = record(answer(observed(service_fn(score)), invocation(json!({}), support::context()))).await;
        let span = seen.span("score");
        assert!(!span.get(semconv::FLUSH_PREVIOUS_MS).is_empty());
        let (code, message) = &span.diagnostics[0];
        assert!(code == "flush.incomplete" && message.contains("records left"), "{code} {message}");
    }
}
