//! A store to import into, and records to import.

use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

pub(crate) const RUN: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

pub(crate) struct Place {
    pub(crate) dir: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
        command.args(args).arg("--db").arg(self.dir.path().join("store"));
        for name in ["SPANBRIDGE_DB", "COLUMNS", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
            command.env_remove(name);
        }
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> (i32, String, String) {
        said(&self.command(args).output().unwrap())
    }

    /// Imports this as standard input. The exit code, standard output and standard error.
    pub(crate) fn import(&self, args: &[&str], input: impl AsRef<[u8]>) -> (i32, String, String) {
        let mut command = self.command(&[&["import"], args].concat());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.as_ref().to_owned();
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        said(&output)
    }

    pub(crate) fn graph(&self, id: &str) -> Value {
        let (code, out, err) = self.run(&["trace", id, "--format", "json"]);
        assert_eq!(code, 0, "{err}");
        serde_json::from_str(&out).unwrap()
    }

    /// All records, as lines in order.
    pub(crate) fn records(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.run(&["export"]).1.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }
}

fn said(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

/// A span of ours.
pub(crate) fn span(seq: u64) -> Value {
    json!({"schemaVersion": 1, "recordId": format!("0000000000000001-{seq}"), "type": "span", "runId": RUN, "traceId": RUN,
        "segmentId": "0000000000000001", "segmentSeq": seq, "service": "shop", "spanId": format!("{seq:016x}"),
        "name": format!("step {seq}"), "family": "custom", "primitive": "custom.operation", "kind": "internal",
        "startedAt": "2026-11-20T09:25:46Z", "endedAt": "2026-11-20T09:25:47Z", "status": "ok"})
}

/// The same as a recorder writes it: its members in our order.
pub(crate) fn line(seq: u64) -> String {
    spanbridge::record::Record::from_json(&span(seq).to_string()).unwrap().unwrap().to_json()
}
