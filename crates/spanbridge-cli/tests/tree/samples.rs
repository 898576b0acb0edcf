//! Sample graphs, and the builder that makes them. It takes spans in the order in which they began.

use spanbridge::record::{Endpoint, Via};
use spanbridge::{Kind, RunId, SegmentId, SpanId, TraceId};
use spanbridge_graph::*;

/// 2026-11-20T09:25:46.250Z, and the units of the samples.
pub(crate) const START: u64 = 1_795_166_746_250_000_000;
pub(crate) const US: u64 = 1_000;
pub(crate) const MS: u64 = 1_000_000;
pub(crate) const S: u64 = 1_000_000_000;

const RUN: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;

/// Builds a graph.
pub(crate) struct Build {
    pub(crate) graph: Graph,
    services: Vec<String>,
}

impl Build {
    pub(crate) fn run(name: &str, status: RunStatus, took: Option<u64>) -> Self {
        let run_id = RunId::new(RUN).unwrap();
        let mut run = Run::new(run_id, name, status, START);
        run.ended_at = took.map(|t| START + t);
        run.trace_ids = vec![TraceId::new(RUN).unwrap()];
        Self { graph: Graph::new(run), services: Vec::new() }
    }

    /// Adds a span, and returns its index, which later spans name as their parent. `what` is `service: name`. The span began
    /// `at` nanoseconds after the run.
    pub(crate) fn span(&mut self, parent: Option<usize>, what: &str, primitive: &str, at: u64, took: u64) -> usize {
        let (service, name) = what.split_once(": ").unwrap();
        let number = self.graph.spans.len();
        let segment = self.services.iter().position(|s| s == service).unwrap_or_else(|| {
            self.services.push(service.into());
            self.services.len() - 1
        });
        let kind = match primitive {
            "messaging.publish" => Kind::Producer,
            "messaging.process" | "messaging.receive" => Kind::Consumer,
            "http.client" | "function.invoke" | "messaging.settle" | "db.query" | "db.mutation" => Kind::Client,
            "http.server" | "function.handle" => Kind::Server,
            _ => Kind::Internal,
        };
        let segment_id = SegmentId::new(0x5e90_0000_0000_0000 + segment as u64 + 1).unwrap();
        let mut span = Span::new(RunId::new(RUN).unwrap(), segment_id, id(number), name);
        span.parent_span_id = parent.map(id);
        span.parent = parent;
        span.depth = parent.map_or(0, |p| self.graph.spans[p].depth + 1);
        (span.service, span.primitive, span.kind) = (service.into(), primitive.into(), kind);
        (span.status, span.started_at, span.ended_at) = (SpanStatus::Ok, START + at, Some(START + at + took));
        self.graph.spans.push(span);
        number
    }

    /// Adds an attribute to the span added last.
    pub(crate) fn attribute(&mut self, key: &str, value: impl Into<serde_json::Value>) -> &mut Self {
        self.last().attributes.push((key.into(), value.into()));
        self
    }

    /// Sets the status of the span added last.
    pub(crate) fn ended(&mut self, status: SpanStatus, error: Option<&str>) -> &mut Self {
        let span = self.last();
        (span.status, span.error) = (status, error.map(Into::into));
        if status == SpanStatus::Open {
            span.ended_at = None;
        }
        self
    }

    fn diagnostic(&mut self, code: &str, message: &str, count: u64) {
        let mut diagnostic = Diagnostic::new(code, message);
        diagnostic.count = Some(count);
        self.graph.diagnostics.push(diagnostic);
    }

    pub(crate) fn last(&mut self) -> &mut Span {
        self.graph.spans.last_mut().unwrap()
    }
}

fn id(number: usize) -> SpanId {
    SpanId::new(0x00f0_67aa_0ba9_0000 + number as u64 + 1).unwrap()
}

