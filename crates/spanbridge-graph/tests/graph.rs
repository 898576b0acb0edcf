//! Graphs from records. Each test has the expected tree as text.

mod common;

use common::*;
use spanbridge::record::*;
use spanbridge::{RunId, SpanId, Status};
use spanbridge_graph::{Graph, RunStatus};
use std::fmt::Write;

/// The graph in a few lines: the run, its spans indented, then everything else.
fn drawn(graph: &Graph) -> String {
    let mut out = String::new();
    let ms = |at: u64| at.wrapping_sub(T0) / MS;
    let run = &graph.run;
    let ended = run.ended_at.map_or("…".into(), |at| ms(at).to_string());
    writeln!(out, "{:?} {:?} {}-{ended}", run.name, run.status, ms(run.started_at)).unwrap();
    for span in &graph.spans {
        let indent = " ".repeat(2 * span.depth + 2);
        let ended = span.ended_at.map_or("…".into(), |at| ms(at).to_string());
        let orphan = if span.orphan { " orphan" } else { "" };
        let at = format!("{}-{ended}", ms(span.started_at));
        writeln!(out, "{indent}{:?} {:?} {at} {}{orphan}", span.name, span.status, span.service).unwrap();
    }
    for run in &graph.child_runs {
        writeln!(out, "child {:?} {:?}", run.name, run.status).unwrap();
    }
    for run in &graph.related_runs {
        writeln!(out, "related {:?} {:?}", run.name, run.status).unwrap();
    }
    for d in &graph.diagnostics {
        let span = d.span_id.map_or(String::new(), |s| format!(" {s:.4}"));
        writeln!(out, "{}: {}{span}", d.code, d.message).unwrap();
    }
    out
}

#[track_caller]
fn check(records: &[Record<'_>], expected: &str) {
    let expected: String = expected.lines().skip(1).map(|l| format!("{}\n", l.get(8..).unwrap_or_default())).collect();
    let expected = expected.trim_end().to_owned() + "\n";
    assert_eq!(drawn(&Graph::build(run(1), records)), expected);
}

fn order() -> Vec<Record<'static>> {
    let (mut shop, mut mail) = (Recording::of(run(1), 1, "shop"), Recording::of(run(1), 2, "mail"));
    vec![
        shop.span(1, 0, "POST /orders", 0, 50),
        shop.span(2, 1, "orders publish", 10, 20),
        shop.span(3, 1, "reply", 30, 40),
        mail.span(4, 2, "orders process", 60, 90),
        mail.span(5, 4, "send", 70, 80),
    ]
}

const ORDER: &str = r#"
        "POST /orders" Ok 0-90
          "POST /orders" Ok 0-50 shop
            "orders publish" Ok 10-20 shop
              "orders process" Ok 60-90 mail
                "send" Ok 70-80 mail
            "reply" Ok 30-40 shop
"#;

#[test]
fn a_tree_over_two_services_whatever_the_order() {
    let mut records = order();
    check(&records, ORDER);
    records.reverse();
    check(&records, ORDER);
}

/// The span that triggered a child run is in another run; that is no gap.
#[test]
fn the_trigger_of_a_child_run_is_no_orphan() {
    let mut mail = Recording::of(run(1), 2, "mail");
    let begun = run_start("send mail", 5, Some((run(9), span_id(7))));
    let records = [mail.record(begun), mail.span(4, 7, "orders process", 10, 20), mail.span(5, 8, "lost", 30, 40)];
    let expected = r#"
        "send mail" Open 5-…
          "orders process" Ok 10-20 mail
          "lost" Ok 30-40 mail orphan
"#;
    check(&records, expected);
}

#[test]
fn the_same_records_again_change_nothing() {
    let twice: Vec<_> = order().into_iter().chain(order().into_iter().rev()).collect();
    check(&twice, ORDER);
    let graphs = [Graph::build(run(1), &order()), Graph::build(run(1), &twice)];
    assert_eq!(graphs[0].to_json(), graphs[1].to_json());
}

#[test]
fn starts_and_ends_meet_and_attributes_add_up() {
    let mut r = Recording::of(run(1), 1, "shop");
    let between = attributes(&[("id", AttributeValue::Bool(true)), ("x", AttributeValue::I64(1))]);
    let late = attributes(&[("x", AttributeValue::I64(2)), ("y", AttributeValue::Json("[1]".into()))]);
    let records = [
        r.span_start(1, 0, "work", 0),
        r.record(Body::SpanAttributes(SpanAttributes::new(span_id(1), between))),
        r.record(Body::SpanEnd(SpanEnd::new(span_id(1), end(9, Status::Ok)).with_attributes(late))),
    ];
    for records in [records.to_vec(), records.iter().rev().cloned().collect()] {
        let graph = Graph::build(run(1), &records);
        assert_eq!(graph.spans.len(), 1);
        assert_eq!(
            format!("{:?}", graph.spans[0].attributes),
            r#"[("id", Bool(true)), ("x", Number(2)), ("y", Array [Number(1)])]"#
        );
    }
}

