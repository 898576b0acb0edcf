//! `tracing-opentelemetry`: the versions for 0.33 and for 0.32, side by side on one subscriber.

use crate::install;
use crate::letters::{Letter, SENDER, TRACE, sent, traceparent};
use crate::tracers::{v0_32, v0_33};
use std::sync::LazyLock;
use tokio::task::yield_now;
use tracing::Instrument;
use tracing_subscriber::layer::SubscriberExt;

/// One subscriber for the process: under a default of the thread, spans that are closed elsewhere leave their parents open.
static SDKS: LazyLock<(v0_32::Sdk, v0_33::Sdk)> = LazyLock::new(|| {
    let (old, new) = (v0_32::Sdk::new(), v0_33::Sdk::new());
    let subscriber = tracing_subscriber::registry()
        .with(tracing_opentelemetry::layer().with_tracer(new.tracer()))
        .with(tracing_opentelemetry_0_33::layer().with_tracer(old.tracer()));
    tracing::subscriber::set_global_default(subscriber).unwrap();
    (old, new)
});

/// Also inside of a span around the consumer, and across threads.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_span_in_a_handler_is_under_the_sender() {
    install();
    let (old, new) = &*SDKS;
    let consume = async {
        let handler = Letter::new("01").handled(|| async {
            let work = async {
                yield_now().await;
                let headers = async { sent() }.instrument(tracing::info_span!("publish")).await;
                yield_now().await;
                headers
            };
            work.instrument(tracing::info_span!("handle")).await
        });
        tokio::spawn(handler).await.unwrap()
    };
    let headers = consume.instrument(tracing::info_span!("consume")).await;
    let (handle, publish, consume) = (new.span("handle"), new.span("publish"), new.span("consume"));
    assert_eq!(handle.parent_span_id.to_string(), SENDER);
    assert_eq!(publish.parent_span_id, handle.span_context.span_id());
    assert_eq!(publish.span_context.trace_id().to_string(), TRACE);
    assert_ne!(consume.span_context.trace_id(), publish.span_context.trace_id());
    assert_eq!(headers["traceparent"], traceparent(publish.span_context.span_id()));
    let (handle, publish) = (old.span("handle"), old.span("publish"));
    assert_eq!(handle.parent_span_id.to_string(), SENDER);
    assert_eq!(publish.parent_span_id, handle.span_context.span_id())
}

/// In the same task as the span around the consumer.
#[tokio::test]
async fn a_span_around_the_consumer_stays_outside() {
    install();
    let (_, new) = &*SDKS;
    let consume = async {
        let work = || async { yield_now().await }.instrument(tracing::info_span!("handle here"));
        Letter::new("01").handled(work).await;
        async {}.instrument(tracing::info_span!("after")).await
    };
    consume.instrument(tracing::info_span!("consume here")).await;
    let (handle, after, consume) = (new.span("handle here"), new.span("after"), new.span("consume here"));
    assert_eq!(handle.parent_span_id.to_string(), SENDER);
    assert_eq!(after.parent_span_id, consume.span_context.span_id())
}