/// An order over gateway, function, database, HTTP, an in-process queue, a worker, RabbitMQ and another service, whose
/// first attempt fails.
pub(crate) fn order() -> Graph {
    let mut b = Build::run("POST /orders", RunStatus::Ok, Some(486 * MS));
    let root = b.span(None, "gateway: POST /orders", "http.server", 0, 486 * MS);
    b.attribute("http.response.status_code", 202);
    b.span(Some(root), "gateway: authorize", "custom.operation", 2 * MS, 3_100 * US);
    let invoke = b.span(Some(root), "gateway: invoke score", "function.invoke", 6 * MS, 142 * MS);
    let handle = b.span(Some(invoke), "score-fn: score", "function.handle", 21 * MS, 118 * MS);
    b.span(Some(handle), "score-fn: SELECT customers", "db.query", 24 * MS, 11_200 * US);
    let model = b.span(Some(handle), "score-fn: POST /v1/embeddings", "http.client", 36 * MS, 96 * MS);
    b.attribute("http.response.status_code", 200);
    let served = b.span(Some(model), "models: POST /v1/embeddings", "http.server", 41 * MS, 88 * MS);
    // As the conventions called it before.
    b.attribute("http.status_code", 200);
    b.span(Some(served), "models: embed", "embedding.call", 42 * MS, 84 * MS);
    b.span(Some(root), "gateway: INSERT orders", "db.mutation", 150 * MS, 8_400 * US);
    let enqueue = b.span(Some(root), "gateway: send fulfil", "messaging.publish", 160 * MS, 22 * US);
    b.attribute("spanbridge.handoff.status", "sent");
    let worker = b.span(Some(enqueue), "gateway: process fulfil", "messaging.process", 161 * MS, 320 * MS);
    b.span(Some(worker), "gateway: reserve stock", "flow.step", 163 * MS, 240 * MS);
    let publish = b.span(Some(worker), "gateway: publish orders:created", "messaging.publish", 405 * MS, 4_600 * US);
    b.attribute("spanbridge.handoff.status", "confirmed");
    let error = "card declined by issuer: insufficient funds (code 51)";
    let ship = "billing: process orders:created:billing";
    let first = b.span(Some(publish), ship, "messaging.process", 431 * MS, 212 * MS);
    b.attribute("spanbridge.delivery.attempt", 1).ended(SpanStatus::Error, Some(error));
    b.span(Some(first), "billing: charge card", "tool.call", 433 * MS, 205 * MS);
    b.ended(SpanStatus::Error, Some(error));
    b.span(Some(first), "billing: nack orders:created:billing", "messaging.settle", 644 * MS, 300 * US);
    let second = b.span(Some(publish), ship, "messaging.process", 1_650 * MS, 264 * MS);
    b.attribute("spanbridge.delivery.attempt", 2);
    b.span(Some(second), "billing: charge card", "tool.call", 1_652 * MS, 190 * MS);
    b.span(Some(second), "billing: UPDATE invoices", "db.mutation", 1_845 * MS, 61 * MS);
    b.span(Some(second), "billing: ack orders:created:billing", "messaging.settle", 1_915 * MS, 280 * US);
    b.graph
}

/// A run with spans that never ended, one that was dropped and one that panicked.
pub(crate) fn unfinished() -> Graph {
    let mut b = Build::run("nightly import", RunStatus::Open, None);
    let root = b.span(None, "importer: nightly import", "run", 0, 0);
    b.ended(SpanStatus::Open, None);
    b.span(Some(root), "importer: fetch manifest", "http.client", 4 * MS, 310 * MS);
    b.attribute("http.response.status_code", 503);
    b.span(Some(root), "importer: fetch manifest", "http.client", 620 * MS, 210 * MS);
    b.attribute("http.response.status_code", 200);
    let parse = b.span(Some(root), "importer: parse", "flow.step", 840 * MS, 95 * MS);
    b.ended(SpanStatus::Panicked, Some("index out of bounds: the len is 3 but the index is 7"));
    b.span(Some(parse), "importer: prefetch", "custom.operation", 845 * MS, 90 * MS);
    b.ended(SpanStatus::Cancelled, None);
    b.span(Some(root), "importer: publish rows", "messaging.publish", 940 * MS, 5 * S);
    b.attribute("spanbridge.handoff.status", "unknown").ended(SpanStatus::Error, Some("timed out after 5 s"));
    b.span(Some(root), "importer: parse", "flow.step", 5_950 * MS, 0);
    b.ended(SpanStatus::Open, None);
    b.diagnostic("record_dropped", "the buffer was full; spans of this run may be missing", 12);
    b.graph
}

