//! What capture costs on PostgreSQL, beside the bare client in the same run: `cargo xtask postgres -- cargo bench -p spanbridge-db
//! --all-features --bench postgres_capture`. Each figure is the median of several rounds, in which the variants take turns.

use spanbridge::{Memory, Recorder, observe};
use spanbridge_db::tokio_postgres::{ClientExt, ObservedClient};
use spanbridge_db::{StatePolicy, postgres};
use std::time::{Duration, Instant};
use tokio_postgres::{Client, NoTls, Statement};

const ROUNDS: usize = 15;
const TRANSACTIONS: u32 = 100;
const ROWS: i32 = 1000;
const TABLE: &str = "id int PRIMARY KEY, status text, total numeric, note text, changed timestamptz";

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("a server at POSTGRES_URL");
    tokio::spawn(connection);
    client
}

/// One row in a transaction of its own, by the bare client.
async fn bare(client: &mut Client, update: &Statement) -> Duration {
    let begun = Instant::now();
    for id in 0..TRANSACTIONS {
        let tx = client.transaction().await.expect("BEGIN");
        tx.execute(update, &[&format!("{begun:?}"), &(id as i32)]).await.expect("UPDATE");
        tx.commit().await.expect("COMMIT");
    }
    begun.elapsed() / TRANSACTIONS
}

/// The same, observed.
async fn observed(db: &mut ObservedClient<Client>, table: &str) -> Duration {
    let update = db.prepare(&format!("UPDATE {table} SET status = $1 WHERE id = $2")).await.expect("a statement");
    let begun = Instant::now();
    for id in 0..TRANSACTIONS {
        let tx = db.transaction().await.expect("BEGIN");
        tx.execute(&update, &[&format!("{begun:?}"), &(id as i32)]).await.expect("UPDATE");
        tx.commit().await.expect("COMMIT");
    }
    begun.elapsed() / TRANSACTIONS
}

/// One statement over many rows.
async fn many(client: &Client, table: &str) -> Duration {
    let begun = Instant::now();
    client.batch_execute(&format!("UPDATE {table} SET status = '{begun:?}'")).await.expect("UPDATE");
    begun.elapsed()
}

fn median(mut all: Vec<Duration>) -> f64 {
    all.sort();
    all[all.len() / 2].as_secs_f64() * 1e6
}

async fn measure(url: &str) {
    let (mut client, other) = (connect(url).await, connect(url).await);
    let policy = StatePolicy::values();
    let sql = format!(
        "DROP TABLE IF EXISTS bare, watched; {} CREATE TABLE bare ({TABLE}); CREATE TABLE watched ({TABLE}); {}
         INSERT INTO bare SELECT n, 'new', 1, 'x', now() FROM generate_series(0, {ROWS} - 1) n; INSERT INTO watched SELECT * FROM bare",
        postgres::INSTALL,
        postgres::watch(&policy, "watched"),
    );
    client.batch_execute(&sql).await.expect("tables");
    let statement = |table: &str| format!("UPDATE {table} SET status = $1 WHERE id = $2");
    let on_bare = client.prepare(&statement("bare")).await.expect("a statement");
    let on_watched = client.prepare(&statement("watched")).await.expect("a statement");
    let mut spans = connect(url).await.observed(StatePolicy::off());
    let mut all = connect(url).await.observed(policy.clone());
    let mut tags = connect(url).await.observed(policy).take_elsewhere();
    let mut times: [Vec<Duration>; 7] = Default::default();
    for _ in 0..ROUNDS {
        times[0].push(bare(&mut client, &on_bare).await);
        times[1].push(bare(&mut client, &on_watched).await);
        times[2].push(observed(&mut spans, "bare").await);
        times[3].push(observed(&mut tags, "watched").await);
        all.take_changes().await.expect("changes");
        times[4].push(observed(&mut all, "watched").await);
        times[5].push(many(&other, "bare").await);
        times[6].push(many(&other, "watched").await);
        all.take_changes().await.expect("changes");
    }
    let [bare, triggers, spans, tags, all, bare_rows, rows] = times.map(median);
    println!("a transaction that updates one row, in microseconds:");
    println!("{bare:9.1}  the bare client");
    println!("{triggers:9.1}  the bare client, the table is watched");
    println!("{spans:9.1}  observed, spans only");
    println!("{tags:9.1}  observed, changes are taken elsewhere");
    println!("{all:9.1}  observed, changes are taken after each commit");
    println!("a row of a statement that updates {ROWS}, in microseconds:");
    println!("{:9.2}  the table is not watched", bare_rows / f64::from(ROWS));
    println!("{:9.2}  the table is watched", rows / f64::from(ROWS));
}

fn main() {
    let Some(url) = xtask::postgres::url() else { return };
    let recorder = Recorder::builder("bench").sink(Memory::new()).install().expect("a recorder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(observe::span("bench").run(|| measure(&url)));
    drop(recorder);
}
