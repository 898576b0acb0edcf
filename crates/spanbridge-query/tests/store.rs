//! A store from the outside: deliveries and imports are found, listed and read.

mod common;

use common::*;
use spanbridge::record::*;
use spanbridge::{RunId, SpanId, Status, TraceId};
use spanbridge_graph::{LinkDirection, RunStatus};
use spanbridge_query::index::FoldBudget;
use spanbridge_query::{ErrorKind, Found, Id, RunFilter, RunRow, Store};
use spanbridge_store::StoreSink;

/// Three services and four runs: an order over two services, a failed one without an owner, a child run of the order in
/// the same trace, and an open one.
fn deliveries() -> Vec<(u64, u64, Vec<Record<'static>>)> {
    let mut shop = Recording::of(run(1), 1, "shop");
    let mut mail = Recording::of(run(1), 2, "mail");
    let mut lone = Recording::of(run(2), 3, "stock");
    let mut child = Recording::of(run(0x41), 4, "mail").in_trace(trace(1));
    let mut open = Recording::of(run(5), 5, "shop");
    vec![
        (
            7,
            1,
            vec![
                shop.run_start("order", 0),
                shop.span_start(1, 0, "POST /orders", 1),
                open.span_start(9, 0, "GET /slow", 500),
                shop.span(2, 1, "orders publish", 2, 3),
            ],
        ),
        (8, 1, vec![lone.failed(6, 0, "count", 100, 110), mail.span(3, 2, "orders process", 5, 9)]),
        (7, 2, vec![shop.span_end(1, 10, Status::Ok), shop.run_end(11, Status::Ok)]),
        (
            8,
            2,
            vec![
                child.record(run_start("send mail", 20, Some((run(1), span_id(3))))),
                child.failed(4, 3, "smtp", 21, 22),
                child.run_end(30, Status::Cancelled),
            ],
        ),
    ]
}

fn filled() -> (tempfile::TempDir, Store) {
    let (dir, path) = place();
    let mut sink = StoreSink::open(&path).unwrap();
    for (instance, number, records) in deliveries() {
        deliver(&mut sink, instance, number, &records);
    }
    (dir, Store::open(&path).unwrap())
}

fn drawn(rows: &[RunRow]) -> Vec<String> {
    let ms = |at: u64| (at - T0) / MS;
    let line = |r: &RunRow| {
        let ended = r.ended_at.map_or("…".into(), |at| ms(at).to_string());
        let services = r.services.join("+");
        format!("{} {:?} {services} {}/{} {}-{ended}", r.name, r.status, r.errors, r.spans, ms(r.started_at))
    };
    rows.iter().map(line).collect()
}

