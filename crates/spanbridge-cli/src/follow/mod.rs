//! `spanbridge state follow`: reads what a PostgreSQL database has logged of its rows, and stores it.
//!
//! Logical decoding needs a *slot*, which remembers on the server how far somebody has read, and a *publication*, which says what is
//! told. [`follow`] looks at both, creates them if asked, and reads in rounds, over ordinary SQL:
//!
//! 1. *peek*: what the slot has up to now, a number of transactions at a time, as it comes;
//! 2. *write*: the changes are stored, and on the disk;
//! 3. *advance*: the server may forget what was stored.
//!
//! A follower may be killed at any point. What was stored and not advanced over is read again, under the same ids, and is stored once.
//! [`remove`] drops the slot and the publications.

mod advice;
mod catalog;
mod connection;
mod error;
mod event;
mod follower;
mod options;
mod prepare;
mod remove;
mod round;
mod session;
mod slot;
mod stop;
mod writing;

pub use error::{Error, ErrorKind};
pub use event::Event;
pub use follower::follow;
pub use options::Options;
pub use remove::{Removed, remove};
pub use slot::{SlotStatus, statuses};
