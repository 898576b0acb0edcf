//! What happens while a database is followed.

use super::error::Error;
use spanbridge_db::pgoutput::Lsn;
use std::time::Duration;

/// What happens while a database is followed.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Connected, and everything is there.
    Ready {
        /// Host, port and database.
        server: &'a str,
        /// The slot was created now, at this position.
        created: Option<Lsn>,
    },
    /// Something that people should know.
    Note(&'a str),
    /// Changes were read, and are to be stored.
    Read,
    /// Everything that was read is on the disk.
    Written,
    /// The slot was advanced.
    Advanced {
        /// To here.
        to: Lsn,
    },
    /// The connection was lost, or somebody else follows.
    Interrupted {
        /// Why.
        error: &'a Error,
        /// When the next attempt is.
        retry_in: Duration,
    },
}
