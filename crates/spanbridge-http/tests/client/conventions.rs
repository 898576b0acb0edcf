//! Everything that a client emits is in `docs/conventions.md`, and everything there is emitted.

use crate::support::*;
use crate::tables;
use axum::Router;
use axum::response::Redirect;
use axum::routing::get;
use http::{Extensions, Method};
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use spanbridge::Kind;
use spanbridge::record::{Body, Record};
use spanbridge_graph::testing::record_async;
use spanbridge_http::{CaptureMode, CapturePolicy, ClientMiddleware, ResendCount, UrlTemplate};
use std::collections::BTreeSet;

fn with(middleware: ClientMiddleware) -> ClientWithMiddleware {
    ClientBuilder::new(plain()).with(middleware).build()
}

/// What is recorded of requests of every kind.
async fn requests(echo: &Echo) -> Vec<Record<'static>> {
    let there = echo.url("/there");
    let here = serve(Router::new().route("/", get(move || async move { Redirect::temporary(&there) }))).await;
    let fails = CapturePolicy::default().headers(CaptureMode::Reference).hashed().redact(|_| Err("no"));
    let all = CapturePolicy::default().headers(CaptureMode::Reference).hashed();
    let work = || async {
        let mut again = Extensions::new();
        again.insert(ResendCount::new(1));
        let request = plain().request(Method::from_bytes(b"PURGE").unwrap(), echo.url("/")).build().unwrap();
        client().execute_with_extensions(request, &mut again).await.unwrap();
        let post = client().post(echo.url("/")).body("{}").with_extension(UrlTemplate::new("/"));
        post.send().await.unwrap().bytes().await.unwrap();
        client().get(format!("http://{here}/")).send().await.unwrap();
        client().get("http://127.0.0.1:1/").send().await.unwrap_err();
        for client in [fails, all].map(|capture| with(ClientMiddleware::new().capture(capture))) {
            client.put(echo.url("/")).body("{}").send().await.unwrap();
        }
        let whole = with(ClientMiddleware::new().capture(CaptureMode::Whole { max: 100 }));
        whole.get(echo.url("/")).send().await.unwrap().bytes().await.unwrap();
        with(ClientMiddleware::new().budget(0)).get(echo.url("/")).send().await.unwrap();
        with(ClientMiddleware::new().capture(CaptureMode::Off)).get(echo.url("/")).body("{}").send().await.unwrap();
    };
    record_async(work).await.records().to_vec()
}

#[tokio::test]
async fn on_clients() {
    let echo = Echo::start().await;
    let known = tables::attributes("Attributes on HTTP clients");
    let records = requests(&echo).await;
    let mut seen = BTreeSet::new();
    for span in spanbridge::conformance::spans(&records) {
        let kind = records.iter().find_map(|record| match &record.body {
            Body::Span(start) if Some(start.span_id) == span.id => Some(start.kind),
            _ => None,
        });
        assert_eq!((kind, span.primitive.as_str()), (Some(Kind::Client), "http.client"), "{span:?}");
        let method = span.get("http.request.method");
        let method = if method == "_OTHER" { "HTTP" } else { method };
        assert_eq!(span.name, format!("{method} {}", span.get("url.template")).trim_end());
        // The class of an error is a field of the span's end.
        let error_type = (!span.error_type.is_empty()).then(|| "error.type".to_owned());
        let names: BTreeSet<_> = span.attributes.keys().cloned().chain(error_type).collect();
        for name in &names {
            assert!(known.contains_key(&("client".to_owned(), name.clone())), "`{name}` is not in the table: {span:?}");
        }
        for ((_, name), _) in known.iter().filter(|(_, always)| **always) {
            assert!(names.contains(name), "no `{name}`: {span:?}");
        }
        seen.extend(names);
    }
    let promised: BTreeSet<_> = known.into_keys().map(|(_, name)| name).collect();
    assert_eq!(promised.difference(&seen).collect::<Vec<_>>(), Vec::<&String>::new(), "promised, and not emitted");

    let told: BTreeSet<_> = records
        .iter()
        .filter_map(|record| match &record.body {
            Body::Diagnostic(diagnostic) => Some(format!("`{}`", diagnostic.code)),
            Body::Artifact(artifact) => Some(format!("`{}`", artifact.kind)),
            _ => None,
        })
        .collect();
    let (_, section) = tables::DOC.split_once("## Attributes on HTTP clients\n").unwrap();
    let section = section.split("\n## ").next().unwrap();
    for what in &told {
        assert!(section.contains(what), "{what} is not in the section");
    }
    assert_eq!(told.len(), 7, "{told:?}");
}
