//! The example `axum_service`, as processes that speak to each other.

#![cfg(unix)]

use spanbridge::RunId;
use spanbridge_graph::Graph;
use spanbridge_tests::{example, graph, outline, until, within};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const ASKED: &[&str] = &["http.response.status_code", "error.type"];

/// A process of the example. It is killed when it is dropped.
struct Service {
    process: Child,
    output: BufReader<ChildStdout>,
    url: String,
}

impl Service {
    /// Starts it on a free port, and waits until it listens.
    fn start(db: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(example("axum_service"));
        let mut process = command.args(arguments).env("SPANBRIDGE_DB", db).stdout(Stdio::piped()).spawn().unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line:?}")).to_owned();
        Service { process, output, url }
    }

    async fn order(&self, item: &str, headers: &[(&str, &str)]) -> (u16, String) {
        let request = reqwest::Client::new().post(format!("{}/orders/{item}", self.url));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let answer = within("an answer", request.send()).await.unwrap();
        (answer.status().as_u16(), within("its text", answer.text()).await.unwrap())
    }

    /// Asks it to end, and waits until it has.
    async fn end(mut self) {
        let told = Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status().unwrap();
        assert!(told.success());
        let status = until("the end of the service", || self.process.try_wait().unwrap()).await;
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        assert!(status.success() && rest.is_empty(), "{status}: {rest}");
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn recorded(db: &Path, trace: &str) -> Graph {
    graph(db, RunId::of_trace(trace.parse().unwrap())).expect("the run")
}

/// A caller of another kind, the shop, and the service that it asks: one tree.
#[tokio::test]
async fn an_order_is_one_trace_through_two_services() {
    let directory = tempfile::tempdir().unwrap();
    let db = directory.path().join("records.db");
    let prices = Service::start(&db, &[]);
    let shop = Service::start(&db, &["--prices", &prices.url]);
    let caller = [("traceparent", &*format!("00-{TRACE}-00f067aa0ba902b7-01"))];
    let answer = shop.order("tea", &caller).await;
    assert_eq!(answer, (200, format!("tea: 540\ntrace {TRACE}\n")));
    shop.end().await;
    prices.end().await;
    assert_eq!(
        outline(&recorded(&db, TRACE), ASKED),
        "shop Ok POST /orders/{item} status_code=200\n\
         \x20 shop Ok GET status_code=200\n\
         \x20   shop Ok GET /prices/{item} status_code=200\n\
         \x20     shop Ok look up price\n\
         \x20 shop Ok add tax\n"
    );
}

/// One that is alone asks itself. What is not sold is the caller's failure, a service that is away is the shop's.
#[tokio::test]
async fn failures_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let db = directory.path().join("records.db");
    for (arguments, item, status, tree) in [
        (
            &[][..],
            "coffee%2F..%2Ftea",
            404,
            "shop Ok POST /orders/{item} status_code=404\n\
             \x20 shop Error GET status_code=404 type=\"404\"\n\
             \x20   shop Ok GET /prices/{item} status_code=404\n\
             \x20     shop Ok look up price\n",
        ),
        (
            &["--prices", "http://127.0.0.1:1"],
            "tea",
            502,
            "shop Error POST /orders/{item} status_code=502 type=\"502\"\n\
             \x20 shop Error GET type=\"connect\"\n",
        ),
    ] {
        let trace = format!("{status:032x}");
        let shop = Service::start(&db, arguments);
        let caller = [("traceparent", &*format!("00-{trace}-00f067aa0ba902b7-01"))];
        assert_eq!(shop.order(item, &caller).await.0, status);
        shop.end().await;
        assert_eq!(outline(&recorded(&db, &trace), ASKED), tree);
    }
}
