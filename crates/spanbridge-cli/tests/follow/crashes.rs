//! A follower that is killed anywhere loses nothing and doubles nothing.

use super::support::{connect, database, records};
use rustix::process::{Signal, getpid, kill_process};
use spanbridge::record::Body;
use spanbridge_cli::follow::{Event, Options, follow};
use spanbridge_db::StatePolicy;
use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;

/// What the follower that is to be killed is told: URL, slot, store, step, and at which time it comes there.
const VARIABLE: &str = "SPANBRIDGE_TEST_FOLLOWER";

/// So many followers are killed.
const KILLS: usize = 51;

/// The steps after which a follower is killed: read and not written, written and not advanced, advanced.
const STEPS: [&str; 3] = ["read", "written", "advanced"];

/// Not a test by itself: the process that is killed.
#[tokio::test]
async fn follower_that_is_killed() {
    let Ok(told) = std::env::var(VARIABLE) else { return };
    let told: Vec<&str> = told.split('\n').collect();
    let [url, slot, store, step, at] = told[..] else { panic!("{told:?}") };
    let mut left: usize = at.parse().expect("a number");
    let mut options = Options::new(url, store);
    (options.slot, options.once, options.policy) = (slot.to_owned(), true, StatePolicy::values());
    options.changes_per_round = 5;
    let (_stop, stopped) = watch::channel(false);
    let mut each = |event: Event<'_>| {
        let is_there = match event {
            Event::Read => step == "read",
            Event::Written => step == "written",
            Event::Advanced { .. } => step == "advanced",
            _ => false,
        };
        if is_there && left == 0 {
            kill_process(getpid(), Signal::KILL).expect("killed");
        }
        left = left.saturating_sub(usize::from(is_there));
    };
    follow(&options, stopped, &mut each).await.expect("followed");
}

/// Every change of every transaction is stored once, in order, after as many kills as there are, at each step, while others write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_kill_loses_or_doubles_a_change() {
    let Some(db) = database("kills").await else { return };
    db.run("CREATE TABLE orders (id int PRIMARY KEY, n int)").await;
    db.follow().await.expect("followed");

    let is_over = Arc::new(AtomicBool::new(false));
    let (url, over) = (db.options.postgres.clone(), is_over.clone());
    let writing = tokio::spawn(async move {
        let client = connect(&url).await;
        let mut id = 0;
        while !over.load(Ordering::Relaxed) {
            id += 1;
            let sql = format!(
                "BEGIN; SELECT pg_logical_emit_message(true, 'spanbridge', '00-{id:032x}-{id:016x}-01'); \
                 INSERT INTO orders VALUES ({id}, 0); UPDATE orders SET n = 1 WHERE id = {id}; DELETE FROM orders WHERE id = {id} - 9; COMMIT"
            );
            client.batch_execute(&sql).await.expect("written");
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        id
    });
    let mut killed = 0;
    for attempt in 0..KILLS * 4 {
        let told = [
            &*db.options.postgres,
            &db.options.slot,
            db.store.path().to_str().expect("UTF-8"),
            STEPS[attempt % STEPS.len()],
            &(attempt / STEPS.len() % 3).to_string(),
        ];
        let mut follower = Command::new(std::env::current_exe().expect("this"));
        follower.args(["--exact", "crashes::follower_that_is_killed", "--nocapture"]).env(VARIABLE, told.join("\n"));
        let output = tokio::task::spawn_blocking(move || follower.output().expect("run")).await.expect("run");
        let is_killed = std::os::unix::process::ExitStatusExt::signal(&output.status) == Some(9);
        // The one before may not be gone yet for the server.
        let text = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(is_killed || output.status.success() || text.contains("InUse"), "{text}");
        killed += usize::from(is_killed);
        if killed == KILLS {
            break;
        }
    }
    assert_eq!(killed, KILLS);
    is_over.store(true, Ordering::Relaxed);
    let last: u64 = writing.await.expect("written");
    while let Err(error) = db.follow().await {
        assert!(error.is_temporary(), "{error}");
    }

    let mut by_run: BTreeMap<u128, Vec<String>> = BTreeMap::new();
    let mut ids = std::collections::BTreeSet::new();
    let mut doubled = 0;
    for record in records(db.store.path()) {
        let Body::Mutation(mutation) = &record.body else { panic!("{record:?}") };
        doubled += usize::from(!ids.insert(mutation.mutation_id.to_string()));
        let of_run = by_run.entry(record.run_id.expect("a writer").get()).or_default();
        of_run.push(format!(
            "{} {} {}",
            mutation.position.as_deref().unwrap_or_default(),
            mutation.op.name(),
            mutation.key
        ));
    }
    assert_eq!(doubled, 0);
    assert_eq!(by_run.len() as u64, last);
    for (run, mut changes) in by_run {
        changes.sort();
        let ops: Vec<String> =
            changes.iter().map(|line| line.split_once(' ').expect("a position").1.to_owned()).collect();
        let mut expected = vec![format!(r#"insert {{"id":{run}}}"#), format!(r#"update {{"id":{run}}}"#)];
        expected.extend((run > 9).then(|| format!(r#"delete {{"id":{}}}"#, run.saturating_sub(9))));
        assert_eq!(ops, expected);
    }
    db.clean_up().await;
}
