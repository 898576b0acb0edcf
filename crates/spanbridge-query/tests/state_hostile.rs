//! Attacks on histories of rows.

mod common;

use common::*;
use serde_json::{Value, json};
use spanbridge::record::{Body, Mutation, MutationOp, Record};
use spanbridge::{SegmentId, Status};
use spanbridge_query::Store;
use spanbridge_query::keeping::{self, FoldBudget, Prune};
use spanbridge_query::state::{RowKey, RowQuery, StateAnswer};
use spanbridge_store::StoreSink;
use std::path::Path;
use std::time::{Duration, Instant};

fn change(writer: u64, seq: u64, mutation: Mutation<'static>) -> Record<'static> {
    let span = (writer > 0).then(|| span_id(writer << 8));
    let body = Body::Mutation(mutation.with_span_id(span));
    let record = Record::new(SegmentId::new(700 + writer).unwrap(), seq, format!("service {writer}"), body);
    if writer == 0 { record } else { record.of_run(Some(run(writer.into())), Some(trace(writer.into()))) }
}

fn work(writer: u64) -> Record<'static> {
    const NAMES: [&str; 4] = ["", "work 1", "work 2", "work 3"];
    let name = NAMES.get(writer as usize).copied().unwrap_or("work");
    Recording::of(run(writer.into()), writer, "shop").span(writer << 8, 0, name, 0, 9)
}

fn row(id: &str, op: MutationOp, at: Option<u64>) -> Mutation<'static> {
    let at = at.map(|at| T0 + at * MS);
    Mutation::new(id.to_owned(), "shop", "orders", r#"{"id":1}"#, op).with_committed_at(at)
}

fn set(mutation: Mutation<'static>, before: Option<Value>, after: Value) -> Mutation<'static> {
    let columns = after.as_object().unwrap().keys().map(|name| name.clone().into()).collect();
    let before = before.map(|before| before.to_string().into());
    mutation.with_before(before).with_after(Some(after.to_string().into())).with_columns(columns)
}

fn stored(records: &[Record<'static>]) -> (tempfile::TempDir, std::path::PathBuf) {
    let (dir, path) = place();
    deliver(&mut StoreSink::open(&path).unwrap(), 1, 1, records);
    (dir, path)
}

fn ask(path: &Path) -> StateAnswer {
    let store = Store::open(path).unwrap();
    store.fold(FoldBudget::everything(), |_| true).unwrap();
    store.state(&RowQuery::new("orders", RowKey::parse("1").unwrap())).unwrap()
}

fn by(answer: &StateAnswer, column: &str) -> String {
    let blame = answer.rows[0].blame();
    let column = blame.columns.iter().find(|of| of.column == column).unwrap();
    match column.change.and_then(|change| change.writer.clone()) {
        Some(writer) => writer.span_name.unwrap_or_default(),
        None => "not recorded".to_owned(),
    }
}

/// Records of outside may have a position or none, at the same time, or no time at all.
#[test]
fn any_order_is_sorted() {
    let mut random = 1u64;
    let mut next = |most: u64| {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (random >> 33) % most
    };
    for round in 0..30 {
        let mut records = Vec::new();
        for n in 0..400u64 {
            let position = (next(2) == 0).then(|| format!("{}", next(1000)).into());
            let m = set(row(&format!("m{n}"), MutationOp::Update, None), None, json!({"n": n})).with_position(position);
            records.push(change(1 + next(7), n, m));
        }
        let (_dir, path) = stored(&records);
        assert_eq!(ask(&path).rows[0].changes.len(), 400, "round {round}");
    }
}

/// Of a long text only the beginning is recorded. That the rest changed is known: the column is named.
#[test]
fn what_is_not_shown_has_changed_too() {
    for value in [json!({"cut": "Dear", "bytes": 900}), json!({"hex": "00ff", "bytes": 70})] {
        let insert = set(row("i", MutationOp::Insert, Some(1)), None, json!({"note": value}));
        let update = set(row("u", MutationOp::Update, Some(2)), Some(json!({"note": value})), json!({"note": value}));
        let (_dir, path) = stored(&[work(1), work(2), change(1, 1, insert), change(2, 1, update)]);
        assert_eq!(by(&ask(&path), "note"), "work 2", "{value}");
    }
}

/// A consumer writes after the owner has ended the run.
#[test]
fn pruned_changes_after_the_end_are_missing() {
    let mut shop = Recording::of(run(1), 1, "shop");
    let mut mail = Recording::of(run(1), 2, "mailer");
    let records = [
        shop.run_start("order", 0),
        shop.span(100, 0, "publish", 1, 2),
        shop.run_end(5, Status::Ok),
        mail.span(1 << 8, 100, "work 1", 50, 90),
        change(1, 1, set(row("u", MutationOp::Update, Some(80)), None, json!({"n": 1}))),
    ];
    let (_dir, path) = stored(&records);
    assert_eq!(ask(&path).rows[0].changes.len(), 1);
    let prune = Prune::new().older_than(Duration::from_secs(1));
    assert_eq!(keeping::prune(&path, &prune, |_| true).unwrap().runs, 1);
    let answer = ask(&path);
    assert!(answer.known_since >= Some(T0 + 80 * MS), "{:?}", answer.known_since.map(|at| (at - T0) / MS));
}

/// A key with many columns, which anybody may send. Where each was compared with each, it took minutes.
#[test]
fn large_keys_take_no_time() {
    let key: serde_json::Map<String, Value> = (0..100_000).map(|n| (format!("{n:06}"), 1.into())).collect();
    let mut large = row("l", MutationOp::Insert, Some(1));
    large.key = Value::Object(key).to_string().into();
    let begun = Instant::now();
    let (_dir, _path) = stored(&[change(1, 1, large)]);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

/// The graph of a run has its changes in order, too.
#[test]
fn graphs_sort_any_order() {
    let mut random = 7u64;
    let mut next = |most: u64| {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (random >> 33) % most
    };
    for round in 0..30 {
        let mut records = vec![work(1)];
        for n in 0..400u64 {
            let position = (next(2) == 0).then(|| format!("{}", next(1000)).into());
            let m = set(row(&format!("m{n}"), MutationOp::Update, None), None, json!({"n": n})).with_position(position);
            records.push(change(1, n, m));
        }
        let (_dir, path) = stored(&records);
        let graph = Store::open(&path).unwrap().graph(run(1)).unwrap().unwrap();
        assert_eq!(graph.mutations.len(), 400, "round {round}");
    }
}
