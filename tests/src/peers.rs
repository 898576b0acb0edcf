//! Services in Java and Go that know nothing of us: programs of `tests/interop`, and the spans they say they made.

use crate::Program;
use serde_json::Value;
use spanbridge::{ContextExt, RunId, observe};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How Java's agent tells of the messages that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JavaReceive {
    /// A `process` span under the sender's: what it does when nobody asks for more.
    Single,
    /// A `receive` span for all that a poll brought, and under it a `process` span per message that links to its sender.
    Batch,
}

impl Program {
    /// A Java program under OpenTelemetry's agent, or why the test is skipped: nobody asked for Java.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn java<S: AsRef<OsStr>>(
        class: &str,
        receive: JavaReceive,
        arguments: impl IntoIterator<Item = S>,
    ) -> Option<Self> {
        let Some(home) = std::env::var_os("SPANBRIDGE_INTEROP_JAVA").filter(|home| !home.is_empty()) else {
            xtask::skip("SPANBRIDGE_INTEROP_JAVA is not set; `cargo xtask interop` brings Java's clients");
            return None;
        };
        let home = Path::new(&home);
        let mut command = Command::new(home.join("java"));
        command.arg(format!("-javaagent:{}", agent(&home.join("jars")).display()));
        command.args(["-XX:TieredStopAtLevel=1", "-Xmx256m", "-cp"]);
        command.arg(format!("{0}/classes:{0}/jars/*", home.display())).arg(class).args(arguments);
        command.env("OTEL_TRACES_EXPORTER", "experimental-otlp/stdout");
        command.env("OTEL_METRICS_EXPORTER", "none").env("OTEL_LOGS_EXPORTER", "none");
        let batch = (receive == JavaReceive::Batch).to_string();
        command.env("OTEL_INSTRUMENTATION_COMMON_MESSAGING_EXPERIMENTAL_RECEIVE_TELEMETRY_ENABLED", batch);
        Some(Self::start(&mut command))
    }

    /// The program in Go, or why the test is skipped: nobody asked for Go.
    ///
    /// # Panics
    /// When it cannot be started.
    pub fn go<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Option<Self> {
        let Some(program) = std::env::var_os("SPANBRIDGE_INTEROP_GO").filter(|program| !program.is_empty()) else {
            xtask::skip("SPANBRIDGE_INTEROP_GO is not set; `cargo xtask interop` builds the program");
            return None;
        };
        Some(Self::start(Command::new(program).args(arguments)))
    }

    /// What a peer says: the messages it got or sent, and the spans it made.
    ///
    /// # Panics
    /// When it has not ended well, or writes something else.
    pub async fn told(self) -> ChapterResult {
        let mut told = ChapterResult::default();
        for report in self.reports().await {
            match () {
                () if report.get("resourceSpans").is_some() => told.spans.extend(otlp(&report)),
                () if report.get("spanId").is_some() => told.spans.push(flat(&report)),
                () if report.get("body").is_some() => told.messages.push(report),
                () => told.polled.extend(report["polled"].as_u64()),
            }
        }
        told
    }
}

fn agent(jars: &Path) -> PathBuf {
    let files = std::fs::read_dir(jars).expect("jars").filter_map(Result::ok).map(|file| file.path());
    let is_agent = |path: &PathBuf| {
        path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b"opentelemetry-javaagent-"))
    };
    files.into_iter().find(is_agent).expect("OpenTelemetry's agent")
}

/// What a peer says of itself.
#[derive(Debug, Default)]
pub struct ChapterResult {
    /// Each message: `body`, `headers` as pairs, and with Go `baggage`.
    pub messages: Vec<Value>,
    /// How many messages each poll brought.
    pub polled: Vec<u64>,
    /// Its spans, in the order of their ends.
    pub spans: Vec<PeerSpan>,
}

/// A span of a peer's, ids in hex as it tells them.
#[derive(Clone, Debug)]
pub struct PeerSpan {
    /// Its name.
    pub name: String,
    /// Its trace.
    pub trace: String,
    /// Its id.
    pub id: String,
    /// The span above it; empty if there is none.
    pub parent: String,
    /// The spans it links to.
    pub links: Vec<String>,
}

impl ChapterResult {
    /// The span of this id.
    ///
    /// # Panics
    /// When the peer did not make it.
    pub fn span(&self, id: &str) -> &PeerSpan {
        self.spans.iter().find(|span| span.id == id).unwrap_or_else(|| panic!("no span {id} in {:?}", self.spans))
    }

    /// All spans whose name ends like this, such as `publish` or `process`.
    pub fn named(&self, verb: &str) -> Vec<&PeerSpan> {
        self.spans.iter().filter(|span| span.name.ends_with(verb)).collect()
    }

    /// Names from a span up to the first that the peer did not make, and the id of that.
    ///
    /// # Panics
    /// When the peer did not make the span.
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

/// Sends one message in the run of a trace with baggage, and one in a child run of it; the ids of the two runs.
///
/// # Panics
/// When no recorder is in effect.
pub async fn in_two_runs(send: impl AsyncFn()) -> (RunId, RunId) {
    let run = observe::run("order").open();
    let baggage = run.context().baggage().with("tier", "gold & silver").expect("room for it");
    let context = run.context().with_baggage(baggage);
    send().in_context(context.clone()).await;
    let child = observe::in_scope(&context, || observe::run("reprice").open());
    send().in_context(child.context().clone()).await;
    (run.id().expect("a run"), child.id().expect("a child run"))
}

/// A header of a message that a peer has told; the last one, as there may be several.
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

/// What peers have written, for every test that reads headers of theirs.
const CAPTURES: &str = include_str!("../../crates/spanbridge/tests/captures.txt");

/// Asserts that a peer writes what stands in the table of captures: the same headers in any order, but for the ids.
///
/// # Panics
/// When it writes something else by now, so that the table needs another entry.
pub fn as_captured(peer: &str, headers: impl IntoIterator<Item = (String, String)>) {
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
    assert!(captured.contains(&headers), "{peer} has written {headers:#?}, and captured is {captured:#?}");
}

/// Runs of 16 and of 32 hex digits are ids.
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
