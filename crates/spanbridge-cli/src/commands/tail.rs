//! `spanbridge tail`: what happens, while it happens.

use crate::args::{Cli, Format, Tail};
use crate::failure::Failure;
use crate::size;
use crate::stream;
use spanbridge::record::Record;
use spanbridge_cli::answers::run_of;
use spanbridge_cli::render::{Options, TailFilter, TailLines, escape};
use spanbridge_query::{ErrorKind, Store, TailRead};
use std::time::Duration;

/// How long to wait until a database that does not answer is asked again.
const RETRY: Duration = Duration::from_secs(1);

/// How many records are gathered before they are shown: after a pause, there may be any number.
const MAX_AT_ONCE: usize = 1 << 14;

pub(super) fn run(cli: &Cli, args: &Tail, store: &mut Store) -> Result<(), Failure> {
    let place = cli.place()?;
    // First, so that nothing is missed while the run is looked up.
    let mut tail = store.tail()?;
    let options = stream::options(cli);
    let mut screen = Screen {
        format: cli.format,
        lines: TailLines::new(filter(args, cli.format, store)?, &options),
        options: &options,
        records: Vec::new(),
    };
    if !tail.knows_losses() {
        stream::note("what writers lost before it was stored there is not known here");
    }
    let (mut is_away, mut told_damage) = (false, None);
    // Whoever presses Ctrl-C ends the process.
    loop {
        let mut shown = Ok(());
        let read = tail.read(store, |record| {
            if shown.is_ok() {
                shown = screen.take(record);
            }
        });
        // Also what came before an error: it does not come again.
        shown.and_then(|()| screen.show())?;
        match read {
            Ok(read) => {
                if std::mem::take(&mut is_away) {
                    stream::note("the database answers again");
                }
                tell(&read);
                let damage = store.damage().map(|damage| damage.message);
                if damage != told_damage {
                    damage.iter().for_each(|damage| stream::note(&escape(damage)));
                    told_damage = damage;
                }
                std::thread::sleep(tail.pause());
            }
            Err(error) if place.directory().is_none() && matches!(error.kind(), ErrorKind::Io | ErrorKind::Busy) => {
                if !std::mem::replace(&mut is_away, true) {
                    stream::note(&format!(
                        "failed to {}; it is asked again until it answers",
                        escape(&error.to_string())
                    ));
                }
                std::thread::sleep(RETRY);
                if let Ok(again) = place.open() {
                    *store = again;
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// What was read and is not shown yet.
struct Screen<'o> {
    format: Format,
    lines: TailLines,
    options: &'o Options,
    records: Vec<Record<'static>>,
}

impl Screen<'_> {
    fn take(&mut self, record: Record<'_>) -> Result<(), Failure> {
        self.lines.note(&record);
        self.records.push(record.into_owned());
        if self.records.len() < MAX_AT_ONCE { Ok(()) } else { self.show() }
    }

    fn show(&mut self) -> Result<(), Failure> {
        let mut records = std::mem::take(&mut self.records);
        records.retain(|record| self.lines.shows(record));
        let text: String = match self.format {
            Format::Json => records.iter().map(|record| format!("{}\n", record.to_json())).collect(),
            Format::Text => {
                let mut found: Vec<_> = records.iter().filter_map(|record| self.lines.line(record)).collect();
                // Services deliver one after the other.
                found.sort_by_key(|(at, _)| *at);
                found.into_iter().map(|(_, line)| line).collect()
            }
        };
        stream::print(&text, self.options)
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
    if read.may_repeat {
        stream::note("more came at once than can be remembered; some of it may be shown twice");
    }
}
