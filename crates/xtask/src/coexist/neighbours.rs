//! The crates that applications use together with the store.

use crate::workspace::root;

/// A crate that an application may use, and how it depends on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Neighbour {
    /// Its name in the table.
    pub(super) name: &'static str,
    pub(super) package: &'static str,
    /// Its line in the manifest.
    pub(super) dependency: &'static str,
    /// Additional arguments for cargo.
    pub(super) arguments: &'static [&'static str],
}

const fn neighbour(name: &'static str, package: &'static str, dependency: &'static str) -> Neighbour {
    Neighbour { name, package, dependency, arguments: &[] }
}

/// With default features, and with SQLite if it is optional. The three versions of rusqlite need three versions of SQLite's
/// package. sqlx links SQLite in any lock file, also for PostgreSQL only.
pub(super) const NEIGHBOURS: &[Neighbour] = &[
    neighbour("sqlx 0.8, sqlite", "sqlx", r#"sqlx = { version = "0.8", features = ["sqlite"] }"#),
    neighbour("sqlx 0.8, postgres", "sqlx", r#"sqlx = { version = "0.8", features = ["postgres"] }"#),
    neighbour("sqlx 0.9, sqlite", "sqlx", r#"sqlx = { version = "0.9", features = ["sqlite"] }"#),
    neighbour("sqlx 0.9, postgres", "sqlx", r#"sqlx = { version = "0.9", features = ["postgres"] }"#),
    neighbour("sea-orm 1, sqlite", "sea-orm", r#"sea-orm = { version = "1", features = ["sqlx-sqlite"] }"#),
    neighbour("sea-orm 2, sqlite", "sea-orm", r#"sea-orm = { version = "2", features = ["sqlx-sqlite"] }"#),
    neighbour("diesel 2, sqlite", "diesel", r#"diesel = { version = "2", features = ["sqlite"] }"#),
    neighbour("deadpool-sqlite", "deadpool-sqlite", r#"deadpool-sqlite = "*""#),
    neighbour("tokio-rusqlite", "tokio-rusqlite", r#"tokio-rusqlite = "*""#),
    neighbour("rusqlite 0.32, bundled", "rusqlite", r#"rusqlite = { version = "0.32", features = ["bundled"] }"#),
    neighbour("rusqlite 0.37, bundled", "rusqlite", r#"rusqlite = { version = "0.37", features = ["bundled"] }"#),
    neighbour("rusqlite, the latest", "rusqlite", r#"rusqlite = { version = "*", features = ["bundled"] }"#),
];

/// The manifest line for a crate of this checkout.
pub(super) fn ours(name: &str) -> String {
    format!("{name} = {{ path = {:?} }}", root().join("crates").join(name))
}
