//! `why` on a store: the runs that a failure has to do with are found and read.

#[path = "../../spanbridge-graph/tests/stories/planted.rs"]
mod planted;
#[path = "../../spanbridge-graph/tests/stories/story.rs"]
mod story;

use planted::ALL;
use spanbridge_graph::{DiffOptions, DifferenceKind, Outcome, Verdict, Why};
use spanbridge_query::Store;
use story::{Story, process, publish, query, run_id, step, told};

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

/// Runs of the same trace are not all read if they are many. What failed in them is not denied.
#[test]
fn too_many_runs_of_a_trace_are_said() {
    let trace_of_1_to = |last: u128| {
        let mut s = Story::default();
        let call = s.add(step("shop", "import", 0, 0, 50));
        for run in 2..=last {
            s.add(step("billing", "bill", call, 5, 9).of_run(run).fails("locked"));
        }
        let trace = spanbridge::TraceId::new(run_id(1).get());
        s.records = s
            .records
            .into_iter()
            .map(|record| {
                let run = record.run_id;
                record.of_run(run, trace)
            })
            .collect();
        ask(&s, 1)
    };
    let (few, many) = (trace_of_1_to(50), trace_of_1_to(150));
    assert!(few.notes.iter().all(|note| note.code != "runs_not_read"));
    assert_eq!(few.failures[0].alike, 48);
    let note = many.notes.iter().find(|note| note.code == "runs_not_read").unwrap();
    assert!(note.message.starts_with("149 more connected runs"), "{}", note.message);
}

/// An order that begins at this time. It is charged, and its message is processed.
fn order(s: &mut Story, run: u128, at: u64, charged: Option<&'static str>, processed: Option<&'static str>) {
    s.begin(run, "shop", "order", at, None);
    let charge = step("shop", "charge", 0, at + 1, at + 5).top_of(run);
    s.add(charged.map_or(charge.clone(), |error| charge.fails(error)));
    let sent = s.add(publish("shop", "orders", 0, at + 6).top_of(run));
    let job = process("billing", "orders", sent, at + 20, at + 30);
    s.add(processed.map_or(job.clone(), |error| job.fails(error)));
    match charged {
        Some(error) => s.fail(run, "shop", at + 10, error),
        None => s.end(run, "shop", at + 10),
    }
}

/// Not the nearest run, and not the newest: the nearest before it in which nothing failed.
#[test]
fn the_last_good_run_is_the_one_to_compare_with() {
    let mut s = Story::default();
    order(&mut s, 1, 90_000, Some("card expired"), None);
    order(&mut s, 2, 10_000, None, None);
    order(&mut s, 3, 20_000, None, None);
    // It ended as ok, and its message could not be processed.
    order(&mut s, 4, 30_000, None, Some("no row"));
    order(&mut s, 5, 40_000, Some("card expired"), None);
    order(&mut s, 6, 95_000, None, None);
    s.begin(7, "shop", "refund order", 80_000, None);
    s.end(7, "shop", 80_010);
    s.begin(8, "admin", "order", 81_000, None);
    s.end(8, "admin", 81_010);
    let good = ask(&s, 1).last_good.unwrap();
    assert_eq!((good.run.run_id, good.differences), (run_id(3), 2));
    let first = good.first_difference.unwrap();
    assert_eq!((first.kind, first.name.as_str()), (DifferenceKind::Status, "charge"));
    assert!(ask(&s, 2).last_good.is_none());
}

#[test]
fn two_runs_of_a_store_are_compared() {
    let mut s = Story::default();
    order(&mut s, 1, 0, None, None);
    order(&mut s, 2, 50_000, None, None);
    order(&mut s, 3, 60_000, None, Some("no row"));
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open_or_create(dir.path().join("store")).unwrap();
    store.import(s.records.iter().cloned()).unwrap();
    let diff = |a, b| store.diff(run_id(a), run_id(b), &DiffOptions::default()).unwrap();
    assert_eq!(diff(1, 2).unwrap().verdict, Verdict::Identical);
    let answer = diff(2, 3).unwrap();
    assert_eq!((answer.verdict, answer.differences.len()), (Verdict::Regressed, 1));
    assert_eq!(diff(3, 2).unwrap().verdict, Verdict::Fixed);
    assert!(diff(1, 9_999).is_none());
    assert_eq!(store.last_good(run_id(3)).unwrap(), Some(run_id(2)));
    assert_eq!(store.last_good(run_id(1)).unwrap(), None);
}