#[test]
fn reading_creates_no_store() {
    let (_dir, path) = place();
    let error = Store::open(&path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let expected = format!("open the store {}: there is none", path.display());
    assert_eq!(error.to_string(), expected);
    assert!(!path.parent().unwrap().exists());
}

#[test]
fn runs_are_listed_newest_first() {
    let (_dir, store) = filled();
    let all = store.runs(&RunFilter::default(), 10).unwrap();
    let expected = [
        "GET /slow Open shop 0/1 500-…",
        "count Error stock 1/1 100-110",
        "send mail Cancelled mail 1/1 20-30",
        "order Ok mail+shop 0/3 0-11",
    ];
    assert_eq!(drawn(&all), expected);
    assert_eq!(store.runs(&RunFilter::default(), 2).unwrap(), all[..2]);
    let listed = |filter: RunFilter| drawn(&store.runs(&filter, 10).unwrap());
    for (status, row) in [(RunStatus::Open, 0), (RunStatus::Error, 1), (RunStatus::Cancelled, 2), (RunStatus::Ok, 3)] {
        assert_eq!(listed(RunFilter::default().status(status)), [expected[row]]);
    }
    assert_eq!(listed(RunFilter::default().service("mail")), expected[2..]);
    assert_eq!(listed(RunFilter::default().name("nd mai")), [expected[2]]);
    assert_eq!(listed(RunFilter::default().since(T0 + 100 * MS)), expected[..2]);
    let none = RunFilter::default().service("ma").since(T0);
    assert!(listed(none).is_empty());
}

/// The list comes from totals, the graph from records. They must say the same.
#[test]
fn the_list_agrees_with_the_graphs() {
    let (_dir, store) = filled();
    for row in store.runs(&RunFilter::default(), 10).unwrap() {
        let run = store.graph(row.run_id).unwrap().unwrap().run;
        assert_eq!(
            (&run.name, run.status, run.started_at, run.ended_at),
            (&row.name, row.status, row.started_at, row.ended_at)
        );
    }
}

#[test]
fn ids_are_found_by_their_first_digits() {
    let (_dir, store) = filled();
    let find = |id: &str| store.find(id).unwrap();
    let one = |what, run_id| Found::One { what, run_ids: vec![run_id] };
    assert_eq!(find("2222"), one(Id::Run(run(2)), run(2)));
    assert_eq!(find(&run(2).to_string()), one(Id::Run(run(2)), run(2)));
    assert_eq!(find("a0000003"), one(Id::Span(span_id(3)), run(1)));
    assert_eq!(find(&span_id(4).to_string().to_uppercase()), one(Id::Span(span_id(4)), run(0x41)));
    assert_eq!(find("abcd"), Found::Nothing);
    assert_eq!(find(&span_id(77).to_string()), Found::Nothing);
    // The ids of runs 1 and 0x41 begin with the same digits.
    let Found::Ambiguous(candidates) = find("1111") else { panic!("two runs begin so") };
    let names: Vec<_> = candidates.iter().map(|c| (c.id.kind(), c.id.to_string(), c.name.as_str())).collect();
    assert_eq!(names, [("run", run(1).to_string(), "order"), ("run", run(0x41).to_string(), "send mail")]);
    let Found::Ambiguous(candidates) = find("a000") else { panic!("all spans begin so") };
    let names: Vec<_> = candidates.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["POST /orders", "orders publish", "orders process", "smtp", "count", "GET /slow"]);
    for bad in ["", "abc", "xyzw", "+123", "0123456789abcdef0123456789abcdef0", "日本語!"] {
        let error = store.find(bad).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidId, "{error}");
    }
}

/// Two runs hold the same span id: both are named, neither is taken for it.
#[test]
fn a_span_of_two_runs_is_ambiguous() {
    let (_dir, path) = place();
    let mut sink = StoreSink::open(&path).unwrap();
    let store = Store::open(&path).unwrap();
    for n in [1, 2] {
        let mut one = Recording::of(run(n), n as u64, "shop");
        deliver(&mut sink, 1, n as u64, &[one.run_start("order", 0), one.span(7, 0, "pay", 1, 2)]);
        if n == 1 {
            store.fold(FoldBudget::default(), |_| true).unwrap().unwrap();
        }
    }
    for is_folded in [false, true] {
        let Found::Ambiguous(candidates) = store.find(&span_id(7).to_string()).unwrap() else {
            panic!("two runs hold it")
        };
        let runs: Vec<_> = candidates.iter().map(|c| (c.id, c.run_id)).collect();
        assert_eq!(runs, [(Id::Span(span_id(7)), run(1)), (Id::Span(span_id(7)), run(2))], "{is_folded}");
        store.fold(FoldBudget::everything(), |_| true).unwrap();
    }
}

