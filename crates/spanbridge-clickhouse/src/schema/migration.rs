//! From earlier versions of the schema to the newest one.
//!
//! The new tables and their views are there by now, so what is inserted meanwhile is in them. What was inserted before is added to
//! them. Doing that again changes nothing, so several writers may do it at once, and one that fails is simply run again.

use super::{feeds, settlers};
use crate::client::{Client, broken};
use crate::error::Result;

/// Runs whose ids begin with one of so many digits are done in one statement, so that no statement takes long.
const PARTS: u8 = 16;

/// The first version had a table of runs, in the order of their times.
pub(super) fn from_first(client: &Client) -> Result<()> {
    fill(client, &[("summary", feeds::summary()), ("active", feeds::active())])?;
    for table in ["run_feed", "run", "run_local"] {
        client.run_everywhere(&format!("DROP TABLE IF EXISTS {table}"), &[])?;
    }
    Ok(())
}

/// The second version did not know who settles messages of several runs.
pub(super) fn from_second(client: &Client) -> Result<()> {
    fill(client, &[("mention", settlers::settlers())])
}

/// Adds what these views make of all records.
fn fill(client: &Client, views: &[(&str, String)]) -> Result<()> {
    let local = if client.address.cluster.is_some() { "_local" } else { "" };
    let mut days = Vec::new();
    let mut rows = client.query("SELECT DISTINCT toUInt16(day) FROM record", &[])?;
    while !rows.is_at_end().map_err(|error| broken(&error))? {
        days.push(rows.u16().map_err(|error| broken(&error))?);
    }
    for day in days {
        for part in 0..PARTS {
            let first = format!("run >= unhex('{part:x}{}')", "0".repeat(31));
            let last = format!("run <= unhex('{part:x}{}')", "f".repeat(31));
            let some = format!(" AND day = toDate({day}) AND {first} AND {last}");
            for (table, feed) in views {
                let select = feed.replace("{local}", local).replace("{some}", &some);
                client.run_everywhere(&format!("INSERT INTO {table}{local} {select}"), &[])?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{Address, ClickHouse, Writer, client::Client};
    use spanbridge::record::{Mutation, MutationOp, Record, RunStart};
    use spanbridge::{RunId, SegmentId};
    use spanbridge_graph::changed_mark;
    use spanbridge_query::engine::Engine;
    use spanbridge_query::{RunFilter, Store};

    /// Tables as the first version left them: with records, and without what the second one added.
    fn of_first_version(address: &Address, records: &[Record<'_>]) {
        Writer::open(address).unwrap().insert(records.iter().map(Record::view)).unwrap();
        let client = Client::new(address.clone());
        let on_each = |statement: String| client.run_everywhere(&statement, &[]).unwrap();
        for table in ["summary_feed", "summary", "summary_local", "active_feed", "active", "active_local", "spanbridge"]
        {
            on_each(format!("DROP TABLE IF EXISTS {table}"));
        }
        let local = if address.cluster.is_some() { "_local" } else { "" };
        on_each("DROP TABLE mention_feed".to_owned());
        on_each(format!("DROP TABLE mention{local}"));
        on_each("CREATE TABLE spanbridge (version UInt32) ENGINE = ReplacingMergeTree ORDER BY version".to_owned());
        on_each("INSERT INTO spanbridge VALUES (1)".to_owned());
        on_each(format!("CREATE TABLE run{local} (slot UInt32) ENGINE = ReplacingMergeTree ORDER BY slot"));
    }

    #[test]
    fn what_the_first_version_stored_is_listed() {
        let Some(url) = xtask::clickhouse::url() else { return };
        let address: Address = url.parse().unwrap();
        let address = address.with_database(format!("migration_{}", std::process::id()));
        let run = |n: u64| RunId::new(u128::from(n) << 100 | 7).unwrap();
        let at = |n: u64| 1_790_000_000_000_000_000 + n * 30_000_000_000_000;
        let change =
            Mutation::new("m", "db", "orders", "{\"id\":7}", MutationOp::Update).with_committed_at(Some(at(3)));
        let started = |n| Record::new(SegmentId::new(n).unwrap(), 1, "shop", RunStart::new("order", at(n)));
        let mut records: Vec<_> = (1..20).map(|n| started(n).of_run(Some(run(n)), None)).collect();
        records.push(Record::new(SegmentId::new(3).unwrap(), 2, "shop", change.clone()).of_run(Some(run(3)), None));
        of_first_version(&address, &records);
        let error = ClickHouse::open(&address).map(drop).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::OlderFormat, "{error}");

        drop(Writer::open(&address).unwrap());
        drop(Writer::open(&address).unwrap());
        let store = Store::with_engine("clickhouse", ClickHouse::open(&address).unwrap());
        let found = store.runs(&RunFilter::default().service("shop"), 50).unwrap();
        assert_eq!(found.iter().map(|row| row.run_id).collect::<Vec<_>>(), (1..20).rev().map(run).collect::<Vec<_>>());
        let engine = ClickHouse::open(&address).unwrap();
        let record = Record::new(SegmentId::new(3).unwrap(), 2, "shop", change);
        let spanbridge::record::BodyView::Mutation(view) = record.view().body() else { panic!("a mutation") };
        assert_eq!(engine.snapshot().unwrap().changed_by(&[changed_mark(view)]).unwrap(), [run(3)]);
        Writer::drop_database(&address).unwrap();
    }
}
