//! How the span of a request ends, and that each end can be told from the others.

use crate::support::{Script, Stage, Step, get, lose, next};
use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use spanbridge::observe;
use spanbridge_http::{ServerBody, ServerLayer};
use std::convert::Infallible;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tower::{Layer, Service, ServiceExt, service_fn};

use Step::{Data, Fail, Panic, Trailers, Wait};

/// The response with this body, and the stage on which it was given.
async fn answered<B>(request: Request<()>, response: Response<B>) -> (Stage, Response<ServerBody<B>>)
where
    B: http_body::Body,
{
    let stage = Stage::new();
    let mut response = Some(response);
    let service = service_fn(move |_: Request<()>| {
        let response = response.take().unwrap();
        async { Ok::<_, Infallible>(response) }
    });
    let answer = stage.answer(ServerLayer::new(), service, request).await;
    (stage, answer.unwrap())
}

/// The same for a body alone: it and the stage.
async fn body<B: http_body::Body>(inner: B) -> (Stage, ServerBody<B>) {
    let (stage, response) = answered(get("/"), Response::new(inner)).await;
    (stage, response.into_body())
}

/// A server does not ask a body of known length for more than its last frame: the span has ended with that.
#[tokio::test]
async fn the_last_frame_of_a_sized_body() {
    let (stage, mut body) = body(Full::new(Bytes::from_static(b"hello"))).await;
    assert_eq!(stage.end(), "open 200");
    next(&mut body).await.unwrap().unwrap().unwrap();
    assert_eq!(stage.end(), "ok 200");
    assert!(next(&mut body).await.unwrap().is_none());
    drop(body);
    assert_eq!(stage.end(), "ok 200");
}

#[tokio::test]
async fn the_end_of_a_stream() {
    let (stage, mut body) = body(Script::new([Data("a"), Wait, Data("b")])).await;
    for frame in [true, false, true] {
        assert_eq!(next(&mut body).await.is_some(), frame);
        assert_eq!(stage.end(), "open 200");
    }
    assert!(next(&mut body).await.unwrap().is_none());
    assert_eq!(stage.end(), "ok 200");
}

#[tokio::test]
async fn trailers_are_the_end() {
    let (stage, mut body) = body(Script::new([Data("a"), Trailers(HeaderMap::new())])).await;
    for end in ["open 200", "ok 200"] {
        next(&mut body).await.unwrap().unwrap().unwrap();
        assert_eq!(stage.end(), end);
    }
}

/// Servers drop empty bodies without polling them.
#[tokio::test]
async fn an_empty_body_is_at_its_end() {
    let (stage, body) = body(Empty::<Bytes>::new()).await;
    assert_eq!(stage.end(), "ok 200");
    drop(body);
    assert_eq!(stage.end(), "ok 200");
}

/// Servers drop a body that is not sent without polling it, and it is not at its end: this is no client that is gone.
#[tokio::test]
async fn a_response_without_a_body_on_the_wire() {
    let status = |status| StatusCode::from_u16(status).unwrap();
    for (method, status, end) in [
        (Method::HEAD, status(200), "ok 200"),
        (Method::HEAD, status(404), "ok 404"),
        (Method::HEAD, status(503), "error 503 503"),
        (Method::GET, status(204), "ok 204"),
        (Method::GET, status(304), "ok 304"),
        (Method::GET, status(101), "ok 101"),
        (Method::CONNECT, status(200), "ok 200"),
        // These have one.
        (Method::CONNECT, status(403), "cancelled 403 0"),
        (Method::GET, status(205), "cancelled 205 0"),
        (Method::POST, status(200), "cancelled 200 0"),
    ] {
        let mut request = get("/");
        *request.method_mut() = method.clone();
        let mut response = Response::new(Script::new([Data("a")]));
        *response.status_mut() = status;
        let (stage, response) = answered(request, response).await;
        let before =
            if end.starts_with("cancelled") { "open".to_owned() + &end[9..end.len() - 2] } else { end.to_owned() };
        assert_eq!(stage.end(), before, "{method} {status}, while the body is there");
        drop(response);
        assert_eq!(stage.end(), end, "{method} {status}");
    }
}

