//! Who wrote: each service by its own statement, and nobody by that of another.

use crate::support::{WAITS, database, diagnostics, mutations, record};
use spanbridge::observe;
use spanbridge_db::tokio_postgres::{ClientExt, ObservedClient};
use spanbridge_db::{StatePolicy, postgres};
use std::task::Poll;
use std::time::Duration;
use tokio_postgres::Error;

const START: &str = "INSERT INTO orders VALUES (1, 'new', 10); DELETE FROM spanbridge.mutations";

#[tokio::test]
async fn each_service_is_named_for_its_column() {
    let Some(database) = database("services").await else { return };
    database.orders().await;
    database.client.batch_execute(START).await.unwrap();
    let billing = database.connect().await.observed(StatePolicy::values());
    let mut pricing = database.connect().await.observed(StatePolicy::values());
    let recorded = record(|| async {
        billing.execute("UPDATE orders SET status = $1 WHERE id = 1", &[&"paid"]).await?;
        let tx = pricing.transaction().await?;
        // With the value that it has.
        tx.execute("UPDATE orders SET total = 12.50, status = 'paid' WHERE id = 1", &[]).await?;
        tx.commit().await
    })
    .await;
    recorded.output.as_ref().unwrap();
    assert_eq!(
        mutations(&recorded),
        [
            r#"update public.orders {"id":1}: {"status":"new"} -> {"status":"paid"} [status] by UPDATE orders"#,
            r#"update public.orders {"id":1}: {"total":"10"} -> {"total":"12.50"} [total] by UPDATE orders"#,
        ]
    );
    let writers: Vec<_> = recorded.spans().filter(|span| span.name == "UPDATE orders").map(|s| s.span_id).collect();
    let named: Vec<_> =
        recorded.graphs().iter().flat_map(|graph| graph.spans.iter()).map(|span| span.span_id).collect();
    assert!(writers.len() == 2 && writers.iter().all(|id| named.contains(id)));
}

/// The connection of a pool, after somebody else's transaction; a statement of a program without spanbridge; a function.
#[tokio::test]
async fn unknown_writers_stay_unknown() {
    let Some(database) = database("unknown").await else { return };
    database.orders().await;
    let sql = "CREATE FUNCTION pay() RETURNS void LANGUAGE sql AS 'UPDATE orders SET total = 0 WHERE id = 1'";
    database.client.batch_execute(&format!("{START}; {sql}")).await.unwrap();
    let mut pooled = database.connect().await;
    let recorded = record(|| async {
        let mut db = ObservedClient::new(&mut pooled, StatePolicy::values());
        let tx = db.transaction().await?;
        tx.execute("UPDATE orders SET status = 'ours'", &[]).await?;
        tx.commit().await?;
        db.execute("UPDATE orders SET status = 'ours, too'", &[]).await?;
        // The next one to have it knows nothing of spanbridge.
        pooled.execute("UPDATE orders SET status = 'theirs'", &[]).await?;
        database.client.execute("UPDATE orders SET status = 'of another program'", &[]).await?;
        let db = ObservedClient::new(&mut pooled, StatePolicy::values());
        db.query("SELECT pay()", &[]).await?;
        db.take_changes().await
    })
    .await;
    assert_eq!(*recorded.output.as_ref().unwrap(), 3);
    let shown = mutations(&recorded);
    let writers: Vec<_> = shown.iter().map(|line| line.rsplit_once(" by ").unwrap().1).collect();
    assert_eq!(
        writers,
        ["UPDATE orders", "UPDATE orders", "nobody known", "nobody known", "nobody known"],
        "{shown:?}"
    );
}