/// Spans with missing parents, a batch, a linked job, a dead letter, child runs and a malformed header.
pub(crate) fn gaps() -> Graph {
    let mut b = Build::run("settle invoices", RunStatus::Error, Some(4 * S));
    b.graph.run.error = Some("2 of 3 invoices were not settled".into());
    let root = b.span(None, "ledger: settle invoices", "flow.run", 0, 700 * MS);
    b.ended(SpanStatus::Error, Some("2 of 3 invoices were not settled"));
    let publish = b.span(Some(root), "ledger: publish amq.default:late", "messaging.publish", 10 * MS, 2 * MS);
    b.attribute("spanbridge.handoff.status", "returned");
    b.ended(SpanStatus::Error, Some("312 NO_ROUTE"));
    let fanout = b.span(Some(root), "ledger: publish events:settled", "messaging.publish", 20 * MS, 2 * MS);
    b.attribute("spanbridge.handoff.status", "confirmed");
    let mut orphan = |parent: u64, what: &str, primitive: &str, at, took| {
        let i = b.span(None, what, primitive, at, took);
        let span = b.last();
        (span.parent_span_id, span.orphan) = (SpanId::new(parent), true);
        i
    };
    orphan(0xbb1f_3a00_0000_0001, "audit: process audit", "messaging.process", 900 * MS, 30 * MS);
    orphan(0xbb1f_3a00_0000_0001, "audit: process audit", "messaging.process", 960 * MS, 28 * MS);
    let failed = b.span(Some(fanout), "mail: process mail", "messaging.process", 1_400 * MS, 80 * MS);
    b.attribute("spanbridge.delivery.attempt", 3);
    b.ended(
        SpanStatus::Error,
        Some("550 mailbox unavailable\nremote host said:\n  no such user\n  (in reply to RCPT)"),
    );
    b.span(Some(failed), "mail: reject mail", "messaging.settle", 1_481 * MS, 200 * US);
    let dead = b.span(Some(fanout), "mail: process mail.dead", "messaging.process", 3_900 * MS, 9 * MS);
    let linked = b.span(None, "archive: process archive", "messaging.process", 3_000 * MS, 40 * MS);
    b.last().trace_id = TraceId::new(7).unwrap();
    b.last().links.push(Link::new(TraceId::new(RUN).unwrap(), id(fanout)));
    let batch = b.span(None, "archive: receive archive", "messaging.receive", 3_100 * MS, 60 * MS);
    for sender in [root, publish, linked] {
        b.last().links.push(Link::new(TraceId::new(RUN).unwrap(), id(sender)));
    }
    for n in 0..3 {
        b.span(Some(batch), "archive: ack archive", "messaging.settle", 3_150 * MS + n * MS, 100 * US);
    }
    b.span(Some(batch), "archive: ", "custom.operation", 3_110 * MS, 0);
    b.last().has_start = false;
    let end = |i| Endpoint::Span { trace_id: TraceId::new(RUN).unwrap(), span_id: id(i) };
    b.graph.edges.push(Edge::new("dead_lettered.to", end(failed), end(dead)));
    b.graph.child_runs = vec![
        summary(0x1a2b_3c4d, "ship parcel 17", RunStatus::Ok),
        summary(0x99fe_0001, "ship parcel 18 to a rather long address", RunStatus::Suspended),
    ];
    b.graph.related_runs = vec![summary(0x0d0e_0f00, "refund", RunStatus::Error)];
    let message = "a traceparent header could not be read and was ignored, so the work that it came with began a trace \
                   of its own";
    b.diagnostic("malformed_traceparent", message, 3);
    b.graph
}

fn summary(prefix: u128, name: &str, status: RunStatus) -> RunSummary {
    RunSummary::new(RunId::new((prefix << 96) + 1).unwrap(), name, status, START)
}

