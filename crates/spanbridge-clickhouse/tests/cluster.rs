//! The tests in the cluster at `CLICKHOUSE_URL`: Debian's 18.16, two shards.

mod common;
mod suite;

use common::*;
use spanbridge_clickhouse::ErrorKind;
use spanbridge_query::RunFilter;
use suite::inserts::{counts, over_midnight};
use xtask::clickhouse::{Cluster, installed};

pub(crate) fn url() -> Option<String> {
    xtask::clickhouse::url()
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
