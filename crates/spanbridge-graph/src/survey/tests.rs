use super::*;
use crate::arbitrary;
use crate::model::{Graph, GraphLimit, LeftOutKind, RunStatus, SpanStatus};
use crate::why::Why;
use proptest::collection::vec;
use proptest::prelude::*;
use spanbridge::record::{AttributeValue, Attributes, Body, End, Event, Link, Record};
use spanbridge::record::{RunEnd, SpanAttributes, SpanData, SpanEnd};
use spanbridge::{RunId, SegmentId, SpanId, Status, TraceId, semconv};

/// As a parent, it is no span of these tests.
const RUN: RunId = match RunId::new(7 << 64 | 7 << 40) {
    Some(run) => run,
    None => unreachable!(),
};

fn limit(shown: usize) -> GraphLimit {
    GraphLimit::default().shown(shown)
}

/// The graph of records that are read twice.
fn summary(records: &[Record<'_>], shown: usize) -> Graph {
    let mut survey = Survey::new(RUN);
    records.iter().for_each(|record| survey.add(record));
    let mut selection = survey.select(&limit(shown));
    records.iter().for_each(|record| selection.add(record));
    selection.graph()
}

/// Records of one run. `unique`: each has an id of its own.
fn records(unique: bool) -> impl Strategy<Value = Vec<Record<'static>>> {
    vec(arbitrary::record(), 1..60).prop_map(move |mut all| {
        for (record, n) in all.iter_mut().zip(1..) {
            record.run_id = Some(RUN);
            record.trace_id = record.trace_id.or(TraceId::new(RUN.get()));
            if unique {
                (record.id, record.segment_seq) = (None, n);
            }
        }
        all
    })
}

/// Everything but what says that it is a summary.
fn plain(graph: &Graph) -> serde_json::Value {
    let mut graph = graph.clone();
    graph.left_out = None;
    graph.diagnostics.retain(|d| d.code != "spans_not_shown");
    graph.to_json()
}

proptest! {
    /// If there is room for everything, the summary is the graph.
    #[test]
    fn with_room_it_is_the_whole_graph(records in records(true)) {
        let (whole, all) = (Graph::build(RUN, &records), summary(&records, 100_000));
        prop_assert_eq!(plain(&all), plain(&whole));
        prop_assert_eq!(all.left_out.unwrap().total(), 0);
    }

    /// However little room there is, what is said of the run is the same, and every span is shown or counted once.
    #[test]
    fn figures_are_of_the_whole_run(records in records(false), shown in 0..20usize) {
        let (whole, few) = (Graph::build(RUN, &records), summary(&records, shown));
        let left_out = few.left_out.clone().unwrap();
        let said = |g: &Graph| {
            let run = &g.run;
            let times = (run.started_at, run.ended_at, run.waited);
            (run.name.clone(), run.status, run.owned, times, run.trace_ids.clone(), run.error.clone())
        };
        prop_assert_eq!(said(&few), said(&whole));
        let count = |status: &[SpanStatus]| whole.spans.iter().filter(|s| status.contains(&s.status)).count() as u64;
        prop_assert_eq!(left_out.spans, whole.spans.len() as u64);
        prop_assert_eq!(left_out.errors, count(&[SpanStatus::Error, SpanStatus::Panicked]));
        prop_assert_eq!(left_out.open, count(&[SpanStatus::Open]));
        prop_assert_eq!(few.spans.len() as u64 + left_out.total(), left_out.spans);
        let failed = few.spans.iter().filter(|s| matches!(s.status, SpanStatus::Error | SpanStatus::Panicked)).count();
        prop_assert_eq!(failed as u64 + left_out.errors_left_out, left_out.errors);
        for (place, span) in few.spans.iter().enumerate() {
            prop_assert!(span.parent.is_none_or(|parent| parent < place));
        }
        few.to_json();
    }
}

fn span(id: u64, parent: u64, name: &str, at: (u64, u64), status: Status) -> Record<'static> {
    let id_of = SpanId::new;
    let error = (status == Status::Error).then(|| format!("{name} failed").into());
    let end = End::new(at.1, status).with_error(error);
    let start = SpanData::new(id_of(id).unwrap(), name.to_owned(), at.0).with_parent_span_id(id_of(parent));
    Record::new(SegmentId::new(1).unwrap(), id, "shop", start.with_end(Some(end)))
        .of_run(Some(RUN), TraceId::new(RUN.get()))
}

