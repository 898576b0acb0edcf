//! `spanbridge export`: every format, and the way back.

use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const RUN: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn with(records: &[Value]) -> Self {
        let place = Self::new();
        let lines: String = records.iter().map(|record| format!("{record}\n")).collect();
        let file = place.dir.path().join("records.jsonl");
        std::fs::write(&file, lines).unwrap();
        assert_eq!(place.run(&["import", file.to_str().unwrap()]).0, 0);
        place
    }

    fn run(&self, args: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
        command.args(args).arg("--db").arg(self.dir.path().join("store"));
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }

    fn graph(&self) -> Value {
        serde_json::from_str(&self.run(&["trace", RUN, "--format", "json"]).1).unwrap()
    }

    fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.run(&["export"]).1.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    }

    fn export(&self, name: &str, args: &[&str]) -> PathBuf {
        let file = self.dir.path().join(name);
        let (code, out, err) = self.run(&[&["export", "-o", file.to_str().unwrap()], args].concat());
        assert_eq!((code, &*out, &*err), (0, "", ""));
        file
    }
}

fn record(seq: u64, record_type: &str, rest: Value) -> Value {
    let mut record = json!({"schemaVersion": 1, "recordId": format!("0000000000000001-{seq}"), "type": record_type,
        "runId": RUN, "traceId": RUN, "segmentId": "0000000000000001", "segmentSeq": seq, "service": "shop"});
    record.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    record
}

fn span(seq: u64, id: u64, name: &str, rest: Value) -> Value {
    let mut span = record(
        seq,
        "span",
        json!({"spanId": format!("{id:016x}"), "name": name, "primitive": "custom.operation",
        "kind": "internal", "startedAt": format!("2026-11-20T09:25:46.{:03}Z", 100 + seq),
        "endedAt": "2026-11-20T09:25:47Z", "status": "ok"}),
    );
    span.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    span
}

/// A run over two services, with everything that OTLP has no word for.
fn story() -> Vec<Value> {
    let mut charge = span(
        4,
        3,
        "charge",
        json!({"parentSpanId": "0000000000000002", "service": "billing", "status": "error",
        "error": "declined", "links": [{"traceId": RUN, "spanId": "0000000000000001"}]}),
    );
    (charge["segmentId"], charge["recordId"]) = (json!("0000000000000002"), json!("0000000000000002-4"));
    vec![
        record(
            1,
            "segment",
            json!({"startedAt": "2026-11-20T09:25:46Z", "resource": {"host.name": "a"}, "via": "start"}),
        ),
        record(
            2,
            "run:start",
            json!({"name": "place order", "startedAt": "2026-11-20T09:25:46Z", "attributes": {"order": 17}}),
        ),
        span(
            3,
            1,
            "place order",
            json!({"attributes": {"big": 12345678901234567890_u64, "list": [1, null, {"a": 1.0}]}}),
        ),
        span(
            5,
            2,
            "send",
            json!({"parentSpanId": "0000000000000001", "primitive": "messaging.publish", "kind": "producer"}),
        ),
        charge,
        record(
            6,
            "span:event",
            json!({"spanId": "0000000000000001", "eventId": "e-1", "name": "checked", "timestamp": "2026-11-20T09:25:46.5Z"}),
        ),
        record(7, "edge", json!({"edgeType": "custom.paid", "from": {"runId": RUN}, "to": {"artifactId": "a-1"}})),
        record(
            8,
            "edge",
            json!({"edgeType": "replied.to", "from": {"traceId": RUN, "spanId": "0000000000000003"},
            "to": {"traceId": RUN, "spanId": "0000000000000001"}}),
        ),
        record(
            9,
            "artifact",
            json!({"spanId": "0000000000000001", "artifactId": "a-1", "kind": "input", "contentType": "text/plain",
            "encoding": "utf-8", "sizeBytes": 5, "preview": "hello"}),
        ),
        record(
            10,
            "run:suspend",
            json!({"suspensionId": "s-1", "suspendedAt": "2026-11-20T09:25:47Z", "reason": "approval"}),
        ),
        record(
            11,
            "span:start",
            json!({"spanId": "0000000000000009", "name": "open", "primitive": "custom.operation", "kind": "internal",
            "startedAt": "2026-11-20T09:25:46.9Z"}),
        ),
        record(12, "diagnostic", json!({"code": "header.malformed", "message": "odd", "count": 2})),
        record(
            13,
            "span:end",
            json!({"spanId": "00000000000000aa", "endedAt": "2026-11-20T09:25:46.9Z", "status": "cancelled"}),
        ),
        // A payload that was recorded whole: as large as they may be, in hexadecimal digits and as text that has to be escaped.
        record(
            14,
            "artifact",
            json!({"spanId": "0000000000000001", "artifactId": "a-2", "kind": "output", "contentType": "image/png",
            "encoding": "hex", "sizeBytes": 1 << 20, "preview": "8f".repeat(1 << 20)}),
        ),
        record(
            15,
            "artifact",
            json!({"spanId": "0000000000000001", "artifactId": "a-3", "kind": "input.properties", "contentType": "application/json",
            "encoding": "utf-8", "sizeBytes": 1 << 20, "preview": "\u{e4}\"\u{0}".repeat(1 << 18)}),
        ),
        // A contradiction is kept as well.
        span(3, 1, "place another order", json!({})),
    ]
}

