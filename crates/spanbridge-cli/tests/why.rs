//! `spanbridge why` and `diff` with stories whose cause is known: what people see, and what programs get.

#[path = "../../spanbridge-graph/tests/stories/planted.rs"]
mod planted;
#[path = "../../spanbridge-graph/tests/stories/story.rs"]
mod story;

use planted::ALL;
use serde_json::Value;
use spanbridge_cli::render::{self, Options};
use spanbridge_graph::{Diff, DiffOptions, Why};
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
fn rows_before_a_failure_are_shown() {
    insta::assert_snapshot!(shown("rows before a failure"), @r##"
POST /orders  00000000  ✗ error
1 failure

✗ POST /charge (billing) failed
  500
  path         gateway ▸ POST /orders  100 ms
               POST  98.0 ms
               → orders ▸ POST /place  96.0 ms
               POST /charge  50.0 ms
               → billing ▸ POST /charge  48.0 ms
  took down    POST /charge (orders), POST /place (orders), POST (gateway), POST /orders (gateway)
  rows before  orders id=3: deleted
                 by a span that is not known, 2026-09-21 14:13:20.004 UTC
               orders id=2: status 'a' → 'b'
                 by POST /place (orders), 2026-09-21 14:13:20.029 UTC
               orders id=1: status '' → 'new'
                 by INSERT orders (orders), 2026-09-21 14:13:20.006 UTC
               orders id=7: status 'here' → 'reserved'
                 by UPDATE stock (stock), 2026-09-21 14:13:20.013 UTC
               orders id=9: status 'open' → 'tried'
                 by UPDATE bills (billing), 2026-09-21 14:13:20.033 UTC
  look at      spanbridge debug 000000000000a00b
"##);
    insta::assert_snapshot!(shown("a row that others wrote"), @r##"
POST /place  00000000  ✗ error
1 failure

✗ POST /place (orders) failed
  held
  path         orders ▸ POST /place  20.0 ms
  rows before  orders id=1: status 'held' → 'tried'
                 by UPDATE orders (orders), 2026-09-21 14:13:20.012 UTC
  other runs   orders id=1: status 'new' → 'held'
                 by UPDATE orders 00000000, import, 2026-09-21 14:13:20.002 UTC
  look at      spanbridge debug 000000000000a002
"##);
}

#[test]
fn what_was_rolled_back_is_said() {
    insta::assert_snapshot!(shown("a transaction that was rolled back"), @r##"
process orders  00000000  ✗ error
1 failure

✗ print label (worker) failed
  no paper
  path         (came without a context)
               worker ▸ process orders  50.0 ms
               print label  10.0 ms
  took down    process orders (worker)
  rows before  orders id=1: status 'new' → 'packing'
                 by UPDATE orders (worker), 2026-09-21 14:13:20.004 UTC
               orders id=4: status '' → 'seen'
                 by INSERT log (worker), 2026-09-21 14:13:20.017 UTC
  rolled back  transaction (worker) with UPDATE stock, UPDATE shelf, UPDATE picked: nothing that it
               wrote is in the database
  look at      spanbridge debug 000000000000a00b

! process orders came without a context, so it is not known who sent the message
"##);
    insta::assert_snapshot!(shown("a rollback without a failure"), @r##"
GET /price  00000000  ✓ ok
no failure found

↶ transaction (worker) with UPDATE prices was rolled back: nothing that it wrote is in the database
↶ UPDATE seen (worker) was rolled back: nothing that it wrote is in the database
"##);
}

#[test]
fn a_dead_letter_has_its_attempts() {
    insta::assert_snapshot!(shown("dead letter after three attempts"), @r##"
order  00000000  ! ok, 1 message dead-lettered
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
POST /orders  00000000  ! ok, 2 messages failed
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

! the records have 1 gap: spanbridge doctor 00000000
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

/// As `runs` and `trace` say it: the owner ended the run as ok, and a message of it was dead-lettered.
#[test]
fn the_run_has_its_failed_work() {
    let (dir, run) = (store("dead letter after three attempts"), run_id(1).to_string());
    let json = |args: &[&str]| -> Value {
        serde_json::from_str(&run_on(&dir, &[args, &["--format", "json"]].concat()).1).unwrap()
    };
    let (why, diff) = (json(&["why", &run]), json(&["diff", &run, &run]));
    for summary in [&json(&["trace", &run])["run"], &why["run"], &diff["left"], &diff["right"]] {
        assert_eq!((&summary["status"], &summary["deadLettered"]), (&"ok".into(), &1.into()), "{summary}");
    }
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

/// Two orders, of which the later one fails.
fn two_orders() -> TempDir {
    let mut story = Story::default();
    for (run, at, error) in [(2, 0, None), (1, 60_000, Some("card expired"))] {
        story.begin(run, "shop", "order", at, None);
        let charge = step("shop", "charge", 0, at + 1, at + 5).top_of(run).counts("order.lines", run as i64);
        story.add(error.map_or(charge.clone(), |error| charge.fails(error)));
        let slow = if run == 1 { 800 } else { 80 };
        story.add(step("shop", "reserve", 0, at + 6, at + 6 + slow).top_of(run));
        match error {
            Some(error) => {
                let audit = story.add(step("shop", "audit", 0, at + 900, at + 905).top_of(run));
                story.add(step("shop", "write", audit, at + 901, at + 904));
                story.fail(run, "shop", at + 1_000, error);
            }
            None => story.end(run, "shop", at + 1_000),
        }
    }
    keep(&story)
}

fn run_on(dir: &TempDir, args: &[&str]) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spanbridge"));
    command.args(args).arg("--db").arg(dir.path()).env("COLUMNS", "100");
    let output = command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_last_good_run_is_named() {
    let (code, text, _) = run_on(&two_orders(), &["why", &run_id(1).to_string()]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(text, @r##"
order  00000000  ✗ error
1 failure

✗ charge (shop) failed
  card expired
  path         shop ▸ run order  1.00 s
               charge  4.00 ms
  took down    run order (shop)
  look at      spanbridge debug 000000000000a003

last good      00000000  5 differences
  first        attributes order › charge (shop): order.lines: 2 → 1
               spanbridge diff 00000000 --last-good
"##);
}

#[test]
fn two_runs_side_by_side() {
    let (one, two) = (run_id(1).to_string(), run_id(2).to_string());
    let dir = two_orders();
    let (code, text, _) = run_on(&dir, &["diff", &two, &one]);
    assert_eq!(code, 1, "there are differences");
    insta::assert_snapshot!(text, @r##"
regressed
left   order  00000000  ✓ ok
right  order  00000000  ✗ error

~ attributes  order › charge (shop)
              order.lines: 2 → 1
✗ status      order › charge (shop)  ok → error
              card expired
▲ slower      order › reserve (shop)
              itself 80.0 ms → 800 ms
+ added       order › audit (shop)  with 1 step below
✗ status      order (shop)  ok → error
              card expired
"##);
    assert_eq!(run_on(&dir, &["diff", &one, "--last-good"]), (1, text, String::new()));
    let (code, text, _) = run_on(&dir, &["diff", &one, &one]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(text, @r##"
identical
left   order  00000000  ✗ error
right  order  00000000  ✗ error
"##);
    let (_, text, _) = run_on(&dir, &["diff", &one, &two, "--format", "json", "--least", "10s"]);
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&answer["verdict"], &answer["left"]["runId"]), (&"fixed".into(), &one.as_str().into()));
    let kinds = answer["differences"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap());
    assert_eq!(kinds.collect::<Vec<_>>(), ["attributes", "status", "removed", "status"]);
}

#[test]
fn what_cannot_be_compared_is_said() {
    let (one, two) = (run_id(1).to_string(), run_id(2).to_string());
    let dir = two_orders();
    let (code, text, error) = run_on(&dir, &["diff", &two, "--last-good"]);
    assert_eq!((code, text.as_str()), (1, ""));
    assert!(error.contains("no earlier run of its kind ended as ok"), "{error}");
    assert_eq!(run_on(&dir, &["diff", &one]).0, 2);
    assert_eq!(run_on(&dir, &["diff", &one, &two, "--last-good"]).0, 2);
    assert_eq!(run_on(&dir, &["diff", &one, "beefbeef"]).0, 1);
}

/// The pages of differences, in any width.
#[test]
fn differences_fit_into_their_width() {
    let graphs: Vec<_> = ALL
        .iter()
        .map(|planted| {
            let mut story = Story::default();
            (planted.tell)(&mut story);
            story.graphs()
        })
        .collect();
    for pair in graphs.windows(2) {
        let diff = Diff::of(&pair[0], &pair[1], &DiffOptions::default()).unwrap();
        for width in [40, 70] {
            let text = render::diff(&diff, &Options::default().width(width));
            assert!(text.lines().all(|line| line.width() <= width), "{width}:\n{text}");
        }
    }
}

/// They are what the run was searched by.
#[test]
fn attributes_of_the_run_stand_in_the_header() {
    let mut story = Story::default();
    story.begin(1, "shop", "order", 0, None);
    story.add(step("shop", "place", 0, 1, 2));
    story.end(1, "shop", 3);
    let mut graphs = story.graphs();
    graphs[0].run.attributes = vec![("order.id".into(), 17.into()), ("customer".into(), "Acme\u{202e}".into())];
    let why = Why::of(&graphs, &[run_id(1)]).unwrap();
    let text = render::why(&why, &Options::default());
    assert_eq!(text, "order  00000000  ✓ ok\norder.id=17 · customer=Acme\\u{202e}\nno failure found\n");
    assert_eq!(why.to_json()["attributes"], serde_json::json!({"order.id": 17, "customer": "Acme\u{202e}"}));
}
