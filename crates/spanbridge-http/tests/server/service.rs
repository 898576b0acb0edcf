//! The layer as a tower layer: back-pressure, clones, and the types it makes.

use crate::support::{Script, Stage, get, nothing};
use http::{Request, Response};
use http_body_util::{Full, combinators::UnsyncBoxBody};
use spanbridge_http::{Server, ServerBody, ServerFuture, ServerLayer};
use std::convert::Infallible;
use std::future::{Ready, poll_fn, ready};
use std::task::{Context, Poll};
use tower::{Layer, Service};

/// A service that takes a request only if it was ready before, as tower allows. A clone was not.
#[derive(Debug, Default)]
struct Strict {
    polls: u32,
    is_ready: bool,
}

impl Clone for Strict {
    fn clone(&self) -> Self {
        Strict::default()
    }
}

impl Service<Request<()>> for Strict {
    type Response = Response<Script>;
    type Error = &'static str;
    type Future = Ready<Result<Response<Script>, &'static str>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), &'static str>> {
        self.polls += 1;
        match self.polls {
            1 => Poll::Pending,
            2 => {
                self.is_ready = true;
                Poll::Ready(Ok(()))
            }
            _ => Poll::Ready(Err("overloaded")),
        }
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        assert!(std::mem::take(&mut self.is_ready), "the service was not ready");
        ready(Ok(Response::new(Script::new([]))))
    }
}

#[tokio::test]
async fn the_service_that_was_ready_is_called() {
    let stage = Stage::new();
    let mut service = ServerLayer::new().layer(Strict::default());
    let mut ready = Vec::new();
    poll_fn(|cx| {
        ready.extend([(); 2].map(|()| service.poll_ready(cx)));
        Poll::Ready(())
    })
    .await;
    assert_eq!(ready, [Poll::Pending, Poll::Ready(Ok(()))]);
    stage.recorder.scope(|| service.call(get("/"))).await.unwrap();
    let overloaded = poll_fn(|cx| service.poll_ready(cx)).await;
    assert_eq!(overloaded, Err("overloaded"), "it is not ours to change");
    assert_eq!(stage.spans().len(), 1, "no request, no span");
}

#[test]
fn types_are_as_their_parts_are() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    fn clone<T: Clone + Send + Sync + 'static>() {}
    fn default<T: Default + Unpin>() {}
    clone::<ServerLayer>();
    clone::<Server<Strict>>();
    send::<ServerFuture<Ready<Result<Response<Script>, Infallible>>>>();
    sync::<ServerFuture<Ready<Result<Response<Script>, Infallible>>>>();
    // tonic's is not `Sync`.
    send::<ServerBody<UnsyncBoxBody<bytes::Bytes, Infallible>>>();
    sync::<ServerBody<Full<bytes::Bytes>>>();
    default::<ServerBody<Full<bytes::Bytes>>>();
}

/// The future that was ready stays what it was: nothing is recorded twice, and nothing panics.
#[tokio::test]
async fn a_future_that_is_polled_again_is_pending() {
    let stage = Stage::new();
    let mut service = ServerLayer::new().layer(nothing());
    let mut future = std::pin::pin!(stage.recorder.in_scope(|| service.call(get("/"))));
    assert!(poll_fn(|cx| future.as_mut().poll(cx)).await.is_ok());
    poll_fn(|cx| {
        assert!(future.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    assert_eq!(stage.spans().len(), 1);
}
