//! What became of a row, and who made it so.

mod common;

use common::*;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use spanbridge::SegmentId;
use spanbridge::record::{Body, Mutation, MutationOp, Record};
use spanbridge_query::Store;
use spanbridge_query::keeping::{self, FoldBudget, Prune};
use spanbridge_query::state::{ColumnBlame, RowBlame, RowChange, RowHistory, RowKey, RowQuery, StateAnswer};
use spanbridge_store::StoreSink;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A change, recorded by the writer with this number; 0 is unknown.
fn change(writer: u64, seq: u64, mutation: Mutation<'static>) -> Record<'static> {
    let span = (writer > 0).then(|| span_id(writer << 8));
    let body = Body::Mutation(mutation.with_span_id(span));
    let record = Record::new(SegmentId::new(700 + writer).unwrap(), seq, format!("service {writer}"), body);
    if writer == 0 { record } else { record.of_run(Some(run(writer.into())), Some(trace(writer.into()))) }
}

/// The span of a writer.
fn work(writer: u64) -> Record<'static> {
    const NAMES: [&str; 4] = ["", "work 1", "work 2", "work 3"];
    let name = NAMES.get(writer as usize).copied().unwrap_or("work");
    Recording::of(run(writer.into()), writer, "shop").span(writer << 8, 0, name, 0, 9)
}

fn row(id: &str, op: MutationOp, key: &str, at: u64) -> Mutation<'static> {
    Mutation::new(id.to_owned(), "shop", "orders", key.to_owned(), op).with_committed_at(Some(T0 + at * MS))
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

fn ask(path: &Path, table: &str, key: &str) -> StateAnswer {
    let store = Store::open(path).unwrap();
    let answer = store.state(&RowQuery::new(table, RowKey::parse(key).unwrap())).unwrap();
    store.fold(FoldBudget::default(), |_| true).unwrap();
    // The same, once it is folded.
    assert_eq!(store.state(&RowQuery::new(table, RowKey::parse(key).unwrap())).unwrap(), answer);
    answer
}

fn who(change: Option<&RowChange>) -> String {
    match change.map(|change| &change.writer) {
        None => "not recorded".to_owned(),
        Some(None) => "unknown".to_owned(),
        Some(Some(writer)) => writer.span_name.clone().unwrap_or_default(),
    }
}

fn blamed(blame: &RowBlame<'_>) -> BTreeMap<String, (Option<Value>, String)> {
    let named = |of: &ColumnBlame<'_>| match (of.change, of.candidate) {
        (None, Some(candidate)) => format!("maybe {}", who(Some(candidate))),
        (change, _) => who(change),
    };
    blame.columns.iter().map(|of| (of.column.clone(), (of.value.clone(), named(of)))).collect()
}

fn changed(history: &RowHistory) -> Vec<(String, Vec<String>)> {
    let columns = |c: &RowChange| c.effects.iter().map(|effect| effect.column.clone()).collect::<Vec<_>>();
    history.changes.iter().map(|c| (c.mutation.mutation_id.clone(), columns(c))).collect()
}

