//! `spanbridge check`: what is damaged, and making the index again.

use super::opening::directory;
use crate::args::{Check, Cli, Format};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::size::{self, counted};
use crate::stream;
use serde_json::{Value, json};
use spanbridge_cli::render::escape;
use spanbridge_query::keeping::{self, CheckReport};
use std::fmt::Write;
use std::path::Path;

/// How many losses are listed. All are counted.
const MAX_LOSSES: usize = 20;

pub(super) fn run(cli: &Cli, args: &Check) -> Result<(), Failure> {
    let path = directory(cli, "check", |database| database.check)?;
    if args.rebuild {
        return rebuild(cli, &path, args.yes);
    }
    let mut progress = Progress::new();
    let report = keeping::check(path, |at| {
        let units = |n| if at.what == "logs" { size::show(n) } else { n.to_string() };
        progress.show(&format!("checking {}", at.what), at.done, at.total, units);
    })?;
    drop(progress);
    match cli.format {
        Format::Json => stream::print_json(&to_json(&report))?,
        Format::Text => stream::print(&text(&report), &stream::options(cli))?,
    }
    if report.problems.is_empty() { Ok(()) } else { Err(Failure::FindingsReported) }
}

fn rebuild(cli: &Cli, path: &Path, is_confirmed: bool) -> Result<(), Failure> {
    if !is_confirmed {
        let why = "runs whose logs were removed after they were folded are in the index alone, which is put aside";
        return Err(Failure::Usage(format!("make the index again without --yes: {why}")));
    }
    let mut progress = Progress::new();
    let report = keeping::rebuild(path, |report| {
        progress.show("folding", report.bytes, report.bytes + report.remaining, size::show);
        true
    })?;
    drop(progress);
    if cli.format == Format::Json {
        return stream::print_json(&json!({
            "schemaVersion": 1,
            "runs": report.runs,
            "spans": report.spans,
            "missingRuns": report.missing,
            "putAside": report.put_aside.map(|path| path.display().to_string()),
        }));
    }
    let (runs, spans) = (counted(report.runs, "run", "runs"), counted(report.spans, "span", "spans"));
    let mut text = format!("made the index again, with {runs} and {spans}\n");
    if let Some(aside) = &report.put_aside {
        let aside = aside.display().to_string();
        let what = match report.missing {
            Some(0) => "the old one has nothing else; it is in".to_owned(),
            Some(n) => format!("{} in the old one alone, which is in", counted(n, "run is", "runs are")),
            None => "the old one cannot be read as a whole; it is in".to_owned(),
        };
        let _ = writeln!(text, "{what} {}", escape(&aside));
        if report.missing != Some(0) {
            let _ = writeln!(text, "`spanbridge import {}` brings back what can be read in it", escape(&aside));
        }
    }
    stream::print(&text, &stream::options(cli))
}

fn to_json(report: &CheckReport) -> Value {
    let problems = report.problems.iter().map(|p| json!({ "kind": p.kind, "what": p.what, "fix": p.fix }));
    let mut answer = json!({
        "schemaVersion": 1,
        "logs": {
            "files": report.logs.files,
            "bytes": report.logs.bytes,
            "deliveries": report.logs.deliveries,
            "records": report.logs.records,
            "unfoldedBytes": report.logs.unfolded,
        },
        "problems": problems.collect::<Vec<_>>(),
        "moreProblems": report.more_problems,
        "losses": report.losses,
    });
    if let Some(index) = &report.index {
        answer["index"] =
            json!({ "bytes": index.bytes, "blocks": index.blocks, "runs": index.runs, "spans": index.spans });
        if let Some(path) = &index.path {
            answer["index"]["path"] = path.display().to_string().into();
        }
    }
    answer
}

fn text(report: &CheckReport) -> String {
    let (mut text, logs) = (String::new(), &report.logs);
    let _ = writeln!(
        text,
        "logs   {}, {}, {}, {}; {} not folded",
        counted(logs.files, "file", "files"),
        size::show(logs.bytes),
        counted(logs.deliveries, "delivery", "deliveries"),
        counted(logs.records, "record", "records"),
        size::show(logs.unfolded),
    );
    if let Some(index) = &report.index {
        let place = if index.path.is_some() { size::show(index.bytes) } else { "in memory".to_owned() };
        let _ = writeln!(
            text,
            "index  {place}, {}, {}, {}",
            counted(index.runs, "run", "runs"),
            counted(index.spans, "span", "spans"),
            counted(index.blocks, "block", "blocks"),
        );
    }
    for problem in &report.problems {
        let _ = writeln!(text, "\n! {}: {}\n  {}", problem.kind, escape(&problem.what), problem.fix);
    }
    if report.more_problems > 0 {
        let _ = writeln!(text, "\n… and {}", counted(report.more_problems, "more problem", "more problems"));
    }
    if !report.losses.is_empty() {
        let _ = writeln!(text, "\nknown to be lost:");
        for loss in report.losses.iter().take(MAX_LOSSES) {
            let _ = writeln!(text, "  {}", escape(loss));
        }
        let more = report.losses.len().saturating_sub(MAX_LOSSES);
        if more > 0 {
            let _ = writeln!(text, "  … and {more} more");
        }
    }
    if report.problems.is_empty() {
        text.push_str("\nnothing is wrong\n");
    }
    text
}
