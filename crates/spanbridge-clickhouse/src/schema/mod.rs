//! Making the tables, and what they are today.

pub(crate) mod feeds;
mod keep;
mod migration;
pub(crate) mod settlers;
pub(crate) mod tables;

use crate::address::Address;
use crate::client::{Client, Setting, broken, quoted};
use crate::error::{Error, ErrorKind, Result};
use crate::identifier::identifier;
use crate::server::Version;

/// The newest version of the schema that this release knows.
const NEWEST: u32 = 4;

/// Settings for statements that make tables.
fn settings(version: Version) -> Vec<Setting> {
    let mut settings = Vec::new();
    if version.asks_for_low_cardinality() {
        settings.push(("allow_experimental_low_cardinality_type", "1".to_owned()));
    }
    settings
}

/// Makes the database and the tables, or what they lack. Does nothing if they are as they should be, and may be called by many at
/// once. `mark` inserts the marks of rows that stored records changed.
pub(crate) fn migrate(client: &Client, version: Version, mark: impl FnOnce() -> Result<()>) -> Result<()> {
    keep::check(&client.address, version)?;
    // The database of a request has to exist, and be one that the user may see.
    let database = client.address.database.clone();
    let bare = Client::new(client.address.clone().with_database("system"));
    let keep = || keep::statements(client)?.iter().try_for_each(|statement| run(client, statement, version));
    // Whoever only inserts need not be allowed to make anything.
    match check(&bare, &database) {
        Ok(()) => return keep(),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::OlderFormat) => {}
        Err(error) => return Err(error),
    }
    let on_cluster = client.address.on_cluster();
    run(&bare, &format!("CREATE DATABASE IF NOT EXISTS {}{on_cluster}", identifier(&database)), version)?;
    let local = "CREATE TABLE IF NOT EXISTS spanbridge".to_owned() + &on_cluster;
    run(client, &format!("{local} (version UInt32) ENGINE = ReplacingMergeTree ORDER BY version"), version)?;
    let before = stored(client, &database)?;
    if before >= NEWEST {
        check(client, &database)?;
    } else {
        for statement in tables::all(&client.address, version) {
            run(client, &statement, version)?;
        }
        if before == 1 {
            for statement in tables::second_version(&client.address, version) {
                run(client, &statement, version)?;
            }
            mark()?;
            migration::from_first(client)?;
        }
        if before == 1 || before == 2 {
            migration::from_second(client)?;
        }
        run(client, &format!("INSERT INTO spanbridge VALUES ({NEWEST})"), version)?;
    }
    keep()
}

/// Fails unless the tables are in this database, in a form that this release knows. The client's own database may be another.
pub(crate) fn check(client: &Client, database: &str) -> Result<()> {
    let name = quoted(database);
    let query = format!("SELECT count() FROM system.tables WHERE database = {name} AND name = 'spanbridge'");
    let known = match client.value(&query)?.as_str() {
        "0" => 0,
        _ => stored(client, database)?,
    };
    match known {
        0 => Err(Error::new(ErrorKind::NotFound, format!("the database {database} has no tables of spanbridge"))),
        NEWEST => Ok(()),
        1..NEWEST => Err(Error::new(
            ErrorKind::OlderFormat,
            format!(
                "the tables have version {known}, and this release needs version {NEWEST}: whoever inserts next makes it"
            ),
        )),
        newer => Err(Error::new(
            ErrorKind::NewerFormat,
            format!("the tables have version {newer}, and this release knows up to {NEWEST}"),
        )),
    }
}

/// The cluster over which the tables of the address are spread, as far as it does not say so. Without it, a query would ask each shard for
/// the rows of all.
pub(crate) fn find_cluster(bare: &Client, address: Address) -> Result<Address> {
    if address.cluster.is_some() {
        return Ok(address);
    }
    let query = format!(
        "SELECT any(engine_full) FROM system.tables WHERE database = {} AND name = 'record' AND engine = 'Distributed'",
        quoted(&address.database)
    );
    let engine = bare.value(&query)?;
    let name = engine.strip_prefix("Distributed(").and_then(|arguments| arguments.split(',').next());
    let cluster = name.map(|name| name.trim_matches(['`', '\'']).replace("\\`", "`").replace("\\\\", "\\"));
    Ok(Address { cluster: cluster.filter(|name| !name.is_empty()), ..address })
}

/// Removes a database.
pub(crate) fn drop_database(client: &Client, database: &str) -> Result<()> {
    client.run_everywhere(&format!("DROP DATABASE IF EXISTS {}", identifier(database)), &[])
}

/// The bytes on disk and the rows of each table with rows, over all shards.
pub(crate) fn sizes(client: &Client) -> Result<Vec<(String, u64, u64)>> {
    let place = match &client.address.cluster {
        Some(cluster) => format!("cluster({}, system, parts)", quoted(cluster)),
        None => "system.parts".to_owned(),
    };
    let query = format!(
        "SELECT table, sum(bytes_on_disk), sum(rows) FROM {place} WHERE active AND database = {} GROUP BY table ORDER BY table",
        quoted(&client.address.database)
    );
    let mut rows = client.query(&query, &[])?;
    let mut found = Vec::new();
    while !rows.is_at_end().map_err(|error| broken(&error))? {
        let mut one = || -> std::io::Result<_> { Ok((rows.text()?, rows.u64()?, rows.u64()?)) };
        found.push(one().map_err(|error| broken(&error))?);
    }
    Ok(found)
}

/// Merges all parts of each table.
pub(crate) fn merge(client: &Client) -> Result<()> {
    let local = if client.address.cluster.is_some() { "_local" } else { "" };
    for table in tables::ROWS {
        client.run_everywhere(&format!("OPTIMIZE TABLE {table}{local} FINAL"), &[])?;
    }
    Ok(())
}

/// The version of the tables. 0: there are none.
fn stored(client: &Client, database: &str) -> Result<u32> {
    let text = client.value(&format!("SELECT max(version) FROM {}.spanbridge", identifier(database)))?;
    text.parse().map_err(|_| Error::new(ErrorKind::Corrupt, format!("read the version of the tables: it is {text:?}")))
}

fn run(client: &Client, statement: &str, version: Version) -> Result<()> {
    run_where_due(client, statement, &settings(version))
}

/// Where each statement has to go: with `ON CLUSTER` the servers pass it on.
pub(crate) fn run_where_due(client: &Client, statement: &str, settings: &[Setting]) -> Result<()> {
    let is_passed_on = client.address.on_cluster && !statement.starts_with("INSERT");
    match client.address.cluster.is_some() && !is_passed_on {
        true => client.run_everywhere(statement, settings),
        false => client.run(statement, settings),
    }
}
