//! Everything that a server emits is in `docs/conventions.md`, and everything there is emitted.

use crate::support::{CALLER, Script, Stage, Step, get, get_with};
use crate::tables;
use http::{Method, Request, Response};
use http_body_util::BodyExt;
use spanbridge::Kind;
use spanbridge::conformance::spans;
use spanbridge::record::{Body, Record};
use spanbridge_http::{CaptureMode, CapturePolicy, ReceiveOptions, Relation, ServerLayer, gateway};
use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};
use tower::service_fn;

/// What is recorded of one request below a layer.
async fn recorded(layer: ServerLayer, request: Request<()>, response: Response<Script>) -> Vec<Record<'static>> {
    let stage = Stage::new();
    let mut response = Some(response);
    let service = service_fn(|_: Request<()>| {
        let response = response.take().unwrap();
        async {
            gateway::route(|| Some("/orders/{id}"));
            gateway::auth(async || true).await;
            gateway::rate_limit(async || false).await;
            Ok::<_, Infallible>(response)
        }
    });
    let answer = stage.answer(layer, service, request).await.unwrap();
    let _ = answer.into_body().collect().await;
    stage.records()
}

async fn every_kind() -> Vec<Vec<Record<'static>>> {
    let script = |steps: Vec<Step>| Response::new(Script::new(steps));
    let mut unknown =
        get_with("/orders/7?a=b", &[("host", "shop.example:81"), ("user-agent", "curl"), ("traceparent", CALLER)]);
    *unknown.method_mut() = Method::from_bytes(b"PROPFIND").unwrap();
    let linked = ReceiveOptions::new().relation(Relation::Link);
    let address = |_: &http::request::Parts| Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let status = [("grpc-status".parse().unwrap(), "13".parse().unwrap())];
    let mut grpc = script(vec![Step::Trailers(http::HeaderMap::from_iter(status))]);
    grpc.headers_mut().insert("content-type", "application/grpc".parse().unwrap());
    let fails = CapturePolicy::default().headers(CaptureMode::Reference).redact(|_| Err("no"));
    let called = || get_with("/", &[("traceparent", CALLER), ("baggage", "k=v")]);
    let whole = ReceiveOptions::new().capture(CaptureMode::Whole { max: 100 });
    vec![
        recorded(ServerLayer::new().with(whole), get("/"), script(vec![Step::Data("hello")])).await,
        recorded(ServerLayer::new().client_address(address).with(linked), unknown, script(vec![])).await,
        recorded(ServerLayer::new(), get("/"), script(vec![Step::Fail("no")])).await,
        recorded(ServerLayer::new(), get_with("/", &[("traceparent", "junk")]), grpc).await,
        recorded(ServerLayer::public(), called(), script(vec![])).await,
        recorded(ServerLayer::new().with(ReceiveOptions::new().allow_baggage([""; 0])), called(), script(vec![])).await,
        recorded(ServerLayer::new().with(ReceiveOptions::new().capture(fails)), get("/"), script(vec![])).await,
        recorded(
            ServerLayer::new()
                .with(ReceiveOptions::new().capture(CapturePolicy::default().headers(CaptureMode::Reference))),
            called(),
            Response::builder().header("x", "y").body(Script::new([])).unwrap(),
        )
        .await,
    ]
}

#[tokio::test]
async fn on_servers() {
    let known = tables::attributes("Attributes on HTTP servers");
    let rows: Vec<_> = tables::table("Spans on HTTP").into_iter().skip(1).collect();
    let (mut seen, mut steps) = (BTreeSet::new(), BTreeSet::new());
    let (mut told, mut artifacts) = (BTreeSet::new(), BTreeSet::new());
    for records in every_kind().await {
        let kind = |id| {
            records.iter().find_map(|record| match &record.body {
                Body::Span(start) if Some(start.span_id) == id => Some(start.kind),
                _ => None,
            })
        };
        for span in spans(&records).iter().filter(|span| span.primitive != "custom.operation") {
            let row = rows.iter().find(|row| row[3] == span.primitive).unwrap_or_else(|| panic!("no row for {span:?}"));
            let step = row[0].clone();
            assert_eq!(kind(span.id).map(Kind::name), Some(&*row[2]), "{span:?}");
            if row[1].is_empty() {
                let method = span.get("http.request.method");
                assert_eq!(span.name, if method == "_OTHER" { "HTTP" } else { method });
            } else {
                assert_eq!(span.name, row[1]);
            }
            // The class of an error is a field of the span's end.
            let error_type = (!span.error_type.is_empty()).then(|| "error.type".to_owned());
            for name in span.attributes.keys().cloned().chain(error_type) {
                let key = (step.clone(), name);
                assert!(known.contains_key(&key), "{key:?} is not in the table: {span:?}");
                seen.insert(key);
            }
            for ((_, name), _) in known.iter().filter(|((of, _), always)| *of == step && **always) {
                assert!(span.attributes.contains_key(name), "{step} has no `{name}`: {span:?}");
            }
            told.extend(span.diagnostics.iter().map(|(code, _)| code.clone()));
            steps.insert(step);
        }
        artifacts.extend(records.iter().filter_map(|record| match &record.body {
            Body::Artifact(artifact) => Some(artifact.kind.to_string()),
            _ => None,
        }));
    }
    let missing: Vec<_> = known.keys().filter(|key| !seen.contains(key)).collect();
    assert!(missing.is_empty(), "promised, and not emitted: {missing:?}");
    let of_server = ["server", "auth", "rate_limit", "route"];
    assert_eq!(steps, of_server.map(str::to_owned).into());
    let text = tables::DOC.split_once("Diagnostics of `server` are ").unwrap().1.split_once("\n\n").unwrap().0;
    let promised: BTreeSet<_> = text.split('`').skip(1).step_by(2).collect();
    assert!(told.iter().chain(&artifacts).all(|name| promised.contains(&**name)), "{told:?} {artifacts:?}");
    // Bodies of requests are recorded of axum's type alone: see `bodies`.
    let is_other = |name: &str| ["server", "input", "REDACTED"].contains(&name);
    assert_eq!(
        told.len() + artifacts.len(),
        promised.iter().filter(|name| !is_other(name)).count(),
        "{told:?} {artifacts:?}"
    );
}
