//! The tests in the cluster at `CLICKHOUSE_URL`: Debian's 18.16, two shards.

mod common;
mod suite;

use common::pruning::month;
use common::*;
use spanbridge_clickhouse::{ClickHouse, ErrorKind, Writer};
use spanbridge_query::RunFilter;
use spanbridge_query::keeping::prune_store;
use suite::inserts::{counts, over_midnight};
use xtask::clickhouse::{Cluster, installed};

pub(crate) fn url() -> Option<String> {
    xtask::clickhouse::url()
}

/// The statements of the first version of the tables.
pub(crate) const FIRST_VERSION: &str = include_str!("first_version/cluster.sql");
pub(crate) const LOW_CARDINALITY: &str = "&allow_experimental_low_cardinality_type=1";
/// How a server reads lines, and the settings for it.
pub(crate) const LINES: (&str, &str) = ("CSV", "&format_csv_delimiter=%01&insert_distributed_sync=1");
/// Where the rows of records are.
pub(crate) const LOCAL_RECORDS: [&str; 1] = ["record_local"];
/// What a migration may change.
pub(crate) const HOW_TABLES_ARE: &str = "SELECT groupArray(name) FROM (SELECT name FROM system.tables WHERE \
     database = currentDatabase() AND name NOT LIKE '.%' ORDER BY name)";

/// Nothing is made, either.
#[test]
fn an_old_server_cannot_drop_by_itself() {
    let Some(url) = url_with("keep=30d") else { return };
    let place = place_at(&url);
    let error = Writer::open(&place.address).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused);
    let said = error.to_string();
    assert!(said.starts_with("keep records for 30 days: a server of version 18."), "{said}");
    assert_eq!(ClickHouse::open(&place.address).map(drop).unwrap_err().kind(), ErrorKind::NotFound);
}

/// The half that was inserted into one shard is there, then the shard comes back and all is inserted again.
#[test]
fn a_missing_shard_is_named() {
    if installed().is_none() {
        return xtask::skip("ClickHouse is not installed; `cargo xtask clickhouse` installs it if it can");
    }
    let cluster = Cluster::start().unwrap();
    let place = place_at(&cluster.url());
    let (writer, records) = (place.writer(), over_midnight(20));
    cluster.kill(2).unwrap();
    let missing = format!("shard 2 (127.0.0.1:{}) of the cluster spanbridge does not answer", cluster.port(2) + 1);
    let views = || records.iter().map(|record| record.view());
    let error = writer.insert(views()).unwrap_err();
    assert_eq!((error.kind(), error.to_string()), (ErrorKind::ShardMissing, missing.clone()));
    let store = place.store();
    let said = |error: spanbridge_query::Error| error.to_string();
    for error in [
        store.runs(&RunFilter::default(), 9).map(drop).unwrap_err(),
        store.graph(run(1)).map(drop).unwrap_err(),
        store.find("1111").map(drop).unwrap_err(),
        store.records(None, |_| ()).unwrap_err(),
        store.runs_since(None).map(drop).unwrap_err(),
    ] {
        assert_eq!(said(error), format!("read the store {}: {missing}", place.address));
    }

    cluster.restart(2).unwrap();
    writer.insert(views()).unwrap();
    counts(&store, 20, records.len());

    // A node that is asked may be gone, too. The other one answers for itself.
    cluster.kill(1).unwrap();
    let error = store.graph(run(1)).map(drop).unwrap_err();
    assert!(error.to_string().contains("shard 1 ("), "{error}");
}

/// One shard is away before a prune, and in the middle of it: it is named, and once it is back, the next prune goes on.
#[test]
fn a_shard_that_is_away_is_not_pruned() {
    if installed().is_none() {
        return xtask::skip("ClickHouse is not installed; `cargo xtask clickhouse` installs it if it can");
    }
    let cluster = Cluster::start().unwrap();
    let place = place_at(&cluster.url());
    let records = suite::prune::runs_of_some_days();
    insert(&place.writer(), &records);
    let missing = format!("shard 2 (127.0.0.1:{}) of the cluster spanbridge does not answer", cluster.port(2) + 1);
    let mut store = place.store();
    cluster.kill(2).unwrap();
    let error = prune_store(&mut store, &month(), |_| true).unwrap_err();
    assert!(error.to_string().contains(&missing) || error.to_string().contains("did not answer"), "{error}");
    cluster.restart(2).unwrap();
    assert_eq!(all(&store, None).len(), records.len(), "nothing is removed");
    let mut steps = 0;
    let error = prune_store(&mut store, &month(), |_| {
        steps += 1;
        if steps == 2 {
            cluster.kill(2).unwrap();
        }
        true
    });
    let error = error.unwrap_err().to_string();
    assert!(steps == 2 && error.contains(&missing), "{steps}: {error}");
    cluster.restart(2).unwrap();
    prune_store(&mut store, &month(), |_| true).unwrap();
    suite::prune::stay(&place.store());
}
