//! What a gateway decides before the handler is called: who asks, whether that is too often, and where it goes. Each is a span of
//! its own under the span of the request.
//!
//! ```
//! # #[cfg(feature = "axum")]
//! # mod app {
//! use axum::extract::Request;
//! use axum::http::StatusCode;
//! use axum::middleware::Next;
//! use axum::response::{IntoResponse, Response};
//! use spanbridge_http::gateway;
//!
//! # struct User(u64);
//! # async fn user_of(_: &axum::http::HeaderMap) -> Option<User> { None }
//! # fn has_budget(_: &User) -> bool { true }
//! // With `axum::middleware::from_fn`, and `ServerLayer` around it.
//! async fn gate(request: Request, next: Next) -> Response {
//!     let headers = request.headers();
//!     let Some(user) = gateway::auth(|| user_of(headers)).await else {
//!         return StatusCode::UNAUTHORIZED.into_response();
//!     };
//!     if !gateway::rate_limit(async || has_budget(&user)).await {
//!         return StatusCode::TOO_MANY_REQUESTS.into_response();
//!     }
//!     next.run(request).await
//! }
//! # }
//! ```

use spanbridge::observe::{self, ActiveSpan};
use spanbridge::{Context, Failure, Primitive, Value, semconv};
use std::future::Future;

/// Who asks.
const AUTH: Primitive = Primitive::new("custom.auth");
/// Whether somebody asks too often.
const RATE_LIMIT: Primitive = Primitive::new("custom.rate_limit");

/// The answer of a check: whether the request may go on.
pub trait Decision {
    /// Whether it may.
    fn is_allowed(&self) -> bool;
}

impl Decision for bool {
    fn is_allowed(&self) -> bool {
        *self
    }
}

/// `None` is no.
impl<T> Decision for Option<T> {
    fn is_allowed(&self) -> bool {
        self.is_some()
    }
}

/// `Err` is no.
impl<T, E> Decision for Result<T, E> {
    fn is_allowed(&self) -> bool {
        self.is_ok()
    }
}

/// Checks who asks, in a span `auth`. Its `spanbridge.gateway.result` is `allowed` or `denied`. A denied request is the caller's
/// failure: the span ends as ok.
pub fn auth<F, Fut>(check: F) -> impl Future<Output = Fut::Output>
where
    F: FnOnce() -> Fut,
    Fut: Future,
    Fut::Output: Decision,
{
    checked("auth", AUTH, check)
}

/// Checks whether somebody asks too often, in a span `rate_limit`. Its result is as that of [`auth`].
pub fn rate_limit<F, Fut>(check: F) -> impl Future<Output = Fut::Output>
where
    F: FnOnce() -> Fut,
    Fut: Future,
    Fut::Output: Decision,
{
    checked("rate_limit", RATE_LIMIT, check)
}

fn checked<F, Fut>(name: &'static str, primitive: Primitive, check: F) -> impl Future<Output = Fut::Output>
where
    F: FnOnce() -> Fut,
    Fut: Future,
    Fut::Output: Decision,
{
    let span = observe::span(name).primitive(primitive).implicit_run(false).open();
    let answered = answered(span.context().clone());
    span.run_by(check, answered)
}

/// Says what was answered of the span of this context. No answer is a failure.
fn answered<T: Decision>(context: Context) -> impl for<'a> FnOnce(&'a T) -> Option<Failure<'a>> {
    move |answer| {
        let span = ActiveSpan::of(context)?;
        let result = if answer.is_allowed() { "allowed" } else { "denied" };
        span.attribute(semconv::GATEWAY_RESULT, Value::Static(result));
        None
    }
}

/// Finds the route of a request, in a span `route`, and says it of the span of the request as well (`http.route`): call it where
/// that is the current span. `None` means that there is no route.
///
/// For a router of your own, and for [`ServerLayer`](crate::ServerLayer) around a whole router of axum's, where only the code
/// inside knows the route. (The name of the request's span stays the method: it has begun.)
///
/// ```
/// # #[cfg(feature = "axum")]
/// # mod app {
/// use axum::extract::{MatchedPath, Request};
/// use axum::middleware::Next;
/// use axum::response::Response;
/// use spanbridge_http::gateway;
///
/// // With `Router::route_layer(axum::middleware::from_fn(matched))`.
/// async fn matched(path: MatchedPath, request: Request, next: Next) -> Response {
///     gateway::route(|| Some(path.as_str()));
///     next.run(request).await
/// }
/// # }
/// ```
pub fn route<R: AsRef<str>>(find: impl FnOnce() -> Option<R>) -> Option<R> {
    let request = observe::active_span();
    let span = observe::span("route").primitive(Primitive::ROUTER_RESOLVE).implicit_run(false).open();
    let found = span.in_scope(find);
    if let Some(route) = found.as_ref().map(AsRef::as_ref) {
        span.attribute(semconv::HTTP_ROUTE, route);
        if let Some(request) = request {
            request.attribute(semconv::HTTP_ROUTE, route)
        }
    }
    span.end();
    found
}
