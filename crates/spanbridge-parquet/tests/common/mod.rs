//! Files of records, and what is read of them.
#![allow(dead_code, reason = "each test binary uses some of it")]

use spanbridge::record::{
    AttributeValue, Attributes, Diagnostic, Edge, End, Endpoint, Link, Mutation, MutationOp, Record, RunStart, SpanData,
};
use spanbridge::{RunId, SegmentId, SpanId, Status, TraceId};
use spanbridge_parquet::{Reader, RowRead, Writer};
use std::borrow::Cow;

pub(crate) const AT: u64 = 1_795_166_746_000_000_000;

/// Some runs with records of several types.
pub(crate) fn story() -> Vec<Record<'static>> {
    let mut records = Vec::new();
    for run in 1..=20u64 {
        let (run_id, trace_id) = (RunId::new(run.into()), TraceId::new(run.into()).unwrap());
        let span = |id: u64| SpanId::new(run << 8 | id).unwrap();
        let mut add = |body: spanbridge::record::Body<'static>| {
            let seq = records.len() as u64 + 1;
            let record = Record::new(SegmentId::new(run).unwrap(), seq, "orders", body);
            records.push(record.of_run(run_id, Some(trace_id)));
        };
        add(RunStart::new(format!("run {run}"), AT + run).into());
        let end = End::new(AT + run + 50, if run % 5 == 0 { Status::Error } else { Status::Ok });
        let attributes: Attributes<'static> = [
            (Cow::Borrowed("order.id"), AttributeValue::I64(run as i64)),
            (Cow::Borrowed("http.route"), AttributeValue::Str("/orders".into())),
            (Cow::Borrowed("share"), AttributeValue::F64(0.5)),
        ]
        .into_iter()
        .collect();
        let links =
            vec![Link::new(trace_id, span(9), attributes.clone()), Link::new(trace_id, span(8), Attributes::new())];
        add(SpanData::new(span(1), "POST /orders", AT + run)
            .with_end(Some(end))
            .with_attributes(attributes)
            .with_links(links)
            .into());
        add(SpanData::new(span(2), "send", AT + run).with_parent_span_id(Some(span(1))).into());
        let mutation = Mutation::new(format!("m-{run}"), "shop", "orders", "{\"id\":1}", MutationOp::Update);
        add(mutation.with_columns(vec!["state".into(), "paid".into()]).into());
        let to = Endpoint::Artifact(format!("a-{run}").into());
        add(Edge::new("custom.paid", Endpoint::Span { trace_id, span_id: span(1) }, to).into());
        add(Diagnostic::new("dropped", "a record was dropped").with_count(Some(3)).into());
    }
    records
}

pub(crate) fn file_in_groups(records: &[Record<'_>], group_bytes: usize) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new()).unwrap().with_group_bytes(group_bytes);
    records.iter().for_each(|record| writer.write(record.view()).unwrap());
    writer.finish().unwrap()
}

pub(crate) fn file_of(records: &[Record<'_>]) -> Vec<u8> {
    file_in_groups(records, 1 << 20)
}

/// What is in a file.
#[derive(Debug, Default)]
pub(crate) struct Read {
    /// As texts: not a number equals nothing.
    pub(crate) records: Vec<String>,
    /// Row groups, the rows that are lost of each, and why.
    pub(crate) lost: Vec<(u64, u64, String)>,
}

pub(crate) fn read_all(file: Vec<u8>) -> Read {
    let mut reader = Reader::of_bytes(file).unwrap();
    let mut read = Read::default();
    while let Some(batch) = reader.next_batch() {
        for (row, found) in batch.rows {
            let RowRead::Record(record) = found else { panic!("row {row}: {found:?}") };
            read.records.push(format!("{record:?}"));
        }
        read.lost.extend(batch.lost.map(|lost| (lost.row_group, lost.rows, lost.why.to_string())));
    }
    read
}