/// A server that has as many bytes as were declared asks for no more, and drops the body.
#[tokio::test]
async fn the_declared_length_is_the_end() {
    let steps = || [Data("hello"), Data("world"), Wait];
    for (declared, size, frames, end) in [
        (Some("10"), None, 2, "ok 200"),
        (None, Some(10), 2, "ok 200"),
        (Some("10"), Some(99), 2, "ok 200"),
        (Some("0"), None, 0, "ok 200"),
        (Some("11"), None, 2, "cancelled 200 10"),
        (Some("10"), None, 1, "cancelled 200 5"),
        (Some("junk"), None, 2, "cancelled 200 10"),
    ] {
        let script = Script::new(steps());
        let mut response = Response::new(size.map_or_else(|| Script::new(steps()), |size| script.size(size)));
        if let Some(declared) = declared {
            response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static(declared));
        }
        let (stage, response) = answered(get("/"), response).await;
        let mut body = response.into_body();
        for _ in 0..frames {
            next(&mut body).await.unwrap().unwrap().unwrap();
        }
        drop(body);
        assert_eq!(stage.end(), end, "{declared:?} {size:?} {frames}");
    }
}

#[tokio::test]
async fn a_body_that_fails() {
    let (stage, mut body) = body(Script::new([Data("hello"), Fail("out of paper")])).await;
    next(&mut body).await.unwrap().unwrap().unwrap();
    assert!(next(&mut body).await.unwrap().unwrap().is_err());
    assert_eq!(stage.end(), "error server::support::Broken 200 5");
    assert_eq!(stage.one().error, "out of paper");
}

/// A client that is gone while the body is sent.
#[tokio::test]
async fn a_body_that_is_dropped() {
    let (stage, mut body) = body(Script::new([Data("hello"), Wait, Data("world")]).dropping("tidy up")).await;
    next(&mut body).await.unwrap().unwrap().unwrap();
    assert!(next(&mut body).await.is_none());
    drop(body);
    assert_eq!(stage.end(), "cancelled 200 5");
    assert_eq!(stage.tree(&[]), "GET (root) [cancelled]\n  chunk\n  chunk\n  tidy up\n");
}

#[tokio::test]
async fn a_body_that_panics() {
    let (stage, body) = body(Script::new([Data("hello"), Panic("out of paper")])).await;
    let collected = tokio::spawn(body.collect()).await;
    assert!(collected.unwrap_err().is_panic());
    assert_eq!(stage.end(), "panicked panic 200");
    assert!(stage.one().error.starts_with("out of paper, at "), "{}", stage.one().error);
}

/// A client that is gone before the response; a future that nobody ever polled as well.
#[tokio::test]
async fn a_handler_that_is_dropped() {
    for polled in [true, false] {
        let stage = Stage::new();
        let service = service_fn(async |_: Request<()>| {
            let _dropped = Script::new([]).dropping("tidy up");
            pending::<()>().await;
            Ok::<_, Infallible>(Response::new(Script::new([])))
        });
        let mut service = ServerLayer::new().layer(service);
        let future = stage.recorder.in_scope(|| service.call(get("/")));
        if polled {
            lose(future).await;
            assert_eq!(stage.tree(&[]), "GET (root) [cancelled]\n  tidy up\n");
        } else {
            drop(future);
        }
        assert_eq!(stage.end(), "cancelled");
    }
}

#[tokio::test]
async fn a_handler_that_panics() {
    let stage = Stage::new();
    let service = service_fn(async |request: Request<()>| {
        assert_eq!(request.uri().path(), "/", "no such page");
        Ok::<_, Infallible>(Response::new(Script::new([])))
    });
    let answer = AssertUnwindSafe(stage.answer(ServerLayer::new(), service, get("/no"))).catch_unwind();
    assert!(answer.await.is_err());
    assert_eq!(stage.end(), "panicked panic");
    let error = stage.one().error;
    assert!(error.contains("no such page") && error.contains("ends.rs:"), "{error}");
}

/// The service may panic before there is a future.
#[tokio::test]
async fn a_service_that_panics_when_called() {
    let stage = Stage::new();
    let service = service_fn(|_: Request<()>| -> std::future::Ready<Result<Response<Script>, Infallible>> {
        panic!("not today")
    });
    let mut service = ServerLayer::new().layer(service);
    let panic = catch_unwind(AssertUnwindSafe(|| drop(stage.recorder.in_scope(|| service.call(get("/"))))));
    assert!(panic.is_err());
    assert_eq!(stage.end(), "panicked panic");
    assert!(stage.one().error.starts_with("not today, at "));
}

