//! A process that was started for a replay: everything in it belongs to the replay. Each test runs itself as that process.

use axum::Router;
use axum::routing::get;
use serde_json::json;
use spanbridge::{Memory, Recorder, RunId, SpanId};
use spanbridge_http::{ClientExt, ServerLayer};
use spanbridge_replay::{Artifact, Case, Replayer, Report, Run, Span, Verdict};
use std::env;
use std::fs;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A directory that is gone at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("spanbridge-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A request to `/order`, which called nobody.
fn case() -> Case {
    let entry = SpanId::new(1).unwrap();
    let mut span = Span::new(entry, "GET /order", "http.server");
    span.status = "ok".to_owned();
    let mut case = Case::new(Run::new(RunId::new(1).unwrap(), "order 42"), span);
    let properties =
        json!({"transport": "http", "method": "GET", "target": "/order", "version": "HTTP/1.1", "headers": []});
    let properties = properties.to_string();
    case.artifacts.push(Artifact::whole(entry, "input.properties", "application/json", properties));
    case
}

/// Runs a test again as a process that was started for a replay. What it reports, and whether anybody has connected to what the
/// handler calls.
fn start(test: &str, directory: &Path) -> (Report, bool) {
    let (file, report) = (directory.join("case.json"), directory.join("report.json"));
    case().write(&file).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut worker = Command::new(env::current_exe().unwrap());
    worker.args([test, "--exact"]).env("SPANBRIDGE_REPLAY", file).env("SPANBRIDGE_REPLAY_REPORT", &report);
    let worker = worker.env("CALLED", listener.local_addr().unwrap().to_string()).output().unwrap();
    listener.set_nonblocking(true).unwrap();
    let connected = match listener.accept() {
        Ok(_) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
            false
        }
    };
    let report = Report::read(report).unwrap_or_else(|error| panic!("{error}\n{worker:?}"));
    (report, connected)
}

/// A handler that calls somebody in a task that has no context.
async fn work(replay: Replayer) {
    let order = || async {
        let call = async {
            let client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(1)).build().unwrap();
            let url = format!("http://{}/", env::var("CALLED").unwrap());
            client.observed().get(url).send().await.map(drop).map_err(|error| error.to_string())
        };
        tokio::spawn(call).await.unwrap().err().unwrap_or_default()
    };
    let app = Router::new().route("/order", get(order)).layer(ServerLayer::new());
    let _ = replay.http(app).await.finish();
}

/// A task that was spawned without a context calls nobody either, and the report says that it was refused.
#[tokio::test]
async fn a_task_without_context_calls_nobody() {
    if let Some(replay) = Replayer::from_environment().unwrap() {
        return work(replay).await;
    }
    let scratch = Scratch::new("task");
    let (report, connected) = start("a_task_without_context_calls_nobody", &scratch.0);
    assert!(!connected, "{report}");
    assert_eq!(report.verdict, Verdict::Diverged, "{report}");
    let refused = report.first_divergence.as_ref().unwrap();
    assert!(refused.boundary.starts_with("http.client GET http://127.0.0.1:"), "{report}");
}

/// By a recorder that was installed before, such a call would leave. So nothing runs.
#[tokio::test]
async fn another_recorder_makes_it_impossible() {
    if let Ok(_case) = env::var("SPANBRIDGE_REPLAY") {
        let _recorder = Recorder::builder("orders").sink(Memory::new()).install().unwrap();
        return work(Replayer::from_environment().unwrap().unwrap()).await;
    }
    let scratch = Scratch::new("recorder");
    let (report, connected) = start("another_recorder_makes_it_impossible", &scratch.0);
    assert!(!connected, "{report}");
    assert_eq!(report.verdict, Verdict::Impossible, "{report}");
    assert!(report.reason.as_ref().unwrap().starts_with("the program has installed a recorder"), "{report}");
}

/// Payloads are in a case and in a report: nobody else can read them.
#[cfg(unix)]
#[test]
fn files_are_for_their_owner_alone() {
    let scratch = Scratch::new("files");
    let (file, report) = (scratch.0.join("case.json"), scratch.0.join("report.json"));
    case().write(&file).unwrap();
    Report::new(&case(), Verdict::Same).write(&report).unwrap();
    for file in [file, report] {
        let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
}
