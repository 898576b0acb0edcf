//! `spanbridge doctor`: what is missing in recorded runs, why, and what to change.

use super::lookup::digits;
use crate::args::{Cli, Doctor, Format};
use crate::failure::Failure;
use crate::stream;
use spanbridge_cli::answers::{self, DoctorQuestion, Selection, SlotAnswer};
use spanbridge_cli::render;
use spanbridge_cli::values::now;
use spanbridge_graph::{Checkup, Gap, NotJudged};
use spanbridge_query::Store;

pub(super) fn run(cli: &Cli, args: &Doctor, store: &Store) -> Result<(), Failure> {
    let question = DoctorQuestion { id: args.id.clone(), since: args.since, limit: args.limit };
    let selection = question.select(store)?;
    let checkup = Checkup::new(now()).grace(args.grace).silence(args.silence);
    let checkup = store.check_up(&selection.run_ids, checkup)?;
    let (gaps, not_judged) = (checkup.gaps(), checkup.not_judged());
    let slots = if args.id.is_none() { slots(cli, args)? } else { Vec::new() };
    match cli.format {
        Format::Json => {
            let mut answer = answers::doctor(store, &selection, &checkup);
            answers::add_slots(&mut answer, &slots);
            stream::print_json(&answer)?;
        }
        Format::Text => {
            let unknown = Unknown { damaged: store.damage().is_some(), has_rows: checkup.changed_rows() > 0 };
            print(cli, (&gaps, &not_judged), &selection, unknown)?;
            if !slots.is_empty() {
                let options = stream::options(cli);
                let between = if selection.run_ids.is_empty() { "" } else { "\n" };
                stream::print(&format!("{between}{}", render::slots(&slots, &options)), &options)?;
            }
        }
    }
    if selection.run_ids.is_empty() {
        return Err(Failure::NotFound(no_run(&selection)));
    }
    // What cannot be read is missing, too.
    let is_content = gaps.is_empty()
        && !slots.iter().any(|slot| slot.is_silent)
        && store.damage().is_none()
        && (not_judged.is_empty() || !args.strict);
    if is_content { Ok(()) } else { Err(Failure::FindingsReported) }
}

/// The slots that were followed into the store; those of a server that was named, as they are now.
fn slots(cli: &Cli, args: &Doctor) -> Result<Vec<SlotAnswer>, Failure> {
    let notes = cli.place()?.notes();
    let mut slots = notes.map_or_else(Vec::new, |notes| answers::slots(&notes, args.silence));
    if let Some(postgres) = &args.postgres {
        super::state::ask(postgres, &mut slots)?;
    }
    Ok(slots)
}

/// What is not known of the runs that were checked.
#[derive(Clone, Copy)]
struct Unknown {
    /// A part of the store cannot be read.
    damaged: bool,
    /// Rows of databases were changed.
    has_rows: bool,
}

/// Why there is no run to check. That must not pass as healthy.
fn no_run(selection: &Selection) -> String {
    let why = match selection {
        Selection { stored: 0, .. } => "the store has no runs".to_owned(),
        Selection { matching: 0, stored, .. } => format!("none of the {stored} runs in the store began since then"),
        Selection { matching, .. } => format!("--limit leaves none of {matching} runs"),
    };
    format!("find a run to check: {why}")
}

fn print(
    cli: &Cli,
    (gaps, not_judged): (&[Gap], &[NotJudged]),
    selection: &Selection,
    unknown: Unknown,
) -> Result<(), Failure> {
    let (options, runs, matching) = (stream::options(cli), selection.run_ids.len(), selection.matching);
    let ids = gaps.iter().map(|g| g.run_id).chain(not_judged.iter().map(|n| n.run_id));
    let digits = digits(ids.flatten());
    let mut text = match runs {
        0 => return Ok(()),
        _ if !gaps.is_empty() => render::gaps(gaps, runs, matching, digits, &options),
        _ => nothing_found((runs, matching), unknown, !not_judged.is_empty()),
    };
    if !not_judged.is_empty() {
        text.push('\n');
        text.push_str(&render::not_judged(not_judged, digits, &options));
    }
    stream::print(&text, &options)
}

/// That no gap was found in these runs: of how many, and whether everything is known of them.
fn nothing_found((runs, matching): (usize, usize), unknown: Unknown, is_part_unknown: bool) -> String {
    let what = match (unknown.damaged, is_part_unknown) {
        (_, true) => "no gap was found",
        (true, false) => "nothing else is missing",
        (false, false) => "nothing is missing",
    };
    let judged = if is_part_unknown { ", but not everything could be judged" } else { "" };
    // Only the history of a row, over all runs, tells whether a change of it is missing.
    let rows = if unknown.has_rows { "changed rows are not compared here: spanbridge state history\n" } else { "" };
    let others = matching.saturating_sub(runs);
    let found = match (runs, others) {
        (1, 0) => format!("{what} in this run{judged}\n"),
        (n, 0) => format!("{what} in these {n} runs{judged}\n"),
        (1, others) => format!("{what} in the newest run{judged}; {others} more were not checked\n"),
        (n, others) => format!("{what} in the newest {n} runs{judged}; {others} more were not checked\n"),
    };
    format!("{found}{rows}")
}
