//! How long records are kept: a time to live of the table of records, on servers that know it.

use crate::address::Address;
use crate::client::{Client, quoted};
use crate::error::{Error, ErrorKind, Result};
use crate::server::Version;

/// Fails if the address asks for what the server cannot do.
pub(super) fn check(address: &Address, version: Version) -> Result<()> {
    match address.keep {
        Some(days) if !version.has_ttl() => Err(Error::new(
            ErrorKind::Refused,
            format!(
                "keep records for {days} days: a server of version {version} cannot drop old ones by itself, those from 20.3 on can"
            ),
        )),
        _ => Ok(()),
    }
}

/// What makes the table keep records for as long as the address says. Empty if it does.
///
/// A part has the rows of one day. With `ttl_only_drop_parts` none is ever rewritten to remove some of them.
pub(super) fn statements(client: &Client) -> Result<Vec<String>> {
    let address = &client.address;
    let Some(days) = address.keep else { return Ok(Vec::new()) };
    let (place, table) = match &address.cluster {
        Some(cluster) => (format!("cluster({}, system, tables)", quoted(cluster)), "record_local"),
        None => ("system.tables".to_owned(), "record"),
    };
    let ttl = format!("day + toIntervalDay({days})");
    let query = format!(
        "SELECT min(position(engine_full, {}) > 0) FROM {place} WHERE database = {} AND name = '{table}'",
        quoted(&format!(" TTL {ttl} ")),
        quoted(&address.database)
    );
    if client.value(&query)? == "1" {
        return Ok(Vec::new());
    }
    let on_cluster = address.on_cluster();
    Ok(["MODIFY SETTING ttl_only_drop_parts = 1".to_owned(), format!("MODIFY TTL {ttl}")]
        .map(|change| format!("ALTER TABLE {table}{on_cluster} {change}"))
        .into())
}
