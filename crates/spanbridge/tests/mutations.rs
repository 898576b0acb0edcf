//! Rows of databases that were changed, as they are recorded.
#![cfg(feature = "record")]

mod support;

use spanbridge::record::{Body, Mutation, MutationOp, Record};
use spanbridge::{Context, SpanId, adapter, observe};
use support::*;

fn paid() -> Mutation<'static> {
    Mutation::new("m1", "shop", "orders", r#"{"id":1}"#, MutationOp::Update)
        .with_before(Some(r#"{"status":"new"}"#.into()))
        .with_after(Some(r#"{"status":"paid"}"#.into()))
        .with_columns(vec!["status".into(), "card".into()])
        .with_committed_at(Some(u64::MAX))
        .with_position(Some("7 1".into()))
}

fn mutations(records: &[Record<'static>]) -> Vec<Mutation<'static>> {
    let of = |r: &Record<'static>| match &r.body {
        Body::Mutation(m) => Some(m.clone()),
        _ => None,
    };
    records.iter().filter_map(of).collect()
}

fn said(records: &[Record<'static>], code: &str) -> usize {
    records.iter().filter(|r| matches!(&r.body, Body::Diagnostic(d) if d.code == code)).count()
}

/// Of the span that is current, or of the one that the mutation names.
#[test]
fn a_mutation_belongs_to_its_span() {
    let other = SpanId::new(7).unwrap();
    let records = record(|| {
        observe::span("pay").in_scope(|| {
            adapter::record_mutation(Some(&observe::current_context()), &paid());
            adapter::record_mutation(Some(&observe::current_context()), &paid().with_span_id(Some(other)));
        })
    });
    gap_free(&records);
    let span = records.iter().find_map(|r| match &r.body {
        Body::Span(span) => Some((r.run_id, r.trace_id, span.span_id)),
        _ => None,
    });
    let (run, trace, span) = span.unwrap();
    assert_eq!(mutations(&records), [paid().with_span_id(Some(span)), paid().with_span_id(Some(other))]);
    let all = records.iter().filter(|r| matches!(r.body, Body::Mutation(_)));
    assert!(all.clone().all(|r| (r.run_id, r.trace_id) == (run, trace)), "{records:?}");
    for record in all {
        assert_eq!(Record::from_json(&record.to_json()).unwrap().as_ref(), Some(record));
    }
}

/// Also inside a span: that of whoever had the connection before says nothing about this writer.
#[test]
fn an_unknown_writer_has_no_run() {
    let records = record(|| {
        observe::span("other").in_scope(|| {
            assert!(adapter::records_mutations(None));
            (0..3).for_each(|_| adapter::record_mutation(None, &paid()));
        })
    });
    gap_free(&records);
    let unknown: Vec<_> = records.iter().filter(|r| r.run_id.is_none()).collect();
    assert_eq!(unknown.len(), 3);
    for (n, record) in unknown.iter().enumerate() {
        assert_eq!((record.trace_id, record.segment_seq), (None, n as u64 + 1));
        assert_eq!(record.body, Body::Mutation(paid()));
        assert_eq!(record.segment_id, unknown[0].segment_id);
    }
}

#[test]
fn nothing_without_a_recorder_or_a_decision() {
    assert!(!adapter::records_mutations(None) && !adapter::records_mutations(Some(&observe::current_context())));
    adapter::record_mutation(None, &paid());
    let records = record(|| {
        let elsewhere = Context::EMPTY;
        assert!(!adapter::records_mutations(Some(&elsewhere)));
        adapter::record_mutation(Some(&elsewhere), &paid());
    });
    assert_eq!(mutations(&records), []);
}

/// Rows have more text than one item takes; it comes back whole.
#[test]
fn long_rows_come_back_whole() {
    let long = format!(r#"{{"text":"{}"}}"#, "ä€".repeat(2000));
    assert!(long.len() > 8192);
    let row = paid().with_before(Some(long.clone().into())).with_after(Some(long.into()));
    let records =
        record(|| observe::span("pay").in_scope(|| adapter::record_mutation(Some(&observe::current_context()), &row)));
    let span = mutations(&records)[0].span_id;
    assert_eq!(mutations(&records), [row.with_span_id(span)]);
    assert_eq!(said(&records, "cut.mutation"), 0);
}

/// What does not fit is left out in the order of its worth, and that is told.
#[test]
fn what_does_not_fit_is_told() {
    let text = |bytes: usize| format!(r#"{{"text":"{}"}}"#, "x".repeat(bytes));
    let records = record(|| {
        let row = |before: usize, after: usize| {
            let row = paid().with_before(Some(text(before).into())).with_after(Some(text(after).into()));
            adapter::record_mutation(None, &row);
        };
        row(20_000, 20_000);
        row(100, 40_000);
        let key = text(40_000);
        adapter::record_mutation(None, &Mutation::new("m2", "shop", "orders", key, MutationOp::Insert));
    });
    let found: Vec<_> = mutations(&records).iter().map(|m| (m.before.is_some(), m.after.is_some())).collect();
    assert_eq!(found, [(false, true), (false, false)]);
    assert_eq!(mutations(&records)[1].columns, ["status", "card"], "not captured, and named");
    assert_eq!(said(&records, "cut.mutation"), 3);
}
