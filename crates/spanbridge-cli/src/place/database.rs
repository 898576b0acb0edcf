//! What a database does by itself, in place of our commands.

/// A database that keeps records. Each sentence says what it has instead of a command that looks after a directory, and follows
/// "failed to …: ".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Database {
    /// What it is called.
    pub name: &'static str,
    /// Instead of `compact`.
    pub compact: &'static str,
    /// Instead of `check`.
    pub check: &'static str,
    /// Instead of `backup`.
    pub backup: &'static str,
    /// Instead of pruning by size.
    pub max_size: &'static str,
}

const MAX_SIZE: &str = "a database drops whole days and does not go by size: say for how long runs are to be kept";

pub(super) const CLICKHOUSE: Database = Database {
    name: "ClickHouse",
    compact: "ClickHouse merges by itself",
    check: "ClickHouse checks its parts by itself, and says on demand what is damaged: CHECK TABLE record",
    backup: "use ClickHouse's backups: BACKUP DATABASE, or ALTER TABLE … FREEZE on servers before 22.8",
    max_size: MAX_SIZE,
};

pub(super) const POSTGRES: Database = Database {
    name: "PostgreSQL",
    compact: "PostgreSQL cleans up by itself: autovacuum",
    check: "PostgreSQL checks its own tables: pg_amcheck, and data checksums",
    backup: "use PostgreSQL's backups: pg_basebackup, or pg_dump of the schema",
    max_size: MAX_SIZE,
};
