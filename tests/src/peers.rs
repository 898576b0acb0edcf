//! Services in Java and Go that do not use spanbridge: programs of `tests/interop`, and the spans that they report.

use crate::{Program, peer_commands};
use serde_json::Value;
use spanbridge::{ContextExt, RunId, observe};
use std::ffi::OsStr;

/// How the Java agent records received messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JavaReceive {
    /// A `process` span under the sender's span. The agent's default.
    Single,
    /// A `receive` span per poll, and under it a `process` span per message with a link to its sender.
    Batch,
}

impl Program {
    /// Starts a Java program under OpenTelemetry's agent. Returns `None` and reports the test as skipped if
    /// `SPANBRIDGE_INTEROP_JAVA` is not set.
    ///
    /// # Panics
    ///
    /// The program cannot be started.
    pub fn java<S: AsRef<OsStr>>(
        class: &str,
        receive: JavaReceive,
        arguments: impl IntoIterator<Item = S>,
    ) -> Option<Self> {
        let mut command = peer_commands::java(class)?;
        command.args(arguments);
        command.env("OTEL_TRACES_EXPORTER", "experimental-otlp/stdout");
        let batch = (receive == JavaReceive::Batch).to_string();
        command.env("OTEL_INSTRUMENTATION_COMMON_MESSAGING_EXPERIMENTAL_RECEIVE_TELEMETRY_ENABLED", batch);
        Some(Self::start(&mut command))
    }

    /// Starts the Go program. Returns `None` and reports the test as skipped if `SPANBRIDGE_INTEROP_GO` is not set.
    ///
    /// # Panics
    ///
    /// The program cannot be started.
    pub fn go<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Option<Self> {
        Some(Self::start(peer_commands::go()?.args(arguments)))
    }

    /// Waits until a peer has succeeded, and returns its report.
    ///
    /// # Panics
    ///
    /// The peer fails, does not end in time, or writes a line that is not JSON.
    pub async fn peer_report(self) -> PeerReport {
        let mut report = PeerReport::default();
        for line in self.json_lines().await {
            match () {
                () if line.get("resourceSpans").is_some() => report.spans.extend(otlp(&line)),
                () if line.get("spanId").is_some() => report.spans.push(flat(&line)),
                () if line.get("body").is_some() => report.messages.push(line),
                () => report.polled.extend(line["polled"].as_u64()),
            }
        }
        report
    }
}

/// What a peer has written: the messages that it sent or received, and its spans.
#[derive(Debug, Default)]
pub struct PeerReport {
    /// The messages. Each has `body`, `headers` as pairs, and in Go `baggage`.
    pub messages: Vec<Value>,
    /// The number of messages of each poll.
    pub polled: Vec<u64>,
    /// The spans, in the order in which they ended.
    pub spans: Vec<PeerSpan>,
}

/// A span of a peer. Ids are in hex.
#[derive(Clone, Debug)]
pub struct PeerSpan {
    /// The span's name.
    pub name: String,
    /// The trace id.
    pub trace: String,
    /// The span id.
    pub id: String,
    /// The parent's span id. Empty if there is none.
    pub parent: String,
    /// The ids of the linked spans.
    pub links: Vec<String>,
}

impl PeerReport {
    /// The span with this id.
    ///
    /// # Panics
    ///
    /// The peer has not reported it.
    pub fn span(&self, id: &str) -> &PeerSpan {
        self.spans.iter().find(|span| span.id == id).unwrap_or_else(|| panic!("no span {id} in {:?}", self.spans))
    }

    /// All spans whose names end with `verb`, such as `publish` or `process`.
    pub fn named(&self, verb: &str) -> Vec<&PeerSpan> {
        self.spans.iter().filter(|span| span.name.ends_with(verb)).collect()
    }

    /// The names of a span and of its ancestors in the peer, and the id of the first ancestor outside of the peer.
    ///
    /// # Panics
    ///
    /// The peer has not reported the span.
    pub fn path(&self, id: &str) -> (Vec<String>, String) {
        let (mut names, mut at) = (vec![], id.to_owned());
        while let Some(span) = self.spans.iter().find(|span| span.id == at) {
            names.push(span.name.clone());
            at.clone_from(&span.parent);
        }
        assert!(!names.is_empty(), "no span {id} in {:?}", self.spans);
        (names, at)
    }
}

/// Sends one message in a run with baggage, and one in a child run. Returns the ids of both runs.
///
/// # Panics
///
/// No recorder is current.
pub async fn in_two_runs(send: impl AsyncFn()) -> (RunId, RunId) {
    let run = observe::run("order").open();
    let baggage = run.context().baggage().with("tier", "gold & silver").expect("room for it");
    let context = run.context().with_baggage(baggage);
    send().in_context(context.clone()).await;
    let child = observe::in_scope(&context, || observe::run("reprice").open());
    send().in_context(child.context().clone()).await;
    (run.id().expect("a run"), child.id().expect("a child run"))
}

/// A header of a message in a peer's report. If there are several with this name, the last one.
pub fn header_of<'a>(message: &'a Value, name: &str) -> Option<&'a str> {
    let pairs = message["headers"].as_array()?;
    pairs.iter().rev().find(|pair| pair[0] == name)?[1].as_str()
}

fn otlp(report: &Value) -> Vec<PeerSpan> {
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let resources = list(report, "resourceSpans");
    let scopes = resources.iter().flat_map(|resource| list(resource, "scopeSpans"));
    let spans = scopes.flat_map(|scope| list(&scope, "spans"));
    spans
        .map(|span| {
            let links = list(&span, "links").iter().map(|link| text(link, "spanId")).collect();
            PeerSpan { links, ..flat(&span) }
        })
        .collect()
}

fn flat(span: &Value) -> PeerSpan {
    let links = span["links"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let parent = text(span, "parentSpanId");
    PeerSpan {
        name: text(span, "name"),
        trace: text(span, "traceId"),
        id: text(span, "spanId"),
        parent: if parent.bytes().all(|b| b == b'0') { String::new() } else { parent },
        links,
    }
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// Headers that peers have written, for the tests that parse them.
const CAPTURES: &str = include_str!("../../crates/spanbridge/tests/captures.txt");

/// Asserts that a peer's headers are in `captures.txt`. Their order and the ids in them may differ.
///
/// # Panics
///
/// The headers differ. If the peer has changed, add an entry to the file.
pub fn assert_captured(peer: &str, headers: impl IntoIterator<Item = (String, String)>) {
    let mut headers: Vec<_> = headers.into_iter().map(|(name, value)| format!("{name}: {value}")).collect();
    headers.iter_mut().for_each(|line| *line = without_ids(line));
    headers.sort();
    let blocks = CAPTURES.split("\n\n").filter_map(|block| block.split_once('\n'));
    let captured: Vec<Vec<String>> = blocks
        .filter(|(title, _)| *title == format!("[{peer}]"))
        .map(|(_, lines)| {
            let mut lines: Vec<_> = lines.lines().map(without_ids).collect();
            lines.sort();
            lines
        })
        .collect();
    assert!(captured.contains(&headers), "{peer} has written {headers:#?}, but captures.txt has {captured:#?}");
}

/// Replaces ids, which are 16 or 32 hex digits, by `*`.
fn without_ids(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let digits = word.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        let is_id = [16, 32].contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_hexdigit());
        out += if is_id { "*" } else { digits };
        out += &word[digits.len()..];
    }
    out
}