/// Forty equal queries under one span, and some that are not equal.
pub(crate) fn siblings() -> Graph {
    let mut b = Build::run("GET /report", RunStatus::Ok, Some(2 * S));
    let root = b.span(None, "report: GET /report", "http.server", 0, 2 * S);
    b.span(Some(root), "report: SELECT customers", "db.query", 5 * MS, 40 * MS);
    for n in 0..40 {
        b.span(Some(root), "report: SELECT invoices", "db.query", (50 + 45 * n) * MS, 31 * MS);
    }
    for n in 0..4 {
        b.span(Some(root), "report: render page", "custom.operation", (1850 + 30 * n) * MS, 20 * MS);
    }
    b.graph
}

/// A chain of spans, each under the one before.
pub(crate) fn chain(spans: usize) -> Graph {
    let mut b = Build::run("recurse", RunStatus::Ok, Some(S));
    let mut above = None;
    for n in 0..spans {
        let at = n as u64 * (S / 2) / spans as u64;
        above = Some(b.span(above, &format!("deep: level {n}"), "custom.operation", at, S - 2 * at));
        if n % 5 == 1 {
            b.span(above, "deep: leaf", "custom.operation", at, MS);
        }
    }
    b.graph
}

/// Names with wide characters, names that are far too long, and names with control characters.
pub(crate) fn names() -> Graph {
    let mut b = Build::run("注文を処理する", RunStatus::Ok, Some(300 * MS));
    let root = b.span(None, "受付: POST /注文", "http.server", 0, 300 * MS);
    b.span(Some(root), "受付: 在庫を確認する 👩‍🚀🚀", "db.query", 10 * MS, 120 * MS);
    let long = "com.example.warehouse.inventory.reservation.ReserveStockForOrderLineItemsUseCase::execute_with_retry";
    let deep =
        b.span(Some(root), &format!("a-service-with-quite-a-long-name: {long}"), "tool.call", 130 * MS, 100 * MS);
    b.ended(SpanStatus::Error, Some(&"warehouse said no; ".repeat(12)));
    b.span(
        Some(deep),
        "a-service-with-quite-a-long-name: 在庫引当の詳細な手順をすべて実行してから結果を記録する処理",
        "flow.step",
        135 * MS,
        80 * MS,
    );
    b.attribute("spanbridge.handoff.status", "confirmed").attribute("http.response.status_code", 404);
    b.span(
        Some(root),
        "\x1b[31mevil\x1b[0m: \x1b]0;owned\x07\rok\n\u{202e}gpj.exe",
        "custom.operation",
        240 * MS,
        10 * MS,
    );
    b.graph
}

/// A workflow that waited two days for a person, and continued elsewhere.
pub(crate) fn workflow() -> Graph {
    const DAY: u64 = 86_400 * S;
    let mut b = Build::run("approval", RunStatus::Ok, Some(2 * DAY + 900 * MS));
    b.span(None, "flows: collect", "flow.step", 0, 420 * MS);
    b.span(None, "flows: ask", "messaging.publish", 425 * MS, 6 * MS);
    b.attribute("spanbridge.handoff.status", "confirmed");
    b.span(None, "flows-b: decide", "flow.step", 2 * DAY + 440 * MS, 400 * MS);
    b.span(None, "flows-b: notify", "tool.call", 2 * DAY + 845 * MS, 50 * MS);
    b.wait("s1", 1, "waiting for a person", 440 * MS, Some(2 * DAY + 435 * MS));
    b.segment(1, "flows", Via::Start, 0, None);
    b.segment(2, "flows-b", Via::Resume, 2 * DAY + 435 * MS, Some("s1"));
    b.graph.run.waited = 2 * DAY - 5 * MS;
    b.graph
}

