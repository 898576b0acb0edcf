//! One span for each attempt.

use crate::support::*;
use axum::Router;
use axum::routing::get;
use http::{Extensions, StatusCode};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use reqwest_retry::RetryTransientMiddleware;
use reqwest_retry::policies::ExponentialBackoff;
use spanbridge::observe;
use spanbridge_graph::SpanStatus;
use spanbridge_graph::testing::{RecordOptions, Recorded, record_async};
use spanbridge_http::{ClientExt, ClientMiddleware, ResendCount};
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

/// A server that answers 503 so many times, and then 200.
async fn fails(times: usize) -> String {
    let left = AtomicUsize::new(times);
    let take = move || match left.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1)) {
        Ok(_) => StatusCode::SERVICE_UNAVAILABLE,
        Err(_) => StatusCode::OK,
    };
    let take = std::sync::Arc::new(take);
    format!("http://{}/", serve(Router::new().route("/", get(move || async move { take() }))).await)
}

fn retrying() -> ClientBuilder {
    let at_once = ExponentialBackoff::builder().retry_bounds(Duration::from_nanos(1), Duration::from_nanos(2));
    ClientBuilder::new(plain()).with(RetryTransientMiddleware::new_with_policy(at_once.build_with_max_retries(5)))
}

/// What each attempt shows.
async fn recorded<F: Future>(work: impl FnOnce() -> F) -> Recorded<F::Output> {
    let shown = RecordOptions::new().show(["http.request.resend_count", "http.response.status_code"]);
    shown.record_async(|| observe::span("order").run_value(work)).await
}

const THREE_ATTEMPTS: &str = "\
order
  GET [error] http.response.status_code=503
  GET [error] http.request.resend_count=1 http.response.status_code=503
  GET http.request.resend_count=2 http.response.status_code=200
";

/// With reqwest-retry outside, each attempt has a span, and the count of those before it.
#[tokio::test]
async fn a_retry_is_a_span_of_its_own() {
    for client in [retrying().with(ClientMiddleware::new()).build(), retrying().build().observed()] {
        let url = fails(2).await;
        let recorded = recorded(|| async { client.get(&url).send().await.unwrap().status() }).await;
        assert_eq!((recorded.output.as_u16(), recorded.tree().as_str()), (200, THREE_ATTEMPTS));
    }
}

/// Each attempt sends its own span, never that of the one before.
#[tokio::test]
async fn every_attempt_sends_its_own_span() {
    let echo = Echo::start().await;
    let client = client();
    let request = plain().get(echo.url("/")).build().unwrap();
    let recorded = record_async(|| async {
        let mut extensions = Extensions::new();
        for _ in 0..3 {
            let request = request.try_clone().unwrap();
            client.execute_with_extensions(request, &mut extensions).await.unwrap();
        }
        extensions.get::<ResendCount>().copied()
    })
    .await;
    assert_eq!(recorded.output, Some(ResendCount::new(3)));
    let sent: Vec<_> = recorded.spans().map(|s| Some(format!("00-{}-{}-01", s.trace_id, s.span_id))).collect();
    assert_eq!(echo.header("traceparent"), sent);
    assert_eq!(sent.into_iter().collect::<HashSet<_>>().len(), 3);
}

/// A middleware around all attempts, and one in each of them, count for themselves.
#[tokio::test]
async fn inside_and_outside_of_a_retry() {
    let url = fails(2).await;
    let retries = ExponentialBackoff::builder().retry_bounds(Duration::from_nanos(1), Duration::from_nanos(2));
    let client = ClientBuilder::new(plain())
        .with(ClientMiddleware::new())
        .with(RetryTransientMiddleware::new_with_policy(retries.build_with_max_retries(5)))
        .with(ClientMiddleware::new())
        .build();
    let recorded = recorded(|| async { client.get(&url).send().await.unwrap().status() }).await;
    assert_eq!(
        recorded.tree(),
        "\
order
  GET http.response.status_code=200
    GET [error] http.response.status_code=503
    GET [error] http.request.resend_count=1 http.response.status_code=503
    GET http.request.resend_count=2 http.response.status_code=200
"
    );
}

/// A loop by hand says its count, or keeps its extensions; an attempt that was given up counts.
#[tokio::test]
async fn a_loop_by_hand_counts_too() {
    let url = fails(2).await;
    let by_count = |client: ClientWithMiddleware| async move {
        for attempt in 0..3 {
            client.get(&url).with_extension(ResendCount::new(attempt)).send().await.unwrap();
        }
    };
    assert_eq!(recorded(|| by_count(client())).await.tree(), THREE_ATTEMPTS);

    let silent = serve(Router::new().route("/", get(std::future::pending::<()>))).await;
    let request = plain().get(format!("http://{silent}/")).build().unwrap();
    let recorded = recorded(|| async {
        let mut extensions = Extensions::new();
        for _ in 0..2 {
            let request = request.try_clone().unwrap();
            let client = client();
            let attempt = client.execute_with_extensions(request, &mut extensions);
            tokio::time::timeout(Duration::from_millis(20), attempt).await.unwrap_err();
        }
    })
    .await;
    assert_eq!(recorded.tree(), "order\n  GET [cancelled]\n  GET [cancelled] http.request.resend_count=1\n");
}

/// Many at once each send their own span, all under the one that is current.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_keep_their_spans() {
    let echo = Echo::start().await;
    let recorded = record_async(|| {
        observe::span("order").run_value(|| async {
            let client = client();
            let requests = (0..50).map(|n| {
                let request = client.get(echo.url(&format!("/{n}")));
                let work = async move { request.send().await.unwrap().text().await.unwrap() };
                tokio::spawn(spanbridge::ContextExt::in_current_context(work))
            });
            for request in requests.collect::<Vec<_>>() {
                assert_eq!(request.await.unwrap(), "hello");
            }
        })
    })
    .await;
    let order = recorded.span("order");
    let calls: Vec<_> = recorded.spans().filter(|span| span.name == "GET").collect();
    assert!(calls.iter().all(|span| span.parent_span_id == Some(order.span_id) && span.status == SpanStatus::Ok));
    let sent: HashSet<_> = calls.iter().map(|s| Some(format!("00-{}-{}-01", s.trace_id, s.span_id))).collect();
    assert_eq!(sent.len(), 50);
    assert_eq!(echo.header("traceparent").into_iter().collect::<HashSet<_>>(), sent);
}
