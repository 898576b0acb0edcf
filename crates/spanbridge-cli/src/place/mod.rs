//! Where a store is.

mod database;

pub use database::Database;
use spanbridge_graph::hash::stable;
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
    /// `postgres://…` or `postgresql://…`
    Postgres(String),
}

impl Place {
    /// What `--db` says. Whatever does not begin like the URL of a database is a path.
    pub fn parse(text: impl AsRef<Path>) -> Self {
        let path = text.as_ref();
        let Some(url) = path.to_str().map(with_lower_scheme) else { return Place::Directory(path.to_owned()) };
        match url.split_once("://") {
            Some(("clickhouse", _)) => Place::ClickHouse(url),
            Some(("postgres" | "postgresql", _)) => Place::Postgres(url),
            _ => Place::Directory(path.to_owned()),
        }
    }

    /// The path, or else the database that keeps the records.
    pub fn as_directory(&self) -> Result<&Path, &'static Database> {
        match self {
            Place::Directory(path) => Ok(path),
            Place::ClickHouse(_) => Err(&database::CLICKHOUSE),
            Place::Postgres(_) => Err(&database::POSTGRES),
        }
    }

    /// The path, if it is one.
    pub fn directory(&self) -> Option<&Path> {
        self.as_directory().ok()
    }

    /// Where notes about the place are kept: in the directory, or, of a database, in the user's data directory. `None`: the user has none.
    pub fn notes(&self) -> Option<PathBuf> {
        match self {
            Place::Directory(path) => Some(path.clone()),
            _ => {
                let store = spanbridge_store::default_directory().ok()?;
                Some(store.with_file_name("notes").join(format!("{:016x}", stable(self.to_string().as_bytes()))))
            }
        }
    }

    /// Opens the store again that was there before, after an error or for another thread. A directory that was removed is made again.
    ///
    /// # Errors
    /// As [`Place::open`].
    pub fn open_again(&self) -> Result<Store, Error> {
        match self {
            Place::Directory(path) => Store::open_or_create(path),
            _ => self.open(),
        }
    }

    /// Opens the store that is there.
    ///
    /// # Errors
    /// There is none, or it does not answer. [`ErrorKind::InvalidPath`]: the URL is wrong, or of a database that this program was built
    /// without.
    pub fn open(&self) -> Result<Store, Error> {
        match self {
            Place::Directory(path) => known_scheme(path).and_then(|()| Store::open(path)),
            Place::ClickHouse(url) => clickhouse::open(url, false),
            Place::Postgres(url) => postgres::open(url, false),
        }
    }

    /// Opens the store that is there, or makes one.
    ///
    /// # Errors
    /// It cannot be made or written, and as [`Place::open`].
    pub fn open_or_create(&self) -> Result<Store, Error> {
        match self {
            Place::Directory(path) => known_scheme(path).and_then(|()| Store::open_or_create(path)),
            Place::ClickHouse(url) => clickhouse::open(url, true),
            Place::Postgres(url) => postgres::open(url, true),
        }
    }
}

/// As [`Place::parse`].
impl<T: AsRef<Path>> From<T> for Place {
    fn from(text: T) -> Self {
        Place::parse(text)
    }
}

/// Never with a password: of a URL, only what kind it is.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Directory(_) => write!(f, "Directory({self})"),
            Place::ClickHouse(_) => f.write_str("ClickHouse"),
            Place::Postgres(_) => f.write_str("Postgres"),
        }
    }
}

/// The path; or the URL, without the password and without parameters, which may have one, too.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Directory(path) if path.to_string_lossy().contains("://") => {
                f.write_str(&without_password(&path.to_string_lossy()))
            }
            Place::Directory(path) => write!(f, "{}", path.display()),
            Place::ClickHouse(url) => f.write_str(&without_password(url)),
            Place::Postgres(url) => {
                f.write_str(&without_password(url))?;
                // Two schemas are two stores, and so are two databases, wherever the URL names them.
                let place = url.rsplit_once('@').map_or(&**url, |(_, place)| place);
                let of_place = |parameter: &&str| {
                    let name = parameter.split('=').next().unwrap_or_default();
                    ["schema", "host", "hostaddr", "port", "dbname"].contains(&name)
                };
                for (at, parameter) in place.split(['?', '&']).skip(1).filter(of_place).enumerate() {
                    write!(f, "{}{parameter}", if at == 0 { '?' } else { '&' })?;
                }
                Ok(())
            }
        }
    }
}

/// A URL with its scheme in lower case: the case of a scheme means nothing. Other text as it is.
#[doc(hidden)] // for the binary
pub fn with_lower_scheme(text: &str) -> String {
    match text.split_once("://") {
        Some((scheme, rest)) => format!("{}://{rest}", scheme.to_ascii_lowercase()),
        None => text.to_owned(),
    }
}

/// Fails for the URL of another kind of database.
fn known_scheme(path: &Path) -> Result<(), Error> {
    let text = path.to_string_lossy();
    if !text.contains("://") {
        return Ok(());
    }
    let (shown, why) = (without_password(&text), "the URL of a store begins with clickhouse:// or postgres://");
    Err(Error::new(ErrorKind::InvalidPath, format!("open the store {shown}: {why}")))
}