/// Lines and both forms of OTLP, alone and by filters: what comes back is what was there, to the last digit.
#[test]
fn what_is_exported_comes_back() {
    let place = Place::with(&story());
    let (graph, lines) = (place.graph(), place.lines());
    assert_eq!(lines.len(), story().len());
    for (name, args) in [
        ("a.jsonl", &["--to", "lines"][..]),
        ("a.json", &["--to", "otlp"]),
        ("a.pb", &["--to", "otlp-protobuf"]),
        ("b.json", &["--to", "otlp", "--name", "place"]),
        ("b.pb", &[RUN, "--to", "otlp-protobuf"]),
    ] {
        let file = place.export(name, args);
        let elsewhere = Place::new();
        let (code, out, err) = elsewhere.run(&["import", file.to_str().unwrap()]);
        assert_eq!((code, &*out), (0, "16 records read: 16 new, 1 in conflict with stored ones\n"), "{name}: {err}");
        assert_eq!(elsewhere.lines(), lines, "{name}");
        assert_eq!(elsewhere.graph(), graph, "{name}");
        // In the same store, nothing is new.
        assert_eq!(
            place.run(&["import", file.to_str().unwrap()]).1,
            "16 records read: 0 new, 16 already stored\n",
            "{name}"
        );
    }
}

/// Without our records, as a collector may leave it, the spans are there.
#[test]
fn spans_alone_are_imported_as_of_others() {
    let place = Place::with(&story());
    let file = place.export("a.json", &["--to", "otlp"]);
    let text = std::fs::read_to_string(&file).unwrap();
    let spans: String =
        text.lines().filter(|line| !line.contains("spanbridge.records")).map(|l| format!("{l}\n")).collect();
    std::fs::write(&file, spans).unwrap();
    let elsewhere = Place::new();
    assert_eq!(elsewhere.run(&["import", file.to_str().unwrap()]).0, 0);
    let graph = elsewhere.graph();
    let names: Vec<&str> = graph["spans"].as_array().unwrap().iter().filter_map(|span| span["name"].as_str()).collect();
    assert_eq!(names.len(), 4, "{names:?}");
    assert!(
        graph["spans"]
            .as_array()
            .unwrap()
            .iter()
            .any(|span| span["service"] == "billing" && span["error"] == "declined")
    );
}

