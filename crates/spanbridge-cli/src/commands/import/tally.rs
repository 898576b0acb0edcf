//! What an import did, and how that is told.

use crate::args::{Cli, Format};
use crate::failure::Failure;
use crate::stream;
use serde_json::{Value, json};
use spanbridge_cli::render::escape;
use spanbridge_query::{ImportReport, Imported};
use std::collections::BTreeMap;

/// How much of what is bad is named. All of it is counted.
const MAX_NAMED: usize = 5;

/// How many unknown types are named. All are counted.
const MAX_TYPES: usize = 20;

#[derive(Default)]
pub(super) struct Tally {
    stored: u64,
    repeated: u64,
    /// Of those that are stored now.
    conflicts: u64,
    /// Records that are not stored, because their runs were pruned.
    late: u64,
    /// Records of unknown types, and how many of each.
    unknown: u64,
    unknown_types: BTreeMap<String, u64>,
    /// Text of logs that has no records.
    pub(super) other: u64,
    /// Lines that are no records.
    bad_lines: u64,
    /// Rows that are no records, or could not be read.
    bad_rows: u64,
    /// Requests that could not be read.
    bad_requests: u64,
    /// Spans without usable ids.
    pub(super) bad_spans: u64,
    named: Vec<(String, Place, String)>,
}

/// Where something bad is.
pub(super) enum Place {
    Line(u64),
    /// A row of a Parquet file.
    #[cfg_attr(not(feature = "parquet"), expect(dead_code, reason = "nothing else has rows"))]
    Row(u64),
    /// A row group of a Parquet file of which so many rows are lost.
    #[cfg(feature = "parquet")]
    RowGroup(u64, u64),
    /// A request that begins in this line, or is the one with this number in a file without lines.
    Request(u64),
    /// A span, by the id of its record.
    Span(String),
}

impl Place {
    fn words(&self) -> String {
        match self {
            Place::Line(line) => format!("line {line}"),
            Place::Row(row) => format!("row {row}"),
            #[cfg(feature = "parquet")]
            Place::RowGroup(number, _) => format!("row group {number}"),
            Place::Request(number) => format!("request {number}"),
            Place::Span(id) => format!("record {}", escape(id)),
        }
    }

    fn number(&self) -> u64 {
        match self {
            Place::Line(number) | Place::Row(number) | Place::Request(number) => *number,
            // Behind the rows.
            #[cfg(feature = "parquet")]
            Place::RowGroup(..) => u64::MAX,
            Place::Span(_) => u64::MAX,
        }
    }

    fn json(&self) -> (&'static str, Value) {
        match self {
            Place::Line(line) | Place::Row(line) => ("line", json!(line)),
            #[cfg(feature = "parquet")]
            Place::RowGroup(number, _) => ("request", json!(number)),
            Place::Request(number) => ("request", json!(number)),
            Place::Span(id) => ("recordId", json!(id)),
        }
    }
}

impl Tally {
    pub(super) fn bad(&mut self, file: &str, place: Place, why: impl ToString) {
        match place {
            Place::Line(_) => self.bad_lines += 1,
            Place::Row(_) => self.bad_rows += 1,
            #[cfg(feature = "parquet")]
            Place::RowGroup(_, rows) => self.bad_rows = self.bad_rows.saturating_add(rows),
            Place::Request(_) => self.bad_requests += 1,
            Place::Span(_) => self.bad_spans += 1,
        }
        self.name(file, place, why);
    }

    pub(super) fn add(&mut self, report: &ImportReport) {
        self.stored += report.stored;
        self.repeated += report.repeated;
        self.conflicts += report.conflicts;
        self.late += report.late.len() as u64;
    }

    /// A record, and what became of it. That one could not be stored is told with the reason.
    pub(super) fn became(&mut self, what: Imported, file: &str, place: Place) {
        match what {
            Imported::New => self.stored += 1,
            Imported::Repeated => self.repeated += 1,
            Imported::Late => self.late += 1,
            Imported::Conflict => {
                (self.stored, self.conflicts) = (self.stored + 1, self.conflicts + 1);
                self.name(file, place, "a record with this id and other content is stored; both are kept");
            }
            _ => {}
        }
    }

    /// A record of a type that is not known.
    pub(super) fn unknown(&mut self, record_type: String) {
        self.unknown += 1;
        if self.unknown_types.len() < MAX_TYPES || self.unknown_types.contains_key(&record_type) {
            *self.unknown_types.entry(record_type).or_default() += 1;
        }
    }

    fn name(&mut self, file: &str, place: Place, why: impl ToString) {
        if self.named.len() < MAX_NAMED {
            self.named.push((file.to_owned(), place, why.to_string()));
        }
    }

