//! What a sink sees as it walks over a batch.
#![cfg(feature = "record")]

mod support;

use spanbridge::record::{Body, BodyView, Mutation, MutationOp, Record, RecordView};
use spanbridge::{Kind, Memory, Primitive, Receipt, RecordBatch, Recorder, SinkError, Value, adapter, observe};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, mpsc};
use support::*;

/// A sink that passes on the batches themselves.
fn batches() -> (impl FnMut(&RecordBatch) -> Result<Receipt, SinkError> + Send, mpsc::Receiver<RecordBatch>) {
    let (tx, batches) = mpsc::channel();
    let sink = move |batch: &RecordBatch| {
        tx.send(batch.clone()).map_err(SinkError::new)?;
        Ok(Receipt::default())
    };
    (sink, batches)
}

/// Every kind of record, and spans of every sort.
fn everything(recorder: &Recorder) -> observe::Span {
    recorder.in_scope(|| {
        let run = observe::run("approval").attribute("amount", 7).open();
        let held = run.in_scope(|| {
            let outer = observe::span("outer").primitive(Primitive::DB_QUERY).kind(Kind::Client).open();
            observe::span(format!("owned {}", 1))
                .attribute("n", 1)
                .attribute("f", 1.5)
                .attribute("b", true)
                .in_scope(|| ());
            let custom = observe::span("custom").primitive(Primitive::new("custom.audit")).link(outer.context()).open();
            custom.event("cache miss", &[("key", "k".into())]);
            custom.artifact(&observe::NewArtifact::new("input", "text/plain", b"hello").inline(5));
            custom.edge(observe::EdgeType::TRIGGERED, outer.context());
            custom.diagnostic("test.code", "something");
            let row = Mutation::new("m1", "shop", "orders", "{\"id\":1}", MutationOp::Delete);
            adapter::record_mutation(Some(custom.context()), &row.with_committed_at(Some(5)));
            custom.attribute("after others", "text of its own");
            custom.error("no");
            outer.end();
            observe::span("held").attribute("with the start", Value::Static("x")).open()
        });
        run.attribute("approved", true);
        drop(run.suspend("waiting for a person"));
        observe::run("short").in_scope(|| ());
        held
    })
}

/// The batches of three deliveries: spans that end and what comes late stand in each of its possible places.
fn recorded() -> Vec<RecordBatch> {
    let (sink, batches) = batches();
    let recorder = Recorder::builder("test").sink(sink).on_flush_only().build().unwrap();
    let held = everything(&recorder);
    flush(&recorder);
    held.attribute("alone", 2);
    held.link(held.context());
    flush(&recorder);
    held.attribute("with the end", 3);
    std::thread::scope(|s| s.spawn(|| held.error("boom")).join().unwrap());
    flush(&recorder);
    batches.try_iter().collect()
}

#[test]
fn views_and_records_say_the_same() {
    let mut kinds = HashSet::new();
    for batch in recorded() {
        let owned: Vec<Record<'static>> = batch.records().map(Record::into_owned).collect();
        assert_eq!(owned.len(), batch.len());
        for (view, owned) in batch.iter().zip(&owned) {
            assert_eq!(view.to_record(), *owned);
            assert_eq!((view, view.to_json()), (owned.view(), owned.to_json()));
            assert_eq!((view.record_id(), view.id()), (owned.record_id(), None));
            assert_eq!(Record::from_json(&view.to_json()).unwrap().unwrap(), *owned);
            let ended = matches!(&owned.body, Body::Span(span) if span.end.is_some());
            kinds.insert((std::mem::discriminant(&owned.body), ended));
        }
        // `for_each`, `sum` and their like take another way through the batch.
        let mut folded = vec![];
        batch.iter().for_each(|view| folded.push(view.to_record().into_owned()));
        assert_eq!(folded, owned);
    }
    assert_eq!(kinds.len(), 14, "all of fifteen but the resume of a run");
}

/// A sink may hand a batch to a runtime of its own: the batch stays when the recorder is gone.
#[test]
fn a_clone_outlives_the_recorder() {
    let batches = recorded();
    let names = |batch: &RecordBatch| -> Vec<String> {
        let name = |r: RecordView<'_>| match r.body() {
            BodyView::Span(span) => Some(span.name().to_owned()),
            _ => None,
        };
        batch.iter().filter_map(name).collect()
    };
    let here: Vec<_> = batches.iter().map(names).collect();
    let there = std::thread::spawn(move || batches.iter().map(names).collect::<Vec<_>>()).join().unwrap();
    assert_eq!(here, there);
    assert_eq!(here[0], ["outer", "owned 1", "custom", "held"]);
}

/// So an encoder may intern keys by address.
#[test]
fn a_key_has_one_address() {
    let (sink, batches) = batches();
    let recorder = Recorder::builder("test").sink(sink).on_flush_only().build().unwrap();
    recorder.in_scope(|| (0..10).for_each(|n| observe::span("s").attribute("n", n).in_scope(|| ())));
    flush(&recorder);
    let mut addresses = HashSet::new();
    for batch in batches.try_iter() {
        for record in &batch {
            let BodyView::Span(span) = record.body() else { continue };
            addresses.extend(span.attributes().iter().map(|(key, _)| (key.as_ptr() as usize, key.len())));
        }
    }
    assert_eq!(addresses.len(), 1);
}

/// A record that was read has the same view as one that is being recorded: what writes records needs one way only.
#[test]
fn records_that_were_read_have_views() {
    let seen = Arc::new(Mutex::new(String::new()));
    let (lines, memory) = (seen.clone(), Memory::new());
    let sink = move |batch: &RecordBatch| {
        batch.iter().for_each(|record| {
            record.write_json(&mut lines.lock().unwrap());
            lines.lock().unwrap().push('\n')
        });
        Ok::<_, SinkError>(Receipt::default())
    };
    let recorder = Recorder::builder("test").sink(sink).sink(memory.clone()).on_flush_only().build().unwrap();
    drop(everything(&recorder));
    flush(&recorder);
    let lines = seen.lock().unwrap();
    let read: Vec<_> = lines.lines().map(|line| Record::from_json(line).unwrap().unwrap()).collect();
    let kept = memory.take();
    assert_eq!(read, kept);
    assert!(read.iter().map(Record::view).eq(kept.iter().map(Record::view)));
    assert!(kept.iter().any(|r| matches!(r.body, Body::Artifact(_))));
}
