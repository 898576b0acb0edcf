//! What the binary prints about stores that together have everything.

use crate::binary::{Outputs, json, keep, printed};
use crate::common::old::OldWriter;
use crate::common::{Recording, gaps, run, run_start, span_id};
use crate::{large, moved, pairs, planted, relations, replay, rows, state, steps, story, upkeep};
use spanbridge::record::{Body, Diagnostic};
use spanbridge_cli::followed::Followed;

pub(crate) fn all() -> Outputs {
    let mut out = Outputs::new();
    everything(&mut out);
    compared(&mut out);
    summarised(&mut out);
    damaged(&mut out);
    pruned(&mut out);
    stories(&mut out);
    let store = keep(gaps::one_of_each());
    followed(store.path());
    out.push(("doctor.json", json(store.path(), &["doctor"])));
    never_settled(&mut out);
    not_judged(&mut out);
    not_read(&mut out);
    moved::all(&mut out);
    upkeep::all(&mut out);
    rows::all(&mut out);
    state::all(&mut out);
    replay::all(&mut out);
    out
}

/// Notes that slots were followed into this store: one of which everything is known, and one without a limit.
fn followed(store: &std::path::Path) {
    let slot = Followed {
        system_identifier: 7_713_982_871_495_961_399,
        server: "db.example.com:5432/shop".to_owned(),
        slot: "spanbridge".to_owned(),
        publication: "spanbridge".to_owned(),
        host: "web-1".to_owned(),
        pid: 7,
        started_at: 1_000_000_000,
        followed_at: 2_000_000_000,
        position: "0/1A41190".to_owned(),
        kept_bytes: Some(1280),
        max_kept_bytes: Some(1 << 30),
    };
    let unlimited = Followed { slot: "other".to_owned(), kept_bytes: None, max_kept_bytes: None, ..slot.clone() };
    slot.write(store).and_then(|()| unlimited.write(store)).unwrap();
}

/// A run that is ok, and of which a message was never settled.
fn never_settled(out: &mut Outputs) {
    let mut shop = Recording::of(run(1), 1, "shop");
    let said = vec![(spanbridge::semconv::SETTLE_EXPECTED, crate::common::text("ack"))];
    let work = shop.step((1, 0), ("messaging.process", "process"), "orders", (0, 9), said);
    let store = keep(vec![work]);
    let id = run(1).to_string();
    out.push(("runs.json", json(store.path(), &["runs"])));
    out.push(("graph.json", json(store.path(), &["trace", &id])));
    out.push(("why.json", json(store.path(), &["why", &id])));
}

/// A message that is not known to have arrived, more runs than are read for it, and a diagnostic that is not known.
fn not_judged(out: &mut Outputs) {
    let lost =
        Recording::of(run(1), 1, "shop").step((1, 0), ("messaging.publish", "publish"), "orders", (0, 1), vec![]);
    let others = |n: u64| Recording::of(run(0x1000 + u128::from(n)), 77, "x").span(0x1000 + n, 0, "x", 5, 6);
    let unknown = Body::Diagnostic(Diagnostic::new("nobody.knows", "so it was"));
    let unknown = Recording::of(run(2), 2, "shop").record(unknown).of_run(None, None);
    let store = keep((0..501).map(others).chain([lost, unknown]).collect::<Vec<_>>());
    out.push(("doctor.json", json(store.path(), &["doctor", &run(1).to_string()])));
    out.push(("doctor.json", json(store.path(), &["doctor"])));
}

/// More runs that one started than are read to compare it.
fn not_read(out: &mut Outputs) {
    let sent = Recording::of(run(1), 1, "shop").span(1, 0, "order", 0, 1);
    let child = |n: u64| {
        let by = Some((run(1), span_id(1)));
        Recording::of(run(0x1000 + u128::from(n)), 77 + n, "x").record(run_start("ship", 5, by))
    };
    let store = keep((0..501).map(child).chain([sent]).collect::<Vec<_>>());
    let id = run(1).to_string();
    out.push(("diff.json", json(store.path(), &["diff", &id, &id])));
}

