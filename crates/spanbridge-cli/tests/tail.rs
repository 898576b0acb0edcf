//! `spanbridge tail`: what is written while it runs.

use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

fn spanbridge(store: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    command.args(args).arg("--db").arg(store).env_remove("CLICOLOR_FORCE");
    command
}

/// Stores a run with two spans, of which the second has failed.
fn store_run(store: &Path, number: u64) {
    let id = format!("{:032x}", 0xabc0_0000_0000_0000_0000_u128 + u128::from(number));
    let record = |seq: u64, mut body: Value| {
        let common = json!({"schemaVersion": 1, "recordId": format!("{number}-{seq}"), "runId": id, "traceId": id,
            "segmentId": format!("{number:016x}"), "segmentSeq": seq, "service": "orders"});
        body.as_object_mut().unwrap().extend(common.as_object().unwrap().clone());
        format!("{body}\n")
    };
    let span = |id: u64, name: &str, status: &str| {
        json!({"type": "span", "spanId": format!("{id:016x}"), "name": name, "family": "flow", "primitive": "flow.step",
            "kind": "internal", "startedAt": "2026-11-20T09:25:46.000Z", "endedAt": "2026-11-20T09:25:46.010Z", "status": status,
            "error": (status == "error").then_some("card \u{1b}[31mdeclined")})
    };
    let text = [
        record(1, json!({"type": "run:start", "name": format!("run {number}"), "startedAt": "2026-11-20T09:25:46Z"})),
        record(2, span(number << 8 | 1, "reserve", "ok")),
        record(3, span(number << 8 | 2, "charge", "error")),
    ];
    let file = store.parent().unwrap().join("records.jsonl");
    fs::write(&file, text.concat()).unwrap();
    let output = spanbridge(store, &["import", file.to_str().unwrap()]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A tail that runs, and its lines. It ends with the test.
struct Running(Child, Receiver<String>);

impl Running {
    /// Ready once it has shown something: a run that is stored again and again meanwhile, under another number.
    fn start(store: &Path, args: &[&str]) -> Self {
        let mut child = spanbridge(store, args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (sender, lines) = channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let running = Running(child, lines);
        let begun = Instant::now();
        for number in 1.. {
            store_run(store, number);
            if running.1.recv_timeout(Duration::from_millis(300)).is_ok() {
                break;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "nothing is shown");
        }
        running
    }

    /// The lines until one has this text.
    fn until(&self, text: &str) -> Vec<String> {
        let mut lines = Vec::new();
        while !lines.last().is_some_and(|line: &String| line.contains(text)) {
            lines.push(self.1.recv_timeout(Duration::from_secs(60)).unwrap());
        }
        lines
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn runs_and_spans_are_shown_as_they_end() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    store_run(&store, 0xfff);
    let tail = Running::start(&store, &["tail"]);
    store_run(&store, 0x1234);
    tail.until("run run 4660");
    let lines = [tail.until("reserve"), tail.until("charge")].concat();
    assert!(lines[0].starts_with("09:25:46.010  orders    00000000  reserve  10.0 ms"), "{lines:?}");
    assert!(lines[1].ends_with("✗ charge  10.0 ms  card \\x1b[31mdeclined"), "{lines:?}");
}

#[test]
fn failures_alone_as_records() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    store_run(&store, 0xfff);
    let tail = Running::start(&store, &["tail", "--errors", "--format", "json"]);
    store_run(&store, 0x1234);
    let lines = tail.until("\"0000000000123402\"");
    let records = lines.iter().map(|line| serde_json::from_str::<Value>(line).unwrap());
    assert!(records.into_iter().all(|record| record["name"] == "charge"), "{lines:?}");
}

#[test]
fn a_store_that_is_not_there_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let output = spanbridge(&dir.path().join("none"), &["tail"]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
}
