//! Requests that nobody waits for, and panics.

use crate::support::*;
use axum::Router;
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Middleware, Next, Result};
use spanbridge::ContextExt;
use spanbridge::observe;
use spanbridge_graph::SpanStatus;
use spanbridge_graph::testing::record_async;
use spanbridge_http::{ClientExt, ClientMiddleware};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::timeout;

/// A server that never answers, and says when it was asked.
async fn silent() -> (String, Arc<Notify>) {
    let asked = Arc::new(Notify::new());
    let told = asked.clone();
    let handler = move || async move {
        told.notify_one();
        std::future::pending::<()>().await
    };
    (format!("http://{}/", serve(Router::new().fallback(handler)).await), asked)
}

/// A caller's time limit is no error of the request: it is cancelled.
#[tokio::test]
async fn a_callers_timeout_cancels() {
    let (url, _) = silent().await;
    let recorded = record_async(|| async {
        let limited = timeout(Duration::from_millis(50), client().get(&url).send());
        observe::span("order").run(|| limited).await.unwrap_err();
    })
    .await;
    assert_eq!(end(recorded.span("GET")), (SpanStatus::Cancelled, String::new(), ""));
    assert_eq!(recorded.tree(), "order [error]\n  GET [cancelled]\n");
}

/// Who loses a race is cancelled when it is dropped, and so is a task that is aborted.
#[tokio::test]
async fn losing_a_race_cancels() {
    let (url, asked) = silent().await;
    let recorded = record_async(|| async {
        tokio::select! {
            _ = client().get(&url).send() => unreachable!(),
            () = asked.notified() => {}
        }
        let request = client().put(&url);
        let task = tokio::spawn(async move { request.send().await }.in_current_context());
        timeout(SOON, asked.notified()).await.unwrap();
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
    })
    .await;
    assert_eq!(recorded.tree(), "GET [cancelled]\nPUT [cancelled]\n");
}

/// Panics at once, or in its future.
struct Panics(bool);

impl Middleware for Panics {
    fn handle<'s, 'e, 'n, 'f>(
        &'s self,
        _: Request,
        _: &'e mut Extensions,
        _: Next<'n>,
    ) -> Pin<Box<dyn Future<Output = Result<Response>> + Send + 'f>>
    where
        's: 'f,
        'e: 'f,
        'n: 'f,
        Self: 'f,
    {
        if self.0 {
            panic!("at once")
        }
        Box::pin(async { panic!("in its future") })
    }
}

/// A panic of an inner middleware ends the span, and goes on.
#[tokio::test]
async fn a_panic_goes_on() {
    let recorded = record_async(|| async {
        for at_once in [true, false] {
            let client = ClientBuilder::new(plain()).with(ClientMiddleware::new()).with(Panics(at_once)).build();
            let task = tokio::spawn(client.get("http://127.0.0.1:1/").send().in_current_context());
            let panic = task.await.unwrap_err().into_panic();
            assert_eq!(panic.downcast_ref(), Some(&if at_once { "at once" } else { "in its future" }));
        }
    })
    .await;
    let ends: Vec<_> = recorded.spans().map(|span| (span.status, span.error.clone().unwrap_or_default())).collect();
    assert_eq!(ends.len(), 2);
    for ((status, text), said) in ends.into_iter().zip(["at once, at ", "in its future, at "]) {
        assert!(status == SpanStatus::Panicked && text.starts_with(said), "{text}");
    }
}

/// A request that was made and never sent is none.
#[tokio::test]
async fn what_is_not_sent_is_not_recorded() {
    let recorded = record_async(|| async { drop(plain().observed().get("http://127.0.0.1:1/").send()) }).await;
    assert_eq!(recorded.tree(), "");
}
