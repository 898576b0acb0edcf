//! `spanbridge ship`: the records of this host go to another place.

mod destination;
mod figures;
mod signals;

use crate::args::{Cli, Ship};
use crate::failure::Failure;
use crate::{size, stream};
use destination::Destination;
use spanbridge_cli::render::escape;
use spanbridge_query::Store;
use spanbridge_relay::ship::{Event, Options, Shipper, Stop, forget};

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
    shipper.run(&stop, &mut |event| tell(&to, &event))?;
    Ok(())
}

fn tell(to: &str, event: &Event<'_>) {
    let text = match event {
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
    stream::note(&text);
}