/// A statement that fails, or is cancelled by the server or the caller, leaves no name behind.
#[tokio::test]
async fn failed_statements_leave_no_name() {
    let Some(database) = database("names").await else { return };
    database.orders().await;
    database.client.batch_execute(START).await.unwrap();
    let db = database.connect().await.observed(StatePolicy::values());
    let recorded = record(|| async {
        db.execute("UPDATE orders SET id = 1/0", &[]).await.unwrap_err();
        db.execute("UPDATE orders SET status = $1", &[&7i32]).await.unwrap_err();
        db.batch_execute("SET statement_timeout = 50").await.unwrap();
        let error = db.execute("UPDATE orders SET status = pg_sleep(60)::text", &[]).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "57014");
        db.batch_execute("SET statement_timeout = 0").await.unwrap();
        let cancel = db.cancel_token();
        let asleep = db.execute("UPDATE orders SET status = pg_sleep(60)::text", &[]);
        let (slept, _) = tokio::join!(asleep, async {
            while !sleeps(&database.client).await {}
            cancel.cancel_query(tokio_postgres::NoTls).await.unwrap();
        });
        assert_eq!(slept.unwrap_err().code().unwrap().code(), "57014");
        database.given_up(db.execute(WAITS, &[])).await;
        let sql = "SELECT coalesce(current_setting('spanbridge.context', true), '')";
        assert_eq!(db.query_one(sql, &[]).await?.get::<_, String>(0), "");
        std::ops::Deref::deref(&db).execute("UPDATE orders SET status = 'theirs'", &[]).await?;
        db.take_changes().await
    })
    .await;
    recorded.output.as_ref().unwrap();
    let shown = mutations(&recorded);
    assert_eq!(shown.len(), 2, "{shown:?}");
    assert!(shown[0].ends_with("by UPDATE orders") && shown[1].ends_with("by nobody known"), "{shown:?}");
    assert_eq!(
        recorded.tree(),
        "\
UPDATE orders [error] db.response.status_code=22012
UPDATE orders [error]
SET
UPDATE orders [error] db.response.status_code=57014
SET
UPDATE orders [error] db.response.status_code=57014
UPDATE orders [cancelled]
SELECT
"
    );
}

async fn sleeps(client: &tokio_postgres::Client) -> bool {
    let sql =
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database())";
    client.query_one(sql, &[]).await.unwrap().get(0)
}

/// A run that is not its trace's own.
#[tokio::test]
async fn runs_are_named_too() {
    let Some(database) = database("runs").await else { return };
    database.orders().await;
    let db = database.connect().await.observed(StatePolicy::values());
    let recorded = record(|| {
        observe::span("request")
            .run(|| async { observe::run("import").run(|| db.execute("INSERT INTO orders VALUES (5)", &[])).await })
    })
    .await;
    assert_eq!(*recorded.output.as_ref().unwrap(), 1);
    let run = recorded.graphs().iter().find(|graph| graph.run.name == "import").unwrap().run.run_id;
    let of = |record: &&spanbridge::record::Record<'_>| matches!(record.body, spanbridge::record::Body::Mutation(_));
    let record = recorded.records().iter().find(of).unwrap();
    assert_eq!(record.run_id, Some(run));
    assert_ne!(record.trace_id.map(|trace| trace.get()), Some(run.get()));
}

/// Statements that run at the same time on one connection.
#[tokio::test]
async fn concurrent_statements_keep_their_names() {
    let Some(database) = database("concurrent").await else { return };
    database.orders().await;
    let db = database.connect().await.observed(StatePolicy::values()).take_elsewhere();
    let recorded = record(|| async {
        let insert = db.prepare("INSERT INTO orders VALUES ($1, $2)").await?;
        let one = |id: i32| {
            let (db, insert) = (&db, &insert);
            observe::span(format!("order {id}"))
                .run(move || async move { db.execute(insert, &[&id, &format!("order {id}")]).await })
        };
        let all = (1..=40).map(one).collect::<Vec<_>>();
        let done = futures_util::future::join_all(all).await;
        assert!(done.iter().all(|result| *result.as_ref().unwrap() == 1));
        db.take_changes().await
    })
    .await;
    assert_eq!(*recorded.output.as_ref().unwrap(), 40);
    let spans: Vec<_> = recorded.spans().collect();
    let mut right = 0;
    for record in recorded.records() {
        let spanbridge::record::Body::Mutation(mutation) = &record.body else { continue };
        let span = spans.iter().find(|span| Some(span.span_id) == mutation.span_id).unwrap();
        let parent = spans.iter().find(|parent| Some(parent.span_id) == span.parent_span_id).unwrap();
        assert!(mutation.after.as_deref().unwrap().contains(&format!("\"{}\"", parent.name)), "{mutation:?}");
        right += 1;
    }
    assert_eq!(right, 40);
}

/// Two take at the same time: nothing is taken twice.
#[tokio::test]
async fn changes_are_taken_once() {
    let Some(database) = database("once").await else { return };
    database.orders().await;
    let (a, b) = (database.connect().await, database.connect().await);
    let (a, b) = (a.observed(StatePolicy::values()), b.observed(StatePolicy::values()));
    database.client.batch_execute("INSERT INTO orders SELECT generate_series(1, 3000)").await.unwrap();
    let recorded = record(|| async { tokio::try_join!(a.take_changes(), b.take_changes()) }).await;
    let (from_a, from_b) = *recorded.output.as_ref().unwrap();
    assert_eq!(from_a + from_b, 3000);
    let mut ids: Vec<_> = recorded
        .records()
        .iter()
        .filter_map(|record| match &record.body {
            spanbridge::record::Body::Mutation(mutation) => Some(mutation.mutation_id.clone()),
            _ => None,
        })
        .collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 3000);
    assert_eq!(diagnostics(&recorded), [""; 0]);
}

