//! `spanbridge why` with stories whose cause is known: what people see, and what programs get.

#[path = "../../spanbridge-graph/tests/stories/planted.rs"]
mod planted;
#[path = "../../spanbridge-graph/tests/stories/story.rs"]
mod story;

use planted::ALL;
use serde_json::Value;
use spanbridge_cli::render::{self, Options};
use spanbridge_graph::Why;
use spanbridge_query::Store;
use std::process::{Command, Output};
use story::{Story, run_id, step};
use tempfile::TempDir;
use unicode_width::UnicodeWidthStr;

/// A store with one of the stories.
fn store(name: &str) -> TempDir {
    let mut story = Story::default();
    (ALL.iter().find(|planted| planted.name == name).unwrap().tell)(&mut story);
    keep(&story)
}

fn keep(story: &Story) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    Store::open_or_create(dir.path()).unwrap().import(story.records.iter().cloned()).unwrap();
    dir
}

fn why(dir: &TempDir, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    command.arg("why").args(args).arg("--db").arg(dir.path()).env("COLUMNS", "100");
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").output().unwrap()
}

fn shown(name: &str) -> String {
    let run = run_id(1).to_string();
    let output = why(&store(name), &[&run]);
    assert_eq!((output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()), (Some(0), ""));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_hanging_service_explains_a_time_out() {
    insta::assert_snapshot!(shown("time-out because a downstream one hangs"), @r##"
POST /orders  00000000  ✗ error
1 failure

✗ SELECT stock (stock) has no end: it hangs, or its process was killed
  path         gateway ▸ POST /orders  100 ms
               POST  98.0 ms
               → orders ▸ POST /place  96.0 ms
               GET  85.0 ms
               → stock ▸ GET /stock  open
               SELECT stock  open
  took down    GET /stock (stock), GET (orders), POST /place (orders), POST (gateway), POST /orders
               (gateway)
  look at      spanbridge debug 000000000000a007
"##);
}

#[test]
fn a_dead_letter_has_its_attempts() {
    insta::assert_snapshot!(shown("dead letter after three attempts"), @r##"
order  00000000  ✓ ok
1 failure

✗ charge (billing) failed
  card expired
  path         shop ▸ run order  10.0 ms
               place  8.00 ms
               publish orders  2.00 ms
               ⇢ billing ▸ process orders  9.00 ms
               charge  7.00 ms
  before it    2 attempts failed: charge
  took down    process orders (billing)
  dead letter  process orders.dead (support)
  although     the owner of the run ended it as ok
  look at      spanbridge debug 000000000000a00a
"##);
}

#[test]
fn two_failures_are_apart() {
    insta::assert_snapshot!(shown("two unrelated failures"), @r##"
POST /orders  00000000  ✓ ok
2 failures, none the reason of another; in causal order

✗ process orders.bill (billing) failed
  card expired
  path         gateway ▸ POST /orders  10.0 ms
               publish orders  2.00 ms
               ⇢ billing ▸ process orders.bill  10.0 ms
  look at      spanbridge debug 000000000000a003

✗ process orders.mail (mailer) failed
  no address
  path         gateway ▸ POST /orders  10.0 ms
               publish orders  2.00 ms
               ⇢ mailer ▸ process orders.mail  5.00 ms
  look at      spanbridge debug 000000000000a004
"##);
}

#[test]
fn what_was_mended_is_no_failure() {
    insta::assert_snapshot!(shown("a retry of a call that succeeded"), @r##"
place  00000000  ✓ ok
no failure found

✓ GET (shop) failed ×2, then succeeded: busy (503)
"##);
    insta::assert_snapshot!(shown("error handled by the caller"), @r##"
GET /  00000000  ✓ ok
no failure found

✓ GET (gateway) failed, but GET / (gateway) went on: refused
"##);
}

#[test]
fn what_makes_it_uncertain_is_said() {
    insta::assert_snapshot!(shown("lost context"), @r##"
process orders  00000000  ✗ error
1 failure

✗ find order (billing) failed
  no such order
  path         (came without a context)
               billing ▸ process orders  20.0 ms
               find order  8.00 ms
  took down    process orders (billing)
  look at      spanbridge debug 000000000000a002

! process orders came without a context, so it is not known who sent the message
"##);
    insta::assert_snapshot!(shown("cancelled by the caller"), @r##"
GET /report  00000000  ⊘ cancelled
nothing failed; it was cancelled

⊘ GET /report (gateway) was cancelled
  path         gateway ▸ GET /report  30.0 ms
  took down    GET (gateway), GET /report (reports), SELECT (reports)
  look at      spanbridge debug 000000000000a001
"##);
    insta::assert_snapshot!(shown("not ended yet"), @r##"
order  00000000  ◌ open
no failure found; it has not ended

◌ no end       GET (shop)
"##);
}

/// Whatever the story, in a page of any width: nothing sticks out, and colour is never the only sign.
#[test]
fn pages_fit_into_their_width() {
    for planted in ALL {
        let mut story = Story::default();
        (planted.tell)(&mut story);
        let why = Why::of(&story.graphs(), &[run_id(1)]).unwrap();
        for width in [40, 60, 100] {
            let options = Options::default().width(width);
            let text = render::why(&why, &options);
            assert!(text.lines().all(|line| line.width() <= width), "{} in {width}:\n{text}", planted.name);
            let coloured = render::why(&why, &options.color(true));
            assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), text);
        }
    }
}

/// Names and errors come from outside.
#[test]
fn hostile_text_is_harmless() {
    let mut story = Story::default();
    let above = story.add(step("shop\u{1b}[2J", "\u{202e}place\n", 0, 0, 9).fails("\u{1b}]0;owned\u{7}"));
    story.add(step("shop\u{1b}[2J", &"x".repeat(10_000), above, 1, 2).fails("a\r\nb"));
    let why = Why::of(&story.graphs(), &[run_id(1)]).unwrap();
    let text = render::why(&why, &Options::default());
    assert!(!text.contains(|c: char| c != '\n' && (c.is_control() || c == '\u{202e}')), "{text:?}");
    assert!(text.lines().all(|line| line.width() <= 100), "{text}");
}

#[test]
fn json_has_the_same_answer() {
    let dir = store("time-out because a downstream one hangs");
    let output = why(&dir, &[&run_id(1).to_string()[..20], "--format", "json"]);
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (output.status.code(), &answer["schemaVersion"], &answer["outcome"]),
        (Some(0), &1.into(), &"failed".into())
    );
    let failure = &answer["failures"][0];
    assert_eq!((&failure["kind"], &failure["step"]["name"]), (&"no_end".into(), &"SELECT stock".into()));
    assert_eq!(failure["path"][2]["hop"], "call");
    assert_eq!(failure["tookDown"].as_array().unwrap().len(), 5);
}

/// Code 0 whenever the run exists, also for the id of a span; 1 if it does not.
#[test]
fn the_exit_code_says_whether_the_run_exists() {
    let dir = store("only slow");
    let span = story::span_id(1).to_string();
    assert_eq!(why(&dir, &[&span]).status.code(), Some(0));
    assert_eq!(why(&dir, &["beefbeef"]).status.code(), Some(1));
    assert_eq!(why(&dir, &["zz"]).status.code(), Some(2));
}
