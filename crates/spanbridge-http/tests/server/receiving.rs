//! What is taken of a caller's context, and what is recorded of values that may be personal.

use crate::support::{CALLER, Script, Stage, Step, get, get_with, nothing};
use http::{Request, Response};
use http_body_util::BodyExt;
use spanbridge::record::{Body, Record};
use spanbridge::{RunId, observe};
use spanbridge_http::{CaptureMode, CapturePolicy, PartKind, ReceiveOptions, Relation, ServerLayer, Trust};
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use tower::service_fn;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";

/// The stage on which one request from the caller was answered. What is current inside: `traceparent` and baggage.
async fn called(layer: ServerLayer, headers: &[(&'static str, &str)]) -> (Stage, String) {
    let stage = Stage::new();
    let service = service_fn(async |_: Request<()>| {
        let mut headers = http::HeaderMap::new();
        spanbridge::carrier::inject(&observe::current_context(), &mut headers);
        let text = |name| headers.get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
        observe::span("inside").implicit_run(false).in_scope(|| ());
        Ok::<_, Infallible>(Response::new(text("traceparent") + " " + &text("baggage")))
    });
    let answer = stage.answer(layer, service, get_with("/orders?id=7", headers)).await.unwrap();
    let inside = answer.into_body().collect().await.unwrap().to_bytes();
    (stage, String::from_utf8(inside.to_vec()).unwrap())
}

const HEADERS: [(&str, &str); 3] = [("traceparent", CALLER), ("baggage", "tenant=a,card=1234"), ("x-note", "hello")];

#[tokio::test]
async fn the_caller_is_the_parent() {
    let (stage, inside) = called(ServerLayer::new(), &HEADERS).await;
    let span = stage.one();
    assert_eq!(inside, format!("00-{TRACE}-{}-01 tenant=a,card=1234", span.id.unwrap()));
    assert_eq!(span.parent.unwrap().to_string(), SPAN);
    assert_eq!(stage.tree(&[]), "GET (remote)\n  inside\n");
}

#[tokio::test]
async fn a_new_run_is_one_of_a_server() {
    let layer = ServerLayer::new().route(|_| Some("/orders")).with(ReceiveOptions::new().relation(Relation::NewRun));
    let (stage, _) = called(layer, &HEADERS).await;
    let span = stage.one();
    assert_eq!((span.trace.unwrap().to_string(), span.get("spanbridge.relation")), (TRACE.to_owned(), "new_run"));
    assert_ne!(span.run, Some(RunId::of_trace(span.trace.unwrap())));
    let runs: Vec<_> = stage.records().iter().filter_map(run).collect();
    assert_eq!(runs, ["GET /orders http.server", "end ok"]);
}

fn run(record: &Record<'_>) -> Option<String> {
    match &record.body {
        Body::RunStart(run) => Some(format!("{} {}", run.name, run.root_primitive.as_deref().unwrap_or_default())),
        Body::RunEnd(end) => Some(format!("end {}", end.status.name())),
        _ => None,
    }
}

#[tokio::test]
async fn a_link_is_in_a_trace_of_its_own() {
    // As the head of the request says.
    let by = |request: &http::request::Parts| match request.headers.get("x-note") {
        Some(note) if note == "hello" => Relation::Link,
        _ => Relation::Parent,
    };
    let layer = || ServerLayer::new().with(ReceiveOptions::new().relation_by(by));
    let (stage, _) = called(layer(), &HEADERS).await;
    let span = stage.one();
    assert_ne!(span.trace.unwrap().to_string(), TRACE);
    assert_eq!((span.links[0].0.to_string(), span.links[0].1.to_string()), (TRACE.to_owned(), SPAN.to_owned()));
    let (stage, _) = called(layer(), &HEADERS[..1]).await;
    assert_eq!(stage.one().trace.unwrap().to_string(), TRACE);
}

/// Strangers choose neither the trace nor whether it is recorded, and their baggage goes nowhere. Options do not change that.
#[tokio::test]
async fn a_public_server_believes_no_stranger() {
    let believing = || ReceiveOptions::new().trust(Trust::Full).allow_baggage(["tenant"]);
    for layer in [
        ServerLayer::public(),
        ServerLayer::public().with(believing()),
        ServerLayer::new().with(ReceiveOptions::new().trust(Trust::Ignore)),
    ] {
        let not_sampled = CALLER.replace("-01", "-00");
        let headers =
            [("traceparent", &*not_sampled), ("tracestate", "sb=r:0af7651916cd43dd8448eb211c80319c"), HEADERS[1]];
        let (stage, inside) = called(layer, &headers).await;
        let span = stage.one();
        assert_eq!(inside, format!("00-{}-{}-01 ", span.trace.unwrap(), span.id.unwrap()));
        assert!(!inside.contains(TRACE) && span.parent.is_none());
        assert_eq!((span.links[0].0.to_string(), span.links[0].1.to_string()), (TRACE.to_owned(), SPAN.to_owned()));
        assert_eq!(span.diagnostics[0].0, "context.ignored");
        assert_eq!(stage.tree(&[]), "GET (root)\n  inside\n");
    }
}

#[tokio::test]
async fn only_the_listed_baggage_is_taken() {
    let layer = ServerLayer::new().with(ReceiveOptions::new().allow_baggage(["tenant"]));
    let (stage, inside) = called(layer, &HEADERS).await;
    assert!(inside.ends_with(" tenant=a"), "{inside}");
    assert_eq!(stage.one().diagnostics[0].0, "baggage.filtered");
}

/// Two different `traceparent` headers are none.
#[tokio::test]
async fn two_callers_are_none() {
    let other = CALLER.replace("b7-01", "b8-01");
    let (stage, _) = called(ServerLayer::new(), &[("traceparent", CALLER), ("traceparent", &other)]).await;
    let span = stage.one();
    assert!(span.parent.is_none() && span.trace.unwrap().to_string() != TRACE);
    assert_eq!(span.diagnostics[0].0, "header.malformed");
}

/// A request without a span is still the caller's: what its handler does hangs under the caller's span, and what it sends as
/// well.
#[tokio::test]
async fn a_filtered_request_keeps_its_context() {
    let layer = ServerLayer::new().filter(|request| request.uri.path() != "/orders");
    let (stage, inside) = called(layer, &HEADERS).await;
    assert_eq!(inside, format!("{CALLER} tenant=a,card=1234"));
    assert_eq!(stage.tree(&[]), "inside (remote)\n");
    // Not that of strangers.
    let (stage, inside) = called(ServerLayer::public().filter(|_| false), &HEADERS).await;
    assert_eq!((inside.as_str(), stage.spans().len()), (" ", 0));
}

/// The body of a filtered request is polled in the caller's context.
#[tokio::test]
async fn a_filtered_body_keeps_its_context() {
    let stage = Stage::new();
    let service = service_fn(async |_: Request<()>| {
        Ok::<_, Infallible>(Response::new(Script::new([Step::Data("a")]).dropping("tidy up")))
    });
    let layer = ServerLayer::new().filter(|_| false);
    let request = get_with("/", &[("traceparent", CALLER)]);
    let answer = stage.answer(layer, service, request).await.unwrap();
    answer.into_body().collect().await.unwrap();
    let parents: Vec<_> = stage.spans().iter().map(|span| span.parent.unwrap().to_string()).collect();
    assert!(stage.tree(&[]).starts_with("chunk (remote)\n"), "{}", stage.tree(&[]));
    assert_eq!(parents[0], SPAN);
}

/// Neither can the one that chooses the relation: that of all requests counts, and strangers stay strangers.
#[tokio::test]
async fn a_relation_that_panics_is_that_of_all() {
    let options = || ReceiveOptions::new().relation(Relation::NewRun).relation_by(|_| panic!("a relation"));
    let (stage, inside) = called(ServerLayer::new().with(options().allow_baggage(["tenant"])), &HEADERS).await;
    let span = stage.one();
    assert_eq!((span.get("spanbridge.relation"), span.trace.unwrap().to_string().as_str()), ("new_run", TRACE));
    assert_eq!(stage.records().iter().find_map(run).as_deref(), Some("GET http.server"));
    assert!(inside.ends_with(" tenant=a"), "{inside}");
    let (stage, inside) = called(ServerLayer::public().with(options()), &HEADERS).await;
    assert_ne!(stage.one().trace.unwrap().to_string(), TRACE);
    assert!(inside.ends_with(' '), "{inside}");
}

/// Functions of the application that only collect data cannot stop a request.
#[tokio::test]
async fn functions_that_panic_know_nothing() {
    let layer = ServerLayer::new()
        .filter(|_| panic!("a filter"))
        .route(|_| panic!("a route"))
        .client_address(|_| panic!("an address"));
    let (stage, _) = called(layer, &HEADERS).await;
    assert_eq!(stage.tree(&[]), "GET (remote)\n  inside\n");
}

const PERSONAL: [&str; 4] = ["url.path", "url.query", "user_agent.original", "client.address"];

async fn personal(capture: impl Into<CapturePolicy>) -> (Stage, Vec<String>) {
    let layer = ServerLayer::new()
        .with(ReceiveOptions::new().capture(capture))
        .client_address(|_| Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 60))));
    let stage = Stage::new();
    let request = get_with("/orders/amelie?q=amelie&sig=s3cret", &[("user-agent", "amelie's phone")]);
    stage.answer(layer, nothing(), request).await.unwrap();
    let span = stage.one();
    let told = PERSONAL.iter().map(|name| span.get(name).to_owned()).collect();
    (stage, told)
}