/// A span contradicts an event that is left out. The span must not come back in the second reading.
#[test]
fn contradicting_records_stay_out() {
    let of_run = |seq, body: Body<'static>| {
        Record::new(SegmentId::new(1).unwrap(), seq, "shop", body).of_run(Some(RUN), TraceId::new(RUN.get()))
    };
    let mut records: Vec<_> = (1..=30).map(|n| span(n, 0, "item", (n, n + 1), Status::Ok)).collect();
    // Each is of a span of which nothing else is known.
    records.extend((100..200).map(|n| of_run(n, Event::new(SpanId::new(n).unwrap(), "e", "seen", n).into())));
    let returned = Attributes::from_iter([(semconv::HANDOFF_STATUS.into(), AttributeValue::Str("returned".into()))]);
    records.push(of_run(31, SpanAttributes::new(SpanId::new(31).unwrap(), returned).into()));
    let failed = SpanData::new(SpanId::new(31).unwrap(), "shown", 0).with_end(Some(End::new(90, Status::Error)));
    records.push(of_run(150, failed.into()));
    let (whole, few) = (Graph::build(RUN, &records), summary(&records, 3));
    assert!(few.spans.iter().any(|span| span.span_id.get() == 31) && few.spans.iter().all(|s| s.span_id.get() != 150));
    assert!(whole.spans.iter().chain(&few.spans).all(|span| span.status != SpanStatus::Error));
    assert_eq!(few.run.status, whole.run.status);
}

fn root(name: &str, to: u64) -> Record<'static> {
    span(1, 0, name, (0, to), Status::Ok)
}

/// One of 5,000 equal siblings failed: it is shown, with the first and the slowest of the others; the rest is one group.
#[test]
fn equal_siblings_are_a_group() {
    let item = |n: u64| {
        let status = if n == 4_321 { Status::Error } else { Status::Ok };
        span(n + 2, 1, "item", (n * 10, n * 10 + n % 7 + 1), status)
    };
    let records: Vec<_> = std::iter::once(root("import", 60_000)).chain((0..5_000).map(item)).collect();
    let graph = summary(&records, 100);
    let left_out = graph.left_out.as_ref().unwrap();
    assert_eq!((left_out.spans, left_out.errors, left_out.errors_left_out), (5_001, 1, 0));
    assert!(graph.spans.len() <= 100, "{}", graph.spans.len());
    let group = &left_out.groups[0];
    assert_eq!((group.kind, group.below, left_out.groups.len()), (LeftOutKind::Alike, SpanId::new(1), 1));
    assert_eq!((group.median, group.max), (Some(4), Some(7)));
    assert!(graph.spans.iter().any(|s| s.status == SpanStatus::Error));
    // Its own time would be that of the children that are not shown.
    assert_eq!(graph.to_json()["spans"][0].get("selfMs"), None);
    let why = Why::of(std::slice::from_ref(&graph), &[RUN]).unwrap();
    assert_eq!(why.recovered[0].step.name, "item");
}

/// A chain that is deeper than the room: the failure at its end is shown with what is right above it, and the first levels.
#[test]
fn the_middle_of_a_deep_chain_is_left_out() {
    let link = |n: u64| span(n, n - 1, "level", (n, 40_000 - n), if n == 10_000 { Status::Error } else { Status::Ok });
    let records: Vec<_> = (1..=10_000).map(link).collect();
    let graph = summary(&records, 200);
    let left_out = graph.left_out.as_ref().unwrap();
    assert_eq!(graph.spans.len() as u64 + left_out.total(), 10_000);
    let last = graph.spans.iter().rposition(|s| s.status == SpanStatus::Error).unwrap();
    assert_eq!(graph.spans[last].span_id.get(), 10_000);
    let path: Vec<usize> = std::iter::successors(Some(last), |at| graph.spans[*at].parent).collect();
    assert_eq!(graph.spans[*path.last().unwrap()].span_id.get(), 1);
    let json = graph.to_json();
    assert_eq!(json["spans"].as_array().unwrap().iter().filter(|s| s.get("belowSpanId").is_some()).count(), 1);
}

/// Spans whose parents are not recorded count in one group, not in one for each parent.
#[test]
fn orphans_are_a_group() {
    let orphan = |n: u64| span(n, 1_000_000 + n, "lost", (n, n + 1), Status::Ok);
    let records: Vec<_> = (1..=3_000).map(orphan).collect();
    let graph = summary(&records, 50);
    let groups = &graph.left_out.as_ref().unwrap().groups;
    assert_eq!((groups[0].kind, groups.len()), (LeftOutKind::Orphans, 1));
    assert_eq!(groups[0].total() + graph.spans.len() as u64, 3_000);
    assert!(graph.spans.iter().all(|span| span.orphan));
}

/// Links of spans that are not shown are not shown either, and that is said.
#[test]
fn links_that_are_left_out_are_said() {
    let said = |with_links: bool| {
        let item = |n: u64| {
            let mut record = span(n, 1, "item", (n, n + 1), Status::Ok);
            if let Body::Span(span) = &mut record.body
                && with_links
            {
                span.links = vec![Link::new(TraceId::new(9).unwrap(), SpanId::new(9).unwrap(), Attributes::new())];
            }
            record
        };
        let records: Vec<_> = std::iter::once(root("import", 9_000)).chain((2..3_000).map(item)).collect();
        let graph = summary(&records, 50);
        let message =
            graph.diagnostics.last().unwrap().message.contains("Links and linked runs are those of the spans");
        (graph.left_out.as_ref().unwrap().links_left_out, message, graph.to_json()["leftOut"]["linksNotShown"].clone())
    };
    assert_eq!(said(true), (true, true, true.into()));
    assert_eq!(said(false), (false, false, serde_json::Value::Null));
}

