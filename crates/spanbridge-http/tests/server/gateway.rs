//! What a gateway decides is recorded under the request.

use crate::support::{Script, Stage, get, lose};
use http::{Request, Response, StatusCode};
use spanbridge_http::{ServerLayer, gateway};
use std::convert::Infallible;
use std::future::pending;
use tower::{Layer, Service, service_fn};

#[tokio::test]
async fn decisions_are_spans_under_the_request() {
    let stage = Stage::new();
    let service = service_fn(async |_: Request<()>| {
        let route = gateway::route(|| Some("/orders/{id}"));
        assert_eq!(route, Some("/orders/{id}"));
        assert_eq!(gateway::route(|| None::<String>), None);
        assert_eq!(gateway::auth(async || Ok::<_, StatusCode>("amelie")).await, Ok("amelie"));
        assert_eq!(gateway::auth(async || Some(7)).await, Some(7));
        assert!(!gateway::rate_limit(async || false).await);
        assert_eq!(gateway::auth(async || Err::<(), _>(StatusCode::UNAUTHORIZED)).await, Err(StatusCode::UNAUTHORIZED));
        let mut response = Response::new(Script::new([]).saying_end());
        *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
        Ok::<_, Infallible>(response)
    });
    stage.answer(ServerLayer::new(), service, get("/orders/7")).await.unwrap();
    assert_eq!(
        stage.tree(&["spanbridge.gateway.result", "http.route"]),
        "GET (root) route=/orders/{id}\n  route route=/orders/{id}\n  route\n  auth result=allowed\n  auth result=allowed\n  \
         rate_limit result=denied\n  auth result=denied\n"
    );
    let primitives: Vec<_> = stage.spans().into_iter().map(|span| span.primitive).skip(1).collect();
    assert_eq!(
        primitives,
        ["router.resolve", "router.resolve", "custom.auth", "custom.auth", "custom.rate_limit", "custom.auth"]
    );
}

/// A check that was given up has no result.
#[tokio::test]
async fn a_check_that_is_given_up_is_cancelled() {
    let stage = Stage::new();
    let service = service_fn(async |_: Request<()>| {
        gateway::auth(async || pending::<bool>().await).await;
        Ok::<_, Infallible>(Response::new(Script::new([])))
    });
    let mut service = ServerLayer::new().layer(service);
    lose(stage.recorder.in_scope(|| service.call(get("/")))).await;
    assert_eq!(stage.tree(&["spanbridge.gateway.result"]), "GET (root) [cancelled]\n  auth [cancelled]\n");
}

/// Checks begin no run of their own.
#[tokio::test]
async fn without_a_request_nothing_is_recorded() {
    let stage = Stage::new();
    let checks = async || gateway::auth(async || true).await && gateway::route(|| Some("/")).is_some();
    assert!(stage.recorder.scope(checks).await);
    assert_eq!(stage.records().len(), 0);
}