#[tokio::test]
async fn personal_values_go_through_the_policy() {
    let (_, told) = personal(CaptureMode::Reference).await;
    assert_eq!(told, ["/orders/amelie", "q=amelie&sig=REDACTED", "amelie's phone", "192.0.2.60"]);
    let (_, told) = personal(CaptureMode::Off).await;
    assert_eq!(told, [""; 4]);
    let hook = CapturePolicy::default().redact(|part| {
        let shown = String::from_utf8(part.bytes().to_vec())?;
        assert!(!shown.contains("s3cret"));
        let kind = match part.kind() {
            PartKind::Url => "path",
            PartKind::Query => "query",
            PartKind::Header("user-agent") => "agent",
            PartKind::ClientAddress => "client",
            other => unreachable!("{other:?}"),
        };
        part.replace(kind);
        Ok::<_, std::string::FromUtf8Error>(())
    });
    let (_, told) = personal(hook).await;
    assert_eq!(told, ["path", "query", "agent", "client"]);
}

#[tokio::test]
async fn a_hook_that_fails_lets_nothing_pass() {
    for hook in [
        CapturePolicy::default().redact(|_| Err("no")),
        CapturePolicy::default().redact(|_| -> Result<(), &str> { panic!("no") }),
    ] {
        let (stage, told) = personal(hook).await;
        assert_eq!(told, [""; 4]);
        let diagnostics = stage.one().diagnostics;
        assert_eq!(diagnostics.len(), 4, "{diagnostics:?}");
        assert!(diagnostics.iter().all(|(code, _)| code == "redaction.failed"));
        assert!(!format!("{:?}", stage.records()).contains("amelie"));
    }
}

