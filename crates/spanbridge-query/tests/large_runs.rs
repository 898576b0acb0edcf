//! Runs that are not read whole: what is asked about them has the same answer in every kind of store, and the causes of failures are
//! found among thousands of other spans.

mod common;
#[path = "../../spanbridge-graph/tests/stories/planted.rs"]
mod planted;
#[path = "../../spanbridge-graph/tests/stories/story.rs"]
mod story;

use common::old::OldWriter;
use common::place;
use planted::ALL;
use spanbridge::SpanId;
use spanbridge::record::{Body, Record};
use spanbridge_graph::{Diff, DiffOptions, Graph, GraphLimit, RunStatus, Verdict};
use spanbridge_query::index::FoldBudget;
use spanbridge_query::{RunFilter, Store};
use story::{Story, run_id, step, told};
use tempfile::TempDir;

/// Runs with more than 50 spans are summarised.
fn limit() -> GraphLimit {
    GraphLimit::default().whole(50).shown(40)
}

fn keep(records: &[Record<'static>]) -> (TempDir, Store) {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open_or_create(dir.path().join("store")).unwrap();
    store.import(records.iter().cloned()).unwrap();
    (dir, store)
}

/// A run with so many orders of three steps each. One of the orders fails, if it is named.
fn import(n: u128, orders: u64, failing: Option<u64>) -> Vec<Record<'static>> {
    let mut s = Story::default();
    s.begin(n, "shop", "import", 0, None);
    let file = s.add(step("shop", "import file", 0, 1, 90_000).top_of(n));
    for order in 0..orders {
        let at = 10 + order * 10;
        let fails = failing == Some(order);
        let one = step("shop", "order", file, at, at + 9).counts("order.id", order as i64);
        let one = s.add(if fails { one.fails("card declined") } else { one });
        s.add(step("shop", "reserve", one, at + 1, at + 2).counts("order.id", order as i64));
        let charge = step("billing", "charge", one, at + 3, at + 8).counts("order.id", order as i64);
        s.add(if fails { charge.fails("card declined") } else { charge });
    }
    match failing {
        Some(_) => s.fail(n, "shop", 90_001, "an order failed"),
        None => s.end(n, "shop", 90_001),
    }
    s.records
}

