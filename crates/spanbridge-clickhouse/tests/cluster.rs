//! The tests in the cluster at `CLICKHOUSE_URL`: Debian's 18.16, two shards.

mod common;
mod suite;

use common::pruning::month;
use common::*;
use spanbridge_clickhouse::{Address, ClickHouse, ErrorKind, Writer};
use spanbridge_graph::RunStatus;
use spanbridge_query::keeping::prune_store;
use spanbridge_query::{RunFilter, Store};
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

/// A name is a name, whatever it is made of.
#[test]
fn a_database_may_have_any_name() {
    let Some(url) = url() else { return };
    let place = place_at(&url);
    let name = format!("{}`\\na'me", place.address.to_string().rsplit('/').next().unwrap().split('?').next().unwrap());
    let place = Place { address: place.address.clone().with_database(name) };
    place.writer().insert(over_midnight(3).iter().map(|record| record.view())).unwrap();
    assert!(!place.store().runs(&RunFilter::default().service("shop"), 9).unwrap().is_empty());
}

/// Whoever asks need not know over which cluster the tables are spread.
#[test]
fn a_url_may_leave_the_cluster_out() {
    let Some(place) = place() else { return };
    place.writer().insert(over_midnight(20).iter().map(|record| record.view())).unwrap();
    let shown = place.address.to_string();
    let bare: Address = shown.split('?').next().unwrap().parse().unwrap();
    let [all, found] = [&place.address, &bare].map(|address| {
        let store = Store::with_engine("clickhouse", ClickHouse::open(address).unwrap());
        let filters = [RunFilter::default().service("shop"), RunFilter::default().status(RunStatus::Error)];
        filters.map(|filter| store.runs(&filter, 50).unwrap())
    });
    assert!(!all[0].is_empty());
    assert_eq!(found, all);
}

/// Users of a server of our own: one who may only read, and change no setting, one who could get half an answer so, and one who may see
/// one database alone.
#[test]
fn users_with_few_rights_can_work() {
    if installed().is_none() {
        return xtask::skip("ClickHouse is not installed; `cargo xtask clickhouse` installs it if it can");
    }
    let cluster = Cluster::start().unwrap();
    let place = place_at(&cluster.url());
    place.writer().insert(over_midnight(20).iter().map(|record| record.view())).unwrap();
    let database = place.address.to_string();
    let database = database.rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
    let file = cluster.directory().join("users.xml");
    let profiles = "<readonly_user><readonly>1</readonly></readonly_user><half><readonly>1</readonly>\
                    <skip_unavailable_shards>1</skip_unavailable_shards></half></profiles>";
    let user = |name: &str, profile: &str, more: &str| {
        format!(
            "<{name}><password>p@ss:w/o%rd?</password><networks><ip>127.0.0.1</ip></networks><profile>{profile}</profile>\
             <quota>default</quota>{more}</{name}>"
        )
    };
    let sees = format!("<allow_databases><database>{database}</database></allow_databases>");
    let users = user("reader", "readonly_user", "") + &user("half", "half", "") + &user("shipper", "default", &sees);
    let before = std::fs::read_to_string(&file).unwrap();
    let after = before.replace("</profiles>", profiles).replace("</users>", &format!("{users}</users>"));
    assert!(after.contains("readonly_user") && after.contains("shipper"), "{before}");
    std::fs::write(&file, after).unwrap();
    let address = |name: &str| -> Address {
        let url = cluster.url().replace("default@", &format!("{name}:p%40ss%3Aw%2Fo%25rd%3F@"));
        url.parse::<Address>().unwrap().with_database(&*database)
    };
    // A server looks for changes of the file by seconds, and may miss one.
    for node in 1..=2 {
        cluster.kill(node).unwrap();
        cluster.restart(node).unwrap();
    }
    let engine = ClickHouse::open(&address("reader")).unwrap();
    let (mut store, of_default) = (Store::with_engine("clickhouse", engine), place.store());
    for filter in [RunFilter::default(), RunFilter::default().service("shop").status(RunStatus::Error)] {
        assert_eq!(store.runs(&filter, 50).unwrap(), of_default.runs(&filter, 50).unwrap());
    }
    assert_eq!(
        store.graph(run(1)).unwrap().map(|graph| graph.to_json()),
        of_default.graph(run(1)).unwrap().map(|graph| graph.to_json())
    );
    let refused = store.import(over_midnight(21)).unwrap_err().to_string();
    assert!(refused.contains("readonly mode") && !refused.contains("p@ss"), "{refused}");
    let error = ClickHouse::open(&address("half")).map(drop).unwrap_err().to_string();
    assert!(error.contains("skip_unavailable_shards"), "{error}");
    let inserted =
        Writer::open(&address("shipper")).unwrap().insert(over_midnight(20).iter().map(|record| record.view()));
    assert!(inserted.unwrap().records > 0);
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