/// A run that three workers resumed at once. One of them suspended it again, and another process ended it.
pub(crate) fn fan_out() -> Graph {
    let mut b = Build::run("index", RunStatus::Ok, Some(9_100 * MS));
    b.span(None, "indexer: split", "flow.step", 0, 120 * MS);
    for (n, took) in [(0u64, 900), (1, 700), (2, 1_400)] {
        let part = b.span(None, "worker: index shard", "flow.step", (3_000 + 10 * n) * MS, took * MS);
        b.last().segment_id = segment(2 + n);
        b.span(Some(part), "worker: write", "db.mutation", (3_100 + 10 * n) * MS, 200 * MS);
        b.last().segment_id = segment(2 + n);
    }
    b.span(None, "worker: retry write", "db.mutation", 8_000 * MS, 50 * MS);
    b.last().segment_id = segment(5);
    b.span(None, "indexer: publish index", "messaging.publish", 9_000 * MS, 40 * MS);
    b.attribute("spanbridge.handoff.status", "confirmed");
    b.last().segment_id = segment(6);
    b.wait("s1", 1, "shards", 130 * MS, Some(3_000 * MS));
    b.wait("s2", 3, "the database is locked", 3_800 * MS, Some(8_000 * MS));
    b.segment(1, "indexer", Via::Start, 0, None).of("10", "web-1");
    for n in 0..3 {
        b.segment(2 + n, "worker", Via::Resume, (3_000 + 10 * n) * MS, Some("s1"))
            .of(["71", "72", "71"][n as usize], "web-2");
    }
    b.segment(5, "worker", Via::Resume, 8_000 * MS, Some("s2")).of("90", "web-2");
    b.segment(6, "indexer", Via::Resume, 9_000 * MS, None).of("10", "web-1");
    b.graph.run.waited = 2_870 * MS + 3_590 * MS;
    b.graph
}

/// A suspended run. Of the process that began it, only the wait is recorded.
pub(crate) fn waiting() -> Graph {
    let mut b = Build::run("approval", RunStatus::Suspended, None);
    b.span(None, "flows: decide", "flow.step", 61 * S, 40 * MS);
    b.last().segment_id = segment(2);
    b.wait("s0", 0, "", 0, None);
    let lost = &mut b.graph.run.suspensions[0];
    (lost.reason, lost.segment_id, lost.suspended_at, lost.resumed_at) = (None, None, None, Some(START + 60 * S));
    b.segment(2, "flows", Via::Resume, 60 * S, Some("s0"));
    b.wait("s1", 2, "the \x1b[2Jbudget", 62 * S, None);
    b.graph
}

fn segment(number: u64) -> SegmentId {
    SegmentId::new(0x5e90_0000_0000_0000 + number).unwrap()
}

impl Build {
    pub(crate) fn wait(&mut self, id: &str, by: u64, reason: &str, from: u64, to: Option<u64>) {
        let mut wait = Suspension::new(id);
        wait.reason = Some(reason.into());
        wait.segment_id = SegmentId::new(0x5e90_0000_0000_0000 + by);
        wait.suspended_at = Some(START + from);
        wait.resumed_at = to.map(|to| START + to);
        self.graph.run.suspensions.push(wait);
    }

    pub(crate) fn segment(
        &mut self,
        number: u64,
        service: &str,
        via: Via,
        at: u64,
        after: Option<&str>,
    ) -> Process<'_> {
        let mut segment = Segment::new(segment(number), service);
        (segment.via, segment.started_at, segment.suspension_id) = (Some(via), Some(START + at), after.map(Into::into));
        self.graph.run.segments.push(segment);
        Process(self.graph.run.segments.last_mut().unwrap())
    }
}

pub(crate) struct Process<'b>(&'b mut Segment);

impl Process<'_> {
    fn of(self, pid: &str, host: &str) {
        let pid = serde_json::Value::from(pid.parse::<u64>().unwrap());
        self.0.resource = vec![("process.pid".into(), pid), ("host.name".into(), host.into())];
    }
}

/// Every sample, by name.
pub(crate) fn all() -> Vec<(&'static str, Graph)> {
    vec![
        ("order", order()),
        ("unfinished", unfinished()),
        ("gaps", gaps()),
        ("siblings", siblings()),
        ("names", names()),
        ("workflow", workflow()),
        ("fan_out", fan_out()),
        ("waiting", waiting()),
        ("chain", chain(30)),
    ]
}