#[tokio::test]
async fn a_status_of_5xx_is_an_error() {
    for (status, end) in
        [(500, "error 500 500"), (599, "error 599 599"), (404, "ok 404"), (302, "ok 302"), (600, "ok 600")]
    {
        let response = Response::builder().status(status).body(Script::new([Data("no"), Data("pe")])).unwrap();
        let (stage, response) = answered(get("/"), response).await;
        assert_eq!(stage.end(), format!("open {status}"), "until the body ends");
        response.into_body().collect().await.unwrap();
        assert_eq!(stage.end(), end);
        assert_eq!(stage.one().error, "", "the status code says it");
    }
}

/// The server has failed, and the client did not even wait for that: the failure counts.
#[tokio::test]
async fn a_5xx_that_is_cut_off_is_an_error() {
    let response = Response::builder().status(503).body(Script::new([Data("no"), Wait])).unwrap();
    let (stage, response) = answered(get("/"), response).await;
    let mut body = response.into_body();
    next(&mut body).await.unwrap().unwrap().unwrap();
    drop(body);
    assert_eq!(stage.end(), "error 503 503 2");
}

#[tokio::test]
async fn a_service_that_fails() {
    let stage = Stage::new();
    let service = service_fn(async |_: Request<()>| Err::<Response<Script>, _>(std::fmt::Error));
    stage.answer(ServerLayer::new(), service, get("/")).await.unwrap_err();
    assert_eq!(stage.end(), "error core::fmt::Error");
}

/// The status of a call is in its trailers, or in the headers if there is nothing else.
#[tokio::test]
async fn grpc_says_in_trailers_how_it_ended() {
    let trailers =
        |code: &'static str| HeaderMap::from_iter([("grpc-status".parse().unwrap(), HeaderValue::from_static(code))]);
    for (kind, code, only_headers, end, told) in [
        ("application/grpc", "0", false, "ok 200", "OK"),
        ("application/grpc+proto", "5", false, "ok 200", "NOT_FOUND"),
        ("application/grpc", "13", false, "error INTERNAL 200", "INTERNAL"),
        ("application/grpc", "14", true, "error UNAVAILABLE 200", "UNAVAILABLE"),
        ("application/grpc", "99", false, "ok 200", ""),
        ("text/plain", "13", false, "ok 200", ""),
        ("text/plain", "13", true, "ok 200", ""),
    ] {
        let script = if only_headers {
            Script::new([]).saying_end()
        } else {
            Script::new([Data("x"), Trailers(trailers(code))])
        };
        let mut response = Response::new(script);
        if only_headers {
            response.headers_mut().extend(trailers(code));
        }
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        let (stage, response) = answered(get("/pkg.Orders/Get"), response).await;
        let collected = response.into_body().collect().await.unwrap();
        assert_eq!(collected.trailers().is_some(), !only_headers);
        assert_eq!(stage.end(), end, "{kind} {code}");
        assert_eq!(stage.one().get("rpc.response.status_code"), told);
    }
}

/// Whatever the body does when it is polled is inside, and so is what the handler does.
#[tokio::test]
async fn handler_and_body_are_inside_the_span() {
    let stage = Stage::new();
    let service = service_fn(async |_: Request<()>| {
        observe::span("find").run(|| async { tokio::task::yield_now().await }).await;
        Ok::<_, Infallible>(Response::new(Script::new([Data("a"), Data("b")])))
    });
    let answer = stage.answer(ServerLayer::new(), service, get("/")).await.unwrap();
    answer.into_body().collect().await.unwrap();
    assert_eq!(stage.tree(&[]), "GET (root)\n  find\n  chunk\n  chunk\n");
}

/// Without a recorder nothing is recorded, and everything else is as it was.
#[tokio::test]
async fn without_a_recorder_nothing_changes() {
    // With an async closure, rustc 1.95 crashes in an incremental build.
    let service = service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::builder().status(503).body(Script::new([Data("a"), Data("b")]).size(2)).unwrap())
    });
    let answer = ServerLayer::new().layer(service).oneshot(get("/")).await.unwrap();
    assert_eq!(answer.status(), 503);
    let body = answer.into_body();
    assert_eq!(http_body::Body::size_hint(&body).exact(), Some(2));
    assert_eq!(body.collect().await.unwrap().to_bytes(), "ab");
}
