//! `spanbridge ship`: the records of this host go to another place.

mod destination;
mod figures;
mod signals;

use crate::args::{Cli, Ship};
use crate::failure::Failure;
use crate::progress::Progress;
use crate::summary::{Summary, Words};
use crate::{size, stream};
use destination::Destination;
use spanbridge_cli::render::escape;
use spanbridge_query::Store;
use spanbridge_relay::ship::{Event, Figures, Name, Options, Shipper, Stop, forget};
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

pub(super) fn run(cli: &Cli, args: &Ship) -> Result<(), Failure> {
    let place = cli.place()?;
    let Some(path) = place.directory() else {
        return Err(Failure::Usage("ship the store: --db is no directory that applications write to".to_owned()));
    };
    let store = Store::open_or_create(path)?;
    store.notes().iter().for_each(|note| stream::note(note));
    let destination = Destination::parse(&args.to)?;
    destination.assert_not(&store)?;
    let name = destination.name()?;
    if args.forget {
        let known = forget(&store, &name)?;
        let to = escape(name.to());
        let told = if known { "is forgotten" } else { "was not known" };
        return stream::print(&format!("{to} {told}\n"), &stream::options(cli));
    }
    let mut options = Options::default();
    options.interval = args.interval;
    options.max_bytes = usize::try_from(args.batch_bytes).unwrap_or(usize::MAX);
    options.max_records = usize::try_from(args.batch_records).unwrap_or(usize::MAX);
    (options.once, options.from_start) = (args.once, args.from_start);
    let mut shipper = Shipper::open(store, name.clone(), destination.far_end()?, options)?;
    if let Some(address) = args.metrics {
        figures::answer(address, shipper.figures())?;
    }
    let stop = Stop::default();
    signals::set_at_end(&stop);
    let to = escape(name.to()).to_string();
    let figures = shipper.figures();
    let mut progress = Progress::new();
    shipper.run(&stop, &mut |event| tell(&to, &event, &figures, &mut progress))?;
    drop(progress);
    summary(path, &name, &figures).tell(cli)
}

fn summary(from: &Path, name: &Name, figures: &Figures) -> Summary {
    let now = |figure: &AtomicU64| figure.load(Relaxed);
    let backlog = now(&figures.backlog_bytes);
    Summary {
        from: from.display().to_string(),
        to: name.to().to_owned(),
        records: now(&figures.records),
        bytes: now(&figures.bytes),
        batches: now(&figures.batches),
        retries: now(&figures.retries),
        rejected: now(&figures.rejected),
        is_complete: backlog == 0,
        more: vec![
            ("backlogBytes", backlog, Words::Bytes("not sent yet")),
            // These are told when they happen, and are of all times.
            ("lostLogs", now(&figures.lost_logs), Words::Silent),
            ("lostBytes", now(&figures.lost_bytes), Words::Silent),
            ("damagedBytes", now(&figures.damaged_bytes), Words::Silent),
        ],
    }
}

fn tell(to: &str, event: &Event<'_>, figures: &Figures, progress: &mut Progress) {
    let text = match event {
        Event::Arrived => return show(figures, progress),
        Event::LeftOut => {
            "the store has runs that its logs do not have any more: they are not sent. To send them, too: --forget, then --from-start"
                .to_owned()
        }
        Event::NotFirst => format!("--from-start changes nothing: {to} has got records before, and goes on there"),
        Event::Away(why) => format!("{to} does not take records; they wait: {}", escape(why)),
        Event::Back => format!("{to} takes records again"),
        Event::Lost(loss) => loss.message(),
        Event::Rejected(records, why) => {
            format!("{to} takes {} never: {}", size::counted(*records, "record", "records"), escape(why))
        }
        _ => return,
    };
    // The line of progress goes, and comes again.
    *progress = Progress::new();
    stream::note(&text);
}

fn show(figures: &Figures, progress: &mut Progress) {
    match figures.bytes.load(Relaxed) {
        // What is before the logs comes first, and nobody knows how much it is.
        0 => {
            let records = |records| size::counted(records, "record", "records");
            progress.show("shipping", figures.records.load(Relaxed), 0, records);
        }
        bytes => progress.show("shipping", bytes, bytes + figures.backlog_bytes.load(Relaxed), size::show),
    }
}
