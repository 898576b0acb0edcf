//! The thread that follows the store for all readers.

use super::cursor::Cursors;
use super::update::{Gathering, Update};
use super::watchers::Watchers;
use spanbridge_query::{Error, Store, Tail};
use std::path::Path;
use std::time::Duration;

/// How long to gather before readers are told. Recorders deliver as often.
const PAUSE: Duration = Duration::from_millis(250);

/// How long to wait until a store that cannot be followed is tried again.
const RETRY: Duration = Duration::from_secs(2);

/// Follows the store for as long as somebody watches.
pub(super) fn follow(path: &Path, watchers: &Watchers) {
    let mut has_missed = false;
    loop {
        // What an error was, the next question says, too.
        let followed = follow_once(path, watchers, has_missed);
        if followed.is_ok() || !watchers.watch() {
            return;
        }
        watchers.ready();
        has_missed = true;
        std::thread::sleep(RETRY);
    }
}

/// Until nobody watches, or the store cannot be read.
fn follow_once(path: &Path, watchers: &Watchers, has_missed: bool) -> Result<(), Error> {
    let store = Store::open_or_create(path)?;
    let mut tail = store.tail()?;
    let cursors = Cursors::of(path);
    watchers.ready();
    if has_missed {
        watchers.tell(Update::missed());
    }
    while watchers.watch() {
        let mut news = Gathering::new(watchers.want_records());
        let missed = read(&mut tail, &mut news)?;
        if missed || !news.is_empty() {
            // Everything up to the cursor is in this update: it is read once more behind it.
            let id = cursors.id(&store.end()?);
            let missed = missed | read(&mut tail, &mut news)?;
            watchers.tell(if missed { Update::missed() } else { news.finish(&store, id)? });
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

/// Whether something went before it could be read.
fn read(tail: &mut Tail, news: &mut Gathering) -> Result<bool, Error> {
    let read = tail.read(|record| news.add(&record))?;
    Ok(read.missed_logs > 0 || read.missed_bytes > 0)
}
