//! `spanbridge prune`: removes old runs.

use super::opening::open;
use crate::args::{Cli, Format, Prune};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::size::{self, counted};
use crate::stream;
use serde_json::json;
use spanbridge_query::keeping::{self, PruneReport};

pub(super) fn run(cli: &Cli, args: &Prune) -> Result<(), Failure> {
    let place = cli.place()?;
    if let (Err(database), Some(_)) = (place.as_directory(), args.max_size) {
        return Err(Failure::Usage(format!("prune the store: {}", database.max_size)));
    }
    let mut prune =
        keeping::Prune::new().keep_failed(args.keep_failed).keep_suspended(args.keep_suspended).dry_run(args.dry_run);
    if let Some(age) = args.older_than {
        prune = prune.older_than(age);
    }
    if let Some(bytes) = args.max_size {
        prune = prune.max_bytes(bytes);
    }
    let mut progress = Progress::new();
    let each = |report: &PruneReport| {
        progress.show("pruning", report.runs, 0, |runs| counted(runs, "run", "runs"));
        true
    };
    let report = match place.directory() {
        Some(path) => keeping::prune(path, &prune, each),
        None => keeping::prune_store(&mut open(cli)?, &prune, each),
    }?;
    drop(progress);
    match cli.format {
        Format::Json => stream::print_json(&json!({
            "schemaVersion": 1,
            "dryRun": args.dry_run,
            "runs": report.runs,
            "spans": report.spans,
            "bytes": report.bytes,
            "bytesLeft": report.bytes_left,
            "keptFailed": report.kept_failed,
            "keptSuspended": report.kept_suspended,
            "keptOpen": report.kept_open,
        })),
        Format::Text => stream::print(&text(&report, args.dry_run), &stream::options(cli)),
    }
}

fn text(report: &PruneReport, dry_run: bool) -> String {
    let (runs, spans) = (counted(report.runs, "run", "runs"), counted(report.spans, "span", "spans"));
    let (freed, left) = (size::show(report.bytes), size::show(report.bytes_left));
    let mut text = match (report.runs, dry_run) {
        (0, _) => format!("no runs to prune; the store has {left}\n"),
        (_, true) => format!("would prune {runs} with {spans}, and free about {freed}; about {left} would be left\n"),
        (_, false) => format!("pruned {runs} with {spans}, and freed {freed}; {left} are left\n"),
    };
    for (n, one, many) in [
        (report.kept_failed, "run that failed", "runs that failed"),
        (report.kept_suspended, "run that is suspended", "runs that are suspended"),
        (
            report.kept_open,
            "run without an end, in which something happened lately",
            "runs without an end, in which something happened lately",
        ),
    ] {
        if n > 0 {
            text.push_str(&format!("kept {}\n", counted(n, one, many)));
        }
    }
    text
}
