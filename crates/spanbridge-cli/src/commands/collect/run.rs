//! The command.

use super::destination::Destination;
use super::figures;
use super::trace::Trace;
use crate::args::{Cli, Collect, Format};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::summary::{Summary, Words};
use crate::{size, stream};
use spanbridge_cli::place::Place;
use spanbridge_cli::render::escape;
use spanbridge_relay::collect::{CollectEvent, CollectFigures, CollectOptions, Collected, Totals, collect};
use spanbridge_relay::{Address, Error, ErrorKind};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

/// So many messages that are set aside are named. The others are counted.
const MAX_NAMED: u64 = 10;

pub(in crate::commands) fn run(cli: &Cli, args: &Collect) -> Result<(), Failure> {
    let from: Address = args.from.parse()?;
    let place = match &args.to {
        Some(to) => Place::parse(to),
        None => cli.place()?,
    };
    let (mut destination, to) = (Destination::open(place.clone())?, place.to_string());
    let trace = if args.no_trace { None } else { Some(Trace::begin(place)?) };
    let mut options = CollectOptions::new(from);
    options.max_bytes = usize::try_from(args.batch_bytes).unwrap_or(usize::MAX);
    (options.max_records, options.max_wait, options.until_end) = (args.batch_records, args.batch_time, args.once);
    let figures = Arc::new(CollectFigures::default());
    if let Some(address) = args.metrics {
        figures::answer(address, figures.clone())?;
    }
    let stop = Arc::new(AtomicBool::new(false));
    set_at_end(&stop).map_err(|e| Failure::io("watch for signals", &e))?;
    if cli.format == Format::Text {
        begins(cli, &options)?;
    }
    let told = Mutex::new(Told { progress: Progress::new(), figures: &figures, set_aside: 0 });
    let each = |event: CollectEvent<'_>| told.lock().unwrap_or_else(PoisonError::into_inner).tell(event);
    let collected = collect(&options, &mut |records| destination.store(records), &figures, &stop, &each)?;
    drop(told);
    drop(trace);
    if collected == Collected::NotTheLast {
        stream::note("the last messages are not stored; they are in the topic, and are read next time");
    }
    summary(&options, to, &figures.totals(), collected).tell(cli)
}

fn summary(options: &CollectOptions, to: String, totals: &Totals, collected: Collected) -> Summary {
    Summary {
        from: options.from.to_string(),
        to,
        records: totals.stored + totals.repeated,
        bytes: totals.bytes,
        batches: totals.batches,
        retries: totals.retries,
        rejected: totals.faults,
        is_complete: collected == Collected::Everything,
        more: vec![
            ("messages", totals.messages, Words::Count("message", "messages", "read")),
            ("repeated", totals.repeated, Words::Count("record", "records", "there already")),
            ("conflicts", totals.conflicts, Words::Count("record", "records", "in conflict")),
            ("late", totals.late, Words::Count("record", "records", "too late")),
            ("setAside", totals.set_aside, Words::Count("message", "messages", "set aside")),
            ("lostMessages", totals.lost, Words::Count("message", "messages", "lost")),
        ],
    }
}

/// The first signal to end ends it after what was read, the second at once. Nothing is lost by that.
fn set_at_end(stop: &Arc<AtomicBool>) -> std::io::Result<()> {
    #[cfg(unix)]
    for signal in signal_hook::consts::TERM_SIGNALS {
        signal_hook::flag::register_conditional_shutdown(*signal, 128 + signal, stop.clone())?;
        signal_hook::flag::register(*signal, stop.clone())?;
    }
    #[cfg(not(unix))]
    let _ = stop;
    Ok(())
}

/// One line when it begins, for people.
fn begins(cli: &Cli, options: &CollectOptions) -> Result<(), Failure> {
    let end = if options.until_end { "" } else { "Ctrl-C ends it.\n" };
    let (from, group) = (options.from.to_string(), options.from.group());
    let text = format!("collecting {} as {}\n{end}", escape(&from), escape(group));
    stream::print(&text, &stream::options(cli))
}

/// What happens, on standard error.
struct Told<'f> {
    progress: Progress,
    figures: &'f CollectFigures,
    set_aside: u64,
}

impl Told<'_> {
    fn tell(&mut self, event: CollectEvent<'_>) {
        let text = match event {
            CollectEvent::Stored => {
                let totals = self.figures.totals();
                let units = |records| {
                    format!(
                        "{}, {} behind",
                        size::counted(records, "record", "records"),
                        size::counted(totals.lag(), "message", "messages")
                    )
                };
                return self.progress.show("collecting", totals.records, 0, units);
            }
            CollectEvent::Away { error } => {
                let error = error.lines().next().unwrap_or_default();
                format!("failed to {}; what was read waits, and it is tried again", escape(error))
            }
            CollectEvent::Back { after } => format!("it is stored again, after {after:.1?}"),
            CollectEvent::SetAside { source, why } => {
                self.set_aside += 1;
                match self.set_aside {
                    0..=MAX_NAMED => format!("set aside {}: {}", escape(source), escape(why)),
                    n if n == MAX_NAMED + 1 => "set aside more messages, which are counted and not named".to_owned(),
                    _ => return,
                }
            }
            CollectEvent::Note(text) => escape(text).into_owned(),
            _ => return,
        };
        // The line of progress goes, and comes again.
        self.progress = Progress::new();
        stream::note(&text);
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error.kind() {
            ErrorKind::Url | ErrorKind::Property => Failure::Usage(error.to_string()),
            _ => Failure::NotFound(error.to_string()),
        }
    }
}
