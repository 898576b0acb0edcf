//! `spanbridge replay`: runs the code of a recorded run again.

mod files;
mod worker;

use crate::args::{Cli, Format, Replay};
use crate::failure::Failure;
use crate::stream;
use files::{Files, write_private};
use serde_json::Value;
use spanbridge_cli::render;
use spanbridge_cli::replay::{Entry, Plan, choose, records, report_json};
use spanbridge_query::Store;
use spanbridge_replay::{Case, Error, ErrorKind, Report, Verdict};
use worker::{Ended, Worker};

/// What a worker does that knows nothing of replays.
const NO_REPLAYER: &str = "
  The worker takes what is replayed with `spanbridge_replay::Replayer::from_environment`, before it connects to anything.";

const OTHER_VERSION: &str = "
  The worker and this command are of different releases. Build the worker with the release of `spanbridge --version`.";

const BROKEN: &str = "
  Nothing else may write to the file that SPANBRIDGE_REPLAY_REPORT names.";

pub(super) fn run(cli: &Cli, args: &Replay, store: &mut Store) -> Result<(), Failure> {
    let mut case = match choose(store, &args.id, args.span.as_deref())? {
        Entry::One(case) => *case,
        Entry::Several(candidates) => {
            let options = stream::options(cli).color(false);
            let listed = render::replay_candidates(&candidates, &options);
            let choosing = format!("choose a handler of {}", args.id);
            return Err(match candidates.iter().any(|candidate| candidate.obstacle.is_none()) {
                true => Failure::Usage(format!("{choosing}: there are several; name one with --span\n{listed}")),
                false => Failure::NotFound(format!("{choosing}: none of these can be run again\n{listed}")),
            });
        }
        _ => return Err(Failure::NotFound(format!("find a handler in {}", args.id))),
    };
    (case.live, case.scratch, case.ignore) = (args.live.clone(), args.scratch.clone(), args.ignore.clone());
    if let Some(file) = &args.save {
        let doing = || format!("write the case to {}", file.display());
        write_private(file, &case.to_json()).map_err(|e| Failure::io(doing(), &e))?;
    }
    let plan = Plan::of(&case);
    if args.command.is_empty() || plan.reason.is_some() {
        return show_plan(cli, args, &plan, &case);
    }
    let (report, ended) = worker(cli, args, &case)?;
    if ended.interrupted {
        stream::note("interrupted; the worker had written its report");
    }
    keep(store, &report)?;
    match cli.format {
        Format::Json => stream::print_json(&saved(report_json(&report), args))?,
        Format::Text => {
            let options = stream::options(cli);
            stream::print(&render::replay(&report, &case, &options), &options)?;
            say_saved(args);
        }
    }
    if report.verdict == Verdict::Same { Ok(()) } else { Err(Failure::FindingsReported) }
}

fn show_plan(cli: &Cli, args: &Replay, plan: &Plan, case: &Case) -> Result<(), Failure> {
    match cli.format {
        Format::Json => stream::print_json(&saved(plan.to_json(case), args))?,
        Format::Text => {
            let options = stream::options(cli);
            stream::print(&render::replay_plan(plan, case, &options), &options)?;
            say_saved(args);
        }
    }
    if plan.reason.is_none() { Ok(()) } else { Err(Failure::FindingsReported) }
}

/// Adds where the case was written to.
fn saved(mut answer: Value, args: &Replay) -> Value {
    if let Some(file) = &args.save {
        answer["saved"] = file.display().to_string().into();
    }
    answer
}

fn say_saved(args: &Replay) {
    if let Some(file) = &args.save {
        stream::note(&format!("the case is in {}", file.display()));
    }
}

/// Runs the worker, and reads what it reports.
fn worker(cli: &Cli, args: &Replay, case: &Case) -> Result<(Report, Ended), Failure> {
    let doing = |what: &str| format!("replay {}: {what}", args.id);
    let failed = |what: &'static str| move |e: std::io::Error| Failure::io(doing(what), &e);
    // Before the files, so that it is dropped after them: a signal does not end us as long as they are there.
    let mut worker = Worker::new(&args.command).map_err(failed("wait for signals"))?;
    let files = Files::new().map_err(failed("create temporary files"))?;
    write_private(&files.case(), &case.to_json()).map_err(failed("write the case"))?;
    let program = args.command.first().map(|program| program.to_string_lossy().into_owned()).unwrap_or_default();
    let ended =
        worker.run(&files, cli.format == Format::Json).map_err(|e| Failure::io(format!("start {program}"), &e))?;
    match Report::read(files.report()) {
        Ok(report) => Ok((report, ended)),
        Err(_) if !files.report().exists() => Err(no_report(&program, ended)),
        Err(error) => Err(not_read(&error)),
    }
}

fn no_report(program: &str, ended: Ended) -> Failure {
    let advice = if ended.status.success() { NO_REPLAYER } else { "" };
    let why = match ended.interrupted {
        true => format!("it was interrupted, and {program} {ended}"),
        false => format!("{program} {ended}"),
    };
    Failure::NotFound(format!("get a report from the worker: {why}{advice}"))
}

fn not_read(error: &Error) -> Failure {
    let advice = match error.kind() {
        ErrorKind::Version => OTHER_VERSION,
        _ => BROKEN,
    };
    Failure::NotFound(format!("{error}{advice}"))
}

/// Puts what the replay recorded into the store, so that it can be looked at and compared.
fn keep(store: &mut Store, report: &Report) -> Result<(), Failure> {
    let (records, mut broken) = records(report);
    broken += store.import(records)?.rejected.len();
    if broken > 0 {
        stream::note(&format!("{broken} records of the replay could not be stored"));
    }
    Ok(())
}
