//! Where a store is.

use spanbridge_query::{Error, ErrorKind, Store};
use std::fmt;
use std::path::{Path, PathBuf};

/// A directory, or the URL of a database.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// The path of a store.
    Directory(PathBuf),
    /// `clickhouse://…`
    ClickHouse(String),
}

impl Place {
    /// What `--db` says. Whatever does not begin like the URL of a database is a path.
    pub fn parse(text: impl AsRef<Path>) -> Self {
        match text.as_ref().to_str() {
            Some(url) if url.starts_with("clickhouse://") => Place::ClickHouse(url.to_owned()),
            _ => Place::Directory(text.as_ref().to_owned()),
        }
    }

    /// The path, if it is one.
    pub fn directory(&self) -> Option<&Path> {
        match self {
            Place::Directory(path) => Some(path),
            Place::ClickHouse(_) => None,
        }
    }

    /// Opens the store that is there.
    ///
    /// # Errors
    /// There is none, or it does not answer. [`ErrorKind::InvalidPath`]: the URL is wrong, or of a database that this program was built
    /// without.
    pub fn open(&self) -> Result<Store, Error> {
        match self {
            Place::Directory(path) => Store::open(path),
            Place::ClickHouse(url) => clickhouse::open(url, false),
        }
    }

    /// Opens the store that is there, or makes one.
    ///
    /// # Errors
    /// It cannot be made or written, and as [`Place::open`].
    pub fn open_or_create(&self) -> Result<Store, Error> {
        match self {
            Place::Directory(path) => Store::open_or_create(path),
            Place::ClickHouse(url) => clickhouse::open(url, true),
        }
    }
}

/// Never with a password: of a URL, only what kind it is.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Directory(path) => f.debug_tuple("Directory").field(path).finish(),
            Place::ClickHouse(_) => f.write_str("ClickHouse"),
        }
    }
}

#[cfg(feature = "clickhouse")]
mod clickhouse {
    use super::{Error, ErrorKind, Store};
    use spanbridge_clickhouse::{Address, ClickHouse};

    pub(super) fn open(url: &str, create: bool) -> Result<Store, Error> {
        let address: Address = url.parse()?;
        let engine = if create { ClickHouse::open_or_create(&address) } else { ClickHouse::open(&address) };
        let engine = engine.map_err(Error::from).map_err(|error| match error.kind() {
            ErrorKind::InvalidPath => error,
            kind => Error::new(kind, format!("open the store: {error}")),
        })?;
        Ok(Store::with_engine(address.to_string(), engine))
    }
}

/// The option is there in every build, so that its help is.
#[cfg(not(feature = "clickhouse"))]
mod clickhouse {
    use super::{Error, Store, not_built};

    pub(super) fn open(_: &str, _: bool) -> Result<Store, Error> {
        Err(not_built("ask ClickHouse", "clickhouse"))
    }
}

/// This program was built without a feature that it needs for this.
#[cfg(not(feature = "clickhouse"))]
fn not_built(doing: &str, feature: &str) -> Error {
    let advice = format!("  Install one that was: cargo install spanbridge-cli --features {feature}");
    let message = format!("{doing}: this spanbridge was built without the feature {feature}\n{advice}");
    Error::new(ErrorKind::InvalidPath, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_urls_of_databases_are_no_paths() {
        assert_eq!(Place::parse("clickhouse://db/x"), Place::ClickHouse("clickhouse://db/x".to_owned()));
        for path in ["/var/lib/store", "clickhouse", "s:x", "http://db"] {
            assert_eq!(Place::parse(path).directory(), Some(Path::new(path)));
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(format!("{:?}", Place::parse("clickhouse://u:secret@db/x")), "ClickHouse");
    }
}
