//! `spanbridge compact`: folds what the logs have into the index.

use super::opening::directory;
use crate::args::{Cli, Compact, Format};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::size::{self, counted};
use crate::stream;
use serde_json::{Value, json};
use spanbridge_query::keeping::{self, FoldBudget, FoldReport};
use std::path::Path;
use std::time::Duration;

/// How long to wait until something new may be there.
const PAUSE: Duration = Duration::from_millis(500);

/// A watcher leaves less than this many new bytes in the logs. They are read as fast there, and would become small blocks.
const LEAST: u64 = 1 << 20;

pub(super) fn run(cli: &Cli, args: &Compact) -> Result<(), Failure> {
    let (path, mut budget) = (directory(cli, "fold", |database| database.compact)?, FoldBudget::everything());
    if !args.watch {
        return tell(cli, &fold(&path, budget)?, false);
    }
    // Whoever presses Ctrl-C ends the process. A fold that is not complete is undone.
    loop {
        let report = fold(&path, budget)?;
        if report.steps > 0 || report.removed > 0 {
            tell(cli, &report, true)?;
        }
        budget.least = LEAST;
        std::thread::sleep(PAUSE);
    }
}

fn fold(path: &Path, budget: FoldBudget) -> Result<FoldReport, Failure> {
    let mut progress = Progress::new();
    let report = keeping::compact(path, budget, |report| {
        progress.show("folding", report.bytes, report.bytes + report.remaining, size::show);
        true
    })?;
    Ok(report)
}

/// `in_a_line`: JSON, too, takes one line.
fn tell(cli: &Cli, report: &FoldReport, in_a_line: bool) -> Result<(), Failure> {
    let options = stream::options(cli);
    match cli.format {
        Format::Json if in_a_line => stream::print(&format!("{}\n", to_json(report)), &options.color(false)),
        Format::Json => stream::print_json(&to_json(report)),
        Format::Text => stream::print(&text(report), &options),
    }
}

fn to_json(report: &FoldReport) -> Value {
    json!({
        "schemaVersion": 1,
        "deliveries": report.frames,
        "spans": report.spans,
        "bytes": report.bytes,
        "logsRemoved": report.removed,
    })
}

fn text(report: &FoldReport) -> String {
    let removed = match report.removed {
        0 => String::new(),
        n => {
            format!("; removed {}", counted(n, "log that is not needed any more", "logs that are not needed any more"))
        }
    };
    if report.frames == 0 {
        return format!("nothing to fold{removed}\n");
    }
    let (spans, deliveries) =
        (counted(report.spans, "span", "spans"), counted(report.frames, "delivery", "deliveries"));
    format!("folded {deliveries} with {spans} ({}){removed}\n", size::show(report.bytes))
}