const HOSTILE: [&str; 9] = [
    "say \"hi\"",
    "two\nlines\r\n",
    "a --> b",
    "<b onclick=x>&amp;</b>",
    "\u{1b}[31mred\u{7}\0",
    "gnp\u{202e}exe\u{2066}",
    "]) end; %%{init: {}}%%",
    "back\\N\\\"slash \\",
    "1. `list` #quot; $$x$$",
];

fn hostile() -> Place {
    let mut records: Vec<Value> = HOSTILE
        .iter()
        .enumerate()
        .map(|(n, name)| {
            let n = n as u64 + 1;
            let parent =
                json!({"parentSpanId": format!("{:016x}", n.max(2) - 1), "service": name, "attributes": {*name: name}});
            span(n, n, name, if n == 1 { json!({"service": name}) } else { parent })
        })
        .collect();
    records.push(span(90, 90, &"long \"name\"\n".repeat(100_000), json!({})));
    Place::with(&records)
}

/// Whatever a name is, a line of the drawing is a line of its grammar.
#[test]
fn names_cannot_change_a_flowchart() {
    let (_, out, err) = hostile().run(&["export", "--to", "mermaid"]);
    assert_eq!(err, "");
    assert!(out.len() < 8_000, "{}", out.len());
    let is_label = |text: &str| {
        !text.replace("<br/>", "").contains(['"', '<', '>', '[', ']', '{', '}', '`', '%', '\\', ';'].as_slice())
    };
    let numbers = |text: &str| {
        text.split('#').skip(1).all(|rest| rest.split_once(';').is_some_and(|(n, _)| n.parse::<u32>().is_ok()))
    };
    for line in out.lines() {
        if let Some((before, rest)) = line.split_once("[\"") {
            let (label, after) = rest.rsplit_once("\"]").unwrap();
            assert!(numbers(label), "{line}");
            assert!(is_label(&label.replace(';', "")), "{line}");
            assert!(
                before.trim_start().starts_with(['s', 'r']) && ["", ":::failed", ":::open"].contains(&after),
                "{line}"
            );
        } else {
            let is_known = ["flowchart TD", "  end"].contains(&line)
                || line.starts_with("  classDef ")
                || line
                    .trim_start()
                    .split(' ')
                    .all(|word| ["-->", "==>"].contains(&word) || (word.len() == 17 && word.starts_with('s')));
            assert!(is_known, "{line}");
        }
        assert!(!line.chars().any(char::is_control) && !line.contains(['\u{202e}', '\u{2066}']), "{line}");
    }
}

/// Quotes are closed where they are opened, and what is outside of them is ours.
#[test]
fn names_cannot_change_a_dot_file() {
    let (_, out, _) = hostile().run(&["export", "--to", "dot"]);
    assert!(out.len() < 8_000, "{}", out.len());
    let (mut outside, mut in_string, mut escaped) = (String::new(), false, false);
    for c in out.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            c if !in_string => outside.push(c),
            _ => {}
        }
    }
    assert!(!in_string);
    let known = [
        "digraph",
        "spanbridge",
        "node",
        "edge",
        "shape=box,",
        "fontname=",
        "subgraph",
        "label=",
        "color=,",
        "penwidth=2",
        "->",
        "style=dashed",
    ];
    for word in outside.split([' ', '\n', '{', '}', '[', ']', ';']).filter(|word| !word.is_empty()) {
        assert!(known.contains(&word), "{word}");
    }
    assert!(!out.chars().any(|c| c.is_control() && c != '\n') && !out.contains(['\u{202e}', '\u{2066}']));
}

