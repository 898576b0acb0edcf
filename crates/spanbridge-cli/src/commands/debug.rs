//! `spanbridge debug`: each step of a run, with everything that is recorded of it.

use crate::args::{Cli, Debug, Format};
use crate::failure::Failure;
use crate::stream;
use spanbridge_cli::answers::find;
use spanbridge_cli::render;
use spanbridge_query::{Id, Store};

pub(super) fn run(cli: &Cli, args: &Debug, store: &Store) -> Result<(), Failure> {
    let (what, run_ids) = find(store, &args.id)?;
    let gone = || Failure::NotFound(format!("read the run of {}: it is no longer in the store", args.id));
    let run_id = run_ids.first().copied().ok_or_else(gone)?;
    let graph = store.within(args.large.limit(false)).graph(run_id)?.ok_or_else(gone)?;
    if cli.format == Format::Json {
        return stream::print_json(&graph.to_json());
    }
    let below = if let Id::Span(span) = what { Some(span) } else { None };
    let lines = if args.full { usize::MAX } else { render::PAYLOAD_LINES };
    let options = stream::options(cli);
    for text in render::debug(&graph, below, lines, &options) {
        stream::print(&text, &options)?;
    }
    Ok(())
}
