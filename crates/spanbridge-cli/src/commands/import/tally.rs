//! What an import did, and how that is told.

use crate::args::{Cli, Format};
use crate::failure::Failure;
use crate::stream;
use serde_json::{Value, json};
use spanbridge_cli::render::escape;
use spanbridge_query::ImportReport;

/// How much of what is bad is named. All of it is counted.
const MAX_NAMED: usize = 5;

#[derive(Default)]
pub(super) struct Tally {
    stored: u64,
    pub(super) repeated: u64,
    conflicts: u64,
    /// Records of an unknown type.
    pub(super) unknown: u64,
    /// Lines that are no records.
    bad_lines: u64,
    /// Requests that could not be read.
    bad_requests: u64,
    /// Spans without usable ids.
    pub(super) bad_spans: u64,
    named: Vec<(String, Place, String)>,
}

/// Where something bad is.
pub(super) enum Place {
    Line(u64),
    /// A request that begins in this line, or is the one with this number in a file without lines.
    Request(u64),
    /// A span, by the id of its record.
    Span(String),
}

impl Place {
    fn words(&self) -> String {
        match self {
            Place::Line(line) => format!("line {line}"),
            Place::Request(number) => format!("request {number}"),
            Place::Span(id) => format!("record {}", escape(id)),
        }
    }

    fn json(&self) -> (&'static str, Value) {
        match self {
            Place::Line(line) => ("line", json!(line)),
            Place::Request(number) => ("request", json!(number)),
            Place::Span(id) => ("recordId", json!(id)),
        }
    }
}

impl Tally {
    pub(super) fn bad(&mut self, file: &str, place: Place, why: impl ToString) {
        match place {
            Place::Line(_) => self.bad_lines += 1,
            Place::Request(_) => self.bad_requests += 1,
            Place::Span(_) => self.bad_spans += 1,
        }
        if self.named.len() < MAX_NAMED {
            self.named.push((file.to_owned(), place, why.to_string()));
        }
    }

    pub(super) fn add(&mut self, report: &ImportReport) {
        self.stored += report.stored;
        self.repeated += report.repeated;
        self.conflicts += report.conflicts;
    }

    /// What was bad, each kind with its number.
    fn all_bad(&self) -> Vec<String> {
        let kinds = [(self.bad_lines, "line"), (self.bad_requests, "request"), (self.bad_spans, "span")];
        let words = |(n, what): (u64, &str)| format!("{n} bad {what}{}", if n == 1 { "" } else { "s" });
        kinds.into_iter().filter(|(n, _)| *n > 0).map(words).collect()
    }

    /// What to say at the end if not everything could be read.
    pub(super) fn failure(&self) -> Option<String> {
        let lines = |n: u64| format!("{n} line{}", if n == 1 { "" } else { "s" });
        match (self.bad_lines, self.bad_requests + self.bad_spans) {
            (0, 0) => None,
            (n, 0) => Some(format!("read {} as records; the other lines were imported", lines(n))),
            _ => Some(format!("read {}; everything else was imported", self.all_bad().join(", "))),
        }
    }

    pub(super) fn report(&self, cli: &Cli) -> Result<(), Failure> {
        for (file, place, why) in &self.named {
            stream::note(&format!("{} of {}: {}", place.words(), escape(file), escape(why)));
        }
        let named_lines = self.named.iter().filter(|(_, place, _)| matches!(place, Place::Line(_))).count() as u64;
        let unnamed = self.bad_lines - named_lines;
        if unnamed > 0 {
            stream::note(&format!("… and {unnamed} more bad {}", if unnamed == 1 { "line" } else { "lines" }));
        }
        if cli.format == Format::Json {
            return self.print_json();
        }
        let mut text = format!("{} new {}", self.stored, if self.stored == 1 { "record" } else { "records" });
        let counts = [
            (self.repeated, "already stored"),
            (self.conflicts, "in conflict with stored ones"),
            (self.unknown, "of an unknown type"),
        ];
        for (n, what) in counts.into_iter().filter(|(n, _)| *n > 0) {
            text.push_str(&format!(", {n} {what}"));
        }
        for bad in self.all_bad() {
            text.push_str(", ");
            text.push_str(&bad);
        }
        text.push('\n');
        stream::print(&text, &stream::options(cli))
    }

    fn print_json(&self) -> Result<(), Failure> {
        let named = self.named.iter().map(|(file, place, why)| {
            let (key, value) = place.json();
            json!({ "file": file, key: value, "reason": why })
        });
        let mut report = json!({
            "schemaVersion": 1,
            "stored": self.stored,
            "repeated": self.repeated,
            "conflicts": self.conflicts,
            "unknown": self.unknown,
            "bad": self.bad_lines,
            "badLines": named.collect::<Vec<_>>(),
        });
        if self.bad_requests + self.bad_spans > 0 {
            report["badRequests"] = json!(self.bad_requests);
            report["badSpans"] = json!(self.bad_spans);
        }
        stream::print_json(&report)
    }
}
