//! `spanbridge tail`: what happens, while it happens.

use crate::args::{Cli, Format, Tail};
use crate::failure::Failure;
use crate::size;
use crate::stream;
use spanbridge_cli::answers::run_of;
use spanbridge_cli::render::{TailFilter, TailLines};
use spanbridge_query::{Store, TailRead};
use std::time::Duration;

/// How long to wait until something new may be there. Recorders deliver as often.
const PAUSE: Duration = Duration::from_millis(200);

pub(super) fn run(cli: &Cli, args: &Tail, store: &Store) -> Result<(), Failure> {
    // First, so that nothing is missed while the run is looked up.
    let mut tail = store.tail()?;
    let options = stream::options(cli);
    let mut lines = TailLines::new(filter(args, cli.format, store)?, &options);
    // Whoever presses Ctrl-C ends the process.
    loop {
        let mut records = Vec::new();
        let read = tail.read(|record| {
            lines.note(&record);
            records.push(record.into_owned());
        })?;
        tell(&read);
        records.retain(|record| lines.shows(record));
        let text: String = match cli.format {
            Format::Json => records.iter().map(|record| format!("{}\n", record.to_json())).collect(),
            Format::Text => {
                let mut found: Vec<_> = records.iter().filter_map(|record| lines.line(record)).collect();
                // Services deliver one after the other.
                found.sort_by_key(|(at, _)| *at);
                found.into_iter().map(|(_, line)| line).collect()
            }
        };
        stream::print(&text, &options)?;
        std::thread::sleep(PAUSE);
    }
}

fn filter(args: &Tail, format: Format, store: &Store) -> Result<TailFilter, Failure> {
    let mut filter = TailFilter::default();
    filter.services = args.service.clone();
    filter.name = args.name.clone();
    filter.errors = args.errors;
    // Programs filter for themselves.
    filter.all = args.all || format == Format::Json;
    filter.run = args.run.as_ref().map(|id| run_of(store, id)).transpose()?;
    Ok(filter)
}

fn tell(read: &TailRead) {
    if read.missed_logs > 0 {
        let logs = size::counted(read.missed_logs, "log", "logs");
        stream::note(&format!("{logs} went before anything of them could be shown"));
    }
    if read.missed_bytes > 0 {
        stream::note(&format!("{} could not be read", size::show(read.missed_bytes)));
    }
}
