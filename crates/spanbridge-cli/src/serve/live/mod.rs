//! `GET /api/v1/live`: what happens, while it happens, as server-sent events.
//!
//! One thread follows the store for all readers, and tells them a few times a second what is new: the [`Hub`]. A reader that cannot
//! keep up loses what is oldest, and is told to load anew (`resync`), so what is kept for slow readers is bounded, however many
//! there are. Each event has a cursor of the store as its id; whoever comes back with it, also after the server was started again,
//! gets what was missed.

mod cursor;
mod event;
mod follower;
mod hub;
mod missed;
mod reader;
mod update;
mod watchers;

pub(super) use hub::Hub;
pub(super) use reader::live;
