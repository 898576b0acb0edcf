//! What is carried to the server, and what is not.

use crate::support::*;
use http::HeaderMap;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware};
use spanbridge::record::Body;
use spanbridge::{Context, Sampler, carrier, observe};
use spanbridge_graph::testing::{RecordOptions, record_async};
use spanbridge_http::ClientMiddleware;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const OTHER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A context as it came from a peer.
fn received(flags: &str, baggage: &str) -> Context {
    let mut headers = HeaderMap::new();
    headers.insert("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-{flags}").parse().unwrap());
    headers.insert("tracestate", "peer=1".parse().unwrap());
    headers.insert("baggage", baggage.parse().unwrap());
    carrier::extract(&headers).context
}

fn with(middleware: ClientMiddleware) -> ClientWithMiddleware {
    ClientBuilder::new(plain()).with(middleware).build()
}

/// The three headers of the only request.
fn sent(echo: &Echo) -> [String; 3] {
    let [headers] = &echo.seen()[..] else { panic!("{} requests", echo.seen().len()) };
    ["traceparent", "tracestate", "baggage"].map(|name| {
        let all: Vec<_> = headers.get_all(name).iter().map(|value| value.to_str().unwrap()).collect();
        all.join(" and ")
    })
}

/// The span is under what is current, and the server under the span; trace state and baggage travel.
#[tokio::test]
async fn the_context_of_the_span_is_sent() {
    let echo = Echo::start().await;
    let recorded = record_async(|| {
        let context = received("01", "k=v");
        observe::with_context(context, || async { client().get(echo.url("/")).send().await.unwrap() })
    })
    .await;
    let span = recorded.span("GET");
    assert_eq!(span.parent_span_id.map(|id| id.to_string()).as_deref(), Some("00f067aa0ba902b7"));
    let parent = format!("00-{TRACE}-{}-01", span.span_id);
    assert_eq!(sent(&echo), [&parent, "peer=1", "k=v"]);
}

/// Nobody records: what is current goes on as it is.
#[tokio::test]
async fn without_a_recorder_the_context_goes_on() {
    let echo = Echo::start().await;
    let work = || async { client().get(echo.url("/")).send().await.unwrap() };
    observe::with_context(received("01", "k=v"), work).await;
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    assert_eq!(sent(&echo), [&parent, "peer=1", "k=v"]);
}

/// What was sampled out has no span, and stays so.
#[tokio::test]
async fn what_was_sampled_out_stays_so() {
    let echo = Echo::start().await;
    let recorded = RecordOptions::new().sampler(Sampler::parent_based(1.0)).record_async(|| {
        let context = received("00", "k=v");
        observe::with_context(context, || async { client().get(echo.url("/")).send().await.unwrap() })
    });
    assert_eq!(recorded.await.tree(), "");
    let parent = format!("00-{TRACE}-00f067aa0ba902b7-00");
    assert_eq!(sent(&echo), [&parent, "peer=1", "k=v"]);
}

/// A `traceparent` of another trace is the user's: it is kept, and the span links to it.
#[tokio::test]
async fn a_traceparent_of_the_users_is_kept() {
    let echo = Echo::start().await;
    let recorded = record_async(|| async {
        let request = client().get(echo.url("/")).header("traceparent", OTHER).header("baggage", "theirs=1");
        request.send().await.unwrap();
    })
    .await;
    assert_eq!(sent(&echo), [OTHER, "", "theirs=1"]);
    let links: Vec<_> =
        recorded.span("GET").links.iter().map(|link| format!("00-{}-{}-01", link.trace_id, link.span_id)).collect();
    assert_eq!(links, [OTHER]);
}

/// Who forwards the headers of a request sends ours in their place, once.
#[tokio::test]
async fn a_forwarded_traceparent_is_replaced() {
    let echo = Echo::start().await;
    let recorded = record_async(|| {
        observe::with_context(received("01", "k=v"), || async {
            let mut request = client().get(echo.url("/"));
            for (name, value) in [
                ("traceparent", &*format!("00-{TRACE}-00f067aa0ba902b7-01")),
                ("tracestate", "peer=old"),
                ("tracestate", "more=old"),
                ("baggage", "old=1"),
            ] {
                request = request.header(name, value)
            }
            request.send().await.unwrap();
        })
    })
    .await;
    let parent = format!("00-{TRACE}-{}-01", recorded.span("GET").span_id);
    assert_eq!(sent(&echo), [&parent, "peer=1", "k=v"]);
}

/// Where the predicate says no, or panics, the request is recorded and nothing is written.
#[tokio::test]
async fn strangers_get_no_context() {
    let (ours, theirs) = (Echo::start().await, Echo::start().await);
    let port = ours.address.port();
    let middleware = ClientMiddleware::new().propagate_to(move |url| url.port() == Some(port));
    let client = with(middleware);
    let panics = with(ClientMiddleware::new().propagate_to(|_| panic!("on purpose")));
    let recorded = record_async(|| {
        observe::with_context(received("01", "k=v"), || async {
            client.get(ours.url("/")).send().await.unwrap();
            client.put(theirs.url("/")).send().await.unwrap();
            panics.post(theirs.url("/")).send().await.unwrap();
        })
    })
    .await;
    assert_eq!(sent(&ours)[1..], ["peer=1", "k=v"]);
    for name in ["traceparent", "tracestate", "baggage"] {
        assert_eq!(theirs.header(name), [None, None]);
    }
    assert_eq!(recorded.spans().count(), 3);
}

/// What has no room is left out, baggage first, and a diagnostic says it.
#[tokio::test]
async fn what_has_no_room_is_left_out() {
    let echo = Echo::start().await;
    let baggage = format!("k={}", "v".repeat(500));
    let recorded = record_async(|| {
        let client = with(ClientMiddleware::new().budget(120));
        observe::with_context(received("01", &baggage), || async move {
            client.get(echo.url("/")).send().await.unwrap();
            echo
        })
    });
    let recorded = recorded.await;
    let parent = format!("00-{TRACE}-{}-01", recorded.span("GET").span_id);
    assert_eq!(sent(&recorded.output), [&parent, "peer=1", ""]);
    let diagnostics: Vec<_> = recorded
        .records()
        .iter()
        .filter_map(|record| match &record.body {
            Body::Diagnostic(diagnostic) => Some((diagnostic.code.to_string(), diagnostic.message.to_string())),
            _ => None,
        })
        .collect();
    let left_out = "no room for the baggage (502 bytes)".to_owned();
    assert_eq!(diagnostics, [("injection.dropped".to_owned(), left_out)]);
}

/// Baggage needs no trace, and no recorder.
#[tokio::test]
async fn baggage_travels_alone() {
    let echo = Echo::start().await;
    let mut headers = HeaderMap::new();
    headers.insert("baggage", "k=v".parse().unwrap());
    let context = carrier::extract(&headers).context;
    observe::with_context(context, || async { client().get(echo.url("/")).send().await.unwrap() }).await;
    assert_eq!(sent(&echo), ["", "", "k=v"]);
}
