//! `why` on a store: the runs that a failure has to do with are found and read.

#[path = "../../spanbridge-graph/tests/stories/planted.rs"]
mod planted;
#[path = "../../spanbridge-graph/tests/stories/story.rs"]
mod story;

use planted::ALL;
use spanbridge_graph::{Outcome, Why};
use spanbridge_query::Store;
use story::{Story, process, publish, run_id, step, told};

/// Asks a store with this story about a run.
fn ask(story: &Story, run: u128) -> Why {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open_or_create(dir.path().join("store")).unwrap();
    store.import(story.records.iter().cloned()).unwrap();
    assert!(store.why(&[run_id(9_999)]).unwrap().is_none());
    store.why(&[run_id(run)]).unwrap().unwrap()
}

#[test]
fn why_finds_the_planted_cause_in_a_store() {
    for planted in ALL {
        let mut story = Story::default();
        (planted.tell)(&mut story);
        assert_eq!(told(&ask(&story, 1)), planted.answer, "{}", planted.name);
    }
}

/// Asked about the run in which it failed, the path begins in the run that caused it.
#[test]
fn a_child_run_is_explained_from_its_root() {
    let mut s = Story::default();
    s.begin(1, "shop", "order", 0, None);
    let sent = s.add(publish("shop", "orders", 0, 2).top_of(1));
    s.end(1, "shop", 10);
    s.begin(2, "billing", "bill", 20, Some(sent));
    s.add(step("billing", "charge", 0, 22, 29).top_of(2).fails("card expired"));
    s.fail(2, "billing", 31, "card expired");
    let answer = "\
failed
error: order @shop > publish orders @shop -child_run> bill @billing > charge @billing \"card expired\"
  took down: bill @billing
  the owner ended the run as ok
";
    assert_eq!((told(&ask(&s, 2)).as_str(), told(&ask(&s, 1)).as_str()), (answer, answer));
}

/// Every attempt is a run of its own. The first failed and the second did it.
#[test]
fn an_attempt_in_another_run_mends_it() {
    let mut s = Story::default();
    let sent = s.add(publish("shop", "orders", 0, 0));
    for (run, attempt) in [(2, 1), (3, 2)] {
        let at = 20 * attempt;
        s.begin(run, "billing", "bill", at, Some(sent));
        let job = process("billing", "orders", 0, at + 1, at + 5).top_of(run).attempt(attempt as i64);
        let job = job.is(spanbridge::semconv::RELATION, "new_run");
        s.add(if attempt == 1 { job.fails("locked") } else { job });
        match attempt {
            1 => s.fail(run, "billing", at + 6, "locked"),
            _ => s.end(run, "billing", at + 6),
        }
    }
    for run in [1, 2] {
        let why = ask(&s, run);
        assert_eq!((why.outcome, why.recovered.len()), (Outcome::Ok, 1), "{run}: {}", told(&why));
    }
}

/// A trace of a peer, whose span is not part of a declared run.
#[test]
fn a_parent_in_another_run_is_found() {
    let mut s = Story::default();
    let call = s.add(step("shop", "call", 0, 0, 50).of_run(5).fails("x"));
    s.add(step("shop", "work", call, 1, 9).of_run(6).fails("x"));
    let answer = "failed\nerror: call @shop > work @shop \"x\"\n  took down: call @shop\n";
    assert_eq!(told(&ask(&s, 6)), answer);
}

#[test]
fn too_many_connected_runs_are_said() {
    let mut s = Story::default();
    let sent = s.add(publish("shop", "orders", 0, 0));
    for run in 2..600u128 {
        s.begin(run, "billing", "bill", 20, Some(sent));
        s.end(run, "billing", 30);
    }
    let why = ask(&s, 1);
    assert_eq!(why.notes[0].code, "runs_not_read");
    assert_eq!(why.notes[0].message, "99 more connected runs were not read, so failures in them are not known");
}
