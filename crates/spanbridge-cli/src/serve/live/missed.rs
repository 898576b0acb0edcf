//! What a reader that comes back has missed.

use super::cursor::Cursors;
use super::event::{event, resync};
use super::update::{Gathering, Interest};
use crate::place::Place;
use bytes::Bytes;
use spanbridge_query::{Error, ErrorKind, Store};

/// The first event of a reader: what was stored since the event with this id. Without an id, nothing but where it begins.
///
/// # Errors
/// If the store cannot be read.
pub(super) fn first_event(
    store: &Store,
    place: &Place,
    last: Option<&str>,
    interest: Interest,
) -> Result<Bytes, Error> {
    let cursors = Cursors::of(place);
    let Some(last) = last else {
        return nothing(&cursors, store, interest);
    };
    let Some(last) = cursors.read(last) else {
        return Ok(resync(cursors.id(&store.end()?).as_deref()));
    };
    let mut news = Gathering::new(interest.records);
    let followed = store.follow_while(&last, |record| {
        news.add(&record);
        !news.is_full()
    });
    let end = match followed {
        Ok(end) => end,
        // It looks like a cursor, but is none.
        Err(e) if e.kind() == ErrorKind::Corrupt => None,
        Err(e) => return Err(e),
    };
    let Some(end) = end else { return Ok(resync(cursors.id(&store.end()?).as_deref())) };
    let update = news.finish(store, cursors.id(&end))?;
    match update.event(interest) {
        Some(event) => Ok(event),
        None => nothing(&cursors, store, interest),
    }
}

/// An event that only says where the reader is.
fn nothing(cursors: &Cursors, store: &Store, interest: Interest) -> Result<Bytes, Error> {
    let name = if interest.records { "records" } else { "runs" };
    Ok(event(name, cursors.id(&store.end()?).as_deref(), std::iter::empty()))
}
