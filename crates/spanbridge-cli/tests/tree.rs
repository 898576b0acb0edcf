//! Trees as they are printed. A reader of these tests sees what a user sees.

mod samples;

use insta::assert_snapshot;
use spanbridge::record::Via;
use spanbridge_cli::render::{Options, tree};
use spanbridge_store::graph::{Graph, Link, RunStatus, SpanStatus};
use unicode_width::UnicodeWidthStr;

fn at(width: usize, graph: &Graph) -> String {
    tree(graph, &Options { width, color: false })
}

#[test]
fn an_order_over_every_hop() {
    assert_snapshot!(at(100, &samples::order()), @r##"
POST /orders  4bf92f35  ✓ ok  486 ms, 1.92 s with queued work
gateway · score-fn · models · billing · 20 spans · 2 errors · 2026-11-20 09:25:46.250 UTC
                                                                               0              1.92 s
gateway ▸ POST /orders  202                                            486 ms  ━━━━━
├─ authorize                                                          3.10 ms  ╸
├─ invoke score                                                        142 ms  ━╸
│  └→ score-fn ▸ score                                                 118 ms  ━╸
│     ├─ SELECT customers                                             11.2 ms  ╸
│     └─ POST /v1/embeddings  200                                     96.0 ms  ━
│        └→ models ▸ POST /v1/embeddings  200                         88.0 ms  ━
│           └─ embed                                                  84.0 ms  ━
├─ INSERT orders                                                      8.40 ms   ╺
└─ send fulfil  sent                                                  22.0 µs   ╺
   └⇢ process fulfil                                                   320 ms   ╺━━━
      ├─ reserve stock                                                 240 ms   ╺━━
      └─ publish orders:created  confirmed                            4.60 ms      ╸
         ├⇢ ✗ billing ▸ process orders:created:billing  nack           212 ms      ╺━━
         │  └─ ✗ charge card                                           205 ms      ╺━╸
         │       card declined by issuer: insufficient funds (code 51)
         └⇢ billing ▸ process orders:created:billing  attempt 2  ack   264 ms                    ━━╸
            ├─ charge card                                             190 ms                    ━━
            └─ UPDATE invoices                                        61.0 ms                      ╸
"##);
}

#[test]
fn an_order_in_sixty_columns() {
    assert_snapshot!(at(60, &samples::order()), @r##"
POST /orders  4bf92f35  ✓ ok
486 ms, 1.92 s with queued work
4 services · 20 spans · 2 errors
2026-11-20 09:25:46.250 UTC

gateway ▸ POST /orders  202                           486 ms
├─ authorize                                         3.10 ms
├─ invoke score                                       142 ms
│  └→ score-fn ▸ score                                118 ms
│     ├─ SELECT customers                            11.2 ms
│     └─ POST /v1/embeddings  200                    96.0 ms
│        └→ models ▸ POST /v1/embeddings  200        88.0 ms
│           └─ embed                                 84.0 ms
├─ INSERT orders                                     8.40 ms
└─ send fulfil  sent                                 22.0 µs
   └⇢ process fulfil                                  320 ms
      ├─ reserve stock                                240 ms
      └─ publish orders:created  confirmed           4.60 ms
         ├⇢ ✗ billing ▸ process orders:creat…  nack   212 ms
         │  └─ ✗ charge card                          205 ms
         │       card declined by issuer: insufficient funds
         │       (code 51)
         └⇢ billi… ▸ process orders:cre…  attempt 2   264 ms
            ├─ charge card                            190 ms
            └─ UPDATE invoices                       61.0 ms
"##);
}

#[test]
fn what_has_not_ended() {
    assert_snapshot!(at(100, &samples::unfinished()), @r##"
nightly import  4bf92f35  ◌ open  5.95 s so far
importer · 7 spans · 2 errors · 2 open · 2026-11-20 09:25:46.250 UTC
                                      0                                 5.95 s
◌ importer ▸ nightly import     open  ╺╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌╌
├─ fetch manifest  503        310 ms  ━━
├─ fetch manifest  200        210 ms      ━╸
├─ ✗ parse  panicked         95.0 ms       ╺
│  │ index out of bounds: the len is 3 but the index is 7
│  └─ ⊘ prefetch  cancelled  90.0 ms       ╺
├─ ✗ publish rows  unknown    5.00 s        ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸
│    timed out after 5 s
└─ ◌ parse                      open                                         ╺

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
├─ ✗ publish amq.default:late  returned                        2.00 ms  ╸
│    312 NO_ROUTE
└─ publish events:settled  confirmed                           2.00 ms  ╸
   ├⇢ ✗ mail ▸ process mail  attempt 3  reject  dead-lettered  80.0 ms            ╸
   │    550 mailbox unavailable
   │    remote host said:
   │      no such user …
   ├⇢ mail ▸ process mail.dead  dead letter                    9.00 ms                             ╺
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

✗ ledger ▸ settle invoices                       700 ms
├─ ✗ publish amq.default:late  returned         2.00 ms
│    312 NO_ROUTE
└─ publish events:settled  confirmed            2.00 ms
   ├⇢ ✗ mail ▸ process mail  attempt 3  reject  80.0 ms
   │    550 mailbox unavailable
   │    remote host said:
   │      no such user …
   ├⇢ mail ▸ process mail.dead  dead letter     9.00 ms
   └⇢ archi… ▸ process archive  new trace       40.0 ms
(parent bb1f3a00… not recorded)
├─ audit ▸ process audit                        30.0 ms
└─ audit ▸ process audit                        28.0 ms
archive ▸ receive archive  ack ×3  3 links      60.0 ms
└─ (start of 00f067aa… not recorded)                  –

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
                                                0                                 2.00 s
report ▸ GET /report                    2.00 s  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━
├─ SELECT customers                    40.0 ms  ╸
├─ SELECT invoices                     31.0 ms   ╸
├─ SELECT invoices                     31.0 ms   ╺╸
├─ SELECT invoices                     31.0 ms    ╺
├─ … 37 more like this (total 1.15 s)              ╺━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╸
├─ render page                         20.0 ms                                       ╸
├─ render page                         20.0 ms                                       ╺
├─ render page                         20.0 ms                                        ╸
└─ render page                         20.0 ms                                        ╺
"##);
}

#[test]
fn names_from_outside() {
    assert_snapshot!(at(100, &samples::names()), @r##"
注文を処理する  4bf92f35  ✓ ok  300 ms
受付 · a-service-with-quite-a-… · \x1b[31mevil\x1b[0m · 5 spans · 1 error
2026-11-20 09:25:46.250 UTC
                                                                                0             300 ms
受付 ▸ POST /注文                                                       300 ms  ━━━━━━━━━━━━━━━━━━━━
├─ 在庫を確認する 👩‍🚀🚀                                                  120 ms  ╺━━━━━━━╸
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

受付 ▸ POST /注文                 300 ms
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
└─ ask  confirmed                  6.00 ms                     ╸
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
│     └─ write                              200 ms                        ╺━
├─ worker ▸ resumed  pid 72  on web-2
│  ├─ index shard                           700 ms                        ━━━━━
│  │  └─ write                              200 ms                        ╺━
│  ├─ ‖ suspended: the database is locked   4.20 s
│  └─ worker ▸ resumed  pid 90  on web-2
│     └─ retry write                       50.0 ms                                  ╸
└─ worker ▸ resumed  pid 71  on web-2
   └─ index shard                           1.40 s                        ━━━━━━━━━━
      └─ write                              200 ms                        ╺━
indexer ▸ resumed  pid 10  on web-1
└─ publish index  confirmed                40.0 ms                                         ╺
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
│     └─ write                              200 ms
├─ worker ▸ resumed  pid 72  on web-2
│  ├─ index shard                           700 ms
│  │  └─ write                              200 ms
│  ├─ ‖ suspended: the database is locked   4.20 s
│  └─ worker ▸ resumed  pid 90  on web-2
│     └─ retry write                       50.0 ms
└─ worker ▸ resumed  pid 71  on web-2
   └─ index shard                           1.40 s
      └─ write                              200 ms
indexer ▸ resumed  pid 10  on web-1
└─ publish index  confirmed                40.0 ms
"##);
}

#[test]
fn a_workflow_that_waits_and_whose_beginning_is_lost() {
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
fn ids_that_go_round_in_a_circle_are_told_once() {
    let mut graph = samples::workflow();
    // Whatever the records say: the first segment resumes what it suspended itself, and so does the second.
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
fn no_line_is_wider_than_the_page_or_ends_in_spaces() {
    for (name, graph) in samples::all() {
        for width in 40..150 {
            for line in at(width, &graph).lines() {
                assert!(line.width() <= width, "{name} at {width}: {line:?}");
                assert!(!line.ends_with(' '), "{name} at {width}: {line:?}");
            }
        }
        assert_eq!(at(0, &graph), at(40, &graph));
    }
}

#[test]
fn colour_changes_nothing_but_colour() {
    for (name, graph) in samples::all() {
        let colored = tree(&graph, &Options { width: 100, color: true });
        assert!(colored.contains("\x1b["), "{name}");
        assert_eq!(anstream::adapter::strip_str(&colored).to_string(), at(100, &graph), "{name}");
    }
}

#[test]
fn nothing_in_a_record_reaches_the_terminal_as_a_command() {
    let shown = at(100, &samples::names());
    assert!(shown.chars().all(|c| c == '\n' || !c.is_control() && c != '\u{202e}'), "{shown}");
}

#[test]
fn large_graphs_take_neither_stack_nor_quadratic_time() {
    // The stack of a test's thread is 2 MiB; a quadratic prefix of the deep one would be 15 GB.
    let deep = at(100, &samples::chain(100_000));
    assert_eq!(deep.lines().count(), 3 + 120_000);
    assert!(deep.len() < 40 << 20, "{}", deep.len());
    let mut wide = samples::Build::run("wide", RunStatus::Ok, None);
    let root = wide.span(None, "w: root", "run", 0, samples::MS);
    for n in 0..100_000 {
        wide.span(Some(root), &format!("w: {}", n / 15), "tool.call", n, 1);
    }
    assert_eq!(at(100, &wide.graph).lines().count(), 3 + 100_001);
    // One wait after the other, one wait of many, and a wait that each of them makes another.
    for (how, lines) in [("chain", 1 + 2 * 15_000), ("fan", 2 + 15_000), ("ladder", 1 + 15_000)] {
        assert_eq!(at(100, &resumed(how, 15_000)).lines().count(), 3 + lines, "{how}");
    }
}

/// A run that was resumed so many times: one after the other, all at once, or by two each time of whom one waits again.
fn resumed(how: &str, times: u64) -> Graph {
    let mut b = samples::Build::run(how, RunStatus::Open, None);
    b.segment(1, "flows", Via::Start, 0, None);
    match how {
        "chain" => {
            for n in 1..=times {
                b.wait(&format!("s{n}"), n, "again", n * samples::MS, Some(n * samples::MS + 1));
                b.segment(n + 1, "flows", Via::Resume, n * samples::MS + 1, Some(&format!("s{n}")));
            }
        }
        "fan" => {
            b.wait("s", 1, "all", samples::MS, Some(2 * samples::MS));
            for n in 2..times + 2 {
                b.segment(n, "flows", Via::Resume, n * samples::MS, Some("s"));
            }
        }
        _ => {
            for n in 1..=times / 3 {
                let wait = format!("s{n}");
                b.wait(&wait, 2 * n - 1, "again", n * samples::MS, Some(n * samples::MS + 1));
                b.segment(2 * n, "flows", Via::Resume, n * samples::MS + 1, Some(&wait));
                b.segment(2 * n + 1, "flows", Via::Resume, n * samples::MS + 2, Some(&wait));
            }
        }
    }
    b.graph
}

#[test]
fn any_graph_is_rendered() {
    let mut state = 7u64;
    let mut random = |below: u64| {
        // The numbers only have to be different; splitmix is the shortest way.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((z ^ (z >> 27)) >> 3) % below
    };
    let primitives = ["messaging.publish", "messaging.process", "messaging.settle", "http.client", "http.server", "?"];
    let names = [
        "",
        "a",
        "ack x",
        "注文",
        "\u{2764}\u{fe0f}\u{200d}\u{301}\u{2764}\u{fe0f}",
        "long name with words that goes on and on and on",
    ];
    let statuses = [SpanStatus::Ok, SpanStatus::Error, SpanStatus::Panicked, SpanStatus::Cancelled, SpanStatus::Open];
    for _ in 0..2_000 {
        let mut b = samples::Build::run(names[random(6) as usize], RunStatus::Open, None);
        let spans = random(60) + 1;
        for _ in 0..spans {
            let what = format!("{}: {}", names[random(6) as usize], names[random(6) as usize]);
            b.span(None, &what, primitives[random(6) as usize], random(9), random(9));
            b.ended(statuses[random(5) as usize], Some(names[random(6) as usize]).filter(|_| spans % 2 == 0));
            let ids: Vec<_> = b.graph.spans.iter().map(|s| (s.span_id, s.trace_id)).collect();
            let span = b.last();
            let (span_id, trace_id) = ids[random(ids.len() as u64) as usize];
            match random(4) {
                // Also itself, a later one, and none that is there: graphs are built from what others sent.
                0 => span.parent = Some(random(spans + 2) as usize),
                1 => (span.orphan, span.parent_span_id) = (true, Some(span_id)),
                2 => span.links.push(Link { trace_id, span_id, attributes: Vec::new() }),
                _ => {}
            }
            if random(8) == 0 {
                (span.started_at, span.ended_at) = ([0, u64::MAX, 1][random(3) as usize], Some(random(3)));
            }
        }
        // And who went on with what, be it ever so confused.
        for _ in 0..random(8) {
            let id = |n: u64| ["s0", "s1", "s2", ""][n as usize];
            b.wait(
                id(random(4)),
                random(5),
                names[random(6) as usize],
                random(9),
                Some(random(9)).filter(|n| n % 2 == 0),
            );
            let via = [Via::Start, Via::Resume, Via::Receive][random(3) as usize];
            b.segment(
                1 + random(5),
                names[random(6) as usize],
                via,
                random(9),
                Some(id(random(4))).filter(|id| !id.is_empty()),
            );
        }
        let width = 40 + random(100) as usize;
        let shown = at(width, &b.graph);
        assert!(shown.lines().all(|line| line.width() <= width), "{width}\n{shown}");
    }
}

#[test]
fn a_run_without_spans_is_a_header() {
    assert_snapshot!(at(100, &samples::Build::run("", RunStatus::Open, None).graph), @r"
    (no name)  4bf92f35  ◌ open  0 ns so far
    0 spans · 2026-11-20 09:25:46.250 UTC
    ");
}