/// Whatever stands where a password can be is left out, also in a URL that nobody could use.
fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (login, place) = rest.rsplit_once('@').unwrap_or(("", rest));
    let user = login.split([':', '/', '?', '@']).next().unwrap_or_default();
    let place = place.split(['?', '#']).next().unwrap_or_default();
    if user.is_empty() { format!("{scheme}://{place}") } else { format!("{scheme}://{user}@{place}") }
}

#[cfg(feature = "clickhouse")]
mod clickhouse {
    use super::{Error, Store, opening};
    use spanbridge_clickhouse::{Address, ClickHouse};

    pub(super) fn open(url: &str, create: bool) -> Result<Store, Error> {
        let address: Address = url.parse()?;
        let engine = if create { ClickHouse::open_or_create(&address) } else { ClickHouse::open(&address) };
        Ok(Store::with_engine(address.to_string(), engine.map_err(opening)?))
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use super::{Error, Store, opening};
    use spanbridge_postgres::{Address, Postgres};

    pub(super) fn open(url: &str, create: bool) -> Result<Store, Error> {
        let address: Address = url.parse()?;
        let engine = if create { Postgres::open_or_create(&address) } else { Postgres::open(&address) };
        Ok(Store::with_engine(address.to_string(), engine.map_err(opening)?))
    }
}

/// The error of a store that was not opened.
#[cfg(any(feature = "clickhouse", feature = "postgres"))]
fn opening(error: impl Into<Error>) -> Error {
    let error = error.into();
    match error.kind() {
        ErrorKind::InvalidPath => error,
        kind => Error::new(kind, format!("open the store: {error}")),
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

/// As for ClickHouse.
#[cfg(not(feature = "postgres"))]
mod postgres {
    use super::{Error, Store, not_built};

    pub(super) fn open(_: &str, _: bool) -> Result<Store, Error> {
        Err(not_built("ask PostgreSQL", "postgres"))
    }
}

/// This program was built without a feature that it needs for this. The message continues "failed to …".
#[doc(hidden)] // for the binary
pub fn not_built(doing: &str, feature: &str) -> Error {
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
        assert_eq!(Place::parse("ClickHouse://Db/X"), Place::ClickHouse("clickhouse://Db/X".to_owned()));
        for url in ["postgres://db/x", "postgresql://db/x"] {
            assert_eq!(Place::parse(url), Place::Postgres(url.to_owned()));
        }
        for path in ["/var/lib/store", "clickhouse", "s:x", "http://db"] {
            assert_eq!(Place::parse(path).directory(), Some(Path::new(path)));
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            ("clickhouse://u:secret@db/x", "clickhouse://u@db/x"),
            ("clickhouse://u:secret@db1:8123,db2/x?cluster=main", "clickhouse://u@db1:8123,db2/x"),
            ("clickhouse://db/x?password=secret", "clickhouse://db/x"),
            ("clickhouse://u:a/secret@db/x", "clickhouse://u@db/x"),
            ("clickhouse://u:a@secret@db/x", "clickhouse://u@db/x"),
            ("clickhouse://u@db/x?password=secret@home", "clickhouse://u@home"),
            ("clickhouse://:secret@db", "clickhouse://db"),
            ("clickhouse://", "clickhouse://"),
        ] {
            let place = Place::parse(url);
            assert_eq!((place.to_string(), format!("{place:?}")), (shown.to_owned(), "ClickHouse".to_owned()), "{url}");
        }
        for (url, shown) in [
            ("postgres://u:secret@db/x?sslmode=require", "postgres://u@db/x"),
            ("postgresql://u:a?schema=secret@db:1/x?password=secret&schema=s", "postgresql://u@db:1/x?schema=s"),
            ("postgres:///x?host=/run&password=secret", "postgres:///x?host=/run"),
            ("postgres://db/x?password=secret&port=1&dbname=y", "postgres://db/x?port=1&dbname=y"),
        ] {
            let place = Place::parse(url);
            assert_eq!((place.to_string(), format!("{place:?}")), (shown.to_owned(), "Postgres".to_owned()), "{url}");
        }
    }

    /// Also if somebody takes another database for one of ours.
    #[test]
    fn other_urls_are_refused_without_password() {
        for url in ["mysql://u:secret@db/x", "HTTP://u:sec@secret@db?password=secret"] {
            let place = Place::parse(url);
            for error in [place.open(), place.open_or_create()].map(|store| store.map(drop).unwrap_err()) {
                assert_eq!(error.kind(), ErrorKind::InvalidPath);
                let told = error.to_string();
                assert!(told.ends_with("begins with clickhouse:// or postgres://") && !told.contains("sec"), "{told}");
            }
            assert!(!place.to_string().contains("sec"), "{place}");
        }
    }

    /// Of a database, notes are kept beside the default store, and whoever has another password has the same.
    #[test]
    fn a_place_has_its_notes() {
        assert_eq!(Place::parse("/store").notes(), Some("/store".into()));
        let [one, same, other] = ["u:secret@db/x", "u:other@db/x", "u:secret@db/y"]
            .map(|rest| Place::parse(format!("clickhouse://{rest}")).notes());
        assert!(one == same && one != other);
    }
}