/// JSON that says which service did what when, with arrows between services; no two spans of a row overlap.
#[test]
fn a_trace_for_perfetto() {
    let (_, out, _) = hostile().run(&["export", "--to", "perfetto"]);
    let trace: Value = serde_json::from_str(&out).unwrap();
    assert!(!out.contains(['\u{202e}', '\u{2066}', '\u{7f}']));
    assert_eq!(trace["traceEvents"].as_array().unwrap().iter().filter(|e| e["ph"] == "X").count(), HOSTILE.len() + 1);

    let (_, out, _) = Place::with(&story()).run(&["export", RUN, "--to", "perfetto"]);
    let trace: Value = serde_json::from_str(&out).unwrap();
    let events = trace["traceEvents"].as_array().unwrap();
    let of = |phase: &str| events.iter().filter(|e| e["ph"] == phase).cloned().collect::<Vec<_>>();
    let process = |name: &str| {
        of("M").iter().find(|e| e["name"] == "process_name" && e["args"]["name"] == name).unwrap()["pid"].clone()
    };
    let slice = |name: &str| of("X").into_iter().find(|e| e["name"] == name).unwrap();
    assert_eq!(slice("charge")["pid"], process("billing"));
    assert_eq!(slice("send")["pid"], process("shop"));
    assert_eq!(slice("charge")["args"]["error"], "declined");
    let took = slice("send")["ts"].as_f64().unwrap() - slice("place order")["ts"].as_f64().unwrap();
    assert!((took - 2_000.0).abs() < 1e-6, "{took}");
    assert!((slice("send")["dur"].as_f64().unwrap() - 895_000.0).abs() < 1e-6);
    // From the send to the charge, from what the charge links to, and from the edge.
    let (begins, ends) = (of("s"), of("f"));
    assert_eq!((begins.len(), ends.len()), (3, 3));
    assert!(begins.iter().any(|e| e["pid"] == process("shop") && e["ts"] == slice("send")["ts"]));
    assert!(ends.iter().any(|e| e["pid"] == process("billing") && e["ts"] == slice("charge")["ts"] && e["bp"] == "e"));
    assert_eq!(of("B").len(), 1, "a span that has not ended");
    assert_eq!(of("i")[0]["name"], "checked");
}

/// Siblings at the same time are in rows of their own; what follows uses a row again.
#[test]
fn rows_do_not_overlap() {
    let at = |ms: u64| format!("2026-11-20T09:25:46.{ms:03}Z");
    let of = |n: u64, parent: u64, from, to| {
        span(n, n, "x", json!({"parentSpanId": format!("{parent:016x}"), "startedAt": at(from), "endedAt": at(to)}))
    };
    let mut records = vec![span(1, 1, "root", json!({"startedAt": at(0), "endedAt": at(900)}))];
    records.extend((2..40).map(|n| of(n, 1, n % 7, n % 7 + 10 + n % 5)));
    records.extend((40..60).map(|n| of(n, n - 38, n % 7, 500 + n)));
    records.extend((60..70).map(|n| of(n, 1, 600, 610)));
    let (_, out, _) = Place::with(&records).run(&["export", "--to", "perfetto"]);
    let trace: Value = serde_json::from_str(&out).unwrap();
    let mut slices: Vec<(u64, i64, i64)> = trace["traceEvents"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|e| e["ph"] == "X")
        .map(|e| {
            let ts = (e["ts"].as_f64().unwrap() * 1000.0) as i64;
            (e["tid"].as_u64().unwrap(), ts, ts + (e["dur"].as_f64().unwrap() * 1000.0) as i64)
        })
        .collect();
    assert_eq!(slices.len(), 69);
    slices.sort();
    for (n, (row, from, to)) in slices.iter().enumerate() {
        for (other, start, end) in &slices[n + 1..] {
            let apart = other != row || end <= from || start >= to;
            let inside = (start >= from && end <= to) || (from >= start && to <= end);
            assert!(apart || inside, "{row}: {from} {to} {start} {end}");
        }
    }
    assert!(slices.iter().map(|(row, ..)| row).max().unwrap() < &60);
}

