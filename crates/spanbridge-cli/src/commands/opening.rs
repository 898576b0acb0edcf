//! Opening what `--db` names.

use crate::args::Cli;
use crate::failure::Failure;
use spanbridge_cli::place::{Database, Place};
use spanbridge_query::{Error, ErrorKind, Store};
use std::path::{Path, PathBuf};

/// The store that is asked.
pub(super) fn open(cli: &Cli) -> Result<Store, Failure> {
    let place = cli.place()?;
    place.open().map_err(|error| not_opened(&place, error))
}

/// Why a store cannot be opened: a URL that is wrong is wrong usage.
pub(super) fn not_opened(place: &Place, error: Error) -> Failure {
    match error.kind() {
        ErrorKind::InvalidPath if place.directory().is_none() => Failure::Usage(error.to_string()),
        // The advice of other errors is about a directory.
        ErrorKind::NotFound if place.directory().is_none() => Failure::Store(format!(
            "{error}\n  Fill it with `spanbridge ship` or `spanbridge import`, or name another store with --db or SPANBRIDGE_DB."
        )),
        ErrorKind::Corrupt if place.directory().is_none() => {
            Failure::Store(format!("{error}\n  Is it the database's own port, and not that of something else?"))
        }
        _ => error.into(),
    }
}

/// The directory of the store, for what is done to directories alone. Of a database, `instead` is what it has for that.
pub(super) fn directory(
    cli: &Cli,
    doing: &str,
    instead: impl Fn(&Database) -> &'static str,
) -> Result<PathBuf, Failure> {
    let place = cli.place()?;
    let refused = |database| Failure::Usage(format!("{doing} the store: {}", instead(database)));
    place.as_directory().map(Path::to_owned).map_err(refused)
}
