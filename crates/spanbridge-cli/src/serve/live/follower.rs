//! The thread that follows the store for all readers.

use super::cursor::Cursors;
use super::update::{Gathering, Update};
use super::watchers::Watchers;
use crate::place::Place;
use spanbridge_query::{Error, Store, Tail};
use std::time::Duration;

/// How long to gather before readers are told, at least. Recorders deliver as often.
const PAUSE: Duration = Duration::from_millis(250);

/// How long to wait until a store that cannot be followed is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// Follows the store for as long as somebody watches.
pub(super) fn follow(place: &Place, watchers: &Watchers) {
    let mut has_missed = false;
    loop {
        // What an error was, the next question says, too.
        let followed = follow_once(place, watchers, &mut has_missed);
        if followed.is_ok() || !watchers.watch() {
            return;
        }
        watchers.ready();
        if !std::mem::replace(&mut has_missed, true) {
            // Whoever loads anew is told what is wrong.
            watchers.tell(Update::missed());
        }
        std::thread::sleep(RETRY);
    }
}

/// Until nobody watches, or the store cannot be read.
fn follow_once(place: &Place, watchers: &Watchers, has_missed: &mut bool) -> Result<(), Error> {
    let store = place.open_again()?;
    let mut tail = store.tail()?;
    let cursors = Cursors::of(place);
    watchers.ready();
    if std::mem::take(has_missed) {
        watchers.tell(Update::missed());
    }
    while watchers.watch() {
        let mut news = Gathering::new(watchers.want_records());
        let missed = read(&store, &mut tail, &mut news)?;
        if missed || !news.is_empty() {
            // Everything up to the cursor is in this update: it is read once more behind it.
            let id = cursors.id(&store.end()?);
            let missed = missed | read(&store, &mut tail, &mut news)?;
            watchers.tell(if missed { Update::missed() } else { news.finish(&store, id)? });
        }
        std::thread::sleep(tail.pause().max(PAUSE));
    }
    Ok(())
}

/// Whether something went before it could be read.
fn read(store: &Store, tail: &mut Tail, news: &mut Gathering) -> Result<bool, Error> {
    let read = tail.read(store, |record| news.add(&record))?;
    Ok(read.missed_logs > 0 || read.missed_bytes > 0)
}
