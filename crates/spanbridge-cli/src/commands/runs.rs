//! `spanbridge runs`: recent runs.

use super::lookup::digits;
use crate::args::{Cli, Filters, Format, Runs, Sort};
use crate::failure::Failure;
use crate::stream;
use spanbridge_cli::answers::{self, RunsQuestion};
use spanbridge_cli::render;
use spanbridge_cli::values::now;
use spanbridge_query::{RunQuery, RunSort, Store};

pub(super) fn run(cli: &Cli, args: &Runs, store: &Store) -> Result<(), Failure> {
    let question = question(args);
    if args.count {
        let count = store.count(&question.query())?;
        return match cli.format {
            Format::Json => stream::print_json(&answers::count(store, count)),
            Format::Text => stream::print(&format!("{count}\n"), &stream::options(cli)),
        };
    }
    let (rows, more) = question.rows(store)?;
    if cli.format == Format::Json {
        return stream::print_json(&answers::runs(store, &(rows, more)));
    }
    if rows.is_empty() {
        let is_empty = chosen(&args.filters).query() == RunQuery::default() && store.damage().is_none();
        stream::note(match (more, is_empty, args.page) {
            (true, ..) => "--limit 0 leaves no run to show",
            (false, true, _) => "the store has no runs yet",
            (false, false, 1) => "no run matches",
            (false, false, _) => "no run is on this page",
        });
        return Ok(());
    }
    let digits = if args.full_ids { 32 } else { digits(rows.iter().map(|r| r.run_id)) };
    let options = stream::options(cli);
    stream::print(&render::runs(&rows, digits, now(), &options), &options)?;
    if more {
        stream::note(&format!(
            "there are more runs; use --page {} or --limit to see them",
            args.page.saturating_add(1)
        ));
    }
    Ok(())
}

/// Which runs were asked for: the first page of them.
pub(super) fn chosen(filters: &Filters) -> RunsQuestion {
    RunsQuestion {
        status: filters.status,
        service: filters.service.clone(),
        name: filters.name.clone(),
        attributes: filters.attribute.clone(),
        error: filters.error.clone(),
        since: filters.since,
        until: filters.until,
        min_duration: filters.min_duration,
        children: filters.children,
        ..RunsQuestion::default()
    }
}

fn question(args: &Runs) -> RunsQuestion {
    RunsQuestion {
        sort: match args.sort {
            Sort::Newest => RunSort::Newest,
            Sort::Oldest => RunSort::Oldest,
            Sort::Longest => RunSort::Longest,
            Sort::Errors => RunSort::MostErrors,
            Sort::Spans => RunSort::MostSpans,
        },
        limit: args.limit,
        page: args.page,
        ..chosen(&args.filters)
    }
}