/// Mermaid and Graphviz have a box for each span and a line for each relation, in frames for runs.
#[test]
fn drawings_have_all_spans_and_relations() {
    let place = Place::with(&story());
    let (_, mermaid, _) = place.run(&["export", RUN, "--to", "mermaid"]);
    let expected = format!(
        "flowchart TD\n  subgraph r{RUN}[\"place order 4bf92f35, conflicted\"]\n    s0000000000000001[\"shop<br/>place order<br/>897 ms\"]\n"
    );
    assert!(mermaid.starts_with(&expected), "{mermaid}");
    for line in [
        "    s0000000000000003[\"billing<br/>charge<br/>896 ms, error\"]:::failed",
        "    s0000000000000009[\"shop<br/>open<br/>open\"]:::open",
        "  s0000000000000001 --> s0000000000000002",
        "  s0000000000000002 ==> s0000000000000003",
        "  s0000000000000001 -. link .-> s0000000000000003",
        "  s0000000000000003 -. \"replied#46;to\" .-> s0000000000000001",
    ] {
        assert!(mermaid.lines().any(|l| l == line), "{line}\n{mermaid}");
    }
    let (_, dot, _) = place.run(&["export", "--to", "dot"]);
    for line in [
        "    \"0000000000000003\" [label=\"billing\\ncharge\\n896 ms, error\", color=\"#cc0000\", penwidth=2];",
        "  \"0000000000000002\" -> \"0000000000000003\" [penwidth=2];",
        "  \"0000000000000003\" -> \"0000000000000001\" [style=dashed, label=\"replied.to\"];",
    ] {
        assert!(dot.lines().any(|l| l == line), "{line}\n{dot}");
    }
}

/// An empty store, a filter that nothing matches, a reader that goes away.
#[test]
fn nothing_to_write_is_said() {
    let empty = Place::with(&[]);
    for to in ["lines", "otlp", "otlp-protobuf", "mermaid", "dot", "perfetto"] {
        let (code, out, err) = empty.run(&["export", "--to", to]);
        assert_eq!((code, &*err), (0, "spanbridge: there are no records to write\n"), "{to}");
        if to == "perfetto" {
            assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["traceEvents"], json!([]));
        }
    }
    let place = Place::with(&story());
    assert!(place.run(&["export", "--status", "ok"]).2.contains("no records"));
    assert_eq!(place.run(&["export", "--status", "conflicted"]).1.lines().count(), 16);
    assert_eq!(place.run(&["export", RUN, "--status", "ok"]).0, 2);
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    command.args(["export", "--to", "perfetto", "--db"]).arg(place.dir.path().join("store"));
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let _ = std::io::stdout().flush();
    assert!(Path::new(&place.dir.path().join("store")).exists());
}

/// Spans come in the order of the tree, rows in the order of time: each row has its name all the same.
#[test]
fn every_row_has_a_name() {
    let at = |ms: u64| format!("2026-11-20T09:25:46.{ms:03}Z");
    let mut records = vec![span(1, 1, "root", json!({"startedAt": at(0), "endedAt": at(900)}))];
    for n in 2..42 {
        let (parent, from) = (format!("{:016x}", (n / 3).max(1)), n * 7 % 40);
        records.push(span(
            n,
            n,
            "x",
            json!({"parentSpanId": parent, "startedAt": at(from), "endedAt": at(100 + n % 9)}),
        ));
    }
    let (_, out, _) = Place::with(&records).run(&["export", "--to", "perfetto"]);
    let trace: Value = serde_json::from_str(&out).unwrap();
    let rows = |phase: &str, name: &str| -> std::collections::BTreeSet<u64> {
        let events = trace["traceEvents"].as_array().unwrap().iter();
        events.filter(|e| e["ph"] == phase && e["name"] == name).map(|e| e["tid"].as_u64().unwrap()).collect()
    };
    let used: std::collections::BTreeSet<u64> = rows("X", "x").union(&rows("X", "root")).copied().collect();
    assert!(used.len() > 10, "{used:?}");
    assert_eq!(rows("M", "thread_name"), used);
}
