//! A node of the cluster is killed, and comes back: that is shown, and everything goes on.

use crate::common::{Recording, run};
use crate::program::{Database, Running as Program, until};
use crate::server::{Running, options};
use crate::terminal::Terminal;
use spanbridge::record::Record;
use xtask::clickhouse::{Cluster, installed};

/// Runs for both shards.
fn orders(from: u64, name: &'static str) -> Vec<Record<'static>> {
    (from..from + 20).map(|n| Recording::of(run(u128::from(n)), n, "shop").span(n, 0, name, n, n + 1)).collect()
}

#[test]
fn views_go_on_when_a_node_is_back() {
    // The cluster that tests share stays as it is.
    if xtask::clickhouse::url().is_none() || installed().is_none() {
        return;
    }
    let cluster = Cluster::start().unwrap();
    let database = Database::at(&cluster.url());
    database.store(&orders(1, "before"));
    let server = Running::with(options(database.url.as_ref()));
    let tail = Program::start(&database.url, &["tail", "--format", "json"]);
    tail.note("is not known here");
    let viewer = Terminal::start(database.url.as_ref(), &[]);
    viewer.wait_for("before");
    let status = |server: &Running| server.json("/healthz")["status"].clone();
    assert_eq!(status(&server), "ok");

    cluster.kill(2).unwrap();
    let reply = server.get("/api/v1/runs");
    assert!(reply.status == 500 && reply.text.contains("shard 2"), "{}", reply.text);
    until("degraded health", || (status(&server) == "degraded").then_some(()));
    assert!(tail.note("it is asked again until it answers").contains("shard 2"));
    viewer.wait_for("failed to follow the store: shard 2");
    viewer.keys("j");
    viewer.wait_for("not live");

    cluster.restart(2).unwrap();
    tail.note("the database answers again");
    database.store(&orders(101, "after"));
    let mut told: Vec<String> = (0..20).map(|_| tail.json()["segmentId"].as_str().unwrap().to_owned()).collect();
    told.sort_unstable();
    assert_eq!(told, (101..121).map(|n| format!("{n:016x}")).collect::<Vec<_>>());
    viewer.wait_for("after");
    until("health", || (status(&server) == "ok").then_some(()));
    until("an answer", || (server.get("/api/v1/runs?name=after").status == 200).then_some(()));
}