    /// Records that were read, whatever became of them.
    fn read(&self) -> u64 {
        self.stored + self.repeated + self.late + self.unknown
    }

    /// What was bad, each kind with its number.
    fn all_bad(&self) -> Vec<String> {
        let kinds = [
            (self.bad_lines, "line"),
            (self.bad_rows, "row"),
            (self.bad_requests, "request"),
            (self.bad_spans, "span"),
        ];
        let words = |(n, what): (u64, &str)| format!("{n} bad {what}{}", if n == 1 { "" } else { "s" });
        kinds.into_iter().filter(|(n, _)| *n > 0).map(words).collect()
    }

    /// What to say at the end if something was left out.
    pub(super) fn failure(&self) -> Option<String> {
        let lines = |n: u64| format!("{n} line{}", if n == 1 { "" } else { "s" });
        let unknown = |n: u64| format!("{n} record{} of unknown type", if n == 1 { "" } else { "s" });
        match (self.bad_lines, self.bad_rows + self.bad_requests + self.bad_spans, self.unknown) {
            (0, 0, 0) => None,
            (0, 0, n) => Some(format!("read {}; everything else was imported", unknown(n))),
            (n, 0, 0) => Some(format!("read {} as records; the other lines were imported", lines(n))),
            (_, _, n) => {
                let unknown = (n > 0).then(|| unknown(n));
                let all: Vec<String> = self.all_bad().into_iter().chain(unknown).collect();
                Some(format!("read {}; everything else was imported", all.join(", ")))
            }
        }
    }

    pub(super) fn report(&mut self, cli: &Cli) -> Result<(), Failure> {
        // What could not be read was known before what is in conflict.
        for of_file in self.named.chunk_by_mut(|(a, ..), (b, ..)| a == b) {
            of_file.sort_by_key(|(_, place, _)| place.number());
        }
        for (file, place, why) in &self.named {
            stream::note(&format!("{} of {}: {}", place.words(), escape(file), escape(why)));
        }
        let named_lines = self.named.iter().filter(|(_, place, _)| matches!(place, Place::Line(_))).count() as u64;
        let unnamed = self.bad_lines.saturating_sub(named_lines);
        if unnamed > 0 {
            stream::note(&format!("… and {unnamed} more bad {}", if unnamed == 1 { "line" } else { "lines" }));
        }
        if cli.format == Format::Json {
            return self.print_json();
        }
        let read = self.read();
        let mut text = format!("{read} record{} read", if read == 1 { "" } else { "s" });
        let counts = [
            (self.stored, "new"),
            (self.repeated, "already stored"),
            (self.conflicts, "in conflict with stored ones"),
            (self.late, "too late, as what is that old was pruned"),
            (self.unknown, "of unknown type"),
            (self.other, if self.other == 1 { "other line of a log" } else { "other lines of a log" }),
        ];
        for (n, what) in counts.into_iter().filter(|(n, what)| *n > 0 || (*what == "new" && read > 0)) {
            text.push_str(if what == "new" { ": " } else { ", " });
            text.push_str(&format!("{n} {what}"));
            if what == "of unknown type" {
                text.push_str(&self.types());
            }
        }
        for bad in self.all_bad() {
            text.push_str(", ");
            text.push_str(&bad);
        }
        text.push('\n');
        stream::print(&text, &stream::options(cli))
    }

    /// The unknown types, as far as they are remembered.
    fn types(&self) -> String {
        let types = self.unknown_types.iter().map(|(name, n)| match self.unknown_types.len() {
            1 => escape(name).into_owned(),
            _ => format!("{} {n}", escape(name)),
        });
        format!(" ({})", types.collect::<Vec<_>>().join(", "))
    }

    fn print_json(&self) -> Result<(), Failure> {
        let named = self.named.iter().map(|(file, place, why)| {
            let (key, value) = place.json();
            json!({ "file": file, key: value, "reason": why })
        });
        let mut report = json!({
            "schemaVersion": 1,
            "read": self.read(),
            "stored": self.stored,
            "repeated": self.repeated,
            "conflicts": self.conflicts,
            "late": self.late,
            "unknown": self.unknown,
            "unknownTypes": self.unknown_types,
            "other": self.other,
            "bad": self.bad_lines + self.bad_rows,
            "badLines": named.collect::<Vec<_>>(),
        });
        if self.bad_requests + self.bad_spans > 0 {
            report["badRequests"] = json!(self.bad_requests);
            report["badSpans"] = json!(self.bad_spans);
        }
        stream::print_json(&report)
    }
}
