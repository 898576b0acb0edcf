//! Trees as they are printed: what a user sees.

mod any;
mod samples;
mod views;

use insta::assert_snapshot;
use spanbridge::record::Via;
use spanbridge_cli::render::{Options, tree};
use spanbridge_graph::{Graph, RunStatus};

fn at(width: usize, graph: &Graph) -> String {
    tree(graph, &Options::default().width(width))
}

#[test]
fn an_order_over_every_hop() {
    assert_snapshot!(at(100, &samples::order()), @r##"
POST /orders  4bf92f35  ✓ ok  486 ms, 1.92 s with queued work
gateway · score-fn · models · billing · 20 spans · 2 errors · 2026-11-20 09:25:46.250 UTC
                                                                               0              1.92 s
gateway ▸ POST /orders  202  gateway                                   486 ms  ━━━━━
├─ authorize                                                          3.10 ms  ╸
├─ invoke score  function                                              142 ms  ━╸
│  └→ score-fn ▸ score  function                                       118 ms  ━╸
│     ├─ SELECT customers  database                                   11.2 ms  ╸
│     └─ POST /v1/embeddings  200  outbound HTTP                      96.0 ms  ━
│        └→ models ▸ POST /v1/embeddings  200  gateway                88.0 ms  ━
│           └─ embed                                                  84.0 ms  ━
├─ INSERT orders  database                                            8.40 ms   ╺
└─ send fulfil  sent  hand-off                                        22.0 µs   ╺
   └⇢ process fulfil                                                   320 ms   ╺━━━
      ├─ reserve stock                                                 240 ms   ╺━━
      └─ publish orders:created  confirmed  hand-off                  4.60 ms      ╸
         ├⇢ ✗ billing ▸ process orders:created:billing  nack           212 ms      ╺━━
         │  └─ ✗ charge card                                           205 ms      ╺━╸
         │       card declined by issuer: insufficient funds (code 51)
         └⇢ billing ▸ process orders:created:billing  attempt 2  ack   264 ms                    ━━╸
            ├─ charge card                                             190 ms                    ━━
            └─ UPDATE invoices  database                              61.0 ms                      ╸
"##);
}

#[test]
fn an_order_in_sixty_columns() {
    assert_snapshot!(at(60, &samples::order()), @r##"
POST /orders  4bf92f35  ✓ ok
486 ms, 1.92 s with queued work
4 services · 20 spans · 2 errors
2026-11-20 09:25:46.250 UTC

gateway ▸ POST /orders  202  gateway                  486 ms
├─ authorize                                         3.10 ms
├─ invoke score  function                             142 ms
│  └→ score-fn ▸ score  function                      118 ms
│     ├─ SELECT customers  database                  11.2 ms
│     └─ POST /v1/embeddings  200  outbound HTTP     96.0 ms
│        └→ models ▸ POST /v1/embeddings  200        88.0 ms
│           └─ embed                                 84.0 ms
├─ INSERT orders  database                           8.40 ms
└─ send fulfil  sent  hand-off                       22.0 µs
   └⇢ process fulfil                                  320 ms
      ├─ reserve stock                                240 ms
      └─ publish orders:created  confirmed           4.60 ms
         ├⇢ ✗ billing ▸ process orders:creat…  nack   212 ms
         │  └─ ✗ charge card                          205 ms
         │       card declined by issuer: insufficient funds
         │       (code 51)
         └⇢ billi… ▸ process orders:cre…  attempt 2   264 ms
            ├─ charge card                            190 ms
            └─ UPDATE invoices  database             61.0 ms
"##);
}

#[test]
fn what_has_not_ended() {
    assert_snapshot!(at(100, &samples::unfinished()), @r##"
nightly import  4bf92f35  ◌ open  5.95 s so far
importer · 7 spans · 2 errors · 2 open · 2026-11-20 09:25:46.250 UTC
                                                0                                 5.95 s
◌ importer ▸ nightly import               open  ╺╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌
├─ fetch manifest  503  outbound HTTP   310 ms  ━━
├─ fetch manifest  200  outbound HTTP   210 ms      ━╸
├─ ✗ parse  panicked                   95.0 ms       ╺
│  │ index out of bounds: the len is 3 but the index is 7
│  └─ ⊘ prefetch  cancelled            90.0 ms       ╺
├─ ✗ publish rows  unknown  hand-off    5.00 s        ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸
│    timed out after 5 s
└─ ◌ parse                                open                                         ╺

! record_dropped: the buffer was full; spans of this run may be missing (×12)
"##);
}

#[test]
fn gaps_links_and_dead_letters() {
    assert_snapshot!(at(100, &samples::gaps()), @r##"
settle invoices  4bf92f35  ✗ error  4.00 s
ledger · audit · mail · archive · 14 spans · 3 errors · 2026-11-20 09:25:46.250 UTC
2 of 3 invoices were not settled
                                                                        0                     3.91 s
✗ ledger ▸ settle invoices                                      700 ms  ━━━━━
├─ ✗ publish amq.default:late  returned  hand-off              2.00 ms  ╸
│    312 NO_ROUTE
└─ publish events:settled  confirmed  hand-off                 2.00 ms  ╸
   ├⇢ ✗ mail ▸ process mail  attempt 3  reject  dead-lettered  80.0 ms            ╸
   │    550 mailbox unavailable
   │    remote host said:
   │      no such user …
   ├⇢ mail ▸ process mail.dead  dead letter  queued 2.42 s     9.00 ms                             ╺
   └⇢ archive ▸ process archive  new trace  queued 2.98 s      40.0 ms                       ╸
(parent bb1f3a00… not recorded)
├─ audit ▸ process audit                                       30.0 ms        ╸
└─ audit ▸ process audit                                       28.0 ms        ╺
archive ▸ receive archive  ack ×3  3 links                     60.0 ms                        ╸
└─ (start of 00f067aa… not recorded)                                 –                        ╸

child run    ship parcel 17                           ✓ ok         spanbridge trace 1a2b3c4d
child run    ship parcel 18 to a rather long address  ‖ suspended  spanbridge trace 99fe0001
related run  refund                                   ✗ error      spanbridge trace 0d0e0f00
! malformed_traceparent: a traceparent header could not be read and was ignored, so the work that
  it came with began a trace of its own (×3)
"##);
}

#[test]
fn gaps_in_sixty_columns() {
    assert_snapshot!(at(60, &samples::gaps()), @r##"
settle invoices  4bf92f35  ✗ error  4.00 s
ledger · audit · mail · archive · 14 spans · 3 errors
2026-11-20 09:25:46.250 UTC
2 of 3 invoices were not settled

✗ ledger ▸ settle invoices                          700 ms
├─ ✗ publish amq.default:late  returned  hand-off  2.00 ms
│    312 NO_ROUTE
└─ publish events:settled  confirmed  hand-off     2.00 ms
   ├⇢ ✗ mail ▸ process mail  attempt 3  reject     80.0 ms
   │    550 mailbox unavailable
   │    remote host said:
   │      no such user …
   ├⇢ mail ▸ process mail.dead  dead letter        9.00 ms
   └⇢ archi… ▸ process archive  new trace          40.0 ms
(parent bb1f3a00… not recorded)
├─ audit ▸ process audit                           30.0 ms
└─ audit ▸ process audit                           28.0 ms
archive ▸ receive archive  ack ×3  3 links         60.0 ms
└─ (start of 00f067aa… not recorded)                     –

child run    ship parcel 17            ✓ ok         1a2b3c4d
child run    ship parcel 18 to a rat…  ‖ suspended  99fe0001
related run  refund                    ✗ error      0d0e0f00
! malformed_traceparent: a traceparent header could not be
  read and was ignored, so the work that it came with began
  a trace of its own (×3)
"##);
}

#[test]
fn equal_siblings_are_counted() {
    assert_snapshot!(at(100, &samples::siblings()), @r##"
GET /report  4bf92f35  ✓ ok  2.00 s
report · 46 spans · 2026-11-20 09:25:46.250 UTC
                                                                      0                       2.00 s
report ▸ GET /report  gateway                                 2.00 s  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
├─ SELECT customers  database                                40.0 ms  ╸
├─ SELECT invoices  ×40  p50 31.0 ms  max 31.0 ms  database   1.24 s  ╺━━━━━━━━━━━━━━━━━━━━━━━━━━╸
├─ render page                                               20.0 ms                             ╺
├─ render page                                               20.0 ms                              ╸
├─ render page                                               20.0 ms                              ╺
└─ render page                                               20.0 ms                               ╸
"##);
}

#[test]
fn names_from_outside() {
    assert_snapshot!(at(100, &samples::names()), @r##"
注文を処理する  4bf92f35  ✓ ok  300 ms
受付 · a-service-with-quite-a-… · \x1b[31mevil\x1b[0m · 5 spans · 1 error
2026-11-20 09:25:46.250 UTC
                                                                                0             300 ms
受付 ▸ POST /注文  gateway                                              300 ms  ━━━━━━━━━━━━━━━━━━━━
├─ 在庫を確認する 👩‍🚀🚀  database                                        120 ms  ╺━━━━━━━╸
├─ ✗ a-service-with-quite-a-long-name ▸ com.example.warehouse.invent…   100 ms          ╺━━━━━━
│  │ warehouse said no; warehouse said no; warehouse said no; warehouse said no; warehouse said no;
│  │ warehouse said no; warehouse said no; warehouse said no; warehouse said no; warehouse said no;
│  │ warehouse said no; warehouse said no;
│  └─ 在庫引当の詳細な手順をすべて実行してから結果を…  confirmed  404  80.0 ms           ━━━━━
└─ \x1b[31mevil\x1b[0m ▸ \x1b]0;owned\x07\rok\n\u{202e}gpj.exe         10.0 ms                  ╸
"##);
}

#[test]
fn names_in_forty_columns() {
    assert_snapshot!(at(40, &samples::names()), @r##"
注文を処理する  4bf92f35  ✓ ok  300 ms
3 services · 5 spans · 1 error
2026-11-20 09:25:46.250 UTC

受付 ▸ POST /注文  gateway        300 ms
├─ 在庫を確認する 👩‍🚀🚀            120 ms
├─ ✗ a-serv… ▸ com.example.war…   100 ms
│  │ warehouse said no; warehouse said
│  │ no; warehouse said no; warehouse
│  │ said no; warehouse said no; wareho…
│  └─ 在庫引当の詳細な手順をす…  80.0 ms
└─ \x1b[31m… ▸ \x1b]0;owned\x0…  10.0 ms
"##);
}

#[test]
fn a_workflow_that_waited() {
    assert_snapshot!(at(100, &samples::workflow()), @r##"
approval  4bf92f35  ✓ ok  905 ms of work, 2d 00h of waiting
flows · flows-b · 4 spans · 2026-11-20 09:25:46.250 UTC
                                            0                                 886 ms
flows ▸ started
├─ collect                          420 ms  ━━━━━━━━━━━━━━━━━━╸
└─ ask  confirmed  hand-off        6.00 ms                     ╸
‖ suspended: waiting for a person   2d 00h
flows-b ▸ resumed
├─ decide                           400 ms                     ━━━━━━━━━━━━━━━━━━╸
└─ notify                          50.0 ms                                       ╺━━
(the bars leave out 2d 00h in which nothing ran)
"##);
}

#[test]
fn a_fan_out_and_what_came_of_each() {
    assert_snapshot!(at(100, &samples::fan_out()), @r##"
index  4bf92f35  ✓ ok  2.64 s of work, 6.46 s of waiting
indexer · worker · 9 spans · 2026-11-20 09:25:46.250 UTC
                                                    0                                 5.46 s
indexer ▸ started  pid 10  on web-1
└─ split                                    120 ms  ╸
‖ suspended: shards  resumed 3 times        2.87 s
├─ worker ▸ resumed  pid 71  on web-2
│  └─ index shard                           900 ms                       ╺━━━━━━╸
│     └─ write  database                    200 ms                        ╺━
├─ worker ▸ resumed  pid 72  on web-2
│  ├─ index shard                           700 ms                        ━━━━━
│  │  └─ write  database                    200 ms                        ╺━
│  ├─ ‖ suspended: the database is locked   4.20 s
│  └─ worker ▸ resumed  pid 90  on web-2
│     └─ retry write  database             50.0 ms                                  ╸
└─ worker ▸ resumed  pid 71  on web-2
   └─ index shard                           1.40 s                        ━━━━━━━━━━
      └─ write  database                    200 ms                        ╺━
indexer ▸ resumed  pid 10  on web-1
└─ publish index  confirmed  hand-off      40.0 ms                                         ╺
(the bars leave out 3.58 s in which nothing ran)
"##);
}

#[test]
fn a_fan_out_in_fifty_columns() {
    assert_snapshot!(at(50, &samples::fan_out()), @r##"
index  4bf92f35  ✓ ok
2.64 s of work, 6.46 s of waiting
indexer · worker · 9 spans
2026-11-20 09:25:46.250 UTC

indexer ▸ started  pid 10  on web-1
└─ split                                    120 ms
‖ suspended: shards  resumed 3 times        2.87 s
├─ worker ▸ resumed  pid 71  on web-2
│  └─ index shard                           900 ms
│     └─ write  database                    200 ms
├─ worker ▸ resumed  pid 72  on web-2
│  ├─ index shard                           700 ms
│  │  └─ write  database                    200 ms
│  ├─ ‖ suspended: the database is locked   4.20 s
│  └─ worker ▸ resumed  pid 90  on web-2
│     └─ retry write  database             50.0 ms
└─ worker ▸ resumed  pid 71  on web-2
   └─ index shard                           1.40 s
      └─ write  database                    200 ms
indexer ▸ resumed  pid 10  on web-1
└─ publish index  confirmed  hand-off      40.0 ms
"##);
}

#[test]
fn a_waiting_workflow_without_its_beginning() {
    assert_snapshot!(at(100, &samples::waiting()), @r##"
approval  4bf92f35  ‖ suspended  1m 02s of work so far
flows · 1 span · 2026-11-20 09:25:46.250 UTC
                                                                            0                40.0 ms
‖ (suspension not recorded)                                              –
flows ▸ resumed
└─ decide                                                          40.0 ms  ━━━━━━━━━━━━━━━━━━━━━━━━
‖ suspended: the \x1b[2Jbudget  since 2026-11-20 09:26:48.250 UTC    waits
"##);
}

#[test]
fn cycles_of_ids_are_shown_once() {
    let mut graph = samples::workflow();
    // Impossible records: each segment resumes what it suspended itself.
    graph.run.segments[0].suspension_id = Some("s1".into());
    graph.run.segments[0].via = Some(Via::Resume);
    let shown = at(100, &graph);
    assert_eq!(shown.matches("flows ▸ resumed").count(), 0, "nothing begins it:\n{shown}");
    for name in ["collect", "ask", "decide", "notify"] {
        assert_eq!(shown.matches(name).count(), 1, "{shown}");
    }
}

#[test]
fn deep_trees_begin_again_at_the_left() {
    assert_snapshot!(at(60, &samples::chain(30)), @r##"
recurse  4bf92f35  ✓ ok  1.00 s
deep · 36 spans · 2026-11-20 09:25:46.250 UTC

deep ▸ level 0                      1.00 s
└─ level 1                          967 ms
   ├─ leaf                         1.00 ms
   └─ level 2                       933 ms
      └─ level 3                    900 ms
         └─ level 4                 867 ms
            └─ level 5              833 ms
               └─ level 6           800 ms
                  ├─ leaf          1.00 ms
                  └─ level 7        767 ms
⋯7 └─ level 8                       733 ms
⋯7    └─ level 9                    700 ms
⋯7       └─ level 10                667 ms
⋯7          └─ level 11             633 ms
⋯7             ├─ leaf             1.00 ms
⋯7             └─ level 12          600 ms
⋯7                └─ level 13       567 ms
⋯7                   └─ level 14    533 ms
⋯14 └─ level 15                     500 ms
⋯14    └─ level 16                  467 ms
⋯14       ├─ leaf                  1.00 ms
⋯14       └─ level 17               433 ms
⋯14          └─ level 18            400 ms
⋯14             └─ level 19         367 ms
⋯14                └─ level 20      333 ms
⋯14                   └─ level 21   300 ms
⋯21 ├─ leaf                        1.00 ms
⋯21 └─ level 22                     267 ms
⋯21    └─ level 23                  233 ms
⋯21       └─ level 24               200 ms
⋯21          └─ level 25            167 ms
⋯21             └─ level 26         133 ms
⋯21                ├─ leaf         1.00 ms
⋯21                └─ level 27      100 ms
⋯21                   └─ level 28  66.7 ms
⋯28 └─ level 29                    33.3 ms
"##);
}

#[test]
fn a_run_without_spans_is_a_header() {
    assert_snapshot!(at(100, &samples::Build::run("", RunStatus::Open, None).graph), @r"
    (no name)  4bf92f35  ◌ open  0 ns so far
    0 spans · 2026-11-20 09:25:46.250 UTC
    ");
}
