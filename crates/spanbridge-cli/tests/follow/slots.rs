//! The slot: created, in use, lost, given up, removed.

use super::support::{Database, connect, database, follow_with, on_server, records};
use spanbridge::record::Body;
use spanbridge_cli::follow::{ErrorKind, Event, follow, remove, statuses};
use spanbridge_cli::followed::Followed;
use std::time::Duration;
use tokio::sync::watch;

/// The messages of diagnostics in the store.
fn diagnostics(db: &Database) -> Vec<String> {
    let message = |record: spanbridge::record::Record<'_>| match record.body {
        Body::Diagnostic(diagnostic) => Some(format!("{}: {}", diagnostic.code, diagnostic.message)),
        _ => None,
    };
    records(db.store.path()).into_iter().filter_map(message).collect()
}

/// Without `create`, the error has the SQL. What it says can be run, and then it is enough.
#[tokio::test]
async fn missing_parts_are_named_as_sql() {
    let Some(mut db) = database("missing").await else { return };
    db.run("CREATE TABLE orders (id int PRIMARY KEY); CREATE TABLE \"Log x\" (a int)").await;
    db.options.create = false;
    let error = db.follow().await.expect_err("nothing is there");
    assert_eq!(error.kind(), ErrorKind::NotSetUp);
    let text = error.to_string();
    let sql: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    assert_eq!(sql.len(), 3, "{text}");
    db.run(sql[0]).await;
    db.run(sql[1]).await;
    db.client.query(sql[2].trim_end_matches(';'), &[]).await.expect("a slot");
    db.run("INSERT INTO orders VALUES (1); INSERT INTO \"Log x\" VALUES (1)").await;
    db.follow().await.expect("followed");
    assert_eq!(db.mutations().len(), 2);
    // A table that comes later is named, and added if asked.
    db.run("CREATE TABLE later (id int PRIMARY KEY)").await;
    let said = db.follow().await.expect("followed").join("\n");
    assert!(said.contains("not in the publication, so not followed: public.later; --create adds them"), "{said}");
    db.options.create = true;
    db.follow().await.expect("followed");
    db.run("INSERT INTO later VALUES (1)").await;
    db.follow().await.expect("followed");
    assert_eq!(db.mutations().len(), 3);
    db.clean_up().await;
}

/// Only one follows a slot. The other one says who does, and goes on when that has ended.
#[tokio::test]
async fn one_follows_at_a_time() {
    let Some(db) = database("one").await else { return };
    db.run("CREATE TABLE orders (id int PRIMARY KEY)").await;
    let (stop, stopped) = watch::channel(false);
    let mut options = db.options.clone();
    (options.once, options.interval) = (false, Duration::from_millis(20));
    let (ready, mut is_ready) = watch::channel(false);
    let first = tokio::spawn(async move {
        follow(&options, stopped, &mut |event| {
            if matches!(event, Event::Ready { .. }) {
                let _ = ready.send(true);
            }
        })
        .await
    });
    is_ready.wait_for(|ready| *ready).await.expect("ready");
    let error = db.follow().await.expect_err("somebody follows");
    assert_eq!(error.kind(), ErrorKind::InUse);
    assert!(error.to_string().contains("somebody else does (from "), "{error}");
    stop.send(true).expect("heard");
    first.await.expect("ended").expect("well");
    db.run("INSERT INTO orders VALUES (1)").await;
    // The server notices a moment later that the connection has gone.
    while let Err(error) = db.follow().await {
        assert_eq!(error.kind(), ErrorKind::InUse, "{error}");
    }
    assert_eq!(db.mutations().len(), 1);
    db.clean_up().await;
}

/// `remove` leaves nothing on the server, and says what was there.
#[tokio::test]
async fn removed_without_a_trace() {
    let Some(db) = database("remove").await else { return };
    db.run("CREATE TABLE orders (id int PRIMARY KEY)").await;
    db.follow().await.expect("followed");
    let of_server = statuses(&db.options.postgres, std::slice::from_ref(&db.options.slot)).await.expect("asked");
    assert!(of_server.1[0].as_ref().is_some_and(|slot| !slot.is_lost && slot.kept_bytes.is_some()));
    assert_eq!(Followed::all(db.store.path())[0].system_identifier, of_server.0);
    let removed = remove(&db.options).await.expect("removed");
    assert_eq!(removed.publications, ["spanbridge", "spanbridge_inserts"]);
    assert!(removed.slot.is_some());
    let left = "SELECT (SELECT count(*) FROM pg_publication) + (SELECT count(*) FROM pg_replication_slots WHERE slot_name = current_database())";
    assert_eq!(db.client.query_one(left, &[]).await.expect("counted").get::<_, i64>(0), 0);
    let again = remove(&db.options).await.expect("nothing to remove");
    assert_eq!((again.slot, again.publications.len()), (None, 0));
}

