//! Two versions of OpenTelemetry's API in one program, which know nothing of each other.

use crate::install;
use crate::letters::{Headers, Letter, SENDER, TRACE, sent, traceparent};
use crate::tracers::{v0_32, v0_33};
use opentelemetry_0_32::trace::Tracer as _;
use opentelemetry_0_33::trace::Tracer as _;
use tokio::task::yield_now;

/// The application has one version and a library the other: both are in the sender's trace, on whichever thread.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_trace_stays_whole() {
    install();
    let tasks = (0..50).map(|_| {
        tokio::spawn(Letter::new("01").handled(|| async {
            let (old, new) = (v0_32::Sdk::new(), v0_33::Sdk::new());
            let mut headers: Vec<Headers> = vec![];
            for _ in 0..5 {
                yield_now().await;
                headers.push(new.tracer().in_span("of the application", |_| sent()));
                yield_now().await;
                headers.push(old.tracer().in_span("of the library", |_| sent()))
            }
            let mut expected = vec![];
            for (new, old) in new.spans().into_iter().zip(old.spans()) {
                assert_eq!([new.parent_span_id.to_string(), old.parent_span_id.to_string()], [SENDER, SENDER]);
                let traces = [new.span_context.trace_id().to_string(), old.span_context.trace_id().to_string()];
                assert_eq!(traces, [TRACE, TRACE]);
                expected.extend([traceparent(new.span_context.span_id()), traceparent(old.span_context.span_id())])
            }
            let carried: Vec<_> = headers.iter().map(|headers| headers["traceparent"].clone()).collect();
            assert_eq!((carried.len(), carried), (10, expected))
        }))
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap()
    }
}

#[test]
fn the_one_that_was_named_first_counts() {
    install();
    let (old, new) = (v0_32::Sdk::new(), v0_33::Sdk::new());
    let headers = old.tracer().in_span("old", |_| new.tracer().in_span("new", |_| sent()));
    assert!(headers["traceparent"].contains(&new.span("new").span_context.span_id().to_string()));
    let headers = new.tracer().in_span("outside", |_| old.tracer().in_span("inside", |_| sent()));
    assert!(headers["traceparent"].contains(&new.span("outside").span_context.span_id().to_string()));
    let headers = old.tracer().in_span("alone", |_| sent());
    assert!(headers["traceparent"].contains(&old.span("alone").span_context.span_id().to_string()))
}

/// A message without a context: an SDK of 0.32 takes the trace id even of a span that is invalid.
#[test]
fn an_older_version_begins_a_trace_too() {
    install();
    let old = v0_32::Sdk::new();
    let tracer = old.tracer();
    tracer.in_span("consume", |_| {
        let letter = Letter(Headers::new());
        let work = letter.handled(|| async { tracer.in_span("handle", |_| ()) });
        futures_like_now(work)
    });
    let (consume, handle) = (old.span("consume").span_context, old.span("handle").span_context);
    assert!(handle.is_valid() && handle.trace_id() != consume.trace_id())
}

fn futures_like_now<F: Future>(future: F) {
    let polled = std::pin::pin!(future).poll(&mut std::task::Context::from_waker(std::task::Waker::noop()));
    assert!(polled.is_ready())
}
