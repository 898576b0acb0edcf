//! A failure recorded on RabbitMQ, replayed by `spanbridge replay`: the same code again, and changed code. Nothing but the first
//! order reaches the broker or the stock.

use lapin::options::QueueDeleteOptions;
use serde_json::Value;
use spanbridge::RunId;
use spanbridge_tests::{Program, amqp, command_line, example, graph, outline, runs};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

/// A service that has three of everything but cake, and none of that. It answers the first of three requests last.
fn stock() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let connections = Arc::new(AtomicUsize::new(0));
    let counted = connections.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let number = counted.fetch_add(1, SeqCst);
            std::thread::spawn(move || -> std::io::Result<()> {
                let mut stream = stream?;
                let mut request = BufReader::new(stream.try_clone()?).lines();
                let first = request.next().transpose()?.unwrap_or_default();
                request.find(|line| line.as_ref().is_ok_and(String::is_empty));
                std::thread::sleep(Duration::from_millis(60_u64.saturating_sub(20 * number as u64)));
                let left = if first.contains("/stock/cake ") { 0 } else { 3 };
                write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: close\r\n\r\n{left}")
            });
        }
    });
    (url, connections)
}

/// A failed order, as it was recorded.
struct Failed {
    db: tempfile::TempDir,
    stock: String,
    connections: Arc<AtomicUsize>,
    run: RunId,
}

impl Failed {
    async fn order(name: &str) -> Option<Self> {
        let amqp = amqp(name).await?;
        let db = tempfile::tempdir().unwrap();
        let (stock, connections) = stock();
        let queue = format!("{}.durable", amqp.queue);
        let path = db.path().to_str().unwrap();
        let options = ["--url", &amqp.url, "--queue", &queue, "--db", path, "--stock", &stock];
        let worker = Program::example("replay_changes", options.into_iter().chain(["--order", "tea,cake,milk"]));
        let run = runs(&worker.output().await)[0];
        assert_eq!(connections.load(SeqCst), 3);
        amqp.channel.queue_delete(queue.as_str().into(), QueueDeleteOptions::default()).await.unwrap();
        Some(Self { db, stock, connections, run })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(command_line());
        command.args(&arguments[..1]).arg("--db").arg(self.db.path()).args(&arguments[1..]).env("COLUMNS", "80");
        command
    }

    /// Replays it with the worker, to which more options may be given. No broker and no stock is reached.
    fn replay(&self, before: &[&str], worker: &[&str]) -> Output {
        let program = example("replay_changes");
        let mut command = self.command(&[&["replay", &self.run.to_string()], before].concat());
        let output = command.arg("--").arg(program).args(["--stock", &self.stock]).args(worker).output().unwrap();
        assert_eq!(self.connections.load(SeqCst), 3, "{output:?}");
        output
    }

    fn json(&self, worker: &[&str]) -> (Option<i32>, Value) {
        let output = self.replay(&["--format", "json"], worker);
        let told = String::from_utf8_lossy(&output.stderr);
        (output.status.code(), serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{e}: {told}")))
    }
}

fn labels(report: &Value) -> Vec<(&str, &str)> {
    let steps = report["steps"].as_array().unwrap().iter();
    steps.map(|step| (step["label"].as_str().unwrap(), step["name"].as_str().unwrap())).collect()
}

/// The same code on the same order fails in the same span. The three questions may come in any order.
#[tokio::test]
async fn the_same_failure_again() {
    let Some(failed) = Failed::order("replay").await else { return };
    let (code, report) = failed.json(&[]);
    assert_eq!((code, report["verdict"].as_str()), (Some(0), Some("same")), "{report:#}");
    let ended = |when: &str| report["outcome"][when].clone();
    assert_eq!(ended("recorded"), ended("replayed"));
    assert_eq!(ended("replayed")["failingSpan"], "reserve");
    assert_eq!(ended("replayed")["error"], "there is no cake left");
    let count = |label: &str, name: &str| labels(&report).iter().filter(|step| **step == (label, name)).count();
    assert_eq!((count("recorded", "GET"), count("re-executed", "reserve")), (3, 1), "{report:#}");
    // What the replay recorded can be looked at, and says whose replay it is.
    let new: RunId = report["replay"]["runId"].as_str().unwrap().parse().unwrap();
    let again = graph(failed.db.path(), new).unwrap();
    assert!(again.edges.iter().any(|edge| edge.edge_type == "replay.of"), "{:?}", again.edges);
    let failing = outline(&again, &[]);
    assert!(failing.contains("Error reserve"), "{failing}");
    let look = |arguments: &[&str]| {
        let output = failed.command(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let new = new.to_string();
    let (code, trace) = look(&["trace", &new]);
    assert_eq!(code, Some(0));
    assert!(trace.contains(&format!("replay of run {:.8}", failed.run)), "{trace}");
    let (code, why) = look(&["why", &new]);
    assert!(code == Some(0) && why.contains("there is no cake left"), "{why}");
    let (_, diff) = look(&["diff", &failed.run.to_string(), &new]);
    assert!(diff.contains("replay of"), "{diff}");
}

/// A change that mends it: the report says what is different.
#[tokio::test]
async fn a_fix_shows_what_changed() {
    let Some(failed) = Failed::order("replay-fix").await else { return };
    let (code, report) = failed.json(&["--partial"]);
    assert_eq!((code, report["verdict"].as_str()), (Some(1), Some("diverged")), "{report:#}");
    assert_eq!(
        (report["outcome"]["recorded"]["status"].as_str(), report["outcome"]["replayed"]["status"].as_str()),
        (Some("error"), Some("ok"))
    );
}

/// A change that calls something else: refused, first difference, and nothing was connected to.
#[tokio::test]
async fn an_added_call_is_refused() {
    let Some(failed) = Failed::order("replay-added").await else { return };
    let (code, report) = failed.json(&["--complain"]);
    assert_eq!((code, report["verdict"].as_str()), (Some(1), Some("diverged")), "{report:#}");
    let first = &report["firstDivergence"];
    let index = usize::try_from(first["index"].as_u64().unwrap()).unwrap();
    let step = &report["steps"][index];
    assert_eq!((first["kind"].as_str(), step["label"].as_str()), (Some("added"), Some("refused")), "{report:#}");
    let target = format!("POST {}/complaints", failed.stock);
    assert_eq!(
        (first["boundary"].as_str(), step["target"].as_str()),
        (Some(&*format!("http.client {target}")), Some(&*target))
    );
    let text = String::from_utf8(failed.replay(&[], &["--complain"]).stdout).unwrap();
    assert!(text.contains("refused") && text.contains("Calls that are not wrapped cannot be stopped."), "{text}");
}

/// The case, and the worker alone: under a debugger, the report is printed.
#[tokio::test]
async fn a_saved_case_needs_no_command() {
    let Some(failed) = Failed::order("replay-saved").await else { return };
    let file = failed.db.path().join("case.json");
    let file: &Path = &file;
    let run = failed.run.to_string();
    let saved = failed.command(&["replay", &run, "--save", file.to_str().unwrap()]).output().unwrap();
    assert_eq!(saved.status.code(), Some(0));
    let mut worker = Command::new(example("replay_changes"));
    let output = worker.args(["--stock", &failed.stock]).env("SPANBRIDGE_REPLAY", file).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("there is no cake left"), "{text}");
    assert_eq!(failed.connections.load(SeqCst), 3);
}
