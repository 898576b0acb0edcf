//! A service that calls others: recorded against a real server, and replayed with nothing that listens.

mod support;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{Request, StatusCode};
use axum::routing::{any, get};
use futures_util::future::join3;
use serde_json::json;
use spanbridge::observe;
use spanbridge_graph::testing::record_async;
use spanbridge_http::{CaptureMode, ClientMiddleware, ReceiveOptions, ServerLayer};
use spanbridge_replay::{Artifact, Case, DivergenceKind, Label, Replayer, Report, Verdict, Wanted, values};
use std::future::{Future, pending};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;
use support::{case_of, check};
use tokio::net::TcpListener;
use tower::ServiceExt;

const WHOLE: CaptureMode = CaptureMode::Whole { max: 1 << 20 };

/// A server that counts its connections.
struct Upstream {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Upstream {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let counted = connections.clone();
        let answer = |request: Request<Body>| async move {
            match request.uri().path() {
                "/refused" => (StatusCode::PAYMENT_REQUIRED, "no money".to_owned()),
                path => (StatusCode::OK, format!("{} {path}", request.method())),
            }
        };
        tokio::spawn(async move {
            let app = Router::new().fallback(any(answer));
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counted.fetch_add(1, SeqCst);
                let service = hyper_util::service::TowerToHyperService::new(app.clone());
                let io = hyper_util::rt::TokioIo::new(stream);
                tokio::spawn(
                    hyper_util::server::conn::auto::Builder::new(hyper_util::rt::TokioExecutor::new())
                        .serve_connection(io, service)
                        .into_owned(),
                );
            }
        });
        Upstream { address, connections }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }
}

type Client = reqwest_middleware::ClientWithMiddleware;

/// What the handlers use.
#[derive(Clone)]
struct Shop {
    client: Client,
    url: Arc<dyn Fn(&str) -> String + Send + Sync>,
}

impl Shop {
    fn new(upstream: &Upstream) -> Self {
        let address = upstream.address;
        let client = reqwest_middleware::ClientBuilder::new(reqwest::Client::new())
            .with(ClientMiddleware::new().capture(WHOLE))
            .build();
        Shop { client, url: Arc::new(move |path| format!("http://{address}{path}")) }
    }

    async fn get(&self, path: &str) -> Result<String, String> {
        let text = |error: reqwest_middleware::Error| format!("{error}");
        let response = self.client.get((self.url)(path)).send().await.map_err(text)?;
        let response = response.error_for_status().map_err(|error| error.status().unwrap().to_string())?;
        response.text().await.map_err(|error| error.to_string())
    }

    async fn post(&self, path: &str, body: String) -> Result<(), String> {
        let request = self.client.post((self.url)(path)).header("content-type", "application/json").body(body);
        request.send().await.map(drop).map_err(|error| error.to_string())
    }
}

/// A service with one handler.
fn app<F, Fut>(shop: Shop, handler: F) -> Router
where
    F: Fn(Shop) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Result<String, String>> + Send + 'static,
{
    let answer = |State(shop): State<Shop>| async move {
        observe::span("order").run(|| handler(shop)).await.map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error))
    };
    let layer = ServerLayer::new().with(ReceiveOptions::new().capture(WHOLE));
    Router::new().route("/order", get(answer)).with_state(shop).layer(layer)
}

/// Records one request.
async fn recorded(app: Router) -> Case {
    let request = Request::get("/order").header("host", "shop").body(Body::empty()).unwrap();
    let recorded = record_async(|| async {
        let response = app.oneshot(request).await.unwrap();
        axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap()
    });
    case_of(&recorded.await, "http.server")
}

async fn replayed(case: &Case, app: Router) -> Report {
    let report = Replayer::of(case.clone()).http(app).await.report().clone();
    check(&report, case);
    report
}

/// Each step in a line, with its label.
fn steps(report: &Report) -> Vec<String> {
    let line = |step: &spanbridge_replay::Step| {
        format!("{} {}", step.label, step.target.as_deref().unwrap_or(step.name.as_str()))
    };
    report.steps.iter().map(line).collect()
}

