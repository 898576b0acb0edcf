//! Parts of a run: one service, failures, the upper levels, the critical path.

use crate::samples::{self, MS, S};
use insta::assert_snapshot;
use spanbridge_cli::render::{Options, View, tree_of};
use spanbridge_graph::{CriticalPath, Graph, RunStatus, SpanStatus};

fn shown(graph: &Graph, view: &View) -> String {
    tree_of(graph, view, &Options::default())
}

#[test]
fn one_service_with_what_stands_above() {
    assert_snapshot!(shown(&samples::order(), &View::default().service("billing").service("models")), @r##"
POST /orders  4bf92f35  ✓ ok  486 ms, 1.92 s with queued work
gateway · score-fn · models · billing · 20 spans · 2 errors · 2026-11-20 09:25:46.250 UTC
                                                                               0              1.92 s
gateway ▸ POST /orders  202  gateway                                   486 ms  ━━━━━
├─ invoke score  function                                              142 ms  ━╸
│  └→ score-fn ▸ score  function                                       118 ms  ━╸
│     └─ POST /v1/embeddings  200  outbound HTTP                      96.0 ms  ━
│        └→ models ▸ POST /v1/embeddings  200  gateway                88.0 ms  ━
│           └─ embed                                                  84.0 ms  ━
└─ send fulfil  sent  hand-off                                        22.0 µs   ╺
   └⇢ process fulfil                                                   320 ms   ╺━━━
      └─ publish orders:created  confirmed  hand-off                  4.60 ms      ╸
         ├⇢ ✗ billing ▸ process orders:created:billing  nack           212 ms      ╺━━
         │  └─ ✗ charge card                                           205 ms      ╺━╸
         │       card declined by issuer: insufficient funds (code 51)
         └⇢ billing ▸ process orders:created:billing  attempt 2  ack   264 ms                    ━━╸
            ├─ charge card                                             190 ms                    ━━
            └─ UPDATE invoices  database                              61.0 ms                      ╸
(7 of 20 spans match)
"##);
}

#[test]
fn paths_to_failures() {
    assert_snapshot!(shown(&samples::order(), &View::default().errors(true)), @r##"
POST /orders  4bf92f35  ✓ ok  486 ms, 1.92 s with queued work
gateway · score-fn · models · billing · 20 spans · 2 errors · 2026-11-20 09:25:46.250 UTC
                                                                       0                      1.92 s
gateway ▸ POST /orders  202  gateway                           486 ms  ━━━━━━━
└─ send fulfil  sent  hand-off                                22.0 µs    ╸
   └⇢ process fulfil                                           320 ms    ━━━━━
      └─ publish orders:created  confirmed  hand-off          4.60 ms        ╸
         └⇢ ✗ billing ▸ process orders:created:billing  nack   212 ms        ╺━━╸
            └─ ✗ charge card                                   205 ms        ╺━━╸
                 card declined by issuer: insufficient funds (code 51)
(2 of 20 spans match)
"##);
}

#[test]
fn upper_levels_count_what_is_below() {
    assert_snapshot!(shown(&samples::order(), &View::default().depth(Some(2))), @r##"
POST /orders  4bf92f35  ✓ ok  486 ms, 1.92 s with queued work
gateway · score-fn · models · billing · 20 spans · 2 errors · 2026-11-20 09:25:46.250 UTC
                                               0                                 1.92 s
gateway ▸ POST /orders  202  gateway   486 ms  ━━━━━━━━━━
├─ authorize                          3.10 ms  ╸
├─ invoke score  function              142 ms  ━━━
│  └─ … 5 spans below
├─ INSERT orders  database            8.40 ms     ╸
└─ send fulfil  sent  hand-off        22.0 µs     ╸
   └─ … 8 spans below
"##);
}

#[test]
fn the_critical_path_through_two_queues() {
    let mut graph = samples::order();
    graph.critical_path = Some(CriticalPath::of(&graph));
    assert_snapshot!(shown(&graph, &View::default()), @r##"
POST /orders  4bf92f35  ✓ ok  486 ms, 1.92 s with queued work
gateway · score-fn · models · billing · 20 spans · 2 errors · 2026-11-20 09:25:46.250 UTC
                                                                                0             1.92 s
gateway ▸ POST /orders  ◆ 6.50 ms  202  gateway                         486 ms  ━━━━━
├─ authorize  ◆ 3.10 ms                                                3.10 ms  ╸
├─ invoke score  ◆ 24.0 ms  function                                    142 ms  ━╸
│  └→ score-fn ▸ score  ◆ 10.8 ms  function                             118 ms  ━
│     ├─ SELECT customers  ◆ 11.2 ms  database                         11.2 ms  ╸
│     └─ POST /v1/embeddings  ◆ 8.00 ms  200  outbound HTTP            96.0 ms  ━
│        └→ models ▸ POST /v1/embeddings  ◆ 4.00 ms  200  gateway      88.0 ms  ━
│           └─ embed  ◆ 84.0 ms                                        84.0 ms  ━
├─ INSERT orders  ◆ 8.40 ms  database                                  8.40 ms   ╺
└─ send fulfil  ◆ 22.0 µs  sent  hand-off                              22.0 µs   ╺
   └⇢ process fulfil  ◆ 4.00 ms                                         320 ms   ╺━━━
      ├─ reserve stock  ◆ 240 ms                                        240 ms   ╺━━
      └─ publish orders:created  ◆ 4.60 ms  confirmed  hand-off        4.60 ms      ╸
         ├⇢ ✗ billing ▸ process orders:created:billing  nack            212 ms      ╺━╸
         │  └─ ✗ charge card                                            205 ms      ╺━╸
         │       card declined by issuer: insufficient funds (code 51)
         └⇢ billing ▸ process orders:crea…  ◆ 13.0 ms  attempt 2  ack   264 ms                   ━━╸
            ├─ charge card  ◆ 190 ms                                    190 ms                   ━━
            └─ UPDATE invoices  ◆ 61.0 ms  database                    61.0 ms                     ╸

critical path  1.92 s  673 ms of work · 1.24 s in queues · 1.00 ms idle
   2.00 ms  gateway ▸ POST /orders
   3.10 ms  gateway ▸ authorize
    900 µs  gateway ▸ POST /orders
   15.0 ms  gateway ▸ invoke score
   3.00 ms  score-fn ▸ score
   11.2 ms  score-fn ▸ SELECT customers
    800 µs  score-fn ▸ score
   5.00 ms  score-fn ▸ POST /v1/embeddings
   1.00 ms  models ▸ POST /v1/embeddings
   84.0 ms  models ▸ embed
   3.00 ms  models ▸ POST /v1/embeddings
   3.00 ms  score-fn ▸ POST /v1/embeddings
   7.00 ms  score-fn ▸ score
   9.00 ms  gateway ▸ invoke score
   2.00 ms  gateway ▸ POST /orders
   8.40 ms  gateway ▸ INSERT orders
   1.60 ms  gateway ▸ POST /orders
   22.0 µs  gateway ▸ send fulfil
    978 µs  ⇢ in the queue before gateway ▸ process fulfil
   2.00 ms  gateway ▸ process fulfil
    240 ms  gateway ▸ reserve stock
   2.00 ms  gateway ▸ process fulfil
   4.60 ms  gateway ▸ publish orders:created
    1.24 s  ⇢ in the queue before billing ▸ process orders:created:billing
   2.00 ms  billing ▸ process orders:created:billing
    190 ms  billing ▸ charge card
   3.00 ms  billing ▸ process orders:created:billing
   61.0 ms  billing ▸ UPDATE invoices
   8.00 ms  billing ▸ process orders:created:billing
   1.00 ms  nothing recorded
    280 µs  billing ▸ ack orders:created:billing
"##);
}

/// Equal siblings stand on one line, also with what is below them. A failed one, and what differs, has a line of its own.
#[test]
fn equal_siblings_and_a_failed_one() {
    let mut b = samples::Build::run("import", RunStatus::Ok, Some(2 * S));
    let root = b.span(None, "importer: import", "flow.run", 0, 2 * S);
    for n in 0..300 {
        let at = n * 6 * MS;
        let item = b.span(Some(root), "importer: item", "flow.step", at, (4 + n % 3) * MS);
        b.span(Some(item), "importer: INSERT", "db.query", at + MS, MS);
        if n == 200 {
            b.ended(SpanStatus::Error, Some("duplicate key"));
        }
    }
    assert_snapshot!(shown(&b.graph, &View::default()), @r##"
import  4bf92f35  ✓ ok  2.00 s
importer · 601 spans · 1 error · 2026-11-20 09:25:46.250 UTC
                                                                    0                         2.00 s
importer ▸ import                                           2.00 s  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
├─ item  ×299  p50 5.00 ms  max 6.00 ms  each with 1 span   1.49 s  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸
└─ item                                                    6.00 ms                     ╸
   └─ ✗ INSERT  database                                   1.00 ms                     ╸
        duplicate key
"##);
    let all = shown(&b.graph, &View::default().expand(true));
    assert_eq!(all.matches("─ item").count(), 300);
}

/// Many that failed in the same way are counted, and are never on a line with others.
#[test]
fn many_failures_are_marked_as_such() {
    let mut b = samples::Build::run("import", RunStatus::Ok, Some(2 * S));
    let root = b.span(None, "importer: import", "flow.run", 0, 2 * S);
    for n in 0..50 {
        b.span(Some(root), "importer: INSERT", "db.query", n * MS, MS);
        if n % 2 == 0 {
            b.ended(SpanStatus::Error, Some("duplicate key"));
        }
    }
    assert_snapshot!(shown(&b.graph, &View::default()), @r##"
import  4bf92f35  ✓ ok  2.00 s
importer · 51 spans · 25 errors · 2026-11-20 09:25:46.250 UTC
                                                               0                              2.00 s
importer ▸ import                                      2.00 s  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
├─ ✗ INSERT  ×25  p50 1.00 ms  max 1.00 ms  database  25.0 ms  ╸
│    duplicate key
└─ INSERT  ×25  p50 1.00 ms  max 1.00 ms  database    25.0 ms  ╸
"##);
}

#[test]
fn an_empty_name_and_an_end_before_its_start() {
    let mut b = samples::Build::run("", RunStatus::Ok, Some(S));
    let root = b.span(None, "shop: work", "flow.run", 0, S);
    b.span(Some(root), "shop: ", "flow.step", MS, MS);
    b.span(Some(root), "shop: torn", "flow.step", 500 * MS, MS);
    let last = b.last();
    last.ended_at = Some(last.started_at - 200 * MS);
    b.graph.run.parent_run_id = Some(b.graph.run.run_id);
    assert_snapshot!(shown(&b.graph, &View::default()), @r##"
(no name)  4bf92f35  ✓ ok  1.00 s
shop · 3 spans · 2026-11-20 09:25:46.250 UTC
its own parent, by its records
                                         0                                 1.00 s
shop ▸ work                      1.00 s  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
├─ (no name)                    1.00 ms  ╸
└─ torn  ended before it began        –                      ╸
"##);
}

/// One line, which is cut; a run without attributes has none.
#[test]
fn attributes_of_the_run_are_one_line() {
    let mut graph = samples::order();
    let without = shown(&graph, &View::default());
    graph.run.attributes = vec![
        ("order.id".into(), 17.into()),
        ("customer".into(), "Acme \u{1b}[2J\u{202e}".into()),
        ("tags".into(), vec!["a", "b"].into()),
    ];
    let with = shown(&graph, &View::default());
    let line = "order.id=17 · customer=Acme \\x1b[2J\\u{202e} · tags=[\"a\",\"b\"]";
    assert_eq!(with.lines().nth(2), Some(line));
    assert_eq!(with.replacen(&format!("{line}\n"), "", 1), without);

    graph.run.attributes[0].1 = "注".repeat(100_000).into();
    let text = tree_of(&graph, &View::default(), &Options::default().width(60));
    assert!(text.contains(&format!("\norder.id={}…\n", "注".repeat(25))), "{text}");
    graph.run.attributes = (0..100_000).map(|n| (format!("key{n}"), n.into())).collect();
    let text = tree_of(&graph, &View::default(), &Options::default().width(40));
    assert!(text.contains("\nkey0=0 · key1=1 · key2=2 · key3=3 · key…\n"), "{text}");
}