/// A span whose parent is missing is marked. A span below the run itself is a root.
#[test]
fn orphans_are_marked_roots_are_not() {
    let mut r = Recording::of(run(1), 1, "mail");
    let mut below_run = start(2, 0, "below the run", 5);
    below_run.parent_span_id = Some(run(1).as_parent());
    let records =
        [r.span(4, 99, "process", 10, 20), r.record(Body::Span(below_run.with_end(Some(end(7, Status::Ok)))))];
    check(
        &records,
        r#"
        "below the run" Ok 5-20
          "below the run" Ok 5-7 mail
          "process" Ok 10-20 mail orphan
        "#,
    );
}

#[test]
fn spans_without_an_end_or_start_are_kept() {
    let mut r = Recording::of(run(1), 1, "shop");
    let records = [r.span_start(1, 0, "work", 0), r.span(2, 1, "step", 1, 2), r.span_end(3, 8, Status::Error)];
    check(
        &records[..2],
        r#"
        "work" Open 0-…
          "work" Open 0-… shop
            "step" Ok 1-2 shop
        "#,
    );
    check(
        &records[2..],
        r#"
        "" Error 8-8
          "" Error 8-8 shop
        "#,
    );
}

/// Without an owner, the errors of spans below were handled; those of roots were not.
#[test]
fn only_errors_of_roots_fail_a_run() {
    let mut r = Recording::of(run(1), 1, "shop");
    let records = [r.span(1, 0, "work", 0, 9), r.failed(2, 1, "try", 1, 2), r.failed(3, 99, "lost", 3, 4)];
    assert_eq!(Graph::build(run(1), &records[..2]).run.status, RunStatus::Ok);
    assert_eq!(Graph::build(run(1), &records).run.status, RunStatus::Error, "an orphan's error is nobody's");
    // What the owner says takes precedence.
    let owned: Vec<_> = records.into_iter().chain([r.run_start("order", 0), r.run_end(10, Status::Ok)]).collect();
    assert_eq!(Graph::build(run(1), &owned).run.status, RunStatus::Ok);
}

#[test]
fn conflicts_are_shown_and_the_first_is_kept() {
    let mut records = order();
    let mut other = records[2].clone();
    if let Body::Span(start @ SpanData { end: Some(_), .. }) = &mut other.body {
        start.name = "another reply".into();
    }
    records.push(other.clone());
    check(
        &records,
        r#"
        "POST /orders" Conflicted 0-90
          "POST /orders" Ok 0-50 shop
            "orders publish" Ok 10-20 shop
              "orders process" Ok 60-90 mail
                "send" Ok 70-80 mail
            "reply" Ok 30-40 shop
        conflict: a record came twice with the same id and different content; the first is shown a000
        "#,
    );
    // The same span under another record id is a conflict, too; with equal content it is not.
    other.id = Some("elsewhere-1".into());
    let same = order().remove(2).with_id(Some("elsewhere-2".into()));
    assert_eq!(Graph::build(run(1), &[order(), vec![same]].concat()).run.status, RunStatus::Ok);
    assert_eq!(Graph::build(run(1), &[order(), vec![other]].concat()).run.status, RunStatus::Conflicted);
}

#[test]
fn suspended_and_resumed() {
    let mut r = Recording::of(run(1), 1, "flow");
    let suspend = |id: &'static str, at: u64| {
        Body::RunSuspend(RunSuspend::new(id, T0 + at * MS).with_reason(Some("a person".into())))
    };
    let resume = |id: &'static str, at: u64| Body::RunResume(RunResume::new(id, T0 + at * MS));
    let mut records = vec![r.run_start("approval", 0)];
    let mut status = |body| {
        records.push(r.record(body));
        Graph::build(run(1), &records).run.status
    };
    assert_eq!(status(suspend("a", 1)), RunStatus::Suspended);
    assert_eq!(status(resume("a", 2)), RunStatus::Open);
    assert_eq!(status(suspend("b", 3)), RunStatus::Suspended);
    assert_eq!(status(resume("b", 4)), RunStatus::Open);
    assert_eq!(status(Body::RunEnd(RunEnd::new(T0 + 5 * MS, Status::Cancelled))), RunStatus::Cancelled);
    let suspensions = Graph::build(run(1), &records).run.suspensions;
    let times: Vec<_> =
        suspensions.iter().map(|s| (s.suspended_at.unwrap() - T0, s.resumed_at.unwrap() - T0)).collect();
    assert_eq!(times, [(MS, 2 * MS), (3 * MS, 4 * MS)]);
}