#[test]
fn a_trace_without_its_own_run_names_its_runs() {
    let (_dir, path) = place();
    let mut sink = StoreSink::open(&path).unwrap();
    let mut late = Recording::of(run(2), 1, "s").in_trace(trace(7));
    let mut early = Recording::of(run(3), 2, "s").in_trace(trace(7));
    deliver(&mut sink, 1, 1, &[late.span(1, 0, "late", 50, 60), early.span(2, 0, "early", 10, 20)]);
    let store = Store::open(&path).unwrap();
    let both = Found::One { what: Id::Trace(trace(7)), run_ids: vec![run(3), run(2)] };
    assert_eq!(store.find("7777").unwrap(), both);
    let graph = store.graph(run(3)).unwrap().unwrap();
    assert_eq!(graph.run.trace_ids, [trace(7)]);
    assert_eq!(graph.related_runs.iter().map(|r| r.run_id).collect::<Vec<_>>(), [run(2)]);
}

#[test]
fn a_graph_lists_related_runs() {
    let (_dir, store) = filled();
    let order = store.graph(run(1)).unwrap().unwrap();
    assert_eq!(
        order.spans.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(),
        ["POST /orders", "orders publish", "orders process"]
    );
    let [child] = &order.child_runs[..] else { panic!("{:?}", order.child_runs) };
    assert_eq!((child.run_id, child.name.as_str(), child.status), (run(0x41), "send mail", RunStatus::Cancelled));
    assert_eq!(order.related_runs, order.child_runs, "it is in the same trace");
    let mail = store.graph(run(0x41)).unwrap().unwrap();
    assert_eq!((mail.run.parent_run_id, mail.run.triggered_by_span_id), (Some(run(1)), Some(span_id(3))));
    assert_eq!(mail.related_runs.iter().map(|r| r.name.as_str()).collect::<Vec<_>>(), ["order"]);
    let trigger = mail.trigger.unwrap();
    assert_eq!((trigger.run_name.as_str(), trigger.span_name.as_str()), ("order", "orders process"));
    assert!(store.graph(run(6)).unwrap().is_none());
}

/// Run 1 sends; run 3 is another run of its trace.
fn senders() -> Vec<Record<'static>> {
    let mut shop = Recording::of(run(1), 1, "shop");
    let mut other = Recording::of(run(3), 2, "shop").in_trace(trace(1));
    vec![shop.span(1, 0, "publish", 0, 5), other.span(2, 1, "more", 6, 7)]
}

fn linked_to(r: &mut Recording, id: u64, links: &[(TraceId, u64)]) -> Record<'static> {
    let mut work = start(id, 0, "work", 20);
    let link = |(trace_id, span)| Link::new(trace_id, span_id(span), attributes(&[]));
    work.links = links.iter().copied().map(link).collect();
    r.record(Body::Span(work.with_end(Some(end(30, Status::Ok)))))
}

/// The linked runs of a run: the direction, and its spans that they link to.
fn linked(store: &Store, n: u128) -> Vec<(RunId, LinkDirection, Vec<SpanId>)> {
    let runs = store.graph(run(n)).unwrap().unwrap().linked_runs;
    runs.into_iter().map(|l| (l.run.run_id, l.direction, l.linked_span_ids)).collect()
}

