//! Changed rows: of known and unknown writers, captured and not, in one order and in none.

use crate::binary::{Outputs, json, keep};
use crate::common::{MS, Recording, T0, run, span_id};
use spanbridge::record::{Body, Mutation, MutationOp, Record};
use spanbridge_store::StoreSink;
use std::path::Path;

fn row(id: &'static str, op: MutationOp, key: &'static str, at: u64) -> Mutation<'static> {
    Mutation::new(id, "shop", "orders", key, op).with_committed_at(Some(T0 + at * MS))
}

/// A changed row in a store of which a part cannot be read.
pub(crate) fn beside_damage(path: &Path, out: &mut Outputs) {
    let insert = row("h", MutationOp::Insert, "{\"id\":4}", 4);
    let mut sink = StoreSink::open(path).unwrap();
    let record = Recording::of(run(4), 4, "shop").record(Body::Mutation(insert));
    assert_eq!(sink.deliver_records(99, 1, &[record]).unwrap().rejected(), []);
    drop(sink);
    json(path, &["runs"]);
    out.push(("state-history.json", json(path, &["state", "history", "orders", "4"])));
    out.push(("state-blame.json", json(path, &["state", "blame", "orders", "4"])));
}

pub(crate) fn all(out: &mut Outputs) {
    let mut shop = Recording::of(run(1), 1, "shop");
    let mut mail = Recording::of(run(2), 2, "mail");
    let mut other = Recording::of(run(3), 3, "reader");
    let of_nobody = |record: Record<'static>| record.of_run(None, None);
    let of_no_trace = |record: Record<'static>| record.of_run(Some(run(3)), None);
    let status = |m: Mutation<'static>, before: Option<&'static str>, after: Option<&'static str>| {
        m.with_before(before.map(Into::into)).with_after(after.map(Into::into)).with_columns(vec!["status".into()])
    };
    let one = "{\"id\":1}";
    let insert = status(row("a", MutationOp::Insert, one, 1), None, Some("{\"status\":1,\"kept\":1}"));
    let paid = status(row("b", MutationOp::Update, one, 2), Some("{\"status\":2}"), Some("{\"status\":3}"));
    let hidden = status(row("c", MutationOp::Update, one, 3), None, None).with_span_id(Some(span_id(99)));
    let learned =
        row("d", MutationOp::Update, one, 3).with_before(Some("{\"n\":1}".into())).with_after(Some("{\"n\":1}".into()));
    let gone = status(row("e", MutationOp::Insert, "{\"id\":2}", 1), None, Some("{\"status\":1}"));
    let records = vec![
        shop.span(1, 0, "order", 0, 9),
        shop.record(Body::Mutation(insert.with_span_id(Some(span_id(1))))),
        mail.record(Body::Mutation(paid)),
        shop.record(Body::Mutation(hidden)),
        of_no_trace(other.record(Body::Mutation(learned))),
        of_nobody(other.record(Body::Mutation(gone))),
        of_nobody(other.record(Body::Mutation(row("f", MutationOp::Delete, "{\"id\":2}", 2)))),
    ];
    let store = keep(records);
    for key in ["1", "2"] {
        out.push(("state-history.json", json(store.path(), &["state", "history", "orders", key])));
        out.push(("state-blame.json", json(store.path(), &["state", "blame", "orders", key])));
    }
    json(store.path(), &["prune", "--older-than", "1h"]);
    let late = Recording::of(run(4), 4, "shop").record(Body::Mutation(row("g", MutationOp::Insert, "{\"id\":3}", 4)));
    let mut sink = StoreSink::open(store.path()).unwrap();
    assert_eq!(sink.deliver_records(99, 1, &[late]).unwrap().rejected(), []);
    for question in ["history", "blame"] {
        let name = if question == "history" { "state-history.json" } else { "state-blame.json" };
        out.push((name, json(store.path(), &["state", question, "orders", "3"])));
    }
}
