//! Workers that do what they should, and others.

use crate::common::run;
use crate::reports::{diverged, same};
use crate::support::{Answer, Input, command, keep, left, order, replay, reports};
use insta::assert_snapshot;
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

fn order_and(script: &str, more: &[&str]) -> (TempDir, Answer) {
    let store = keep(order(Input::Whole));
    let run = run(1).to_string();
    let answer = replay(&store, &[&[run.as_str()][..], more, &["--", "sh", "-c", script]].concat());
    (store, answer)
}

fn reported(report: &Value, more: &[&str]) -> (TempDir, Answer) {
    let dir = tempfile::tempdir().unwrap();
    order_and(&reports(dir.path(), report), more)
}

#[test]
fn a_call_that_was_added_is_shown() {
    let (store, answer) = reported(&diverged(), &[]);
    assert_eq!((answer.code, answer.told.as_str()), (Some(1), ""));
    assert_snapshot!(answer.out, @r##"
≠ diverged
  handler      process orders  a000000300000003
  of run       place order  11111111  ok

 re-executed   process orders
 recorded        GET http://stock/42
 refused         POST http://audit/log
                   the call is not recorded: POST http://audit/log

first difference
  what         a call that was not recorded, step 2
  where        http.client POST http://audit/log
  expected     no such call
  actual       POST http://audit/log with 20 bytes

  then         error in charge: card declined
  now          ok

Calls that are not wrapped cannot be stopped.
  look at      spanbridge trace 11111110
"##);
    assert!(answer.out.lines().all(|line| line.chars().count() <= 80), "{}", answer.out);
    assert_eq!(left(&store), 0);
}

/// Whatever a worker reports, it controls neither the terminal nor the width.
#[test]
fn reports_are_escaped_and_fit() {
    let mut report = diverged();
    let wide = "注文を処理する \u{1b}[31m".repeat(20);
    report["firstDivergence"]["actual"] = wide.as_str().into();
    report["firstDivergence"]["differences"] =
        (0..30).map(|n| json!({ "field": format!("body:/{n}{wide}") })).collect();
    let first = report["steps"][0].clone();
    for n in 0..40 {
        let mut step = first.clone();
        (step["index"], step["depth"], step["name"]) = (n.into(), n.into(), format!("{n}{wide}").into());
        report["steps"].as_array_mut().unwrap().insert(0, step);
    }
    report["outcome"]["recorded"]["error"] = wide.as_str().into();
    let dir = tempfile::tempdir().unwrap();
    let script = reports(dir.path(), &report);
    let store = keep(order(Input::Whole));
    for columns in [40, 80] {
        let mut command = command(&store, &[&run(1).to_string(), "--", "sh", "-c", &script]);
        let answer = Answer::of(command.env("COLUMNS", columns.to_string()).output().unwrap());
        assert!(!answer.out.contains('\u{1b}'), "{}", answer.out);
        let wide = answer.out.lines().find(|line| unicode_width::UnicodeWidthStr::width(*line) > columns);
        assert_eq!(wide, None, "in {columns} columns");
        assert!(answer.out.contains("more as recorded"), "{}", answer.out);
    }
}

#[test]
fn the_same_ends_with_zero() {
    let (_store, answer) = reported(&same(), &[]);
    assert_eq!((answer.code, answer.told.as_str()), (Some(0), ""));
    assert_snapshot!(answer.out, @r##"
✓ the same
  handler      process orders  a000000300000003
  of run       place order  11111111  ok

 re-executed   process orders
 recorded        GET http://stock/42

  then         error in charge: card declined
  now          error in charge: card declined

Calls that are not wrapped cannot be stopped.
  look at      spanbridge trace 11111110
               spanbridge why 11111110
"##);
}

/// What is ignored is not shown, and the exit code stays.
#[test]
fn ignored_differences_count_all_the_same() {
    let mut report = diverged();
    report.as_object_mut().unwrap().remove("firstDivergence");
    let (_store, answer) = reported(&report, &["--ignore", "body:/at"]);
    assert_eq!(answer.code, Some(1));
    assert!(answer.out.contains("because of --ignore"), "{}", answer.out);
}

/// The records of the replay are a run that can be looked at and compared.
#[test]
fn the_new_run_is_in_the_store() {
    let (store, answer) = reported(&diverged(), &[]);
    let shown: Vec<&str> =
        answer.out.lines().filter_map(|line| line.trim().split_once("spanbridge ")).map(|l| l.1).collect();
    assert_eq!(shown, ["trace 11111110"], "{}", answer.out);
    // What came before the handler is not in it, so nobody is told to compare them. It can be done.
    for (line, expected) in [(shown[0], 0), ("diff 11111111 11111110", 1)] {
        let mut look = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
        let output = look.args(line.split(' ')).arg("--db").arg(store.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(expected), "{line}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let says_so = text.contains("replay of run 11111111");
        assert_eq!(says_so, line.starts_with("trace"), "{text}");
    }
}

/// What the worker prints passes through. With JSON, standard output has nothing else.
#[test]
fn what_the_worker_prints_passes_through() {
    let dir = tempfile::tempdir().unwrap();
    let script = format!("{}; echo to stdout; echo to stderr >&2", reports(dir.path(), &same()));
    let (_store, text) = order_and(&script, &[]);
    assert!(text.out.starts_with("to stdout\n") && text.told == "to stderr\n", "{}{}", text.out, text.told);
    let (_store, json) = order_and(&script, &["--format", "json"]);
    assert_eq!((json.json()["verdict"].as_str(), json.told.as_str()), (Some("same"), "to stdout\nto stderr\n"));
    assert_eq!(json.json().get("records"), None);
}

/// The worker reads the case where it is told, and nobody else can.
#[test]
fn the_case_is_private() {
    let dir = tempfile::tempdir().unwrap();
    let seen = dir.path().join("seen");
    let look = format!(
        "(stat -c %a \"$SPANBRIDGE_REPLAY\" \"$(dirname \"$SPANBRIDGE_REPLAY\")\"; cat \"$SPANBRIDGE_REPLAY\") > '{}'",
        seen.display()
    );
    let script = format!("{look}; {}", reports(dir.path(), &same()));
    let (store, answer) = order_and(&script, &["--scratch", "test", "--live", "http.client"]);
    assert_eq!(answer.code, Some(0), "{}", answer.told);
    let seen = std::fs::read_to_string(seen).unwrap();
    let case = seen.strip_prefix("600\n700\n").unwrap_or_else(|| panic!("{seen}"));
    let case = spanbridge_replay::Case::from_json(case.as_bytes()).unwrap();
    assert_eq!((case.scratch.as_deref(), case.live.len(), case.spans().len()), (Some("test"), 1, 4));
    assert_eq!(left(&store), 0);
}

/// A worker without a report, however that came about.
#[test]
fn a_worker_without_a_report_says_why() {
    let told = |script: &str| {
        let (store, answer) = order_and(script, &[]);
        assert_eq!((answer.code, answer.out.as_str(), left(&store)), (Some(1), "", 0));
        answer.told
    };
    assert_snapshot!(told("true"), @r##"
spanbridge: failed to get a report from the worker: sh ended with exit code 0
  The worker takes what is replayed with `spanbridge_replay::Replayer::from_environment`, before it connects to anything.
"##);
    assert_snapshot!(told("exit 3"), @r##"
spanbridge: failed to get a report from the worker: sh ended with exit code 3
"##);
    assert_snapshot!(told("kill -9 $$"), @r##"
spanbridge: failed to get a report from the worker: sh was killed by SIGKILL
"##);
    assert_snapshot!(told("echo no json > \"$SPANBRIDGE_REPLAY_REPORT\""), @r##"
spanbridge: failed to read a report: expected ident at line 1 column 2
  Nothing else may write to the file that SPANBRIDGE_REPLAY_REPORT names.
"##);
    assert_snapshot!(told("echo '{\"schemaVersion\": 2, \"steps\": 1}' > \"$SPANBRIDGE_REPLAY_REPORT\""), @r##"
spanbridge: failed to read a report: it has version 2, and this release reads 1
  The worker and this command are of different releases. Build the worker with the release of `spanbridge --version`.
"##);
    let store = keep(order(Input::Whole));
    let missing = replay(&store, &[&run(1).to_string(), "--", "/no/such/worker"]);
    assert_snapshot!(missing.told, @r##"
spanbridge: failed to start /no/such/worker: No such file or directory (os error 2)
"##);
    assert_eq!((missing.code, left(&store)), (Some(1), 0));
}

/// A worker may hang. Whoever ends the command ends the worker, and the files are gone.
#[test]
fn a_signal_is_passed_to_the_worker() {
    for (signal, name) in [("-TERM", "SIGTERM"), ("-INT", "SIGINT")] {
        let store = keep(order(Input::Whole));
        // Its shell is replaced, so that the signal meets what hangs.
        let script = "echo started; exec sleep 600";
        let mut command = command(&store, &[&run(1).to_string(), "--", "sh", "-c", script]);
        // In a session of its own, without a terminal.
        let mut child = setsid(&mut command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!((line.as_str(), left(&store)), ("started\n", 1));
        let begun = Instant::now();
        assert!(Command::new("kill").arg(signal).arg(child.id().to_string()).status().unwrap().success());
        let answer = Answer::of(child.wait_with_output().unwrap());
        assert!(begun.elapsed() < Duration::from_secs(60));
        let expected = format!("it was interrupted, and sh was killed by {name}");
        assert!(answer.told.contains(&expected), "{}", answer.told);
        assert_eq!((answer.code, left(&store)), (Some(1), 0));
    }
}

/// What is typed on a terminal is sent to both. The worker gets it once, and its report counts.
#[test]
fn ctrl_c_reaches_the_worker_once() {
    let store = keep(order(Input::Whole));
    let seen = store.path().join("seen");
    let script = format!(
        "trap \"echo x >> '{0}'\" INT; echo ready; until [ -s '{0}' ]; do sleep 0.05; done; sleep 0.5; {1}",
        seen.display(),
        reports(store.path(), &same())
    );
    let plain = command(&store, &[&run(1).to_string(), "--", "sh", "-c", &script]);
    let (pty, pts) = pty_process::blocking::open().unwrap();
    let mut within = pty_process::blocking::Command::new(plain.get_program()).args(plain.get_args());
    for (key, value) in plain.get_envs().filter_map(|(key, value)| Some((key, value?))) {
        within = within.env(key, value);
    }
    let mut child = within.spawn(pts).unwrap();
    let mut lines = BufReader::new(&pty).lines().map_while(Result::ok);
    assert!(lines.any(|line| line.trim_end() == "ready"));
    (&pty).write_all(b"\x03").unwrap();
    let told: Vec<String> = lines.collect();
    assert!(told.iter().any(|line| line.contains("interrupted; the worker had written its report")), "{told:?}");
    assert!(told.iter().any(|line| line.contains("the same")), "{told:?}");
    assert_eq!((child.wait().unwrap().code(), left(&store)), (Some(0), 0));
    assert_eq!(std::fs::read_to_string(seen).unwrap(), "x\n");
}

fn setsid(command: &mut Command) -> Command {
    let mut within = Command::new("setsid");
    within.arg("--wait").arg(command.get_program()).args(command.get_args());
    for (key, value) in command.get_envs() {
        match value {
            Some(value) => within.env(key, value),
            None => within.env_remove(key),
        };
    }
    within
}