#[test]
fn cycles_of_parents_lose_no_span() {
    let mut r = Recording::of(run(1), 1, "s");
    let records = [r.span(1, 2, "a", 0, 1), r.span(2, 1, "b", 1, 2), r.span(3, 3, "self", 2, 3)];
    check(
        &records,
        r#"
        "a" Ok 0-3
          "a" Ok 0-1 s
            "b" Ok 1-2 s
          "self" Ok 2-3 s
        parent_cycle: the span is its own ancestor; it is shown as a root a000
        parent_cycle: the span is its own ancestor; it is shown as a root a000
        "#,
    );
}

#[test]
fn a_very_deep_tree() {
    let mut r = Recording::of(run(1), 1, "s");
    let records: Vec<_> = (1..=100_000).map(|n| r.span(n, n - 1, "step", n, n + 1)).collect();
    let graph = Graph::build(run(1), &records);
    assert_eq!(graph.spans.last().map(|s| s.depth), Some(99_999));
}

#[test]
fn the_json_is_as_designed() {
    let (mut r, mut receiver) = (Recording::of(run(1), 0xabc, "shop"), Recording::of(run(1), 0xdef, "mail"));
    let other = trace(2);
    let mut linked = start(2, 1, "process", 2);
    linked.links = vec![Link::new(other, span_id(9), attributes(&[("k", AttributeValue::F64(0.5))]))];
    let mut input = Artifact::new(span_id(1), "a1", "input", "text/plain", 5);
    input.preview = Some("hello".into());
    let failed = End::new(T0 + 3 * MS + 1, Status::Error).with_error(Some("no".into()));
    let records = [
        r.record(Body::Segment(Segment::new(
            T0,
            attributes(&[("service.name", AttributeValue::Str("shop".into()))]),
            Via::Start,
        ))),
        r.record(run_start("order", 0, Some((run(3), span_id(7))))),
        r.record(Body::RunAttributes(RunAttributes::new(attributes(&[("amount", AttributeValue::I64(7))])))),
        r.span_start(1, 0, "POST", 1),
        receiver.record(Body::Span(linked.with_end(Some(failed)))),
        r.record(Body::Event(Event::new(span_id(1), "e1", "retry", T0 + MS))),
        r.record(Body::Artifact(input)),
        r.record(Body::Edge(Edge::new(
            "triggered",
            Endpoint::Span { trace_id: trace(1), span_id: span_id(1) },
            Endpoint::Run(run(2)),
        ))),
        r.record(Body::Edge(Edge::new("derived.from", Endpoint::Artifact("a1".into()), Endpoint::Run(run(2))))),
        r.record(Body::Mutation(
            Mutation::new("m1", "shop", "orders", "{\"line\":2,\"id\":1}", MutationOp::Update)
                .with_span_id(Some(span_id(1)))
                .with_before(Some("{\"status\":\"new\"}".into()))
                .with_after(Some("{\"status\":\"paid\"}".into()))
                .with_columns(vec!["status".into()])
                .with_committed_at(Some(T0 + 2 * MS))
                .with_position(Some("7 1".into())),
        )),
        r.record(Body::Diagnostic(
            Diagnostic::new("truncated", "cut").with_count(Some(2)).with_span_id(Some(SpanId::new(1).unwrap())),
        )),
    ];
    let json = Graph::build(run(1), &records).to_json();
    let expected = include_str!("graph.json");
    let pretty = serde_json::to_string_pretty(&json).unwrap();
    assert_eq!(pretty.trim(), expected.trim(), "{pretty}");
    let direct = serde_json::to_string(&Graph::build(run(1), &records)).unwrap();
    assert!(direct.starts_with(r#"{"schemaVersion":1,"run":{"runId":"#), "{direct}");
    let _: RunId = json["run"]["runId"].as_str().unwrap().parse().unwrap();
}

/// A repetition may have another record id; other content under the same id is a contradiction.
#[test]
fn changed_rows_are_told_once_and_in_order() {
    let mut r = Recording::of(run(1), 1, "s");
    let row = |id: &'static str, at: u64, position: Option<&'static str>| {
        Mutation::new(id, "shop", "orders", "{\"id\":1}", MutationOp::Update)
            .with_span_id(Some(span_id(1)))
            .with_committed_at(Some(T0 + at * MS))
            .with_position(position.map(Into::into))
    };
    let of = |records: &[Record<'static>]| {
        let graph = Graph::build(run(1), records);
        let ids: Vec<_> = graph.mutations.iter().map(|m| m.mutation_id.clone()).collect();
        (ids.join(" "), graph.run.status)
    };
    let mut all = vec![r.span(1, 0, "pay", 0, 50)];
    let rows = [
        row("later", 9, None),
        row("second", 4, Some("7 10")),
        row("first", 4, Some("7 9")),
        row("later", 9, None),
        row("a", 5, None),
        row("b", 5, None),
    ];
    all.extend(rows.map(|row| r.record(Body::Mutation(row))));
    assert_eq!(of(&all), ("first second a b later".to_owned(), RunStatus::Ok));
    all.reverse();
    assert_eq!(of(&all).0, "first second a b later");
    all.push(r.record(Body::Mutation(row("later", 10, None))));
    assert_eq!(of(&all).1, RunStatus::Conflicted);
}

#[test]
fn a_late_link_is_a_link() {
    let mut shop = Recording::of(run(1), 1, "shop");
    let end = |n| Endpoint::Span { trace_id: trace(7), span_id: span_id(n) };
    let edge = Body::Edge(Edge::new("custom.link", Endpoint::Span { trace_id: trace(1), span_id: span_id(1) }, end(9)));
    let records = [shop.span(1, 0, "batch", 0, 50), shop.record(edge.clone()), shop.record(edge)];
    let graph = Graph::build(run(1), &records);
    let links: Vec<_> = graph.spans[0].links.iter().map(|l| (l.trace_id, l.span_id)).collect();
    assert_eq!(links, [(trace(7), span_id(9))]);
}

#[test]
fn a_span_that_ends_before_it_begins_is_no_work() {
    let mut r = Recording::of(run(1), 1, "flow");
    let suspend = Body::RunSuspend(RunSuspend::new("a", T0 + MS));
    let resume = Body::RunResume(RunResume::new("a", T0 + 9 * MS));
    let records = [r.record(suspend), r.span(1, 0, "torn", 5, 3), r.record(resume)];
    assert_eq!(Graph::build(run(1), &records).run.waited, 8 * MS);
}

/// What happened within a step, and for what a run waited, are differences; when it happened is not.
#[test]
fn events_and_waits_are_compared() {
    let graph = |retries: u64, later: u64, reason: &'static str| {
        let mut r = Recording::of(run(1), 1, "shop");
        let mut all = vec![r.run_start("order", 0), r.span(1, 0, "pay", 1, 9)];
        for n in 0..retries {
            let event = Event::new(span_id(1), format!("e{n}"), "retry", T0 + (2 + n + later) * MS);
            all.push(r.record(Body::Event(event)));
        }
        all.push(r.record(Body::RunSuspend(RunSuspend::new("s", T0 + 20 * MS).with_reason(Some(reason.into())))));
        all.push(r.record(Body::RunResume(RunResume::new("s", T0 + 30 * MS))));
        all.push(r.run_end(40, Status::Ok));
        [Graph::build(run(1), &all)]
    };
    let changes = |left: &[Graph], right: &[Graph]| {
        let diff = spanbridge_graph::Diff::of(left, right, &spanbridge_graph::DiffOptions::default()).unwrap();
        let of = |one: &spanbridge_graph::Difference| {
            let texts = one.changes.iter().map(|c| format!("{} {:?} {:?}", c.key, c.left, c.right));
            (one.name.clone(), texts.collect::<Vec<_>>().join("; "))
        };
        diff.differences.iter().map(of).collect::<Vec<_>>()
    };
    assert_eq!(changes(&graph(2, 0, "approval"), &graph(2, 3, "approval")), []);
    let retried = ("pay".to_owned(), "event retry Some(Number(1)) Some(Number(2))".to_owned());
    assert_eq!(changes(&graph(1, 0, "approval"), &graph(2, 0, "approval")), [retried]);
    let waits = "suspended approval Some(Number(1)) Some(Number(0)); suspended payment Some(Number(0)) Some(Number(1))";
    assert_eq!(changes(&graph(1, 0, "approval"), &graph(1, 0, "payment")), [("order".to_owned(), waits.to_owned())]);
}
