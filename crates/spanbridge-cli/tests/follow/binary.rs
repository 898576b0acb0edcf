//! The commands, as they are called.

use super::support::{connect, database, mutations};
use rustix::process::{Pid, Signal, kill_process};
use spanbridge_cli::followed::Followed;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

fn spanbridge(store: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    command.args(args).arg("--db").arg(store).env("PGPASSWORD", "topsecret").env_remove("DATABASE_URL");
    command
}

fn shown(output: &Output) -> String {
    let text = [&*output.stdout, b"\n", &output.stderr].concat();
    String::from_utf8(text).expect("UTF-8")
}

/// SIGTERM ends it well: what was read is stored, and the slot is where the store is. `doctor` knows the slot, and
/// `unfollow` removes it.
#[tokio::test]
async fn from_the_first_line_to_unfollow() {
    let Some(db) = database("binary").await else { return };
    let (url, slot, store) = (db.options.postgres.clone(), db.options.slot.clone(), db.store.path().to_owned());
    db.run("CREATE TABLE orders (id int PRIMARY KEY, status text)").await;
    let of = ["--postgres", &url, "--slot", &slot];
    let mut command = spanbridge(
        &store,
        &[&["state", "follow", "--create", "--policy", "values", "--interval", "20ms"][..], &of].concat(),
    );
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("started");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let first = lines.next().expect("a line").expect("text");
    assert!(
        first.starts_with("following ") && first.contains(&format!("with the slot {slot}, which was created at ")),
        "{first}"
    );
    db.run("INSERT INTO orders VALUES (1, 'new')").await;
    db.run("UPDATE orders SET status = 'paid'").await;
    while mutations(&store).len() < 2 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    kill_process(Pid::from_child(&child), Signal::TERM).expect("signalled");
    let output = child.wait_with_output().expect("ended");
    assert!(output.status.success(), "{}", shown(&output));
    assert_eq!(mutations(&store).len(), 2);
    let noted = Followed::all(&store);
    assert_eq!((noted.len(), &noted[0].slot), (1, &slot));
    let confirmed = "SELECT confirmed_flush_lsn::text FROM pg_replication_slots WHERE slot_name = current_database()";
    assert_eq!(noted[0].position, db.text(confirmed).await);

    let output = spanbridge(&store, &["doctor", "--silence", "1h"]).output().expect("run");
    assert!(
        shown(&output).contains(&format!("· slot {slot} of ")) && !shown(&output).contains("nobody follows it"),
        "{}",
        shown(&output)
    );
    let output = spanbridge(&store, &["doctor", "--silence", "1ms"]).output().expect("run");
    assert!(output.status.code() == Some(1) && shown(&output).contains("nobody follows it"), "{}", shown(&output));
    let output = spanbridge(&store, &["doctor", "--format", "json", "--postgres", &url]).output().expect("run");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert!(json["slots"][0]["isGone"] == false && json["slots"][0]["keptBytes"].is_u64(), "{json}");

    let output = spanbridge(&store, &[&["state", "unfollow"][..], &of].concat()).output().expect("run");
    assert!(
        output.status.success() && shown(&output).contains(&format!("the slot {slot} is dropped")),
        "{}",
        shown(&output)
    );
    assert_eq!(Followed::all(&store), []);
}

/// Neither outputs nor the file of the slot have the password.
#[tokio::test]
async fn passwords_are_not_shown() {
    let Some(db) = database("password").await else { return };
    let with_password = db.options.postgres.replacen("postgres@", "postgres:topsecret@", 1);
    assert_ne!(with_password, db.options.postgres);
    let nowhere = "postgres://u:topsecret@127.0.0.1:1/d";
    for url in [&*with_password, nowhere, "postgres://u:topsecret?x=y@h/d"] {
        let output =
            spanbridge(db.store.path(), &["state", "follow", "--postgres", url, "--once"]).output().expect("run");
        assert!(!output.status.success() && !shown(&output).contains("topsecret"), "{}", shown(&output));
        let on_command_line = shown(&output).contains("put it into PGPASSWORD");
        assert!(on_command_line || url.contains('?'), "{}", shown(&output));
    }
    let slot = &db.options.slot;
    let output = spanbridge(
        db.store.path(),
        &["state", "follow", "--create", "--once", "--slot", slot, "--postgres", &with_password],
    );
    let output = { output }.output().expect("run");
    assert!(output.status.success() && !shown(&output).contains("topsecret"), "{}", shown(&output));
    assert!(!format!("{:?}", Followed::all(db.store.path())).contains("topsecret"));
    drop(connect(&db.options.postgres).await);
    db.clean_up().await;
}