/// Without a recorder or a policy, the database is asked nothing.
#[tokio::test]
async fn nothing_is_done_without_a_recorder() {
    let Some(database) = database("without").await else { return };
    database.orders().await;
    let db = database.connect().await.observed(StatePolicy::values());
    db.execute("INSERT INTO orders VALUES (1)", &[]).await.unwrap();
    assert_eq!(database.waiting().await, 1);
    let off = database.connect().await.observed(StatePolicy::off());
    let recorded = record(|| async { off.execute("INSERT INTO orders VALUES (2)", &[]).await }).await;
    assert_eq!((database.waiting().await, recorded.tree()), (2, "INSERT orders\n".to_owned()));
    let context = database.client.query_one("SELECT count(context) FROM spanbridge.mutations", &[]).await.unwrap();
    assert_eq!(context.get::<_, i64>(0), 0);
}

/// What the database lacks is said once.
#[tokio::test]
async fn missing_installation_is_said_once() {
    let Some(database) = crate::support::empty_database("missing").await else { return };
    database.client.batch_execute("CREATE TABLE t (a int)").await.unwrap();
    let db = database.connect().await.observed(StatePolicy::values());
    let recorded = record(|| {
        observe::span("work").run(|| async {
            for a in 0..3 {
                db.execute("INSERT INTO t VALUES ($1)", &[&a]).await?;
            }
            Ok::<_, Error>(())
        })
    })
    .await;
    recorded.output.as_ref().unwrap();
    let said = diagnostics(&recorded);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(
        said[0].starts_with("state.capture_failed: changes were not read: relation \"spanbridge.mutations\""),
        "{said:?}"
    );
    // Installed later, by another one.
    database.client.batch_execute(postgres::INSTALL).await.unwrap();
    assert_eq!(db.take_changes().await.unwrap(), 0);
}

/// Polls so often, and drops it.
async fn dropped_after<F: Future>(polls: usize, call: F) {
    let (mut call, mut left) = (Box::pin(call), polls);
    std::future::poll_fn(move |cx| {
        left = left.saturating_sub(1);
        match call.as_mut().poll(cx) {
            Poll::Pending if left > 0 => Poll::Pending,
            _ => Poll::Ready(()),
        }
    })
    .await;
    tokio::time::sleep(Duration::from_millis(20)).await
}

/// A commit that is dropped at any point loses no change, and doubles none.
#[tokio::test]
async fn dropped_commits_lose_nothing() {
    let Some(database) = database("dropped").await else { return };
    database.table(&StatePolicy::values(), "notes", "id int PRIMARY KEY").await;
    let mut db = database.connect().await.observed(StatePolicy::values());
    let recorded = record(|| async {
        for polls in 1..15 {
            let tx = db.transaction().await?;
            tx.execute("INSERT INTO notes VALUES ($1)", &[&(polls as i32)]).await?;
            dropped_after(polls, tx.commit()).await
        }
        db.take_changes().await
    })
    .await;
    recorded.output.as_ref().unwrap();
    let mut ids: Vec<_> = mutations(&recorded).iter().map(|line| line.split(' ').nth(2).unwrap().to_owned()).collect();
    let all = ids.len();
    ids.sort();
    ids.dedup();
    let committed = database.client.query("SELECT FROM notes", &[]).await.unwrap().len();
    assert!((ids.len(), all) == (committed, committed) && committed > 10, "{committed} {ids:?}");
    assert_eq!(diagnostics(&recorded), [""; 0]);
}

/// A statement on a connection that others use as well: what is lost is said.
#[tokio::test]
async fn lost_changes_are_said() {
    let Some(database) = database("lost").await else { return };
    database.table(&StatePolicy::values(), "notes", "id int PRIMARY KEY").await;
    let db = database.connect().await.observed(StatePolicy::values());
    let recorded = record(|| {
        observe::span("work").run(|| async {
            for polls in 1..15 {
                dropped_after(polls, db.execute("INSERT INTO notes VALUES ($1)", &[&(polls as i32)])).await
            }
            db.take_changes().await
        })
    })
    .await;
    recorded.output.as_ref().unwrap();
    let committed = database.client.query("SELECT FROM notes", &[]).await.unwrap().len();
    let (recorded, said) = (mutations(&recorded).len(), diagnostics(&recorded));
    assert!(
        recorded == committed || said.iter().all(|line| line.contains("a call was dropped")) && !said.is_empty(),
        "{recorded} of {committed}: {said:?}"
    );
}