fn everything(out: &mut Outputs) {
    let store = keep([steps::all(), relations::all(), steps::path()].concat());
    let store = store.path();
    let rows = json(store, &["runs", "--children"]);
    for row in rows["runs"].as_array().unwrap() {
        let id = row["runId"].as_str().unwrap();
        out.push(("graph.json", json(store, &["trace", id])));
        out.push(("graph.json", json(store, &["trace", id, "--critical-path"])));
        out.push(("why.json", json(store, &["why", id])));
        out.push(("diff.json", json(store, &["diff", &run(1).to_string(), id])));
    }
    out.push(("runs.json", rows));
    out.push(("runs.json", json(store, &["runs"])));
    out.push(("runs.json", json(store, &["runs", "--limit", "1"])));
    out.push(("count.json", json(store, &["runs", "--count"])));
    out.push(("graph.json", json(store, &["trace", &run(1).to_string(), "--critical-path", "--follow-children"])));
    for line in printed(store, &["export"]).lines() {
        out.push(("record.json", serde_json::from_str(line).unwrap()));
    }
}

/// Runs of one kind, which differ in every way.
fn compared(out: &mut Outputs) {
    let store = keep(pairs::all());
    let store = store.path();
    for (left, right) in [(30, 31), (31, 30), (30, 32), (32, 30), (30, 30)] {
        out.push(("diff.json", json(store, &["diff", &run(left).to_string(), &run(right).to_string()])));
    }
    for id in [31, 33] {
        out.push(("why.json", json(store, &["why", &run(id).to_string()])));
    }
}

/// Runs that are too large to be shown whole.
fn summarised(out: &mut Outputs) {
    let store = keep([large::run_of_many(1, false), large::run_of_many(2, true), large::steps_alone(3)].concat());
    let store = store.path();
    let [one, other] = [run(1).to_string(), run(2).to_string()];
    out.push(("graph.json", json(store, &["trace", &run(3).to_string(), "--summarise-above", "40"])));
    for above in ["40", "400"] {
        let large = ["--summarise-above", above];
        out.push(("graph.json", json(store, &[&["trace", &one, "--critical-path"], &large[..]].concat())));
        out.push(("why.json", json(store, &[&["why", &one], &large[..]].concat())));
        out.push(("diff.json", json(store, &[&["diff", &one, &other], &large[..]].concat())));
    }
}

/// A store of an earlier release with a delivery that cannot be read.
fn damaged(out: &mut Outputs) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("old.db");
    let mut writer = OldWriter::open(&path);
    let mut shop = Recording::of(run(1), 1, "shop");
    writer.deliver(7, 1, &[shop.span(1, 0, "order", 0, 9)]);
    writer.deliver(7, 2, &[shop.span(2, 1, "pay", 2, 3)]);
    let damage = "UPDATE delivery SET run_tails = x'ff', aggregates = x'ff' WHERE id = 2";
    writer.connection.execute_batch(damage).unwrap();
    drop(writer);
    let (run, span) = (run(1).to_string(), span_id(1).to_string());
    out.push(("runs.json", json(&path, &["runs"])));
    out.push(("count.json", json(&path, &["runs", "--count"])));
    out.push(("graph.json", json(&path, &["trace", &run])));
    out.push(("doctor.json", json(&path, &["doctor"])));
    out.push(("why.json", json(&path, &["why", &run])));
    out.push(("diff.json", json(&path, &["diff", &run, &span])));
    state::beside_damage(&path, out);
}

fn pruned(out: &mut Outputs) {
    let (kept, records) = relations::beside_old_ones();
    let store = keep(records);
    let prune = ["prune", "--older-than", "1h"];
    out.push(("prune.json", json(store.path(), &[&prune[..], &["--dry-run"]].concat())));
    out.push(("prune.json", json(store.path(), &prune)));
    out.push(("graph.json", json(store.path(), &["trace", &kept.to_string()])));
}

/// Every story of the tests of `why`.
fn stories(out: &mut Outputs) {
    for planted in planted::ALL {
        let mut story = story::Story::default();
        (planted.tell)(&mut story);
        let store = keep(story.records);
        let run = story::run_id(1).to_string();
        out.push(("runs.json", json(store.path(), &["runs"])));
        out.push(("graph.json", json(store.path(), &["trace", &run, "--critical-path"])));
        out.push(("why.json", json(store.path(), &["why", &run])));
    }
}