/// The first failure by cause is found in every planted story, also among hundreds of spans in the same run, of which most are not
/// looked at.
#[test]
fn planted_causes_are_found_among_many() {
    let mut noise = Story::default();
    for n in 0..600 {
        noise.add(step("noise", ["hum", "buzz", "hiss"][n % 3], 0, 0, 1).top_of(1).counts("n", n as i64));
    }
    for record in &mut noise.records {
        // Ids that no story names.
        if let Body::Span(span) = &mut record.body {
            span.span_id = SpanId::new(span.span_id.get() | 1 << 60).unwrap();
        }
    }
    for planted in ALL {
        let mut story = Story::default();
        (planted.tell)(&mut story);
        let (_dir, store) = keep(&[&story.records[..], &noise.records].concat());
        let few = GraphLimit::default().whole(50).shown(20);
        let why = store.within(few).why(&[run_id(1)]).unwrap().unwrap();
        assert!(why.notes.iter().any(|note| note.code == "spans_not_read"), "{}", planted.name);
        // How many failures are alike is counted among those that are looked at.
        let known = |answer: &str| {
            let lines = answer.lines().filter(|line| *line != "note: spans_not_read" && !line.starts_with("  alike:"));
            lines.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(known(&told(&why)), known(planted.answer), "{}", planted.name);
    }
}

/// What is in the index, what is in logs, an old store, and both together: the same graph.
#[test]
fn every_store_has_the_same_summary() {
    let records = import(1, 400, Some(333));
    let (_dir, mut store) = keep(&records);
    let asked = |store: &Store| store.within(limit()).graph(run_id(1)).unwrap().unwrap();
    let said = |graph: &Graph| graph.to_json().to_string();
    let in_logs = asked(&store);
    let left_out = in_logs.left_out.clone().unwrap();
    assert_eq!((left_out.spans, left_out.errors, left_out.errors_left_out), (1_201, 2, 0));
    assert_eq!(in_logs.spans.len() as u64 + left_out.total(), 1_201);
    assert_eq!(in_logs.run.status, RunStatus::Error);
    store.fold(FoldBudget::everything(), |_| true).unwrap();
    assert_eq!(said(&asked(&store)), said(&in_logs));
    assert_eq!(store.import(records.clone()).unwrap().stored, 0);

    let (_dir, path) = place();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut writer = OldWriter::open(&path);
    let (first, rest) = records.split_at(700);
    for (number, part) in [first, rest].into_iter().enumerate() {
        writer.deliver(7, number as u64 + 1, part);
    }
    drop(writer);
    let mut both = Store::open(&path).unwrap();
    assert_eq!(said(&asked(&both)), said(&in_logs));
    assert_eq!(both.import(records).unwrap().stored, 0);
    assert_eq!(said(&asked(&both)), said(&in_logs));
}

/// Runs up to the limit are what they were.
#[test]
fn small_runs_are_whole() {
    let (_dir, store) = keep(&import(1, 16, Some(3)));
    let whole = store.graph(run_id(1)).unwrap().unwrap();
    let within = store.within(limit()).graph(run_id(1)).unwrap().unwrap();
    assert_eq!(whole.spans.len(), 49);
    assert_eq!(within.to_json(), whole.to_json());
    assert!(within.left_out.is_none());
}

fn compared(left: &[Record<'static>], right: &[Record<'static>]) -> Diff {
    let (_dir, store) = keep(&[left, right].concat());
    let runs = store.runs(&RunFilter::default(), 10).unwrap().len();
    assert_eq!(runs, 2);
    store.within(limit()).diff(run_id(1), run_id(2), &DiffOptions::default()).unwrap().unwrap()
}

fn lines(diff: &Diff) -> Vec<String> {
    let line = |d: &spanbridge_graph::Difference| format!("{} {} x{}", d.kind.as_str(), d.name, d.count);
    diff.differences.iter().map(line).collect()
}

/// Two runs of which most is not looked at: no difference, one step less, and one that failed.
#[test]
fn differences_are_found_in_summaries() {
    let good = import(1, 400, None);
    let same = compared(&good, &import(2, 400, None));
    assert_eq!((same.verdict, lines(&same)), (Verdict::Identical, vec![]));
    assert_eq!(same.notes.len(), 2);
    let fewer = compared(&good, &import(2, 397, None));
    assert_eq!((fewer.verdict, lines(&fewer)), (Verdict::Changed, vec!["removed order x3".to_owned()]));
    let failed = compared(&good, &import(2, 400, Some(123)));
    assert_eq!(failed.verdict, Verdict::Regressed);
    assert!(lines(&failed).iter().any(|line| line.starts_with("status order")), "{:?}", lines(&failed));
}

/// The parent of a run is very large: what triggered the run is found all the same.
#[test]
fn a_large_parent_is_not_read_whole() {
    let mut s = Story::default();
    s.begin(1, "shop", "import", 0, None);
    for n in 0..200 {
        s.add(step("shop", "row", 0, n, n + 1).top_of(1));
    }
    let sent = s.add(story::publish("shop", "orders", 0, 300).top_of(1));
    s.end(1, "shop", 400);
    s.begin(2, "billing", "bill", 310, Some(sent));
    s.end(2, "billing", 320);
    let (_dir, store) = keep(&s.records);
    let trigger = |limit| store.within(limit).graph(run_id(2)).unwrap().unwrap().trigger.unwrap();
    assert_eq!(trigger(limit()), trigger(GraphLimit::none()));
}

/// Events of a span that is shown are left out if they are very many, and that is said.
#[test]
fn very_many_events_are_counted() {
    let mut records = import(1, 100, None);
    let template = records.iter().find_map(|r| match &r.body {
        Body::Span(span) if span.name == "import file" => Some((r.clone(), span.span_id)),
        _ => None,
    });
    let (template, span) = template.unwrap();
    for n in 0..20_000u64 {
        let mut record = template.clone();
        (record.id, record.segment_seq) = (None, 1_000_000 + n);
        record.body = spanbridge::record::Event::new(span, format!("e{n}"), "tick", n).into();
        records.push(record);
    }
    let (_dir, store) = keep(&records);
    let graph = store.within(limit()).graph(run_id(1)).unwrap().unwrap();
    let events: usize = graph.spans.iter().map(|span| span.events.len()).sum();
    assert!(events < 5_000, "{events}");
    assert_eq!(events as u64 + graph.left_out.unwrap().records, 20_000);
}

/// A few statements that changed very many rows: the run has few spans, and is not read whole all the same.
#[test]
fn very_many_rows_are_not_read_whole() {
    let mut s = Story::default();
    let root = s.add(step("shop", "import", 0, 0, 90_000).fails("full"));
    let first = s.add(story::query("shop", "INSERT orders", root, 1, 1));
    s.row(first, "{\"id\":1}", "", "new", 2);
    let many = s.add(story::query("shop", "UPDATE orders", root, 5, 3_000));
    for n in 0..3_000 {
        s.row(many, "{\"id\":2}", "", "paid", 6 + n);
    }
    let last = s.add(story::query("shop", "DELETE carts", root, 80_000, 1));
    s.row(last, "{\"id\":3}", "", "gone", 80_001);
    let (_dir, store) = keep(&s.records);
    store.fold(FoldBudget::default(), |_| true).unwrap();
    let within = store.within(limit());
    let graph = within.graph(run_id(1)).unwrap().unwrap();
    let left_out = graph.left_out.as_ref().unwrap();
    assert_eq!((graph.spans.len(), graph.mutations.len(), left_out.mutations), (4, 202, 2_800));
    assert_eq!(graph.to_json()["leftOut"]["mutationsNotShown"], 2_800);
    let why = within.why(&[run_id(1)]).unwrap().unwrap();
    let rows: Vec<String> = why.failures[0].changes.iter().map(|change| change.mutation.row()).collect();
    assert_eq!((rows.len(), rows.last().map(String::as_str)), (20, Some("orders id=3")));
    assert!(
        why.notes.iter().any(|note| note.message.ends_with("2,800 changed rows are not looked at")),
        "{:?}",
        why.notes
    );
    assert_eq!(store.graph(run_id(1)).unwrap().unwrap().mutations.len(), 3_002);
}
