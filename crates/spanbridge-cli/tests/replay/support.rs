//! A store with a failed order, and workers that are shell scripts.
#![allow(dead_code, reason = "each test binary uses some of it")]

use crate::common::{MS, Recording, T0, attributes, end, run, span_id, start, text};
use spanbridge::record::{Artifact, Body, Record, Segment, SpanData, Via};
use spanbridge::{Kind, SpanId, Status, semconv};
use spanbridge_query::Store;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

pub(crate) const ORDER: &str = r#"{"order":42}"#;
pub(crate) const PROPERTIES: &str = r#"{"transport":"amqp","exchange":"","routingKey":"orders","queue":"orders"}"#;

/// How much of the message is recorded.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Input {
    Whole,
    Reference,
    Cut,
    WithoutProperties,
    Nothing,
}

pub(crate) fn artifact(span: u64, kind: &'static str, content: Option<&'static str>, size: u64) -> Body<'static> {
    let id = format!("artifact-{span}-{kind}");
    Body::Artifact(
        Artifact::new(span_id(span), id, kind, "application/json", size).with_preview(content.map(Into::into)),
    )
}

/// A span of this primitive, which failed if there is an error.
pub(crate) fn step(
    (id, parent): (u64, u64),
    (primitive, kind): (&'static str, Kind),
    name: &'static str,
    (from, to): (u64, u64),
    error: Option<&'static str>,
) -> SpanData<'static> {
    let mut span = start(id, parent, name, from);
    (span.primitive, span.kind, span.attributes) = (primitive.into(), kind, attributes(&[]));
    let status = if error.is_some() { Status::Error } else { Status::Ok };
    span.with_end(Some(end(to, status).with_error(error.map(Into::into))))
}

pub(crate) fn call(ids: (u64, u64), method: &'static str, url: &'static str, at: (u64, u64)) -> SpanData<'static> {
    let mut span = step(ids, ("http.client", Kind::Client), method, at, None);
    let said = [(semconv::HTTP_REQUEST_METHOD, text(method)), (semconv::URL_FULL, text(url))];
    span.attributes = attributes(&said);
    span
}

/// A segment of a process.
pub(crate) fn process(at: u64, pid: i64) -> Body<'static> {
    let resource =
        attributes(&[("host.name", text("web-1")), ("process.pid", spanbridge::record::AttributeValue::I64(pid))]);
    Body::Segment(Segment::new(T0 + at * MS, resource, Via::Receive))
}

/// An order: `shop` publishes it, `billing` asks the stock in parallel, and fails to charge.
pub(crate) fn order(input: Input) -> Vec<Record<'static>> {
    order_in(run(1), input)
}

pub(crate) fn order_in(of: spanbridge::RunId, input: Input) -> Vec<Record<'static>> {
    let mut shop = Recording::of(of, 1, "shop");
    let mut billing = Recording::of(of, 2, "billing");
    let publish = step((2, 1), ("messaging.publish", Kind::Producer), "publish orders", (1, 2), None);
    let size = ORDER.len() as u64;
    let mut out = vec![
        shop.record(process(0, 7)),
        shop.record(Body::Span(step((1, 0), ("flow.step", Kind::Internal), "place order", (0, 3), None))),
        shop.record(Body::Span(publish)),
        billing.record(process(10, 8)),
        billing.record(Body::Span(step(
            (3, 2),
            ("messaging.process", Kind::Consumer),
            "process orders",
            (10, 40),
            Some("card declined"),
        ))),
        billing.record(Body::Span(call((4, 3), "GET", "http://stock/42", (11, 12)))),
        billing.record(Body::Span(step(
            (5, 3),
            ("custom.charge", Kind::Internal),
            "charge",
            (13, 39),
            Some("card declined"),
        ))),
        billing.record(Body::Span(call((6, 5), "POST", "http://bank/charges", (14, 38)))),
        billing.record(artifact(4, "output", Some(r#"{"left":3}"#), 10)),
    ];
    match input {
        Input::Whole => out.push(billing.record(artifact(3, "input", Some(ORDER), size))),
        Input::Reference => out.push(billing.record(artifact(3, "input", None, size))),
        Input::Cut => out.push(billing.record(artifact(3, "input", Some("{\"ord"), size))),
        Input::WithoutProperties => out.push(billing.record(artifact(3, "input", Some(ORDER), size))),
        Input::Nothing => {}
    }
    if input != Input::WithoutProperties && input != Input::Nothing {
        out.push(billing.record(artifact(3, "input.properties", Some(PROPERTIES), PROPERTIES.len() as u64)));
    }
    out
}

pub(crate) fn keep(records: Vec<Record<'static>>) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    Store::open_or_create(dir.path()).unwrap().import(records).unwrap();
    dir
}

/// What the command did.
pub(crate) struct Answer {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) told: String,
}

impl Answer {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), told: text(output.stderr) }
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {}{}", self.out, self.told))
    }
}

/// The command, with a directory of its own for temporary files: see [`left`].
pub(crate) fn command(store: &TempDir, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    let (before, worker) = args.split_at(args.iter().position(|arg| *arg == "--").unwrap_or(args.len()));
    let temporary = store.path().join("temporary");
    std::fs::create_dir_all(&temporary).unwrap();
    command.arg("replay").args(before).arg("--db").arg(store.path()).args(worker);
    command.env("COLUMNS", "80").env("TMPDIR", temporary).stdin(Stdio::null());
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE");
    command
}

pub(crate) fn replay(store: &TempDir, args: &[&str]) -> Answer {
    Answer::of(command(store, args).output().unwrap())
}

/// How many temporary files are left.
pub(crate) fn left(store: &TempDir) -> usize {
    std::fs::read_dir(store.path().join("temporary")).map_or(0, |files| files.count())
}

/// A script that writes this report, as a worker does. Returns its path.
pub(crate) fn reports(dir: &Path, report: &serde_json::Value) -> String {
    let path = dir.join("report.json");
    std::fs::File::create(&path).unwrap().write_all(report.to_string().as_bytes()).unwrap();
    format!("cp '{}' \"$SPANBRIDGE_REPLAY_REPORT\"", path.display())
}

pub(crate) fn id(of: SpanId) -> String {
    of.to_string()
}