/// By default the address of a client is not recorded.
#[tokio::test]
async fn a_client_has_no_address_by_default() {
    let stage = Stage::new();
    let request = get_with("/", &[("x-forwarded-for", "192.0.2.60"), ("forwarded", "for=192.0.2.60")]);
    stage.answer(ServerLayer::new(), nothing(), request).await.unwrap();
    assert!(!format!("{:?}", stage.records()).contains("192.0.2.60"));
}

/// The text of an error of the service goes through the policy, too.
#[tokio::test]
async fn texts_of_errors_go_through_the_policy() {
    let stage = Stage::new();
    let service = service_fn(async |_: Request<()>| Err::<Response<Script>, _>("amelie was here".to_owned()));
    let layer = ServerLayer::new().with(ReceiveOptions::new().capture(CaptureMode::Off));
    stage.answer(layer, service, get("/")).await.unwrap_err();
    assert_eq!((stage.end(), stage.one().error), ("error _OTHER".to_owned(), String::new()));
}

/// Headers are recorded if you ask for them. Those that let somebody in never are.
#[tokio::test]
async fn captured_headers_have_no_credentials() {
    let stage = Stage::new();
    let capture = CapturePolicy::default().headers(CaptureMode::Inline { max: 4096 });
    let layer = ServerLayer::new().with(ReceiveOptions::new().capture(capture));
    let secret = ["authorization", "cookie", "proxy-authorization", "x-api-key"];
    let mut request = get_with("/", &secret.map(|name| (name, "s3cret")));
    request.headers_mut().insert("x-note", "hello".parse().unwrap());
    let mut marked: http::HeaderValue = "s3cret".parse().unwrap();
    marked.set_sensitive(true);
    request.headers_mut().insert("x-marked", marked);
    let service = service_fn(async |_: Request<()>| {
        let response = Response::builder().header("set-cookie", "s3cret").header("x-answer", "42");
        Ok::<_, Infallible>(response.body(Script::new([])).unwrap())
    });
    stage.answer(layer, service, request).await.unwrap();
    let records = stage.records();
    let artifacts: Vec<_> = records
        .iter()
        .filter_map(|record| match &record.body {
            Body::Artifact(artifact) => Some((artifact.kind.to_string(), format!("{:?}", artifact.preview))),
            _ => None,
        })
        .collect();
    let [(input, request), (output, response)] = &artifacts[..] else { panic!("{artifacts:?}") };
    assert_eq!((&**input, &**output), ("input.headers", "output.headers"));
    assert!(request.contains("hello") && response.contains("42"), "{artifacts:?}");
    assert_eq!((request.matches("REDACTED").count(), response.matches("REDACTED").count()), (5, 1));
    assert!(!format!("{records:?}").contains("s3cret"));
}

/// The layer of one service can be that of another: nothing is kept between requests.
#[tokio::test]
async fn clones_share_nothing_but_settings() {
    let stage = Stage::new();
    let layer = ServerLayer::new().route(|_| Some("/a"));
    for _ in 0..2 {
        stage.answer(layer.clone(), nothing(), get("/")).await.unwrap();
    }
    assert_eq!(stage.spans().iter().filter(|span| span.name == "GET /a").count(), 2);
}