/// Two services write different columns of one row. A column that was written with the value that it had is not theirs.
#[test]
fn blame_names_the_last_writer_of_each_column() {
    let insert = set(row("i", MutationOp::Insert, r#"{"id":1}"#, 1), None, json!({"status": "new", "total": 5}));
    let paid = set(
        row("p", MutationOp::Update, r#"{"id":1}"#, 2),
        Some(json!({"status": "new", "total": 5})),
        json!({"status": "paid", "total": 5}),
    );
    // The values before are not known, so every column is named.
    let note =
        set(row("n", MutationOp::Update, r#"{"id":1}"#, 3), None, json!({"status": "paid", "total": 5, "note": "x"}));
    let all = [work(1), work(2), work(3), change(1, 1, insert), change(2, 1, paid), change(3, 1, note)];
    let (_dir, path) = stored(&all);
    let answer = ask(&path, "orders", "1");
    assert_eq!((answer.rows.len(), answer.known_since), (1, None));
    let row = &answer.rows[0];
    let expected = [
        ("note", (Some(json!("x")), "work 3")),
        ("status", (Some(json!("paid")), "work 2")),
        ("total", (Some(json!(5)), "work 1")),
    ];
    let expected: BTreeMap<_, _> = expected.into_iter().map(|(c, (v, w))| (c.to_owned(), (v, w.to_owned()))).collect();
    assert_eq!(blamed(&row.blame()), expected);
    let writer = row.changes[1].writer.as_ref().unwrap();
    assert_eq!((writer.run_id, &*writer.run_name), (run(2), "work 2"));
    assert_eq!(row.changes[1].service, "service 2");
    let of = |all: &[&str]| all.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>();
    let expected = [("i", of(&["status", "total"])), ("p", of(&["status"])), ("n", of(&["note"]))];
    assert_eq!(changed(row), expected.map(|(id, columns)| (id.to_owned(), columns)));
}

/// What was left out by the policy, and what nobody recorded.
#[test]
fn what_is_not_known_is_not_made_up() {
    let hidden = row("h", MutationOp::Update, r#"{"id":1}"#, 1).with_columns(vec!["card".into(), "status".into()]);
    let hidden = hidden.with_after(Some(r#"{"status":"new"}"#.into()));
    // Somebody set it to `held` in between.
    let paid =
        set(row("p", MutationOp::Update, r#"{"id":1}"#, 2), Some(json!({"status": "held"})), json!({"status": "paid"}));
    // It is `sent` before and after: this is not who sent it.
    let mut same = set(
        row("s", MutationOp::Update, r#"{"id":1}"#, 3),
        Some(json!({"status": "sent", "n": 1})),
        json!({"status": "sent", "n": 2}),
    );
    same.columns = vec!["n".into()];
    let (_dir, path) = stored(&[work(1), work(2), change(1, 1, hidden), change(2, 1, paid), change(2, 2, same)]);
    let row = ask(&path, "orders", "id=1").rows.remove(0);
    let unexplained: Vec<_> = row.changes.iter().map(|change| change.unexplained.join(",")).collect();
    assert_eq!(unexplained, ["", "status", "status"]);
    assert_eq!(row.changes[1].effects[0].before, Some(json!("held")));
    let blame = blamed(&row.blame());
    assert_eq!(blame["status"], (Some(json!("sent")), "not recorded".to_owned()));
    // It was written, and may have had that value before.
    assert_eq!(blame["card"], (None, "maybe work 1".to_owned()));
    assert_eq!(blame["n"], (Some(json!(2)), "work 2".to_owned()));
}

/// An update that says neither what was before nor what was after names what was written. Whether it wrote another value is not known,
/// until somebody says what a column had.
#[test]
fn what_was_only_written_is_not_blamed() {
    let key = r#"{"id":1}"#;
    let insert = set(row("i", MutationOp::Insert, key, 1), None, json!({"a": 1, "b": 1, "c": 1, "d": 1}));
    let written = |id, at, after: &str| {
        row(id, MutationOp::Update, key, at)
            .with_after(Some(after.to_owned().into()))
            .with_columns(["a", "b", "c", "d"].map(Into::into).into())
    };
    let compared = |id, at, before: Value, after: Value| set(row(id, MutationOp::Update, key, at), Some(before), after);
    let keys = compared("k", 4, json!({}), json!({})).with_columns(vec!["d".into()]);
    let records = [
        work(1),
        work(2),
        work(3),
        change(1, 1, insert),
        change(2, 1, written("w", 2, "{}")),
        // `a` had the value of the insert, `b` another one: nobody but `w` wrote between.
        change(3, 1, compared("c", 3, json!({"a": 1, "b": 2, "e": 1}), json!({"a": 1, "b": 2, "e": 2}))),
        // Compared, and of keys: `d` has changed.
        change(3, 2, keys),
    ];
    let (_dir, path) = stored(&records);
    let answer = ask(&path, "orders", "1").rows.remove(0);
    let blame = blamed(&answer.blame());
    let of = |value: Option<i64>, by: &str| (value.map(Value::from), by.to_owned());
    assert_eq!(blame["a"], of(Some(1), "work 1"));
    assert_eq!(blame["b"], of(Some(2), "work 2"));
    assert_eq!(blame["c"], of(None, "maybe work 2"));
    assert_eq!(blame["d"], of(None, "work 3"));
    let certain: Vec<_> = answer.changes.iter().map(|c| c.effects.iter().all(|effect| effect.is_certain)).collect();
    assert_eq!(certain, [true, false, true, true]);
    // Two that may have written it: which one is not known, whatever the value.
    let again = [change(2, 2, written("v", 5, "{}")), change(2, 3, written("x", 6, r#"{"c":5}"#))];
    let (_dir, path) = stored(&[&records[..], &again[..]].concat());
    let blame = ask(&path, "orders", "1").rows.remove(0);
    assert_eq!(blamed(&blame.blame())["c"], of(Some(5), "maybe work 2"));
}

/// Long keys that begin alike are of two rows.
#[test]
fn long_keys_are_told_apart() {
    let of = |id: &str, last: &str| {
        set(row(id, MutationOp::Insert, &format!(r#"{{"id":"{}{last}"}}"#, "x".repeat(50)), 1), None, json!({"n": 1}))
    };
    let hashed = |id: &str, hash: &str| {
        let key = format!(r#"{{"id":{{"hex":"00","bytes":99,"hash":"{hash}"}}}}"#);
        set(row(id, MutationOp::Insert, &key, 1), None, json!({"n": 1}))
    };
    let records = [of("1", "a"), of("2", "b"), hashed("3", "a"), hashed("4", "b")];
    let records: Vec<_> = records.into_iter().enumerate().map(|(n, m)| change(0, n as u64 + 1, m)).collect();
    let (_dir, path) = stored(&records);
    assert_eq!(ask(&path, "orders", &format!("{}a", "x".repeat(50))).rows.len(), 1);
    assert_eq!(ask(&path, "orders", "0x00…").rows.len(), 2);
}

#[test]
fn a_truncate_is_in_the_history_of_every_row() {
    let insert = |id: &str, key: &str| set(row(id, MutationOp::Insert, key, 1), None, json!({"n": 1}));
    let empty = row("t", MutationOp::Truncate, "{}", 2);
    let mut other = row("c", MutationOp::Truncate, "{}", 2);
    other.table = "carts".into();
    let again = set(row("a", MutationOp::Insert, r#"{"id":2}"#, 3), None, json!({"n": 1}));
    let records = [
        work(1),
        change(1, 1, insert("1", r#"{"id":1}"#)),
        change(1, 2, insert("2", r#"{"id":2}"#)),
        change(0, 1, empty),
        change(0, 2, other),
        change(1, 3, again),
    ];
    let (_dir, path) = stored(&records);
    let gone = ask(&path, "orders", "1").rows.remove(0);
    assert_eq!(changed(&gone).iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["1", "t"]);
    let blame = gone.blame();
    assert_eq!((blame.columns.len(), who(blame.removed_by)), (0, "unknown".to_owned()));
    let there = ask(&path, "orders", "2").rows.remove(0);
    assert_eq!(there.changes.len(), 3);
    assert_eq!(blamed(&there.blame())["n"].1, "work 1");
    // A row that nobody changed is not known, although its table was emptied.
    assert!(ask(&path, "orders", "3").rows.is_empty());
}

/// In several databases and schemas; composite keys in any order.
#[test]
fn rows_of_the_same_name_are_told_apart() {
    let of = |id: &str, database: &'static str, table: &'static str, key: &str| {
        let mut row = set(row(id, MutationOp::Insert, key, 1), None, json!({"n": 1}));
        (row.database, row.table) = (database.into(), table.into());
        row
    };
    let records = [
        change(0, 1, of("1", "shop", "public.orders", r#"{"id":1}"#)),
        change(0, 2, of("2", "shop", "old.orders", r#"{"order":"1"}"#)),
        change(0, 3, of("3", "mail", "orders", r#"{"id":1}"#)),
        change(0, 4, of("4", "shop", "lines", r#"{"order":1,"line":"a,b"}"#)),
        change(0, 5, of("5", "shop", "lines", r#"{"line":"a","order":1}"#)),
    ];
    let (_dir, path) = stored(&records);
    let names = |answer: &StateAnswer| {
        answer.rows.iter().map(|row| format!("{} {}", row.database, row.table)).collect::<Vec<_>>()
    };
    assert_eq!(names(&ask(&path, "orders", "1")), ["mail orders", "shop old.orders", "shop public.orders"]);
    assert_eq!(names(&ask(&path, "public.orders", "1")), ["shop public.orders"]);
    let store = Store::open(&path).unwrap();
    let query = RowQuery::new("orders", RowKey::parse("1").unwrap()).in_database(Some("mail".to_owned()));
    assert_eq!(names(&store.state(&query).unwrap()), ["mail orders"]);
    assert_eq!(names(&ask(&path, "lines", "order=1,line=a")), ["shop lines"]);
    assert_eq!(names(&ask(&path, "lines", r#"{"line":"a,b","order":1}"#)), ["shop lines"]);
    assert!(ask(&path, "lines", "1").rows.is_empty());
}

/// Nothing says which of two writers was first.
#[test]
fn no_order_is_invented() {
    let at = |id: &str, at: u64, position: Option<&'static str>| {
        set(row(id, MutationOp::Update, r#"{"id":1}"#, at), None, json!({"n": id}))
            .with_position(position.map(Into::into))
    };
    let records = [
        change(1, 1, at("a", 1, None)),
        change(2, 1, at("b", 1, Some("7 1"))),
        change(1, 2, at("c", 2, Some("8 10"))),
        change(2, 2, at("d", 2, Some("8 9"))),
        change(2, 3, at("e", 3, None)),
        change(2, 4, at("f", 3, None)),
    ];
    let (_dir, path) = stored(&records);
    let row = ask(&path, "orders", "1").rows.remove(0);
    let all: Vec<_> = row.changes.iter().map(|c| (c.mutation.mutation_id.as_str(), c.is_concurrent)).collect();
    assert_eq!(all, [("a", true), ("b", true), ("d", false), ("c", false), ("e", false), ("f", false)]);
}

/// A pruned run takes its changes with it, and the answer says up to when that may be.
#[test]
fn pruned_changes_are_said_to_be_missing() {
    let insert = |n: u64, writer: u64| {
        change(writer, 1, set(row(&n.to_string(), MutationOp::Insert, r#"{"id":1}"#, n), None, json!({"n": n})))
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let today = (now - T0) / MS;
    let young = Recording::of(run(2), 2, "shop").span(2 << 8, 0, "young", today - 9, today);
    let (_dir, path) = stored(&[work(1), insert(1, 1), young, insert(2, 2)]);
    deliver(
        &mut StoreSink::open(&path).unwrap(),
        2,
        1,
        &[change(0, 9, row("u", MutationOp::Delete, r#"{"id":1}"#, 3))],
    );
    assert_eq!(ask(&path, "orders", "1").rows[0].changes.len(), 3);
    let prune = Prune::new().older_than(Duration::from_secs(60 * 60 * 24 * 10));
    assert_eq!(keeping::prune(&path, &prune, |_| true).unwrap().runs, 1);
    let answer = ask(&path, "orders", "1");
    assert_eq!(changed(&answer.rows[0]), [("2".to_owned(), vec!["n".to_owned()])]);
    assert_eq!(answer.known_since, Some(T0 + 9 * MS));
    // A question that can be given up is the same question.
    let mut store = Store::open(&path).unwrap();
    store.stop_when(Some(Arc::default()));
    let again = store.state(&RowQuery::new("orders", RowKey::parse("1").unwrap())).unwrap();
    assert_eq!(again.known_since, answer.known_since);
    let report = keeping::check(&path, |_| ()).unwrap();
    assert_eq!((report.problems, report.losses), (vec![], vec![]));
}

/// The index is made again: what had been pruned is still said to be missing, and so are changes of runs whose logs are gone.
#[test]
fn a_new_index_knows_what_is_missing() {
    let insert = |n: u64, writer: u64| {
        change(writer, 1, set(row(&n.to_string(), MutationOp::Insert, r#"{"id":1}"#, n), None, json!({"n": n})))
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let today = (now - T0) / MS;
    let young = Recording::of(run(2), 2, "shop").span(2 << 8, 0, "young", today - 9, today);
    let (_dir, path) = stored(&[work(1), insert(1, 1), young, insert(2, 2)]);
    assert_eq!(ask(&path, "orders", "1").known_since, None);
    let prune = Prune::new().older_than(Duration::from_secs(60 * 60 * 24 * 10));
    assert_eq!(keeping::prune(&path, &prune, |_| true).unwrap().runs, 1);
    let pruned = ask(&path, "orders", "1").known_since;
    assert_eq!(pruned, Some(T0 + 9 * MS));
    for entry in std::fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.extension().is_some_and(|end| end == "log") {
            std::fs::remove_file(entry).unwrap();
        }
    }
    deliver(&mut StoreSink::open(&path).unwrap(), 2, 1, &[insert(3, 3)]);
    keeping::rebuild(&path, |_| true).unwrap();
    let answer = ask(&path, "orders", "1");
    assert_eq!(answer.rows[0].changes.len(), 1);
    assert!(answer.known_since.is_some_and(|at| at > T0 + 9 * MS && at <= now), "{:?}", answer.known_since);
    // One that only knows what was pruned.
    keeping::rebuild(&path, |_| true).unwrap();
    assert_eq!(ask(&path, "orders", "1").known_since, answer.known_since);
}

/// An index of a format before has no changed rows; from then on it has.
#[test]
fn indexes_of_formats_3_and_4_are_taken_over() {
    for format in [3, 4] {
        let (_dir, path) = stored(&[work(1)]);
        Store::open(&path).unwrap().fold(FoldBudget::default(), |_| true).unwrap();
        drop(downgrade(&path, format));
        let insert = set(row("i", MutationOp::Insert, r#"{"id":1}"#, 1), None, json!({"n": 1}));
        deliver(&mut StoreSink::open(&path).unwrap(), 1, 2, &[change(1, 1, insert)]);
        assert_eq!(blamed(&ask(&path, "orders", "1").rows[0].blame())["n"].1, "work 1");
        let index = rusqlite::Connection::open(path.join("index.db")).unwrap();
        let now: i64 = index.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        assert_eq!(now, 5);
    }
}

/// A step of what really happened: who wrote, which row, what, and how much of it is captured.
#[derive(Clone, Debug)]
struct Step {
    writer: u64,
    key: usize,
    what: What,
    knows_before: bool,
}

#[derive(Clone, Debug)]
enum What {
    Set(Vec<(usize, i64)>),
    Delete,
    Truncate,
}

fn step() -> impl Strategy<Value = Step> {
    let set = vec((0..3usize, 0..3i64), 1..4).prop_map(What::Set);
    let what = prop_oneof![8 => set, 1 => Just(What::Delete), 1 => Just(What::Truncate)];
    (0..4u64, 0..2usize, what, any::<bool>()).prop_map(|(writer, key, what, knows_before)| Step {
        writer,
        key,
        what,
        knows_before,
    })
}

const COLUMNS: [&str; 3] = ["a", "b", "c"];

/// What really was: each row with the value of each column, and the step that gave it that value.
#[derive(Default)]
struct Truth {
    rows: [Option<BTreeMap<&'static str, (i64, usize)>>; 2],
    removed: [Option<usize>; 2],
    /// Of each row, the steps that are in its history, and the columns that each changed.
    history: [Vec<(usize, Vec<&'static str>)>; 2],
    /// Whether it was ever written.
    was_written: [bool; 2],
}

impl Truth {
    /// Does a step, and says what is recorded of it.
    fn happen(&mut self, at: usize, step: &Step) -> Option<Mutation<'static>> {
        let id = format!("m{at}");
        let key = json!({ "id": step.key }).to_string();
        let object = |row: &BTreeMap<&str, (i64, usize)>| {
            Value::Object(row.iter().map(|(c, (v, _))| ((*c).to_owned(), (*v).into())).collect::<Map<_, _>>())
        };
        let of = |op, key: &str| {
            row(&id, op, key, at as u64 / 2).with_position(Some(format!("{} {}", at / 2, at % 2).into()))
        };
        match &step.what {
            What::Truncate => {
                for n in 0..2 {
                    (self.rows[n], self.removed[n]) = (None, Some(at));
                    self.history[n].push((at, vec![]));
                }
                Some(of(MutationOp::Truncate, "{}"))
            }
            What::Delete => {
                let gone = self.rows[step.key].take()?;
                self.removed[step.key] = Some(at);
                self.history[step.key].push((at, vec![]));
                let before = step.knows_before.then(|| object(&gone).to_string().into());
                Some(of(MutationOp::Delete, &key).with_before(before))
            }
            What::Set(values) => {
                self.was_written[step.key] = true;
                self.removed[step.key] = None;
                let before = self.rows[step.key].clone();
                let mut after = before.clone().unwrap_or_else(|| COLUMNS.map(|c| (c, (0, at))).into());
                // The last value of a column counts.
                let values: BTreeMap<usize, i64> = values.iter().copied().collect();
                for (column, value) in values {
                    if before.is_none() || after[COLUMNS[column]].0 != value {
                        after.insert(COLUMNS[column], (value, at));
                    }
                }
                let changed: Vec<_> = after.iter().filter(|(_, (_, by))| *by == at).map(|(c, _)| *c).collect();
                self.history[step.key].push((at, changed.clone()));
                self.rows[step.key] = Some(after.clone());
                let Some(before) = before else {
                    return Some(set(of(MutationOp::Insert, &key), None, object(&after)));
                };
                if !step.knows_before {
                    return Some(set(of(MutationOp::Update, &key), None, object(&after)));
                }
                let only = |row: &BTreeMap<&'static str, (i64, usize)>| {
                    object(&row.iter().filter(|(c, _)| changed.contains(c)).map(|(c, v)| (*c, *v)).collect())
                };
                Some(set(of(MutationOp::Update, &key), Some(only(&before)), only(&after)))
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whoever wrote, whatever was captured, in whatever order it was delivered and folded: history and blame are what happened.
    #[test]
    fn history_and_blame_are_what_happened(
        steps in vec(step(), 1..24),
        order in any::<u64>(),
        folded in vec(any::<bool>(), 24),
        repeated in vec(any::<bool>(), 24),
    ) {
        let mut truth = Truth::default();
        let mut records: Vec<Record<'static>> = (1..4).map(work).collect();
        let mut seqs = [0; 4];
        for (at, step) in steps.iter().enumerate() {
            let Some(mutation) = truth.happen(at, step) else { continue };
            seqs[step.writer as usize] += 1;
            records.push(change(step.writer, seqs[step.writer as usize], mutation.clone()));
            if repeated[at] {
                // Read again by somebody else, under another record id.
                records.push(change(step.writer, 1000 + at as u64, mutation));
            }
        }
        // Some order, given by the number.
        let mixed = |n: usize| (n as u64 + 1).wrapping_mul(order | 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut order: Vec<usize> = (0..records.len()).collect();
        order.sort_by_key(|n| mixed(*n));
        let (_dir, path) = place();
        let mut sink = StoreSink::open(&path).unwrap();
        let store = Store::open_or_create(&path).unwrap();
        for (n, chunk) in order.chunks(3).enumerate() {
            let some: Vec<_> = chunk.iter().map(|at| records[*at].clone()).collect();
            deliver(&mut sink, 1, n as u64 + 1, &some);
            if folded.get(n) == Some(&true) {
                store.fold(FoldBudget::default(), |_| true).unwrap();
            }
        }
        for key in 0..2 {
            let query = RowQuery::new("orders", RowKey::parse(&key.to_string()).unwrap());
            let answer = store.state(&query).unwrap();
            if !truth.was_written[key] {
                prop_assert!(answer.rows.is_empty());
                continue;
            }
            let row = &answer.rows[0];
            let sorted = |mut columns: Vec<String>| {
                columns.sort();
                columns
            };
            let found: Vec<_> = changed(row).into_iter().map(|(id, columns)| (id, sorted(columns))).collect();
            let expected = truth.history[key].iter().map(|(at, columns)| {
                (format!("m{at}"), columns.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>())
            });
            prop_assert_eq!(found, expected.collect::<Vec<_>>());
            prop_assert!(row.changes.iter().all(|change| change.unexplained.is_empty() && !change.is_concurrent));
            let blame = row.blame();
            prop_assert_eq!(blame.removed_by.map(|c| c.mutation.mutation_id.clone()), truth.removed[key].map(|at| format!("m{at}")));
            let found: BTreeMap<_, _> = blame.columns.iter().map(|of| {
                let change = of.change.map(|c| (c.mutation.mutation_id.clone(), c.writer.as_ref().map(|w| w.run_id)));
                (of.column.as_str(), (of.value.clone(), change))
            }).collect();
            let expected: BTreeMap<_, _> = truth.rows[key].iter().flatten().map(|(column, (value, at))| {
                let writer = steps[*at].writer;
                let by = (format!("m{at}"), (writer > 0).then(|| run(writer.into())));
                (*column, (Some(json!(value)), Some(by)))
            }).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