/// A message that came back is not mended by another one to the same queue. Only an id says that it was sent again.
#[test]
fn another_message_mends_no_returned_one() {
    let told = |first: Option<&'static str>, second: Option<&'static str>| {
        let mut s = Story::default();
        let work = s.add(step("shop", "place", 0, 0, 20));
        let named = |spec: story::Spec, id: Option<&'static str>| match id {
            Some(id) => spec.is(spanbridge::semconv::MESSAGING_MESSAGE_ID, id),
            None => spec,
        };
        s.add(named(publish("shop", "orders", work, 2).handed("returned").fails("no queue"), first));
        s.add(named(publish("shop", "orders", work, 8), second));
        let why = ask(&s, 1);
        (why.failures.len(), why.recovered.len())
    };
    assert_eq!(told(None, None), (1, 0));
    assert_eq!(told(Some("17"), Some("18")), (1, 0));
    assert_eq!(told(Some("17"), Some("17")), (0, 1));
}

/// What differs in runs that were not read is not known, and that is said.
#[test]
fn diff_says_which_runs_it_did_not_read() {
    let mut s = Story::default();
    let sent = s.add(publish("shop", "orders", 0, 0));
    for run in 2..600u128 {
        s.begin(run, "billing", "bill", 20, Some(sent));
        s.end(run, "billing", 30);
    }
    s.begin(700, "shop", "order", 0, None);
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open_or_create(dir.path().join("store")).unwrap();
    store.import(s.records.iter().cloned()).unwrap();
    let diff = store.diff(run_id(1), run_id(1), &Default::default()).unwrap().unwrap();
    assert_eq!((diff.runs_not_read, &diff.to_json()["runsNotRead"]), (198, &198.into()));
    let alone = store.diff(run_id(700), run_id(700), &Default::default()).unwrap().unwrap();
    assert_eq!((alone.runs_not_read, alone.to_json().get("runsNotRead")), (0, None));
}

/// A row that another run changed before the failure, and one that nobody knows changed later, but before it, too.
#[test]
fn why_names_who_else_wrote_a_row() {
    let mut s = Story::default();
    let early = s.add(query("import", "UPDATE orders", 0, 1, 1).of_run(2));
    s.row(early, r#"{"id":1}"#, "new", "held", 2);
    let late = s.add(query("import", "UPDATE orders", 0, 3, 1).of_run(3));
    s.row(late, r#"{"id":1}"#, "held", "paid", 4);
    s.row(late, r#"{"id":2}"#, "new", "paid", 4);
    let job = s.add(step("shop", "ship", 0, 10, 30).of_run(1).fails("no address"));
    let update = s.add(query("shop", "UPDATE orders", job, 11, 1));
    s.row(update, r#"{"id":1}"#, "paid", "shipping", 12);
    // After the failure, of another table, or of another row.
    let after = s.add(query("import", "UPDATE orders", 0, 40, 1).of_run(4));
    s.row(after, r#"{"id":1}"#, "shipping", "lost", 41);
    let why = ask(&s, 1);
    let others = |why: &Why| -> Vec<String> {
        let failure = &why.failures[0];
        let said = failure.other_writers.iter().map(|change| {
            let by = change.writer.as_ref().map(|by| (by.run_id, by.span_name.clone().unwrap_or_default()));
            format!("{} {}: {by:?}", change.mutation.row(), change.mutation.summary())
        });
        said.collect()
    };
    let by = format!("Some(({}, \"UPDATE orders\"))", run_id(3));
    assert_eq!(others(&why), [format!("orders id=1 status 'held' → 'paid': {by}")]);
    let json = &why.to_json()["failures"][0];
    assert_eq!(json["changes"][0]["writer"]["spanName"], "UPDATE orders");
    assert_eq!(json["otherWriters"][0]["changed"][0]["before"], "held");

    let mut unknown =
        s.records.iter().find(|record| record.run_id == Some(run_id(3)) && is_row(record)).unwrap().clone();
    (unknown.run_id, unknown.trace_id) = (None, None);
    let spanbridge::record::Body::Mutation(row) = &mut unknown.body else { panic!() };
    (row.span_id, row.mutation_id) = (None, "unknown".into());
    row.committed_at = row.committed_at.map(|at| at + 1_000_000);
    s.records.push(unknown);
    assert_eq!(others(&ask(&s, 1)), ["orders id=1 status 'held' → 'paid': None"]);
}

fn is_row(record: &spanbridge::record::Record<'_>) -> bool {
    matches!(record.body, spanbridge::record::Body::Mutation(_))
}