/// A circle of parents has a span that is shown as its root.
#[test]
fn a_circle_of_parents_is_cut() {
    let records: Vec<_> = (1..=3_000).map(|n| span(n, n % 3_000 + 1, "round", (n, n + 1), Status::Ok)).collect();
    let graph = summary(&records, 50);
    assert_eq!(graph.spans[0].span_id.get(), 1);
    assert_eq!(graph.diagnostics.iter().filter(|d| d.code == "parent_cycle").count(), 1);
    assert_eq!(graph.spans.len() as u64 + graph.left_out.unwrap().total(), 3_000);
}

/// Of 3,000 failures, those at which others began come first, and the earliest of them is shown.
#[test]
fn the_first_failure_is_among_many() {
    let mut records = vec![span(1, 0, "import", (0, 90_000), Status::Error)];
    for n in 0..1_500u64 {
        let at = if n == 777 { 1 } else { 10 + n };
        records.push(span(10 + 2 * n, 1, "row", (at, at + 5), Status::Error));
        records.push(span(11 + 2 * n, 10 + 2 * n, &format!("check {}", n % 3), (at + 1, at + 2), Status::Error));
    }
    let graph = summary(&records, 120);
    let left_out = graph.left_out.as_ref().unwrap();
    assert_eq!(left_out.errors, 3_001);
    assert!(left_out.errors_left_out > 2_000);
    assert!(graph.spans.iter().any(|span| span.span_id.get() == 11 + 2 * 777), "the earliest is not shown");
}

/// A step that failed and succeeded when it was tried again, among thousands that are like it but for an attribute.
#[test]
fn the_attempt_after_a_failure_is_shown() {
    let charge = |id: u64, order: u64, at: u64, status| {
        let mut record = span(id, 1, "charge", (at, at + 1), status);
        if let Body::Span(span) = &mut record.body {
            span.attributes = [("order.id".into(), spanbridge::Value::from(order).into())].into_iter().collect();
        }
        record
    };
    let mut records = vec![root("import", 90_000)];
    records.extend((0..4_000).map(|n| charge(n + 10, n, n * 10, if n == 2_000 { Status::Error } else { Status::Ok })));
    records.push(charge(9_999, 2_000, 50_000, Status::Ok));
    let graph = summary(&records, 60);
    let why = Why::of(std::slice::from_ref(&graph), &[RUN]).unwrap();
    assert!(why.failures.is_empty());
    assert_eq!(why.recovered[0].by.span_id, SpanId::new(9_999));
}

/// What is read again, in another order, or with a start and an end apart, makes no difference.
#[test]
fn repeated_records_count_once() {
    let whole: Vec<_> = std::iter::once(root("import", 9_000))
        .chain((2..500).map(|n| span(n, 1, "item", (n, n + 1), Status::Ok)))
        .collect();
    let twice: Vec<_> = whole.iter().chain(&whole).cloned().collect();
    assert_eq!(plain(&summary(&twice, 40)), plain(&summary(&whole, 40)));
    let other = SpanEnd::new(SpanId::new(9).unwrap(), End::new(77, Status::Error));
    let other =
        Record::new(SegmentId::new(1).unwrap(), 9_000, "shop", other).of_run(Some(RUN), TraceId::new(RUN.get()));
    let records: Vec<_> = whole.into_iter().chain([other]).collect();
    assert_eq!(summary(&records, 40).run.status, RunStatus::Conflicted);
}

/// The record that came first under the id is not kept, and that which contradicts it says nothing of the run.
#[test]
fn a_contradiction_says_nothing_of_the_run() {
    let of = |seq: u64, body: Body<'static>| {
        Record::new(SegmentId::new(2).unwrap(), seq, "shop", body).of_run(Some(RUN), TraceId::new(RUN.get()))
    };
    let event = Event::new(SpanId::new(900).unwrap(), "e", "retry", 5);
    let end = RunEnd::new(70_000, Status::Error);
    let spans = (0..1_000).map(|n| span(n + 2, 1, "item", (n, n + 1), Status::Ok));
    let told = [of(1, event.into()), of(1, end.into())];
    let records: Vec<_> = std::iter::once(root("import", 60_000)).chain(spans).chain(told).collect();
    let (whole, few) = (Graph::build(RUN, &records), summary(&records, 10));
    assert_eq!((few.run.owned, few.run.ended_at), (whole.run.owned, whole.run.ended_at));
    assert_eq!((few.run.owned, few.run.status), (false, RunStatus::Conflicted));
}
