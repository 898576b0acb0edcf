//! What somebody is told who uses a word that is none of ours.
#![cfg(feature = "serve")]

use std::process::{Command, Output};
use tempfile::TempDir;

fn run(store: &TempDir, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    command.args(args).arg("--db").arg(store.path()).env_remove("SPANBRIDGE_DB").output().unwrap()
}

fn store() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    spanbridge_query::Store::open_or_create(dir.path()).unwrap();
    dir
}

/// Words of other tools, and what does the same here. The exit code stays that of wrong usage.
#[test]
fn other_words_lead_to_ours() {
    let store = store();
    for (args, hint) in [
        (&["diff", "4bf92f35"][..], "or give --last-good for the last run of its kind"),
        (&["runs", "--status", "failed"], "tip: give 'error'\n"),
        (&["runs", "--status", "Succeeded"], "tip: give 'ok'\n"),
        (&["export", "--status", "running"], "tip: give 'open'\n"),
        (&["runs", "--failed"], "tip: give --status error\n"),
        (&["runs", "--errors"], "tip: give --status error\n"),
        (
            &["runs", "order.id=17"],
            "tip: `spanbridge runs --attribute order.id=17` lists the runs with this attribute\n",
        ),
        (&["runs", "POST /orders"], "`spanbridge runs --name 'POST /orders'` lists the runs with this in their name\n"),
        (&["export", "--format", "mermaid"], "tip: give --to mermaid\n"),
        (&["serve", "--port", "8080"], "tip: give --listen 127.0.0.1:PORT\n"),
        (&["serve", "--port=8080"], "tip: give --listen 127.0.0.1:PORT\n"),
        (&["serve", "--listen", ":4318"], "0.0.0.0:PORT for every machine"),
        (&["list"], "tip: `spanbridge runs` does that\n"),
        (&["watch"], "tip: `spanbridge tail` does that\n"),
        (&["4bf92f35"], "tip: `spanbridge trace 4bf92f35` shows what has this id\n"),
    ] {
        let output = run(&store, args);
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(hint), "{args:?}: {told}");
        assert!(told.matches("tip: ").count() < 2, "{args:?}: {told}");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
    }
}

/// Wherever an id is expected.
#[test]
fn what_is_no_id_may_be_searched() {
    let store = store();
    for command in ["why", "trace", "debug", "doctor", "export"] {
        let output = run(&store, &[command, "order.id=17"]);
        assert_eq!(
            (output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()),
            (
                Some(2),
                "spanbridge: failed to look up \"order.id=17\": an id has 4 to 32 hexadecimal digits\n  \
                 `spanbridge runs --attribute order.id=17` lists the runs with this attribute.\n"
            ),
            "{command}"
        );
    }
    for (args, hint) in [
        (&["why", "checkout"][..], "--name checkout`"),
        (&["diff", "POST /orders", "--last-good"], "--name 'POST /orders'`"),
        (&["tail", "--run", "tier=gold"], "--attribute tier=gold`"),
        (&["why", "it's\u{7}"], "--name 'it'\\''s\\x07'`"),
    ] {
        let told = String::from_utf8(run(&store, args).stderr).unwrap();
        assert!(told.contains(&format!("`spanbridge runs {hint} lists the runs")), "{args:?}: {told}");
    }
    // An id that is too short.
    let told = String::from_utf8(run(&store, &["why", "4bf"]).stderr).unwrap();
    assert!(!told.contains("spanbridge runs"), "{told}");
}
