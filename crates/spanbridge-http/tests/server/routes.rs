//! When the layer finds axum's route by itself, and what to do where it does not.

use crate::support::Stage;
use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::get;
use spanbridge::observe;
use spanbridge_http::{ServerLayer, gateway};
use tower::{Layer, Service};

fn orders() -> Router {
    Router::new().route("/orders/{id}", get(async || "7"))
}

/// What is recorded of a request for a path: the tree, with routes.
async fn recorded<S>(service: S, path: &str) -> String
where
    S: Service<Request, Response = Response, Error = std::convert::Infallible> + Clone,
{
    seen(tower::layer::util::Identity::new(), service, path).await
}

async fn seen<L, S, B>(layer: L, service: S, path: &str) -> String
where
    L: Layer<S>,
    S: Service<Request>,
    S::Error: std::fmt::Debug,
    L::Service: Service<Request, Response = http::Response<B>, Error = S::Error>,
{
    let stage = Stage::new();
    let request = Request::builder().uri(path).body(Body::empty()).unwrap();
    drop(stage.answer(layer, service, request).await.unwrap());
    stage.tree(&["http.route"])
}

#[tokio::test]
async fn the_route_is_seen_in_a_router() {
    let layered = orders().layer(ServerLayer::new());
    let name = |name: &str, route: &str| format!("{name} (root) [cancelled] route={route}\n");
    let found = name("GET /orders/{id}", "/orders/{id}");
    assert_eq!(recorded(layered.clone(), "/orders/7").await, found);
    assert_eq!(recorded(orders().route_layer(ServerLayer::new()), "/orders/7").await, found);
    let nested = Router::new().nest("/api", layered.clone());
    let found = name("GET /api/orders/{id}", "/api/orders/{id}");
    assert_eq!(recorded(nested, "/api/orders/7").await, found);
    let around = Router::new().nest("/api", orders()).layer(ServerLayer::new());
    assert_eq!(recorded(around, "/api/orders/7").await, found);
}

/// There the name is the method, and never the path.
#[tokio::test]
async fn elsewhere_there_is_no_route() {
    let layered = orders().layer(ServerLayer::new());
    let without = "GET (root) [cancelled]\n";
    assert_eq!(seen(ServerLayer::new(), orders(), "/orders/7").await, without);
    assert_eq!(seen(ServerLayer::new(), orders(), "/nowhere").await, "GET (root)\n");
    assert_eq!(recorded(layered.clone(), "/nowhere").await, "GET (root)\n");
    // A function of yours counts before axum's.
    let said = orders().layer(ServerLayer::new().route(|_| Some("/said")));
    assert_eq!(recorded(said, "/orders/7").await, "GET /said (root) [cancelled] route=/said\n");
}

async fn matched(path: MatchedPath, request: Request, next: Next) -> Response {
    gateway::route(|| Some(path.as_str()));
    next.run(request).await
}

/// The layer is around the whole router, and the code inside says the route.
#[tokio::test]
async fn the_code_inside_can_say_the_route() {
    let app = orders().route_layer(from_fn(matched));
    assert_eq!(
        seen(ServerLayer::new(), app, "/orders/7").await,
        "GET (root) [cancelled] route=/orders/{id}\n  route route=/orders/{id}\n"
    );
}

/// A middleware of axum's returns a response, whose status says whether it has failed.
#[tokio::test]
async fn a_middleware_runs_the_rest_in_a_span() {
    async fn audited(request: Request, next: Next) -> Response {
        observe::span("audit").run(|| next.run(request)).await
    }
    let failing = Router::new().route("/", get(async || http::StatusCode::SERVICE_UNAVAILABLE));
    let app = failing.layer(from_fn(audited)).layer(ServerLayer::new());
    let stage = Stage::new();
    let request = Request::builder().uri("/").body(Body::empty()).unwrap();
    stage.answer(tower::layer::util::Identity::new(), app, request).await.unwrap();
    assert_eq!(stage.tree(&["error.type"]), "GET / (root) [error] type=503\n  audit [error] type=503\n");
    assert_eq!(stage.spans()[1].error, "503 Service Unavailable");
}
