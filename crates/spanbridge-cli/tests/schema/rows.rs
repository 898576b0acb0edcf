//! Runs as columns, and the details of their spans.

use crate::binary::{Outputs, keep};
use crate::common::{gaps, run};
use crate::{planted, relations, steps, story};
use spanbridge::record::AttributeValue;
use spanbridge::semconv;
use spanbridge_cli::serve::rows::{Rows, SpanDetails};
use spanbridge_graph::{
    Checkup, CriticalPath, Diagnostic, Graph, LinkDirection, LinkedRun, PrunedRun, Relation, Run, RunStatus, RunSummary,
};
use spanbridge_query::RunFilter;
use spanbridge_query::Store;
use std::path::Path;

pub(crate) fn all(out: &mut Outputs) {
    let store = keep([steps::all(), relations::all(), steps::path()].concat());
    runs_of(store.path(), out);
    let (_, records) = relations::beside_old_ones();
    let store = keep(records);
    runs_of(store.path(), out);
    runs_of(keep(gaps::one_of_each()).path(), out);
    for planted in planted::ALL {
        let mut story = story::Story::default();
        (planted.tell)(&mut story);
        runs_of(keep(story.records).path(), out);
    }
    runs_of(keep(told_by_brokers().records).path(), out);
    out.extend(with_many_others().iter().map(|graph| ("rows.json", value(&Rows::of(graph)))));
}

fn value(of: &impl serde::Serialize) -> serde_json::Value {
    serde_json::to_value(of).unwrap()
}

/// Every run of a store, with and without child runs and the rest, and a span of each.
fn runs_of(path: &Path, out: &mut Outputs) {
    let store = Store::open(path).unwrap();
    for row in store.runs(&RunFilter::default(), 1000).unwrap() {
        let mut graph = store.graph(row.run_id).unwrap().unwrap();
        let children = store.descendants(row.run_id, 100, 1000).unwrap().graphs;
        let gaps = store.gaps(&[row.run_id], Checkup::new(u64::MAX)).unwrap();
        out.push(("rows.json", value(&Rows::of(&graph))));
        graph.critical_path = Some(CriticalPath::with_children(&graph, &children));
        for span in graph.spans.iter().take(1) {
            let details = SpanDetails::of(&graph, span.span_id).unwrap();
            out.push(("span.json", value(&details)));
            out.push(("span.json", value(&details.findings(&gaps))));
            out.push(("rows.json", value(&Rows::of(&graph).selected(span.span_id).findings(&gaps))));
        }
        graph.inline(children);
        out.push(("rows.json", value(&Rows::of(&graph))));
    }
}

/// A message in a transaction that is delivered twice and dies, as only the broker says.
fn told_by_brokers() -> story::Story {
    let mut story = story::Story::default();
    let sent = story.add(story::publish("shop", "orders", 0, 0).is(semconv::TRANSACTION_ID, "t-1"));
    let again = (semconv::DELIVERY_REDELIVERED, AttributeValue::Bool(true));
    story.add(story::process("billing", "orders", sent, 5, 9).with(again).attempt(2).fails("no"));
    story.add(story::settle("billing", "reject", 2, 9));
    story.add(story::process("audit", "dead", sent, 20, 25).is(semconv::DEAD_LETTER_REASON, "rejected"));
    story.add(story::process("audit", "dead", 0, 30, 35).is(semconv::DEAD_LETTER_QUEUE, "gone"));
    story
}

/// Runs that are connected with more runs than are listed, each in another way.
fn with_many_others() -> [Graph; 5] {
    let of = |n: u128| RunSummary::new(run(n), "another", RunStatus::Ok, 0);
    let mut graphs = [(); 5].map(|()| Graph::new(Run::new(run(1), "many", RunStatus::Ok, 0)));
    let all = || 2..1003u128;
    graphs[0].child_runs = all().map(of).collect();
    graphs[1].related_runs = all().map(of).collect();
    graphs[2].linked_runs = all().map(|n| LinkedRun::new(of(n), LinkDirection::To)).collect();
    graphs[3].pruned_runs = all().map(|n| PrunedRun::new(run(n), Relation::Linked)).collect();
    graphs[4].diagnostics = all().map(|_| Diagnostic::new("dropped.memory", "records dropped")).collect();
    graphs
}