/// A slot that holds back too much is dropped, and the store says so. It is not dropped for what was not followed before.
#[tokio::test]
async fn given_up_when_too_far_behind() {
    let Some(mut db) = database("lag").await else { return };
    db.run("CREATE TABLE orders (id int PRIMARY KEY, pad text)").await;
    db.follow().await.expect("followed");
    db.options.create = false;
    // The log is kept from the oldest transaction that is open.
    let open = connect(&db.options.postgres).await;
    open.batch_execute("BEGIN; INSERT INTO orders VALUES (0)").await.expect("open");
    db.run("INSERT INTO orders SELECT n, repeat('x', 1000) FROM generate_series(1, 2000) n").await;
    db.options.max_lag = Some(1 << 20);
    let error = db.follow().await.expect_err("too far behind");
    assert_eq!(error.kind(), ErrorKind::TooFarBehind, "{error}");
    assert_eq!(db.mutations().len(), 2000, "what could be read was read before");
    assert!(diagnostics(&db)[0].starts_with("state.capture_failed: changes of "), "{:?}", diagnostics(&db));
    assert_eq!(
        db.text("SELECT count(*)::text FROM pg_replication_slots WHERE slot_name = current_database()").await,
        "0"
    );
    // A new one notes that something is missing. It is created when what is open has ended.
    open.batch_execute("ROLLBACK").await.expect("ended");
    (db.options.create, db.options.max_lag) = (true, None);
    db.follow().await.expect("followed");
    assert!(
        diagnostics(&db).iter().any(|line| line.contains(" were not read: the slot was lost")),
        "{:?}",
        diagnostics(&db)
    );
    db.clean_up().await;
}

/// The server removes what the slot needs, restarts and crashes, while it is followed and while it is not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_restart_and_slots_get_lost() {
    if xtask::postgres::url().is_none() {
        return;
    }
    let server = xtask::postgres::Server::start().expect("a server");
    let mut db = on_server(server.url(), "restart").await;
    db.run("CREATE TABLE orders (id int PRIMARY KEY)").await;
    db.follow().await.expect("followed");

    let (stop, stopped) = watch::channel(false);
    let mut options = db.options.clone();
    (options.once, options.create, options.interval) = (false, false, Duration::from_millis(20));
    let (told, mut events) = watch::channel((0, 0));
    let following = tokio::spawn(async move {
        follow(&options, stopped, &mut |event| {
            told.send_modify(|(ready, interrupted)| match event {
                Event::Ready { .. } => *ready += 1,
                Event::Interrupted { .. } => *interrupted += 1,
                _ => {}
            });
        })
        .await
    });
    for round in 1..=3 {
        events.wait_for(|(ready, _)| *ready >= round).await.expect("ready");
        connect(&db.options.postgres)
            .await
            .batch_execute(&format!("INSERT INTO orders VALUES ({round})"))
            .await
            .expect("run");
        if round < 3 {
            server.restart().expect("restarted");
        }
    }
    while db.mutations().len() < 3 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(events.borrow().1 >= 2);
    stop.send(true).expect("heard");
    following.await.expect("ended").expect("well");
    let ids: std::collections::BTreeSet<String> = db.mutations().into_iter().collect();
    assert_eq!((ids.len(), db.mutations().len()), (3, 3));

    db.client = connect(&db.options.postgres).await;
    db.run("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'").await;
    db.run("ALTER SYSTEM SET max_wal_size = '32MB'").await;
    db.run("SELECT pg_reload_conf(); INSERT INTO orders VALUES (4)").await;
    let lost = "SELECT coalesce(wal_status, 'none') FROM pg_replication_slots";
    while db.text(lost).await != "lost" {
        for _ in 0..4 {
            db.run("SELECT pg_logical_emit_message(false, 'x', 'x'); SELECT pg_switch_wal()").await;
        }
        db.run("CHECKPOINT").await;
    }
    db.options.create = false;
    let error = db.follow().await.expect_err("lost");
    assert_eq!(error.kind(), ErrorKind::Lost, "{error}");
    assert!(error.to_string().contains("are lost\n  Give --create"), "{error}");
    db.options.create = true;
    let said = follow_with(&db.options).await.expect("a new one").join("\n");
    assert!(said.contains(" were not read: the slot was lost"), "{said}");
    assert!(!said.contains("max_slot_wal_keep_size is not limited"), "{said}");
    db.run("INSERT INTO orders VALUES (5)").await;
    db.follow().await.expect("followed");
    assert_eq!(db.mutations().len(), 4);
    assert_eq!(diagnostics(&db).len(), 1);
}