fn stored(deliveries: &[&[Record<'static>]]) -> (tempfile::TempDir, Store) {
    let (dir, path) = place();
    let mut sink = StoreSink::open(&path).unwrap();
    (1..).zip(deliveries).for_each(|(number, records)| deliver(&mut sink, 1, number, records));
    (dir, Store::open(&path).unwrap())
}

#[test]
fn a_link_is_known_at_both_ends() {
    use LinkDirection::{From, To};
    let work = linked_to(&mut Recording::of(run(2), 3, "mail"), 9, &[(trace(1), 1), (trace(2), 9)]);
    let (_dir, store) = stored(&[&senders(), &[work]]);
    // Of that trace, only the run with the span. Of its own trace, none.
    assert_eq!(linked(&store, 2), [(run(1), To, vec![])]);
    assert_eq!(linked(&store, 1), [(run(2), From, vec![span_id(1)])]);
    assert_eq!(linked(&store, 3), []);
    let sender = store.graph(run(1)).unwrap().unwrap().to_json();
    let expected = serde_json::json!([{
        "runId": run(2).to_string(),
        "name": "work",
        "startedAt": "2026-09-21T14:13:20.020000000Z",
        "status": "ok",
        "errors": 0,
        "direction": "from",
        "linkedSpanIds": [span_id(1).to_string()],
    }]);
    assert_eq!(sender["linkedRuns"], expected);
    // The other end of the link, at the span that it leads to.
    let linked_from: Vec<_> = sender["spans"].as_array().unwrap().iter().map(|s| &s["linkedFrom"]).collect();
    let source = serde_json::json!([{
        "runId": run(2).to_string(),
        "traceId": trace(2).to_string(),
        "spanId": span_id(9).to_string(),
    }]);
    assert_eq!(linked_from, [&source]);
}

/// A link to a span that is not recorded may mean any run of its trace.
#[test]
fn a_link_to_a_missing_span_means_every_run() {
    use LinkDirection::{From, To};
    let work = linked_to(&mut Recording::of(run(2), 3, "mail"), 9, &[(trace(1), 77)]);
    let (_dir, store) = stored(&[&senders(), &[work]]);
    assert_eq!(linked(&store, 2), [(run(1), To, vec![]), (run(3), To, vec![])]);
    assert_eq!(linked(&store, 1), [(run(2), From, vec![])]);
    assert_eq!(linked(&store, 3), [(run(2), From, vec![])]);
}

#[test]
fn late_links_and_links_both_ways() {
    use LinkDirection::Both;
    let mut mail = Recording::of(run(2), 3, "mail");
    let work = mail.span(9, 0, "work", 20, 30);
    let span = |n, id| Endpoint::Span { trace_id: trace(n), span_id: span_id(id) };
    let late = mail.record(Body::Edge(Edge::new("custom.link", span(2, 9), span(1, 1))));
    let other = mail.record(Body::Edge(Edge::new("custom.like", span(2, 9), span(1, 2))));
    let back = linked_to(&mut Recording::of(run(1), 4, "shop"), 5, &[(trace(2), 9)]);
    let (_dir, store) = stored(&[&senders(), &[work], &[late, other], &[back]]);
    assert_eq!(linked(&store, 1), [(run(2), Both, vec![span_id(1)])]);
    assert_eq!(linked(&store, 2), [(run(1), Both, vec![span_id(9)])]);
    assert_eq!(linked(&store, 3), []);
}

#[test]
fn runs_of_one_trace_are_related_not_linked() {
    let mut child = Recording::of(run(4), 3, "mail").in_trace(trace(1));
    let mut aside = Recording::of(run(4), 3, "mail").in_trace(trace(6));
    let works = [linked_to(&mut child, 8, &[(trace(1), 1)]), linked_to(&mut aside, 9, &[(trace(1), 1)])];
    let (_dir, store) = stored(&[&senders(), &works]);
    for n in [1, 3, 4] {
        assert_eq!(linked(&store, n), [], "run {n}");
        assert_eq!(store.graph(run(n)).unwrap().unwrap().related_runs.len(), 2, "run {n}");
    }
}

/// Too many runs to read, so only the traces are compared.
#[test]
fn many_runs_that_are_linked_to_one() {
    let many =
        (0..600).map(|n| linked_to(&mut Recording::of(run(0x100 + n), 9, "mail"), 1000 + n as u64, &[(trace(1), 1)]));
    let (_dir, store) = stored(&[&senders(), &many.collect::<Vec<_>>()]);
    let linked = linked(&store, 1);
    assert_eq!(linked.len(), 600);
    assert!(linked.iter().all(|(_, direction, spans)| *direction == LinkDirection::From && spans.is_empty()));
}

#[test]
fn a_repeated_delivery_is_stored_once() {
    let (_dir, path) = place();
    let mut sink = StoreSink::open(&path).unwrap();
    for _ in 0..3 {
        for (instance, number, records) in deliveries() {
            deliver(&mut sink, instance, number, &records);
        }
    }
    let store = Store::open(&path).unwrap();
    let mut expected: Vec<String> = deliveries().iter().flat_map(|(_, _, records)| lines(records)).collect();
    let mut stored = all(&store, None);
    expected.sort();
    stored.sort();
    assert_eq!(stored, expected);
}

/// Both contents are kept, and a diagnostic names the batch.
#[test]
fn other_content_under_one_number_is_reported() {
    let (_dir, path) = place();
    let mut sink = StoreSink::open(&path).unwrap();
    let mut r = Recording::of(run(1), 1, "shop");
    let (first, second) = (r.span(1, 0, "a", 0, 1), Recording::of(run(1), 1, "shop").span(1, 0, "b", 0, 1));
    for _ in 0..2 {
        deliver(&mut sink, 1, 1, std::slice::from_ref(&first));
        deliver(&mut sink, 1, 1, std::slice::from_ref(&second));
    }
    let store = Store::open(&path).unwrap();
    assert_eq!(all(&store, Some(run(1))), lines(&[first, second]));
    let stored = all(&store, None);
    assert_eq!(stored.len(), 3);
    assert!(stored.iter().any(|line| line.contains("batch 1 of recorder 0000000000000001 came again")), "{stored:?}");
    assert_eq!(store.graph(run(1)).unwrap().unwrap().run.status, RunStatus::Conflicted);
    assert_eq!(store.runs(&RunFilter::default(), 1).unwrap()[0].status, RunStatus::Conflicted);
}

#[test]
fn importing_again_changes_nothing() {
    let (_dir, path) = place();
    let mut store = Store::open_or_create(&path).unwrap();
    let records: Vec<_> = deliveries().into_iter().flat_map(|d| d.2).collect();
    let mut doubled = records.clone();
    doubled.push(records[0].clone());
    let report = store.import(doubled).unwrap();
    assert_eq!((report.read, report.stored, report.repeated, report.conflicts), (12, 11, 1, 0));
    let before = (all(&store, None), store.runs(&RunFilter::default(), 9).unwrap());
    let report = store.import(records.iter().rev().cloned()).unwrap();
    assert_eq!((report.stored, report.repeated), (0, 11));
    assert_eq!((all(&store, None), store.runs(&RunFilter::default(), 9).unwrap()), before);
    let (_other, filled) = filled();
    assert_eq!(filled.runs(&RunFilter::default(), 9).unwrap(), before.1, "imported or delivered is the same");
    // A conflicting record is stored, counted and shown.
    let mut other = records[3].clone();
    if let Body::Span(SpanData { end: Some(end), .. }) = &mut other.body {
        end.status = Status::Error;
    }
    let report = store.import([other.clone()]).unwrap();
    assert_eq!((report.stored, report.conflicts), (1, 1));
    assert_eq!(store.import([other]).unwrap().repeated, 1);
    let order = store.runs(&RunFilter::default().name("order"), 1).unwrap();
    assert_eq!(order[0].status, RunStatus::Conflicted);
}

#[test]
fn an_import_of_many_chunks_and_runs() {
    let (_dir, path) = place();
    let mut store = Store::open_or_create(&path).unwrap();
    let mut recordings: Vec<_> = (1..=100u128).map(|n| Recording::of(run(n << 8 | 1), n as u64, "s")).collect();
    let records: Vec<_> =
        (0..15_000u64).map(|n| recordings[n as usize * 7 % 100].span(n + 1, n / 100 * 100, "step", n, n + 1)).collect();
    assert_eq!(store.import(records.iter().cloned()).unwrap().stored, 15_000);
    let report = store.import(records.iter().cloned()).unwrap();
    assert_eq!((report.stored, report.repeated), (0, 15_000));
    assert_eq!(store.runs(&RunFilter::default(), 1000).unwrap().iter().map(|r| r.spans).sum::<u64>(), 15_000);
    assert_eq!(store.graph(recordings[3].run).unwrap().unwrap().spans.len(), 150);
}

#[test]
fn records_of_no_run_and_too_large_ones() {
    let (_dir, path) = place();
    let mut sink = StoreSink::open(&path).unwrap();
    let mut r = Recording::of(run(1), 1, "shop");
    let dropped = Body::Diagnostic(Diagnostic::new("dropped", "memory").with_count(Some(4)));
    let lost = r.record(dropped.clone()).of_run(None, None);
    let mut traced = r.record(dropped);
    traced.run_id = None;
    let mut large = start(1, 0, "large", 0);
    large.attributes = attributes(&[("x", AttributeValue::Str("x".repeat(9 << 20).into()))]);
    let large = r.record(Body::Span(large));
    let records = [lost, large, traced, r.span(2, 0, "small", 0, 1)];
    let receipt = sink.deliver_records(1, 1, &records).unwrap();
    assert_eq!(receipt.rejected().iter().map(|r| r.0).collect::<Vec<_>>(), [1]);
    assert!(receipt.rejected()[0].1.contains("the most is 8388608"), "{receipt:?}");
    let store = Store::open(&path).unwrap();
    assert_eq!(all(&store, None).len(), 3);
    assert_eq!(all(&store, Some(run(1))), lines(&records[2..]), "what names a trace belongs to its run");
    let mut store = store;
    let report = store.import(records).unwrap();
    assert_eq!((report.repeated, report.rejected.len(), report.rejected[0].0), (3, 1, 1));
}

/// Up to the limit a record is stored and read unchanged. One byte more, and only that record is rejected.
#[test]
fn a_record_at_the_limit_is_stored_whole() {
    const MAX_RECORD: usize = 8 << 20;
    let (_dir, path) = place();
    let mut sink = StoreSink::open(&path).unwrap();
    let mut r = Recording::of(run(1), 1, "shop");
    let mut sized = |text: usize| {
        let mut start = start(1, 0, "large", 0);
        start.attributes = attributes(&[("x", AttributeValue::Str("x".repeat(text).into()))]);
        r.record(Body::Span(start))
    };
    let mut refused = |number: u64, record: &Record<'_>| {
        let receipt = sink.deliver_records(1, number, std::slice::from_ref(record)).unwrap();
        receipt.rejected().first().map(|(_, why)| why.clone())
    };
    let why = refused(1, &sized(MAX_RECORD)).unwrap();
    let weight: usize = why.split(' ').nth(2).unwrap().parse().unwrap();
    let fits = MAX_RECORD - (weight - MAX_RECORD);
    let (largest, larger) = (sized(fits), sized(fits + 1));
    assert_eq!(refused(2, &largest), None);
    assert_eq!(refused(3, &larger).as_deref(), Some("it has 8388609 bytes; the most is 8388608"));
    assert_eq!(all(&Store::open(&path).unwrap(), None), lines(&[largest]));
}

#[test]
fn a_run_of_many_blocks_reads_whole() {
    let (_dir, path) = place();
    let mut sink = StoreSink::open(&path).unwrap();
    let mut others = Recording::of(run(2), 2, "shop");
    let mut r = Recording::of(run(1), 1, "shop");
    let mut last = Recording::of(run(3), 3, "shop");
    let mut records = vec![others.span(1, 0, "x", 0, 1)];
    records.extend((10..5000).map(|n| r.span(n, 10, "step", n, n + 1)));
    records.push(last.span(2, 0, "y", 0, 1));
    deliver(&mut sink, 1, 1, &records);
    let store = Store::open(&path).unwrap();
    assert_eq!(all(&store, Some(run(1))), lines(&records[1..records.len() - 1]));
    assert_eq!(all(&store, Some(run(3))), lines(&records[records.len() - 1..]));
    for n in [10, 1000, 2500, 4999] {
        assert_eq!(
            store.find(&span_id(n).to_string()).unwrap(),
            Found::One { what: Id::Span(span_id(n)), run_ids: vec![run(1)] }
        );
    }
    let unknown: RunId = run(4);
    assert!(all(&store, Some(unknown)).is_empty());
}
