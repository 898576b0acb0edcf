//! Stores with runs.

use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) const ORDER: u128 = 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736;
const MAIL: u128 = 0xabc0_0000_0000_0000_0000_0000_0000_0001;

/// A store in a directory of its own.
pub(crate) struct Place(tempfile::TempDir);

impl Place {
    /// With an order that failed once, and a run that is linked to it.
    pub(crate) fn new() -> Self {
        let place = Place(tempfile::tempdir().unwrap());
        place.import(&order());
        place.import(&mail());
        place
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.0.path().join("store")
    }

    pub(crate) fn import(&self, records: &Records) {
        import(&self.store(), &self.0.path().join("records.jsonl"), &records.lines);
    }
}

fn import(store: &Path, file: &Path, lines: &str) {
    fs::write(file, lines).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    let output = command.arg("import").arg(file).arg("--db").arg(store).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// The records of one run.
pub(crate) struct Records {
    run: u128,
    lines: String,
    number: u64,
    /// The minute in which it began.
    minute: u32,
}

impl Records {
    /// A run that begins at this minute, takes `took` milliseconds, and is ok.
    pub(crate) fn run(run: u128, name: &str, minute: u32, took: u32) -> Self {
        let mut records = Self { run, lines: String::new(), number: 0, minute };
        records.add("x", json!({"type": "run:start", "name": name, "startedAt": records.at(0)}));
        records.add("x", json!({"type": "run:end", "endedAt": records.at(took), "status": "ok"}));
        records
    }

    /// More of a run that is stored.
    pub(crate) fn more(run: u128, minute: u32) -> Self {
        Self { run, lines: String::new(), number: 1000, minute }
    }

    fn at(&self, ms: u32) -> String {
        format!("2026-11-20T09:{:02}:{:02}.{:03}Z", self.minute, ms / 1000, ms % 1000)
    }

    fn add(&mut self, service: &str, mut record: Value) {
        self.number += 1;
        let run = format!("{:032x}", self.run);
        let segment = service.bytes().fold(self.run as u64 | 1, |sum, byte| sum.wrapping_mul(31) ^ u64::from(byte)) | 1;
        let common = json!({"schemaVersion": 1, "recordId": format!("{run}-{}", self.number), "runId": run, "traceId": run,
            "segmentId": format!("{segment:016x}"), "segmentSeq": self.number, "service": service});
        record.as_object_mut().unwrap().extend(common.as_object().unwrap().clone());
        self.lines.push_str(&format!("{record}\n"));
    }

    /// A span. Those of a run are numbered as you like.
    pub(crate) fn span(
        &mut self,
        id: u64,
        parent: u64,
        what: &str,
        kind: &str,
        [ms, took]: [u32; 2],
        more: Value,
    ) -> &mut Self {
        let (service, name) = what.split_once(": ").unwrap();
        let primitive = match kind {
            "producer" => "messaging.publish",
            "consumer" => "messaging.process",
            "server" => "http.server",
            _ => "flow.step",
        };
        let mut span = json!({"type": "span", "spanId": format!("{id:016x}"), "name": name, "primitive": primitive,
            "family": primitive.split('.').next(), "kind": kind, "startedAt": self.at(ms), "endedAt": self.at(ms + took),
            "status": "ok"});
        if parent > 0 {
            span["parentSpanId"] = format!("{parent:016x}").into();
        }
        span.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.add(service, span);
        self
    }
}

fn order() -> Records {
    let failed = || json!({"status": "error", "error": "card declined"});
    let mut order = Records::run(ORDER, "POST /orders", 25, 31);
    order
        .span(1, 0, "gateway: POST /orders", "server", [0, 30], json!({}))
        .span(2, 1, "gateway: publish orders", "producer", [6, 4], json!({}))
        .span(3, 2, "billing: process orders", "consumer", [2010, 120], failed())
        .span(4, 3, "billing: charge card", "internal", [2015, 100], failed())
        .span(
            5,
            2,
            "billing: process orders",
            "consumer",
            [3200, 300],
            json!({"attributes": {"spanbridge.delivery.attempt": 2}}),
        )
        .span(6, 5, "billing: publish receipts", "producer", [3450, 6], json!({}));
    order
}

fn mail() -> Records {
    let link = json!({"links": [{"traceId": format!("{ORDER:032x}"), "spanId": format!("{:016x}", 6)}]});
    let mut mail = Records::run(MAIL, "send receipts", 26, 55);
    mail.span(0x20, 0, "mailer: process receipts", "consumer", [0, 50], link);
    mail
}