async fn in_parallel(shop: Shop, paths: [&'static str; 3]) -> Result<String, String> {
    let [a, b, c] = paths.map(|path| shop.get(path));
    let (a, b, c) = join3(a, b, c).await;
    Ok([a?, b?, c?].join(", "))
}

/// A, B and C were asked for side by side; C, A, B is the same. Nothing is connected to.
#[tokio::test]
async fn parallel_calls_in_another_order() {
    let upstream = Upstream::start().await;
    let shop = Shop::new(&upstream);
    let case = recorded(app(shop.clone(), |shop| in_parallel(shop, ["/a", "/b", "/c"]))).await;
    let before = upstream.connections();
    assert!(before > 0);
    let report = replayed(&case, app(shop, |shop| in_parallel(shop, ["/c", "/a", "/b"]))).await;
    assert_eq!(report.verdict, Verdict::Same, "{report}");
    let url = |path: &str| format!("recorded GET {}", upstream.url(path));
    let mut calls = steps(&report);
    assert_eq!(calls.drain(..2).collect::<Vec<_>>(), ["re-executed GET /order", "re-executed order"]);
    assert_eq!(calls, [url("/c"), url("/a"), url("/b")]);
    assert_eq!(upstream.connections(), before);
}

/// A POST that the record does not have is refused, is the first divergence, and does not reach its target.
#[tokio::test]
async fn an_added_call_is_refused() {
    let upstream = Upstream::start().await;
    let shop = Shop::new(&upstream);
    let case = recorded(app(shop.clone(), |shop| async move { shop.get("/a").await })).await;
    let before = upstream.connections();
    let changed = |shop: Shop| async move {
        let a = shop.get("/a").await?;
        let _ = shop.post("/audit", "{\"a\": 1}".to_owned()).await;
        Ok(a)
    };
    let report = replayed(&case, app(shop, changed)).await;
    assert_eq!((report.verdict, report.verdict.exit_code()), (Verdict::Diverged, 1));
    let first = report.first_divergence.as_ref().unwrap();
    let boundary = format!("http.client POST {}", upstream.url("/audit"));
    assert_eq!((first.kind, &first.boundary, first.index), (DivergenceKind::Added, &boundary, Some(3)));
    assert_eq!(
        (first.expected.as_str(), first.actual.as_str()),
        ("no such call", format!("{boundary} {{\"a\":1}}").as_str())
    );
    let refused = &report.steps[3];
    assert_eq!(refused.label, Label::Refused);
    assert!(refused.error.as_ref().unwrap().contains("the record has no such call"), "{refused:?}");
    assert_eq!(upstream.connections(), before);
}

/// What is asked for by name reaches the target, and nothing else does.
#[tokio::test]
async fn a_live_call_leaves() {
    let upstream = Upstream::start().await;
    let shop = Shop::new(&upstream);
    let handler = |shop: Shop| async move { Ok(shop.get("/a").await? + &shop.get("/b").await?) };
    let mut case = recorded(app(shop.clone(), handler)).await;
    case.live = vec![format!("http.client GET {}", upstream.url("/b")).parse().unwrap()];
    let before = upstream.connections();
    let report = replayed(&case, app(Shop::new(&upstream), handler)).await;
    assert_eq!(report.verdict, Verdict::Same, "{report}");
    let labels: Vec<_> = report.steps.iter().map(|step| step.label).collect();
    assert_eq!(labels, [Label::ReExecuted, Label::ReExecuted, Label::Recorded, Label::Live]);
    assert_eq!(upstream.connections(), before + 1);
}

/// A field of a body has changed: the call is answered from the record, and the report names the field. Ignoring it hides it, and
/// changes nothing else.
#[tokio::test]
async fn a_changed_field_is_named() {
    let upstream = Upstream::start().await;
    let shop = Shop::new(&upstream);
    let sends = |amount: u32, at: u32| {
        move |shop: Shop| async move {
            shop.post("/pay", json!({"amount": amount, "at": at}).to_string()).await.map(|()| "paid".to_owned())
        }
    };
    let mut case = recorded(app(shop.clone(), sends(10, 1))).await;
    let report = replayed(&case, app(shop.clone(), sends(12, 2))).await;
    let fields = |report: &Report| {
        let first = report.first_divergence.clone();
        first.map(|first| first.differences.into_iter().map(|difference| difference.field).collect::<Vec<_>>())
    };
    assert_eq!(fields(&report).unwrap(), ["body:/amount", "body:/at"]);
    assert_eq!(report.steps[2].label, Label::Diverged);
    assert_eq!(report.outcome.as_ref().unwrap().replayed.status, "ok");
    case.ignore = vec!["body:/at".parse().unwrap()];
    let report = replayed(&case, app(shop.clone(), sends(12, 2))).await;
    assert_eq!(fields(&report).unwrap(), ["body:/amount"]);
    case.ignore.push("body:/amount".parse().unwrap());
    let report = replayed(&case, app(shop, sends(12, 2))).await;
    assert_eq!((report.first_divergence, report.verdict), (None, Verdict::Diverged));
}

/// A recorded failure fails again in the same span. After the fix, the report says what has changed; then the case can expect it.
#[tokio::test]
async fn a_failure_and_its_fix() {
    let upstream = Upstream::start().await;
    let shop = Shop::new(&upstream);
    let pay = |shop: Shop| async move { observe::span("pay").run(|| shop.get("/refused")).await };
    let mut case = recorded(app(shop.clone(), pay)).await;
    let report = replayed(&case, app(shop.clone(), pay)).await;
    assert_eq!(report.verdict, Verdict::Same, "{report}");
    let outcome = report.outcome.unwrap();
    assert_eq!(outcome.replayed.failing_span.as_deref(), Some("GET"));
    assert_eq!((outcome.recorded.status.as_str(), outcome.replayed.status.as_str()), ("error", "error"));

    let fixed = move |shop: Shop| async move { Ok(pay(shop).await.unwrap_or_else(|error| format!("later: {error}"))) };
    let report = replayed(&case, app(shop.clone(), fixed)).await;
    assert_eq!(report.verdict, Verdict::Diverged);
    let first = report.first_divergence.unwrap();
    assert_eq!((first.kind, first.boundary.as_str()), (DivergenceKind::Outcome, "the end of GET /order"));
    assert!(first.expected.starts_with("error in GET") && first.actual == "ok", "{first}");
    case.expect = Some(Wanted::Ok);
    assert_eq!(replayed(&case, app(shop.clone(), fixed)).await.verdict, Verdict::Same);
    assert_eq!(replayed(&case, app(shop, pay)).await.verdict, Verdict::Diverged);
}

/// A recorded call that does not come any more is told at the end.
#[tokio::test]
async fn a_missing_call_is_told() {
    let upstream = Upstream::start().await;
    let shop = Shop::new(&upstream);
    let case = recorded(app(shop.clone(), |shop| in_parallel(shop, ["/a", "/b", "/c"]))).await;
    let report = replayed(&case, app(shop, |shop| async move { shop.get("/b").await })).await;
    let missing: Vec<_> = report.steps[3..].iter().map(|step| (step.label, step.target.clone().unwrap())).collect();
    let told = |path| (Label::Diverged, format!("GET {}", upstream.url(path)));
    assert_eq!(missing, [told("/a"), told("/c")]);
    assert_eq!(report.first_divergence.unwrap().kind, DivergenceKind::Missing);
}

/// A handler that panics has that outcome; one that hangs has until its deadline.
#[tokio::test]
async fn panics_and_hangs_are_outcomes() {
    let upstream = Upstream::start().await;
    let shop = Shop::new(&upstream);
    let case = recorded(app(shop.clone(), |_| async { Ok("fine".to_owned()) })).await;
    let report = replayed(&case, app(shop.clone(), |_| async { panic!("out of paper") })).await;
    let outcome = report.outcome.unwrap().replayed;
    assert_eq!(outcome.status, "panicked");
    assert!(outcome.error.unwrap().starts_with("out of paper, at "));
    let hanging = app(shop, |_| pending());
    let replay = Replayer::of(case.clone()).deadline(Duration::from_millis(50)).http(hanging).await;
    check(replay.report(), &case);
    assert_eq!(replay.report().outcome.as_ref().unwrap().replayed.status, "timeout");
}

/// Times and numbers that were taken from `values` are the recorded ones; one that nobody took before is a divergence.
#[tokio::test]
async fn values_are_given_back() {
    let upstream = Upstream::start().await;
    let shop = Shop::new(&upstream);
    static COUNTER: AtomicUsize = AtomicUsize::new(7);
    let number = |shop: Shop| async move {
        let number = values::value("number", || COUNTER.fetch_add(1, SeqCst));
        let body = format!("{{\"number\": {number}, \"at\": {:?}}}", values::now().elapsed().unwrap().as_secs() < 60);
        shop.post("/numbers", body).await.map(|()| number.to_string())
    };
    let case = recorded(app(shop.clone(), number)).await;
    let report = replayed(&case, app(shop.clone(), number)).await;
    assert_eq!(report.verdict, Verdict::Same, "{report}");
    assert_eq!(COUNTER.load(SeqCst), 8);
    let more = move |shop: Shop| async move {
        let number = number(shop).await;
        values::value("seed", || 1u8);
        number
    };
    let report = replayed(&case, app(shop.clone(), more)).await;
    let first = report.first_divergence.unwrap();
    assert_eq!((first.kind, first.boundary.as_str()), (DivergenceKind::Value, "custom.value seed"));
    let fewer = |shop: Shop| async move { shop.post("/numbers", "{}".to_owned()).await.map(|()| String::new()) };
    let report = replayed(&case, app(shop, fewer)).await;
    let values = report.steps.iter().filter(|step| step.primitive == "value");
    assert_eq!(values.map(|step| step.name.as_str()).collect::<Vec<_>>(), ["value number", "value clock"]);
}

/// Input that is not there whole: nothing runs, and the report says why.
#[tokio::test]
async fn impossible_cases_run_nothing() {
    let upstream = Upstream::start().await;
    let shop = Shop::new(&upstream);
    let case = recorded(app(shop.clone(), |_| async { Ok(String::new()) })).await;
    let never = app(shop, |_| async { panic!("it ran") });
    let without = |change: &dyn Fn(&mut Vec<Artifact>)| {
        let mut case = case.clone();
        change(&mut case.artifacts);
        let never = never.clone();
        async move {
            let report = Replayer::of(case).http(never).await.report().clone();
            assert_eq!((report.verdict, report.verdict.exit_code()), (Verdict::Impossible, 1));
            assert!(report.steps.is_empty() && report.replay.is_none() && report.records.is_empty());
            report.reason.unwrap()
        }
    };
    let said = without(&|artifacts| artifacts.retain(|artifact| artifact.kind != "input.properties")).await;
    assert!(said.starts_with("the properties of the input were not recorded"), "{said}");
    let properties = |artifacts: &mut Vec<Artifact>| {
        artifacts.iter().position(|artifact| artifact.kind == "input.properties").unwrap()
    };
    let said = without(&|artifacts| {
        let place = properties(artifacts);
        artifacts[place].size_bytes += 1
    });
    assert!(said.await.starts_with("the properties of the input were cut: "));
    let said = without(&|artifacts| {
        let place = properties(artifacts);
        artifacts[place].content.text = None
    });
    assert!(said.await.starts_with("the properties of the input were recorded by reference only"));
    let said = without(&|artifacts| {
        let place = properties(artifacts);
        let text = r#"{"transport":"kafka"}"#;
        artifacts[place] = Artifact::whole(artifacts[place].span_id, "input.properties", "application/json", text)
    });
    assert_eq!(said.await, "the case is of kafka, and the handler takes requests of HTTP");
}
